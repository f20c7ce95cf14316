"""`vigil rules explain`: the rules in force on a device, and where each figure comes from."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Annotated

import msgspec
import typer

from devices import Device, Profile, load_profiles
from rules.explain import ExplainedRule, Explanation, explain
from rules.loader import load_rules
from rules.model import RuleMode
from service.cli.client import ConfigOption, DataDirOption, Unreachable, ask, settings_for
from service.cli.screen import new_table, screen
from service.settings import Settings

__all__ = ["add_to"]


def add_to(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("explain")(explain_)


def explain_(
    device: Annotated[str | None, typer.Argument(metavar="[SITE/DEVICE]", help="The device.")] = None,
    profile: Annotated[
        str | None, typer.Option("--profile", help="Any device of this profile, instead of one.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Print the rules in force on a device: what they say, and the file and line of each figure."""
    if (device is None) == (profile is None):
        raise typer.BadParameter("name a device as SITE/DEVICE, or a profile with --profile")
    settings = settings_for(config, data_dir)
    profiles = load_profiles(settings.devices.profiles)
    rules = load_rules(profiles, settings.rules.files, settings.rules.timezone)
    found = None if device is None else _device(settings, device)
    name = profile if found is None else found.profile
    if name not in profiles:
        raise typer.BadParameter(f"no profile {name!r}; there are {', '.join(profiles)}")
    explanation = explain(rules, profiles[name], found, time.time_ns() // 1000)
    if as_json:
        typer.echo(json.dumps(msgspec.to_builtins(explanation), ensure_ascii=False, indent=2))
    else:
        _print(explanation, profiles[name])


def _device(settings: Settings, key: str) -> Device:
    """Return the device of a key, as the service knows it."""
    site, _, name = key.partition("/")
    raw = asyncio.run(ask(settings, "GET", "/devices", site=site))
    for device in msgspec.convert(raw, list[Device]):
        if device.name == name:
            return device
    raise Unreachable(f"no device {key!r}; `vigil devices list --site {site} --all` shows those there are")


def _print(explanation: Explanation, profile: Profile) -> None:
    if explanation.device:
        typer.echo(f"{explanation.device}: {explanation.profile}, {explanation.place}")
        typer.echo(f"{explanation.lifecycle}: {explanation.coverage}")
    else:
        typer.echo(f"{profile.name}: {profile.label_en} {profile.label_zh} ({profile.origin})")
    table = new_table("rule", "says", "figures, and where they come from")
    for rule in explanation.rules:
        standing = [rule.id, f"{rule.kind}, {rule.mode}", f"{rule.severity}, {rule.alarm_class}"]
        table.add_row("\n".join(standing), "\n".join(_said(rule)), "\n".join([*_from(rule), ""]))
    screen().print(table)
    for off in explanation.switched_off:
        typer.echo(f"switched off here: {off}")


def _said(rule: ExplainedRule) -> list[str]:
    """Return what a rule says, and what else there is to know of it, a line each."""
    lines = [f"{rule.name_en} {rule.name_zh}", rule.says]
    if not rule.watches:
        lines.append("does not watch it where it is in its life")
    if rule.mode is RuleMode.SHADOW:
        lines.append("in shadow: nobody is told")
    if rule.schedule:
        lines.append(f"only by schedule {rule.schedule}")
    if rule.signed_by:
        lines.append(f"signed by {rule.signed_by}")
    lines += [f"silent {window}" for window in rule.windows]
    if rule.feeds:
        lines.append(f"heard by {', '.join(rule.feeds)}")
    return lines


def _from(rule: ExplainedRule) -> list[str]:
    """Return where a rule and its figures come from, a line each."""
    lines = [f"{figure.key} = {figure.value}: {figure.origin}" for figure in rule.figures]
    lines.append(f"rule: {rule.origin}")
    if rule.replaces:
        lines.append(f"instead of {rule.replaces}")
    lines += [f"overridden for {override}" for override in rule.overrides]
    lines.append(f"source: {rule.source}")
    return lines
