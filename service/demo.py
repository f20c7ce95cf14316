"""`vigil demo`: broker, database, service and a simulated community in one command, told as it happens."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.text import Text

from alerts.answer import Links, load_or_make_keys
from devices import Kind, Lifecycle
from service.answering import LINK_KEYS
from service.control import is_served
from service.directory import read_directory
from service.embedded_broker import BrokerFailed, EmbeddedBroker
from service.http import CannotListen, bind_tcp
from service.narrator import Narrator
from service.service import serve
from service.settings import Settings, load_settings
from simulator import BrokerAddress, shuibei_fleet, simulate

if TYPE_CHECKING:
    from service.core import Core
    from simulator import Fleet

__all__ = ["DEMO_FILE", "run_demo"]

DEMO_FILE: Final = "demo.toml"
"""The demo's settings, in its data folder; the commands read them there."""
PEOPLE: Final = Path(__file__).with_name("demo_people.toml")
HOST: Final = "127.0.0.1"


async def run_demo(
    data_dir: Path,
    stop: asyncio.Event,
    *,
    port: int,
    http_port: int,
    console_port: int,
    seed: int,
    speed: float,
    fresh: bool,
) -> None:
    """Run the demo on `data_dir` until `stop`; `fresh` throws away what an earlier one left there.

    Raises what `serve` raises, and OSError where the data folder cannot be made.
    """
    screen = Console(highlight=False, soft_wrap=True, markup=False)
    if is_served(data_dir):
        raise BrokerFailed(f"a demo is running on {data_dir} already; end it, or give another --data-dir")
    again = await asyncio.to_thread(_prepare, data_dir, fresh=fresh)
    broker = EmbeddedBroker(data_dir / "broker", port=port)
    await broker.start()
    try:
        fleet = shuibei_fleet(seed, extended=True)
        settings = await asyncio.to_thread(
            demo_settings, data_dir, fleet, broker.port, http_port, _free_port(console_port)
        )
        directory = read_directory(settings)
        links = Links(load_or_make_keys(data_dir / LINK_KEYS), settings.console.public_url, settings.console.link_days)
        told = Narrator(screen, directory, links.url)
        going_on = " (going on with it)" if again else ""
        screen.print(Text.assemble(("Vigil 守望", "bold"), f"  data in {data_dir}{going_on}"))
        screen.print(f"broker    {broker.program} on {HOST}:{broker.port}", broker.caution)
        simulating: asyncio.Task[object] | None = None

        def ready(core: Core, address: str) -> None:
            nonlocal simulating
            told.ready(core, address, broker.port, fleet)
            simulating = asyncio.create_task(_simulate(core, fleet, broker.port, seed, speed, stop, told))
            simulating.add_done_callback(lambda task: stop.set() if not task.cancelled() else None)

        await serve(settings, stop, ready=ready, listener=told.hear, write=told.write)
        if simulating is not None:
            await simulating
    finally:
        await broker.stop()
    screen.print("Ended. The next start goes on with the same data.")


def _prepare(data_dir: Path, *, fresh: bool) -> bool:
    """Make the folder, without what an earlier demo left if `fresh`; return whether there is data in it already."""
    if fresh:
        for name in ("journal", "postgres", "broker"):
            shutil.rmtree(data_dir / name, ignore_errors=True)
    data_dir.mkdir(parents=True, exist_ok=True)
    return (data_dir / "journal").exists()


def _free_port(wanted: int) -> int:
    """Return `wanted`, or where it is taken another port that is free now: it is part of the links."""
    try:
        listener = bind_tcp(HOST, wanted)
    except CannotListen:
        listener = bind_tcp(HOST, 0)
    with listener:
        return int(listener.getsockname()[1])


def demo_settings(data_dir: Path, fleet: Fleet, port: int, http_port: int, console_port: int) -> Settings:
    """Write the demo's settings into its folder, for the commands too, and return them."""
    residents = "".join(
        f'[[residents]]\ndevice = "{device.key}"\nfamily = ["wu-ming"]\n'
        + ('person = "granny-wu"\n' if device.name.endswith("-0001") else "")
        for device in fleet.devices
        if device.kind is Kind.WATCH
    )
    file = data_dir / DEMO_FILE
    file.write_text(
        f"""# Written by `vigil demo` at each start; changes are lost.
data_dir = "."

[broker]
port = {port}

[http]
port = {http_port}

[log]
level = "warning"

[console]
port = {console_port}
public_url = "http://{HOST}:{console_port}"

[channels.console]
type = "console"

[channels.screen]                      # of the duty room: what an app or a wall of screens would subscribe to
type = "mqtt"
topic = "vigil/v1/{{site}}/notices/{{recipient}}"

[channels.watch]                       # an elder's watch, which asks by voice
type = "mqtt"
topic = "vigil/v1/{{address}}/cmd"

[[recipients]]
name = "duty-room"
channels = ["screen"]
min_severity = "advisory"
updates = true

[directory]
files = [{json.dumps(str(PEOPLE))}]

# One family stands for all.
{residents}""",
        "utf-8",
    )
    return load_settings(file)


async def _simulate(
    core: Core, fleet: Fleet, port: int, seed: int, speed: float, stop: asyncio.Event, told: Narrator
) -> None:
    """Register the fleet where it is not yet, and let it live until `stop`."""
    registry = core.shard.registry
    rows = ((device, registry.device_row(device.key)) for device in fleet.devices)
    new = [
        device
        for device, row in rows
        if row is None or (known := registry.device(row)) is None or known.lifecycle is Lifecycle.UNREGISTERED
    ]
    if new:
        await core.register(new)
    async with asyncio.TaskGroup() as group:
        reporting = group.create_task(told.report_status(core))
        # Another story at every start: the devices of the last one may still be in their incidents.
        await simulate(fleet, BrokerAddress(port=port), seed=seed + core.shard.offset, speed=speed, stop=stop)
        reporting.cancel()
