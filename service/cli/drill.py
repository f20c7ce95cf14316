"""`vigil drill`: an exercise with real people, from the start to the report of who answered when."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated, Any

import typer

from service.cli.client import ConfigOption, DataDirOption, Unreachable, ask, origin, settings_for, whoami
from service.cli.report import print_report
from service.cli.screen import clock, new_table, screen

__all__ = ["app"]

app = typer.Typer(help="Exercise with real people: every message says that it is a drill.", no_args_is_help=True)

ByOption = Annotated[str | None, typer.Option("--by", help="Who leads it; your user name unless given.")]
NoteOption = Annotated[str, typer.Option("--note", help="What the messages and the timeline should say.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


@app.command()
def start(
    device: Annotated[str, typer.Option("--device", metavar="SITE/NAME", help="The device that seems to alarm.")],
    rule: Annotated[str, typer.Option("--rule", help="The rule that seems to hold; its alarm unless given.")] = "",
    note: NoteOption = "",
    by: ByOption = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Ask people as if a rule held on a device. A real alarm of that device is apart from it, and asks people too."""
    wanted = {"device": device, "rule": rule, "note": note, "by": by or whoami(), "origin": origin()}
    begun = asyncio.run(ask(settings_for(config, data_dir), "POST", "/drills", json=wanted))
    typer.echo(f"{begun['id']}: DRILL of {begun['rule_id']} {begun['rule_name_en']} at {begun['place']}")
    typer.echo(f"See who answers: vigil drill report {begun['id']}")
    typer.echo(f"End it:          vigil drill end {begun['id']}")


@app.command()
def end(
    incident: Annotated[str, typer.Argument(help="The drill's id, as `vigil drill list` shows it.")],
    note: NoteOption = "",
    by: ByOption = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """End a drill, and print its report; one that nobody ends is over by itself after `alerts.drill_s`."""
    settings = settings_for(config, data_dir)
    decision = {"by": by or whoami(), "origin": origin(), "note": note}
    ended = asyncio.run(ask(settings, "POST", f"/drills/{incident.upper()}/end", json=decision))
    typer.echo(f"{ended['id']}: the drill is over.")
    print_report(asyncio.run(ask(settings, "GET", f"/incidents/{ended['id']}/report")))


@app.command()
def report(
    incident: Annotated[str | None, typer.Argument(help="The drill's id; the newest unless given.")] = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Show who was asked when and by what, who answered first, how long each step took, and who never answered."""
    settings = settings_for(config, data_dir)
    if incident is None:
        drills = asyncio.run(ask(settings, "GET", "/drills"))
        if not drills:
            raise Unreachable("there has been no drill; `vigil drill start --device SITE/NAME` begins one")
        incident = str(drills[0]["id"])
    found = asyncio.run(ask(settings, "GET", f"/incidents/{incident.upper()}/report"))
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False, indent=2))
    else:
        print_report(found)


@app.command("list")
def list_(as_json: JsonOption = False, config: ConfigOption = None, data_dir: DataDirOption = None) -> None:
    """List the drills at hand, the newest first."""
    drills = asyncio.run(ask(settings_for(config, data_dir), "GET", "/drills"))
    if as_json:
        typer.echo(json.dumps(drills, ensure_ascii=False, indent=2))
        return
    if not drills:
        typer.echo("No drills.")
        return
    table = new_table("id", "began", "what", "where", "step", "who", "ended")
    for one in drills:
        table.add_row(
            one["id"],
            clock(one["raised_us"]),
            f"{one['rule_name_en']} {one['rule_name_zh']}",
            f"{one['place']} ({one['device']})",
            one["state"],
            ", ".join(person["by"] for person in one["acceptances"]) or "nobody",
            _ended(one),
        )
    screen().print(table)


def _ended(one: dict[str, Any]) -> str:
    if one["closed_us"] is None:
        return ""
    return f"{clock(one['closed_us'])} by {one['closed_by'] or 'itself'}"
