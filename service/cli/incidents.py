"""`vigil incidents`: what is open, how far it is, and who is on it; `service.cli.decisions` is what a person says."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Annotated, Any

import typer
from rich.text import Text

from rules.model import RuleKind
from service.cli import decisions
from service.cli.client import ConfigOption, DataDirOption, ask, origin, settings_for, whoami
from service.cli.decisions import IncidentArgument
from service.cli.report import print_report
from service.cli.screen import clock, new_table, screen

__all__ = ["app"]

app = typer.Typer(help="List open incidents, and say what is done about them.", no_args_is_help=True)
decisions.add_to(app)

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead.")]

_COLOURS = {"emergency": "bold red", "alarm": "red", "warning": "yellow", "advisory": "cyan"}
_CLOSED = {"resolved", "closed", "cleared"}
_AGES_S = {True: ((600, "bold red"), (120, "yellow")), False: ((7_200, "bold red"), (1_800, "yellow"))}
"""Waits for an answer or not → from which age, s, in which colour; as this list goes, whatever limits are set."""


@app.command("list")
def list_(
    all_: Annotated[bool, typer.Option("--all", help="Also those that have ended lately.")] = False,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """List the open incidents in the order in which they were raised; what waits long turns yellow, then red."""
    settings = settings_for(config, data_dir)
    incidents = asyncio.run(ask(settings, "GET", "/incidents", state="all" if all_ else "open"))
    if as_json:
        typer.echo(json.dumps(incidents, ensure_ascii=False, indent=2))
        return
    if not incidents:
        typer.echo("No incidents." if all_ else "No open incidents.")
        return
    table = new_table("id", "since", "severity", "what", "where", "value", "step", "who")
    for one in incidents:
        table.add_row(
            one["id"],
            Text(clock(one["raised_us"]), style=_colour_of_age(one)),
            Text(one["severity"], style=_COLOURS[one["severity"]]),
            _marked(one, f"{one['rule_name_en']} {one['rule_name_zh']}"),
            f"{one['place']} ({one['device']})",
            _value(one),
            one["state"] + ("" if one["condition_holds"] or one["exercise"] else ", condition ended"),
            _who(one),
        )
    screen().print(table)


@app.command()
def show(
    incident: IncidentArgument,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Show all that is known of one incident; `vigil evidence export` has its timeline."""
    settings = settings_for(config, data_dir)
    found = asyncio.run(ask(settings, "GET", f"/incidents/{incident.upper()}", by=whoami(), origin=origin()))
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False, indent=2))
        return
    page = new_table("", "")
    for heading, text in _page(found):
        if text:
            page.add_row(Text(heading, style="dim"), text)
    screen().print(page)


@app.command()
def report(
    incident: IncidentArgument,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Show who was asked when and by what, who answered first, how long each step took, and who never answered."""
    found = asyncio.run(ask(settings_for(config, data_dir), "GET", f"/incidents/{incident.upper()}/report"))
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False, indent=2))
    else:
        print_report(found)


def _page(one: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the lines of the page of an incident: heading and text, "" where there is nothing to say."""
    people = ", ".join(f"{person['by']} ({clock(person['time_us'])})" for person in one["acceptances"])
    holds = "the condition holds" if one["condition_holds"] else "the condition has ended"
    return [
        ("incident", _marked(one, one["id"])),
        ("what", f"{one['rule_name_en']} {one['rule_name_zh']} (rule {one['rule_id']})"),
        ("severity", f"{one['severity']}, {one['alarm_class']}"),
        ("", one["what_en"]),
        ("", one["what_zh"]),
        ("where", one["place"]),
        ("", one["place_zh"]),
        ("device", one["device"] + (", in no ledger" if one["unregistered"] else "")),
        ("value", _value(one)),
        ("step", one["state"] if one["exercise"] else f"{one['state']}; {holds}"),
        ("raised", clock(one["raised_us"]) + (f", said {one['repeats'] + 1} times" if one["repeats"] else "")),
        ("accepted", _at(one["accepted_us"], one["accepted_by"])),
        ("on it", people),
        ("handed over", one["handed_to"] and f"to {one['handed_to']}, who has not accepted yet"),
        ("dispatched", _at(one["dispatched_us"], one["dispatched_to"])),
        ("arrived", _at(one["arrived_us"])),
        ("verified", _at(one["verified_us"])),
        ("outcome", one["outcome"] or ""),
        ("ended", _at(one["closed_us"], one["closed_by"])),
        ("rating", "" if one["rating"] is None else f"{one['rating']} of 5, by {one['rated_by']}"),
        ("note", one["note"]),
        ("source", one["source"]),
    ]


def _at(time_us: int | None, who: str = "") -> str:
    return "" if time_us is None else ", ".join(filter(None, [clock(time_us), who]))


def _marked(one: dict[str, Any], text: str) -> str:
    return f"{text} [{one['exercise']}]" if one["exercise"] else text


def _who(one: dict[str, Any]) -> str:
    """Return who is on it, the responsible one first, and who is asked to take it over."""
    if one["state"] in _CLOSED:
        return str(one["closed_by"])
    others = [person["by"] for person in one["acceptances"] if person["by"] != one["accepted_by"]]
    who = ", ".join(filter(None, [one["accepted_by"], *others]))
    return f"{who} → {one['handed_to']}?" if one["handed_to"] else who


def _colour_of_age(one: dict[str, Any]) -> str:
    if one["state"] in _CLOSED:
        return "dim"
    age_s = time.time() - one["raised_us"] / 1e6
    return next((colour for from_s, colour in _AGES_S[one["state"] == "raised"] if age_s >= from_s), "")


def _value(incident: dict[str, Any]) -> str:
    if incident["value"] is None:
        return ""
    is_of_value = incident["rule_kind"] in {None, RuleKind.THRESHOLD}
    limit = f" (limit {incident['limit']:g})" if is_of_value and incident["limit"] is not None else ""
    return f"{incident['value']:g} {incident['unit']}".rstrip() + limit
