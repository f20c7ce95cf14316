"""The rules that the settings name, and how a running service goes over to them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from devices import load_profiles
from rules import RuleFaults, load_rules

if TYPE_CHECKING:
    from rules import ReloadReport, RuleSet
    from service.core import Core
    from service.settings import Settings

__all__ = ["read_rules", "reload_rules"]


def read_rules(settings: Settings) -> RuleSet:
    """Return the rules of all profiles and rule files. Raises ProfileFaults or RuleFaults with every fault."""
    return load_rules(load_profiles(settings.devices.profiles), settings.rules.files, settings.rules.timezone)


async def reload_rules(core: Core) -> ReloadReport | None:
    """Read the files anew and go on with what they say; return what that changed, None if nothing.

    Raises as `read_rules`; the rules in force stay then.
    """
    rules = await asyncio.to_thread(read_rules, core.settings)
    fitting = rules.fitting(core.shard.registry.profiles)
    if fitting is not rules:
        known = {rule.id for rule in fitting.rules}
        raise RuleFaults(
            [
                f"rule {rule.id!r}: its profile or metric was not there when the service started; wanted a restart"
                for rule in rules.rules
                if rule.id not in known
            ]
        )
    return await core.use_rules(rules)
