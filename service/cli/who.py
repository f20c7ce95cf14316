"""`vigil who`: who would be told of an incident of a device, when, by what and why."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import msgspec
import typer

from alerts import Incident, IncidentState, Route
from alerts.people.plan import Plan, PlannedAsk, PlannedStep, make_plan
from alerts.people.who import Who
from alerts.place import place_zh
from alerts.response.chains import EVERYONE
from alerts.text import span
from devices import ALARM_METRIC, Device, Lifecycle, load_profiles, read_ledger
from rules import AlarmClass, Rule, RuleMode, Severity, load_rules
from service.backtest.times import parse_time, shown_time
from service.cli.client import ConfigOption, DataDirOption, Unreachable, ask, settings_for
from service.cli.screen import new_table, screen
from service.directory import read_directory
from service.settings import Settings

__all__ = ["add_to"]


def add_to(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("who")(who)


def who(
    device: Annotated[str, typer.Option("--device", metavar="SITE/NAME", help="The device.")],
    rule: Annotated[str | None, typer.Option("--rule", help="The rule; the worst of the device unless given.")] = None,
    severity: Annotated[
        Severity | None, typer.Option("--severity", help="In place of a rule: the worst one of this severity.")
    ] = None,
    at: Annotated[str | None, typer.Option("--at", help="When, as 2026-12-24 02:00; now unless given.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Print who would be told if a rule held on a device: when, by which channels, in which language, and why.

    The settings and the ledger say so: nobody is told anything, and nothing needs to run.
    """
    if rule is not None and severity is not None:
        raise typer.BadParameter("--rule has its severity; give --rule or --severity")
    settings = settings_for(config, data_dir)
    directory = read_directory(settings)
    zone = ZoneInfo(directory.timezone)
    now_us = time.time_ns() // 1000
    try:
        at_us = now_us if at is None else parse_time(at, zone, now_us)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    found = _device(settings, device)
    of = _rule(settings, found, rule, severity)
    incident = _incident(found, of, at_us)
    plan = make_plan(
        Who(directory),
        incident,
        otherwise=EVERYONE if incident.is_life_safety and directory.people else None,
        quiet_below=settings.noise.post_limits().quiet_below,
        whistle_every_s=settings.alerts.whistle_every_s,
    )
    told = settings.routing().recipients_for(incident)
    if as_json:
        typer.echo(json.dumps(_document(incident, plan, told), ensure_ascii=False, indent=2))
    else:
        _print(found, incident, plan, told, zone)


def _device(settings: Settings, key: str) -> Device:
    """Return the device of a key: of the ledger, else as the service knows it."""
    site, _, name = key.partition("/")
    ledger = settings.devices.ledger
    if ledger is not None:
        for device in read_ledger(ledger, load_profiles(settings.devices.profiles)):
            if device.key == key:
                return device
    if (settings.data_dir / "journal").exists():
        raw = asyncio.run(ask(settings, "GET", "/devices", site=site))
        for device in msgspec.convert(raw, list[Device]):
            if device.name == name:
                return device
    raise Unreachable(f"no device {key!r} in {ledger or 'a ledger, for the settings name none'}, nor in the registry")


def _rule(settings: Settings, device: Device, wanted: str | None, severity: Severity | None) -> Rule:
    """Return the rule of that id as it is in force on the device; else the worst, life safety before all else."""
    profiles = load_profiles(settings.devices.profiles)
    rules = load_rules(profiles, settings.rules.files, settings.rules.timezone)
    there = [one for one in rules.in_force(device.profile, rules.selection(device)) if one.mode is RuleMode.LIVE]
    if wanted is not None:
        fitting = [one for one in there if one.id == wanted]
    else:
        fitting = [one for one in there if severity is None or one.severity is severity]
    if not fitting:
        asked = repr(wanted) if wanted is not None else f"of severity {severity}" if severity else "at all"
        known = ", ".join(f"{one.id} ({one.severity})" for one in there) or "none"
        raise typer.BadParameter(f"no live rule {asked} on {device.key}; there are {known}")

    def badness(one: Rule) -> tuple[bool, int, bool]:
        return one.alarm_class is AlarmClass.LIFE_SAFETY, one.severity.rank, one.metric != ALARM_METRIC

    return max(fitting, key=badness)


