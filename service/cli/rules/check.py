"""`vigil rules check`: every fault of the rules, or what they come to."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from devices import load_profiles
from rules.explain import window_text
from rules.loader import RuleFaults, load_rules
from rules.model import Rule
from rules.ruleset import RuleSet
from service.cli.client import ConfigOption
from service.cli.screen import new_table, screen
from service.settings import load_settings

__all__ = ["add_to"]

EXIT_FAULTS = 2


def add_to(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("check")(check)


def check(
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="Rules files, or folders of them, besides those that the settings name.", exists=True),
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Name every fault of the rules with its file and line, and exit 2; or sum them up."""
    settings = load_settings(config)
    profiles = load_profiles(settings.devices.profiles)
    try:
        rules = load_rules(profiles, (*settings.rules.files, *(files or ())), settings.rules.timezone)
    except RuleFaults as error:
        for fault in error.faults:
            typer.secho(fault, err=True, fg=typer.colors.RED)
        typer.echo(f"{len(error.faults)} {'fault' if len(error.faults) == 1 else 'faults'}")
        sys.exit(EXIT_FAULTS)
    _print(rules)


def _print(rules: RuleSet) -> None:
    typer.echo(f"No faults: {len(rules.rules)} rules, times in {rules.timezone}")
    for what, counts in (
        ("profile", Counter(rule.profile for rule in rules.rules)),
        ("kind", Counter(rule.kind for rule in rules.rules)),
        ("mode", Counter(rule.mode for rule in rules.rules)),
    ):
        typer.echo(f"by {what}: " + ", ".join(f"{count} {name}" for name, count in counts.items()))
    for rule in (rule for rule in rules.rules if "replaces" in rule.origins):
        typer.echo(f"{rule.origins['id']}: {rule.id} replaces the one of {rule.origins['replaces']}, whole")
    for rule in rules.rules:
        changed = _changed(rule)
        if changed:
            typer.echo(f"{rule.id} is otherwise for its whole profile: {', '.join(changed)}")
    if rules.overrides:
        typer.echo(f"{len(rules.overrides)} overrides, which make {len(rules.variants)} variants of rules:")
        table = new_table("site", "grid", "device", "rules", "from")
        for override in rules.overrides:
            table.add_row(
                override.site or "any",
                override.grid or "any",
                override.device or "any",
                _few(override.rules),
                override.origin,
            )
        screen().print(table)
    for schedule in rules.schedules:
        named = sum(rule.schedule == schedule.name for rule in rules.rules)
        named += sum(one.rule is not None and one.rule.schedule == schedule.name for one in rules.variants)
        typer.echo(f"schedule {schedule.name}, of {named} rules and variants ({schedule.origin})")
    for window in rules.windows:
        typer.echo(f"maintenance window {window_text(window, rules.timezone)}")


def _changed(rule: Rule) -> list[str]:
    """Return the keys that were given in another file than the rule, and where."""
    own, _, _ = rule.origins["id"].rpartition(":")
    return [
        f"{key} ({place})"
        for key, place in rule.origins.items()
        if key != "replaces" and place.rpartition(":")[0] != own
    ]


def _few(ids: tuple[str, ...], shown: int = 3) -> str:
    more = f" and {len(ids) - shown} more" if len(ids) > shown else ""
    return ", ".join(ids[:shown]) + more
