"""`vigil duty`: who is on duty now and at each hand-over to come, and when nobody is."""

from __future__ import annotations

import json
import time
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import msgspec
import typer
from rich.text import Text

from alerts.people.duty import Handover, gap_warnings, handovers
from alerts.people.model import Directory
from alerts.people.rota import Roster
from service.backtest.times import DAY_US, SECOND_US, parse_time, shown_time
from service.cli.client import ConfigOption, DataDirOption, settings_for
from service.cli.screen import new_table, screen
from service.directory import read_directory

__all__ = ["add_to"]


def add_to(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("duty")(duty)


def duty(
    days: Annotated[int, typer.Option("--days", min=1, max=366, help="How far to look ahead.")] = 7,
    at: Annotated[str | None, typer.Option("--at", help="From when, as 2026-12-24 02:00; now unless given.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Print who is on duty now and at each hand-over, and when nobody could be asked."""
    directory = read_directory(settings_for(config, data_dir))
    zone = ZoneInfo(directory.timezone)
    now_us = time.time_ns() // 1000
    try:
        at_us = now_us if at is None else parse_time(at, zone, now_us)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    now = _now(directory, at_us)
    changes = handovers(directory, at_us, at_us + days * DAY_US)
    gaps = gap_warnings(directory, at_us, days * DAY_US / SECOND_US)
    if as_json:
        document = {"at_us": at_us, "on_duty": now, "handovers": changes, "gaps": gaps}
        typer.echo(json.dumps(msgspec.to_builtins(document), ensure_ascii=False, indent=2))
        return
    if not directory.rotas:
        typer.echo("There are no rotas.")
    else:
        _print(directory, now, changes, at_us, zone)
    for gap in gaps:
        typer.secho(f"GAP {gap.text_en} {gap.text_zh}", fg=typer.colors.RED)
    if directory.rotas and not gaps:
        typer.echo(f"No gaps in {days} days.")


def _now(directory: Directory, at_us: int) -> dict[str, dict[str, Any]]:
    """Return who is on duty by each rota, and until when somebody else comes."""
    rosters = {rota.name: Roster(rota) for rota in directory.rotas}
    return {
        name: {"people": roster.on_duty(at_us), "until_us": roster.next_handover_us(at_us)}
        for name, roster in rosters.items()
    }


def _print(
    directory: Directory, now: dict[str, dict[str, Any]], changes: list[Handover], at_us: int, zone: ZoneInfo
) -> None:
    called = {one.name: one.called for one in directory.people}
    meant = {one.name for one in directory.rotas if one.gaps_are_meant}

    def people(names: tuple[str, ...], rota: str = "") -> Text:
        if names or not rota:
            return Text(", ".join(called.get(name, name) for name in names))
        return Text("nobody") if rota in meant else Text("NOBODY", style="red")

    table = new_table("from", "rota", "on duty", "came", "went")
    for name, at in now.items():
        table.add_row(f"{shown_time(at_us, zone)[:16]} now", name, people(at["people"], name), "", "")
    for one in changes:
        came, went = people(one.came), people(one.went)
        table.add_row(shown_time(one.time_us, zone)[:16], one.rota, people(one.on_duty, one.rota), came, went)
    typer.echo(f"Times in {zone.key}.")
    screen().print(table)
