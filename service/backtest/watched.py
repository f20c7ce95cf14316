"""Which devices a rule is about."""

from __future__ import annotations

from collections import ChainMap, defaultdict
from typing import TYPE_CHECKING

from rules.model import CompositeTerms, NeighbourhoodTerms

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devices import Registry
    from rules import Rule, RuleSet

__all__ = ["Watched"]


class Watched:
    """The devices of `registry` by what watches them."""

    def __init__(self, rules: RuleSet, registry: Registry) -> None:
        self._rules = rules
        self._of_profile: dict[str, dict[int, str]] = defaultdict(dict)
        for row, device in registry.devices():
            self._of_profile[device.profile][row] = device.key

    def by(self, rule: Rule) -> Mapping[int, str]:
        """Return row → `site/name` of the devices that `rule` may speak of; of a relation, those of its parts."""
        parts = [self._rules.by_id[part] for part in _parts(rule) if part in self._rules.by_id]
        profiles = dict.fromkeys([rule.profile, *(part.profile for part in parts)])
        return ChainMap(*(self._of_profile.get(profile, {}) for profile in profiles))


def _parts(rule: Rule) -> tuple[str, ...]:
    match rule.terms:
        case NeighbourhoodTerms():
            return rule.terms.rules
        case CompositeTerms():
            return rule.terms.all_of + rule.terms.any_of + rule.terms.then
        case _:
            return ()
