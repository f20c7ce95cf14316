"""`vigil quarantine`: what could not be read, for whoever has to mend the device that sends it."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Annotated

import typer

from devices import Reason
from service.cli.client import ConfigOption, DataDirOption, ask, settings_for
from service.cli.screen import clock, new_table, screen

__all__ = ["app"]

app = typer.Typer(help="Show the messages that could not be read.", no_args_is_help=True)

PAYLOAD_SHOWN = 120


@app.command("list")
def list_(
    reason: Annotated[Reason | None, typer.Option("--reason", help="Only this reason.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many samples to show.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON; payloads in base64.")] = False,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Show how many messages were set aside for each reason, and the newest samples of them."""
    settings = settings_for(config, data_dir)
    found = asyncio.run(ask(settings, "GET", "/quarantine", reason=reason))
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False, indent=2))
        return
    counts = {name: count for name, count in found["counts"].items() if count}
    typer.echo("Set aside: " + (", ".join(f"{name} {count}" for name, count in counts.items()) or "nothing"))
    if not found["samples"]:
        return
    table = new_table("when", "reason", "topic", "payload", "what was wrong")
    for one in found["samples"][:limit]:
        payload = base64.b64decode(one["payload"]).decode("utf-8", "backslashreplace")
        shown = payload[:PAYLOAD_SHOWN] + ("…" if one["size"] > PAYLOAD_SHOWN else "")
        table.add_row(clock(one["time_us"]), one["reason"], one["topic"], shown, one["detail"])
    screen().print(table)
