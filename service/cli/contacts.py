"""`vigil contacts`: whether each way to each person works."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated, Any

import typer
from rich.text import Text

from service.cli.client import ConfigOption, DataDirOption, ask, origin, settings_for, whoami
from service.cli.screen import clock, new_table, screen

__all__ = ["app"]

app = typer.Typer(help="Test the ways to people, and see what came of it.", no_args_is_help=True)

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]

_WAYS = {
    "answered": ("answered", "green"),
    "received": ("received, no answer", "yellow"),
    "handed": ("sent, no receipt", "yellow"),
    "waits": ("not sent yet", "cyan"),
    "failed": ("failed", "red"),
}


@app.command("test")
def begin(
    people: Annotated[list[str] | None, typer.Argument(help="Names of the directory; everybody unless given.")] = None,
    by: Annotated[str | None, typer.Option("--by", help="Who asks for it; your user name unless given.")] = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Send everybody a test message by each of their contacts, to be answered within a day."""
    wanted = {"by": by or whoami(), "origin": origin(), "people": people or []}
    settings = settings_for(config, data_dir)
    report = asyncio.run(ask(settings, "POST", "/contacts/test", json=wanted))
    messages = sum(len(person["contacts"]) for person in report["people"])
    typer.echo(
        f"{report['id']}: {messages} messages to {len(report['people'])} people, until {clock(report['ends_us'])}"
    )
    if report["left_out"]:
        typer.secho(f"{report['left_out']} contacts were left out: too many for one test", fg=typer.colors.YELLOW)
    typer.echo(f"See what comes of it: vigil contacts report {report['id']}")


@app.command()
def report(
    test: Annotated[str | None, typer.Argument(help="The test's id; the newest unless given.")] = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Show who answered when and by what, whose channel failed, and who was not reached at all."""
    settings = settings_for(config, data_dir)
    found = asyncio.run(ask(settings, "GET", f"/contacts/report/{test}" if test else "/contacts/report"))
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False, indent=2))
        return
    over = "over" if found["over"] else f"until {clock(found['ends_us'])}"
    typer.echo(f"{found['id']} of {clock(found['started_us'])} by {found['by'] or 'the calendar'}, {over}")
    table = new_table("person", "channel", "what came of it", "answered", "detail")
    for person in found["people"]:
        for row in _rows(person):
            table.add_row(*row)
    screen().print(table)
    if found["unreached"]:
        colour = typer.colors.RED if found["over"] else typer.colors.YELLOW
        still = "not reached" if found["over"] else "not reached yet"
        typer.secho(f"{still}: {', '.join(found['unreached'])}", fg=colour)


def _rows(person: dict[str, Any]) -> list[tuple[str | Text, ...]]:
    if not person["contacts"]:
        return [(person["person"], "", Text("has no contact", style="red"), "", "")]
    rows: list[tuple[str | Text, ...]] = []
    for contact in person["contacts"]:
        said, colour = _WAYS[contact["way"]]
        answered = "" if contact["answered_us"] is None else clock(contact["answered_us"])
        rows.append((person["person"], contact["channel"], Text(said, style=colour), answered, contact["detail"]))
    return rows