def _incident(device: Device, rule: Rule, at_us: int) -> Incident:
    """Return the incident that there would be; what was measured is left open."""
    return Incident(
        id="",
        device=device.key,
        site=device.site,
        grid=device.grid,
        building=device.building,
        floor=device.floor,
        unit_name=device.unit,
        gateway=device.gateway,
        place=device.place,
        place_zh=place_zh(device),
        latitude=device.latitude,
        longitude=device.longitude,
        kind=device.kind,
        unregistered=device.lifecycle is Lifecycle.UNREGISTERED,
        rule_id=rule.id,
        rule_name_en=rule.name_en,
        rule_name_zh=rule.name_zh,
        rule_kind=rule.kind,
        severity=rule.severity,
        alarm_class=rule.alarm_class,
        what_en="",
        what_zh="",
        metric=rule.metric,
        unit="",
        value=None,
        limit=None,
        source=rule.source,
        state=IncidentState.RAISED,
        condition_holds=True,
        late=False,
        raised_us=at_us,
        event_us=at_us,
        since_us=at_us,
        last_us=at_us,
    )


# ── what is printed ──────────────────────────────────────────────────────────────────────────────────────────────────


def _document(incident: Incident, plan: Plan, told: Route) -> dict[str, Any]:
    return {
        "device": incident.device,
        "place": incident.place,
        "rule": incident.rule_id,
        "severity": incident.severity,
        "class": incident.alarm_class,
        "at_us": incident.raised_us,
        "told_at_once": [{"recipient": one.name, "channels": one.channels} for one in told.recipients],
        **msgspec.to_builtins(plan),
    }


def _print(device: Device, incident: Incident, plan: Plan, told: Route, zone: ZoneInfo) -> None:
    grid = "" if device.grid else f" (by its place in grid {plan.grid})" if plan.grid else " (in no grid)"
    typer.echo(f"{device.key}: {device.place}{grid}")
    name = f"{incident.rule_id} {incident.rule_name_en} {incident.rule_name_zh}"
    when = f"{shown_time(incident.raised_us, zone)} {zone.key}"
    typer.echo(f"if {name} ({incident.severity}, {incident.alarm_class}) were raised at {when}:")
    fallback = f" (no recipient wants it there, so: {told.fallback})" if told.fallback else ""
    recipients = ", ".join(f"{one.name} by {' and '.join(one.channels)}" for one in told.recipients)
    typer.echo(f"told at once: {recipients}{fallback}")
    if not plan.chain:
        typer.secho("no route matches: no person is asked", fg=typer.colors.YELLOW)
    else:
        _print_chain(plan, zone)
    for limit in plan.limits:
        colours = zip(("blue", "yellow", "red"), (limit.blue_s, limit.yellow_s, limit.red_s), strict=True)
        typer.echo(f"{limit.step}: " + ", ".join(f"{colour} after {span(s).en}" for colour, s in colours))
    for level in plan.levels if plan.limits else ():
        whom = ", ".join((*level.people, *level.recipients)) or "nobody now: the next level at once"
        typer.echo(f"level {level.label} at {span(level.at_s or 0).en}, if nobody has accepted: {whom}")


def _print_chain(plan: Plan, zone: ZoneInfo) -> None:
    typer.echo(f"chain {plan.chain}, until somebody answers:")
    table = new_table("after", "who", "by, one after the other", "in", "why")
    for step in plan.steps:
        for nth, row in enumerate(_rows(step, zone)):
            table.add_row("" if nth else span(step.at_s).en, *row)
    screen().print(table)
    if plan.repeat_s is not None:
        often = f", {plan.rounds} times in all" if plan.rounds else ""
        typer.echo(f"then anew after {span(plan.repeat_s).en}{often}")


def _rows(step: PlannedStep, zone: ZoneInfo) -> Iterator[tuple[str, str, str, str]]:
    """Yield a row for everybody whom a step asks or tells."""
    for asked in step.asked:
        yield _called(asked), _channels(asked), " ".join(asked.languages), _why(asked, step, zone)
    for recipient in step.recipients:
        yield recipient, "its channels", "", "told, and cannot answer"
    if not step.asked and not step.recipients:
        yield "NOBODY", "", "", f"{', '.join(step.to)}: the next step at once"


def _called(asked: PlannedAsk) -> str:
    return asked.person if asked.label == asked.person else f"{asked.person} {asked.label}"


def _channels(asked: PlannedAsk) -> str:
    if asked.is_again:
        return "asked already"
    first, *others = asked.tries
    later = [f"{one.channel} at {one.at_s:g} s ({one.unanswered_s:g} s with a receipt)" for one in others]
    return ", ".join([first.channel, *later])


def _why(asked: PlannedAsk, step: PlannedStep, zone: ZoneInfo) -> str:
    said = [asked.why_en]
    if step.inform:
        said.append("need not answer")
    elif step.need > 1:
        said.append(f"{step.need} have to accept")
    if asked.quiet_until_us is not None:
        said.append(f"QUIET until {shown_time(asked.quiet_until_us, zone)[11:16]}, then in a digest")
    if asked.budget_per_hour is not None:
        said.append(f"at most {asked.budget_per_hour} messages an hour")
    return "; ".join(said)
