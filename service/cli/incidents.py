"""`vigil incidents`: what is open, and what a person decides about it."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated, Any

import typer
from rich.text import Text

from alerts import Outcome
from rules.model import RuleKind
from service.cli.client import ConfigOption, DataDirOption, ask, origin, settings_for, whoami
from service.cli.screen import clock, new_table, screen

__all__ = ["app"]

app = typer.Typer(help="List open incidents, acknowledge and resolve them.", no_args_is_help=True)

IncidentArgument = Annotated[str, typer.Argument(help="The incident's id, as `vigil incidents list` shows it.")]
ByOption = Annotated[str | None, typer.Option("--by", help="Who decides; your user name unless given.")]
NoteOption = Annotated[str, typer.Option("--note", help="What the timeline should say.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]

_COLOURS = {"emergency": "bold red", "alarm": "red", "warning": "yellow", "advisory": "cyan"}


@app.command("list")
def list_(
    all_: Annotated[bool, typer.Option("--all", help="Also those that have ended lately.")] = False,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """List the open incidents, the worst first."""
    settings = settings_for(config, data_dir)
    incidents = asyncio.run(ask(settings, "GET", "/incidents", state="all" if all_ else "open"))
    if as_json:
        typer.echo(json.dumps(incidents, ensure_ascii=False, indent=2))
        return
    if not incidents:
        typer.echo("No incidents." if all_ else "No open incidents.")
        return
    table = new_table("id", "since", "severity", "what", "where", "value", "state", "by")
    for one in incidents:
        table.add_row(
            one["id"],
            clock(one["raised_us"]),
            Text(one["severity"], style=_COLOURS[one["severity"]]),
            f"{one['rule_name_en']} {one['rule_name_zh']}",
            f"{one['place']} ({one['device']})",
            _value(one),
            one["state"] + ("" if one["condition_holds"] else ", condition ended"),
            one["closed_by"] or one["acknowledged_by"] or "",
        )
    screen().print(table)


@app.command()
def show(
    incident: IncidentArgument,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Show all that is known of one incident, as JSON."""
    settings = settings_for(config, data_dir)
    found = asyncio.run(ask(settings, "GET", f"/incidents/{incident.upper()}"))
    typer.echo(json.dumps(found, ensure_ascii=False, indent=2))


@app.command()
def ack(
    incident: IncidentArgument,
    by: ByOption = None,
    note: NoteOption = "",
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Say that somebody has taken it up."""
    _decide("ack", incident, by, note, config, data_dir)


@app.command()
def resolve(
    incident: IncidentArgument,
    outcome: Annotated[Outcome, typer.Argument(help="What it was.")],
    by: ByOption = None,
    note: NoteOption = "",
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Close it, and say what it was."""
    _decide("resolve", incident, by, note, config, data_dir, outcome=outcome)


@app.command()
def reopen(
    incident: IncidentArgument,
    by: ByOption = None,
    note: NoteOption = "",
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Open it again, and tell everybody again."""
    _decide("reopen", incident, by, note, config, data_dir)


def _decide(verb: str, incident: str, by: str | None, note: str, *where: Any, outcome: Outcome | None = None) -> None:
    decision = {"by": by or whoami(), "origin": origin(), "note": note}
    if outcome is not None:
        decision["outcome"] = outcome
    settings = settings_for(*where)
    after = asyncio.run(ask(settings, "POST", f"/incidents/{incident.upper()}/{verb}", json=decision))
    typer.echo(f"{after['id']} {after['rule_name_en']} at {after['place']}: {after['state']}")
    if after["state"] == "resolved" and after["condition_holds"]:
        typer.secho("The condition still holds; it is told again if the device alarms again.", fg=typer.colors.YELLOW)


def _value(incident: dict[str, Any]) -> str:
    if incident["value"] is None:
        return ""
    is_of_value = incident["rule_kind"] in {None, RuleKind.THRESHOLD}
    limit = f" (limit {incident['limit']:g})" if is_of_value and incident["limit"] is not None else ""
    return f"{incident['value']:g} {incident['unit']}".rstrip() + limit
