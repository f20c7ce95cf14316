"""`vigil rules shadow`: what rules in shadow would have raised, before they are let loose on people."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import datetime
from typing import Annotated, Any

import typer

from devices.units import UnitFault, seconds_in
from service.cli.client import ConfigOption, DataDirOption, ask, settings_for
from service.cli.screen import clock, new_table, screen

__all__ = ["add_to"]

DAYS_SHOWN = 7


def add_to(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command()(shadow)


def shadow(
    rule: Annotated[str | None, typer.Option("--rule", help="Only this rule, by its id.")] = None,
    device: Annotated[str | None, typer.Option("--device", help="Only this device, site/name.")] = None,
    since: Annotated[str, typer.Option("--since", help='A length of time ("12 h", "7 d") or a day.')] = "7 d",
    limit: Annotated[int, typer.Option("--limit", min=0, help="How many of the newest changes to show.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Show what the rules in shadow would have raised: how often a day, on how many devices now, and the words."""
    settings = settings_for(config, data_dir)
    wanted = {"rule": rule, "device": device, "since_us": str(_since_us(since))}
    found = asyncio.run(ask(settings, "GET", "/rules/shadow", **wanted))
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False, indent=2))
        return
    if not found["rules"]:
        typer.echo('No rule is in shadow, and none was lately; mode = "shadow" puts one there.')
        return
    typer.echo(f"Since {clock(found['since_us'])}:")
    _show_rules(found["rules"])
    if found["overlooked"]:
        typer.echo(f"{found['overlooked']} more began to hold than could be remembered.")
    if limit and found["events"]:
        typer.echo()
        _show_events(found["events"][:limit])


def _show_rules(rules: list[dict[str, Any]]) -> None:
    days = list(rules[0]["raised"])[-DAYS_SHOWN:]
    table = new_table("rule", "severity", "name", "would have raised", *(day[5:] for day in days), "devices now")
    for one in rules:
        name = f"{one['name_en']} {one['name_zh']}".strip() + ("" if one["in_shadow"] else " (no longer in shadow)")
        counts = [str(one["raised"][day]) for day in days]
        raised = str(sum(one["raised"].values()))
        table.add_row(one["rule_id"], one["severity"] or "", name, raised, *counts, str(one["holds"]))
    screen().print(table)


def _show_events(events: list[dict[str, Any]]) -> None:
    table = new_table("when", "rule", "device", "", "what")
    for one in events:
        turn = "repeated" if one["repeated"] else "raised" if one["holds"] else "ended"
        said = f"{one['text_en']}\n{one['text_zh']}"
        table.add_row(clock(one["noted_us"]), one["rule_id"], one["device"], turn, said)
    screen().print(table)


def _since_us(since: str) -> int:
    """Return where `since` begins, µs since the epoch. Raises typer.BadParameter where it says no time."""
    try:
        return max(0, time.time_ns() // 1000 - round(seconds_in(since) * 1e6))
    except UnitFault:
        pass
    try:
        return max(0, round(datetime.fromisoformat(since).astimezone().timestamp() * 1e6))
    except (ValueError, OverflowError):
        raise typer.BadParameter(f'{since!r}; wanted a length of time ("7 d") or a day ("2026-11-22")') from None
