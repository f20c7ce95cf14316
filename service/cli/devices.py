"""`vigil devices`: the ledger in and out."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.progress import track

from devices import Device, Lifecycle, device_key, load_profiles, read_ledger, write_ledger
from service.cli.client import ConfigOption, DataDirOption, ask, reach, settings_for
from service.cli.screen import new_table, screen
from service.settings import Settings

__all__ = ["app"]

app = typer.Typer(help="List, import and export the devices.", no_args_is_help=True)

SiteOption = Annotated[str | None, typer.Option("--site", help="Only this site.")]
LifecycleOption = Annotated[Lifecycle | None, typer.Option("--lifecycle", help="Only those that stand here.")]
ROWS_SHOWN = 50
SENT_AT_ONCE = 1000


@app.command("list")
def list_(
    site: SiteOption = None,
    lifecycle: LifecycleOption = None,
    all_: Annotated[bool, typer.Option("--all", help=f"All of them, not only {ROWS_SHOWN}.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """List the devices; `--lifecycle unregistered` shows those that were heard but are in no ledger."""
    found = _devices(site, lifecycle, config, data_dir)
    if as_json:
        typer.echo(json.dumps(msgspec.to_builtins(found), ensure_ascii=False, indent=2))
        return
    table = new_table("site", "device", "kind", "place", "gateway", "lifecycle")
    for one in found if all_ else found[:ROWS_SHOWN]:
        table.add_row(one.site, one.name, one.kind, one.place, one.gateway, one.lifecycle)
    screen().print(table)
    if not all_ and len(found) > ROWS_SHOWN:
        typer.echo(f"… and {len(found) - ROWS_SHOWN} more (--all)")


@app.command("import")
def import_(
    ledger: Annotated[Path, typer.Argument(help="A .csv or .xlsx file.", exists=True, dir_okay=False)],
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Register the devices of a ledger, or change those registered; all of it or, if it has a fault, nothing."""
    settings = settings_for(config, data_dir)
    (settings.data_dir / "journal").mkdir(parents=True, exist_ok=True)
    done = asyncio.run(_import(settings, ledger))
    typer.echo(f"{done['added']} added, {done['changed']} changed, {done['unchanged']} unchanged")
    if done["formerly_unregistered"]:
        typer.echo(f"{done['formerly_unregistered']} had been heard before; their readings are out of quarantine")


@app.command()
def export(
    ledger: Annotated[Path, typer.Argument(help="The .csv or .xlsx file to write.", dir_okay=False)],
    site: SiteOption = None,
    lifecycle: LifecycleOption = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Write the devices to a ledger that `import` takes."""
    found = _devices(site, lifecycle, config, data_dir)
    write_ledger(ledger, found)
    typer.echo(f"{len(found)} devices written to {ledger}")


async def _import(settings: Settings, ledger: Path) -> Counter[str]:
    """Read the ledger, hand the devices over in steps, showing how far it is; return how the registry changed."""
    done: Counter[str] = Counter()
    async with reach(settings) as interface:
        known = {device_key(one["site"], one["name"]) for one in await interface.ask("GET", "/devices")}
        devices = read_ledger(ledger, load_profiles(settings.devices.profiles), known)
        steps = [devices[start : start + SENT_AT_ONCE] for start in range(0, len(devices), SENT_AT_ONCE)]
        for step in track(steps, "registering", console=Console(stderr=True), transient=True):
            done.update(await interface.ask("POST", "/devices", json={"devices": msgspec.to_builtins(step)}))
    return done


def _devices(site: str | None, lifecycle: Lifecycle | None, *where: Any) -> list[Device]:
    settings = settings_for(*where)
    raw = asyncio.run(ask(settings, "GET", "/devices", site=site, lifecycle=lifecycle))
    return msgspec.convert(raw, list[Device])
