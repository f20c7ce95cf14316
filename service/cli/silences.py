"""`vigil silences`: what is not told for a while, by whom, why and until when."""

from __future__ import annotations

import asyncio
import json
import re
import time
from datetime import datetime
from typing import Annotated, Any

import typer

from devices.model import Kind
from rules.model import Severity
from service.cli.client import ConfigOption, DataDirOption, ask, origin, settings_for, whoami
from service.cli.screen import clock, new_table, screen

__all__ = ["app"]

app = typer.Typer(help="Keep incidents from being told for a while, and end that.", no_args_is_help=True)

ByOption = Annotated[str | None, typer.Option("--by", help="Who answers for it; your user name unless given.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]

_LENGTH = re.compile(r"(\d+)\s*(s|min|h|d)", re.ASCII)
_SECONDS = {"s": 1, "min": 60, "h": 3_600, "d": 86_400}


@app.command("list")
def list_(as_json: JsonOption = False, config: ConfigOption = None, data_dir: DataDirOption = None) -> None:
    """List the silences planned and in force, and those of the last day."""
    silences = asyncio.run(ask(settings_for(config, data_dir), "GET", "/silences"))
    if as_json:
        typer.echo(json.dumps(silences, ensure_ascii=False, indent=2))
        return
    if not silences:
        typer.echo("No silences.")
        return
    table = new_table("id", "state", "from", "until", "what", "by", "reason", "keeps")
    for one in silences:
        table.add_row(
            one["id"],
            one["state"],
            clock(one["starts_us"]),
            clock(one["ended_us"] or one["ends_us"]),
            _what(one),
            one["by"] + (f", ended by {one['ended_by']}" if one["ended_by"] else ""),
            one["reason"] + (" (maintenance)" if one["maintenance"] else ""),
            str(one["keeps"]) if one["state"] == "in_force" else "",
        )
    screen().print(table)


@app.command()
def add(
    reason: Annotated[str, typer.Option("--reason", help="Why; the timeline of what it keeps back says it.")],
    for_: Annotated[str | None, typer.Option("--for", help="How long: '30 min', '2 h', '3 d'.")] = None,
    until: Annotated[str | None, typer.Option("--until", help="Or until when, local time: 2026-05-01T18:00.")] = None,
    starts: Annotated[str | None, typer.Option("--from", help="Since when, local time; at once unless given.")] = None,
    site: Annotated[str, typer.Option("--site", help="Only this site.")] = "",
    grid: Annotated[str, typer.Option("--grid", help="Only this grid.")] = "",
    building: Annotated[str, typer.Option("--building", help="Only this building.")] = "",
    device: Annotated[str, typer.Option("--device", help="Only this device: site/name.")] = "",
    kind: Annotated[Kind | None, typer.Option("--kind", help="Only this kind of device.")] = None,
    rule: Annotated[str, typer.Option("--rule", help="Only this rule: an id, or a pattern like 'gas.*'.")] = "",
    severity: Annotated[Severity | None, typer.Option("--at-most", help="Only up to this severity.")] = None,
    maintenance: Annotated[bool, typer.Option("--maintenance", help="Work is going on.")] = False,
    life_safety: Annotated[
        bool, typer.Option("--life-safety", help="Life safety too; who makes the silence answers for it by name.")
    ] = False,
    change: Annotated[str, typer.Option("--change", help="Change the silence of this id instead of making one.")] = "",
    by: ByOption = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Keep what has all that is given from being told; what is open and untold when it ends is told then."""
    starts_us = 0 if starts is None else _time_us(starts)
    wanted = {
        "matcher": {
            "site": site,
            "grid": grid,
            "building": building,
            "device": device,
            "kind": kind or "",
            "rule": rule,
            "severity_at_most": severity or "",
        },
        "starts_us": starts_us,
        "ends_us": _end_us(for_, until, starts_us),
        "by": by or whoami(),
        "origin": origin(),
        "reason": reason,
        "id": change,
        "maintenance": maintenance,
        "life_safety": life_safety,
    }
    made = asyncio.run(ask(settings_for(config, data_dir), "POST", "/silences", json=wanted))
    typer.echo(f"{made['id']}: {_what(made)} silenced from {clock(made['starts_us'])} until {clock(made['ends_us'])}")
    if not made["life_safety"]:
        typer.echo("Life safety is told all the same.")


@app.command()
def end(
    silence: Annotated[str, typer.Argument(help="The silence's id, as `vigil silences list` shows it.")],
    by: ByOption = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """End a silence before its time."""
    decision = {"by": by or whoami(), "origin": origin()}
    ended = asyncio.run(ask(settings_for(config, data_dir), "POST", f"/silences/{silence}/end", json=decision))
    typer.echo(f"{ended['id']}: {_what(ended)} is told again; what it kept back is told now if it is still open.")


def _what(one: dict[str, Any]) -> str:
    words = {"severity_at_most": "at most"}
    said = [f"{words.get(field, field)} {value}" for field, value in one["matcher"].items() if value]
    return ", ".join([*said, "life safety too"] if one["life_safety"] else said)


def _end_us(for_: str | None, until: str | None, starts_us: int) -> int:
    if (for_ is None) == (until is None):
        raise typer.BadParameter("give one of --for and --until")
    if until is not None:
        return _time_us(until)
    length = _LENGTH.fullmatch((for_ or "").strip())
    if length is None:
        raise typer.BadParameter(f"--for {for_!r} is no length of time; wanted '30 min', '2 h' or '3 d'")
    return (starts_us or time.time_ns() // 1_000) + int(length[1]) * _SECONDS[length[2]] * 1_000_000


def _time_us(text: str) -> int:
    try:
        return round(datetime.fromisoformat(text).astimezone().timestamp() * 1e6)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no time; wanted 2026-05-01T18:00 or the like") from None
