"""`vigil demo`: broker, database, service and a simulated community in one command, told as it happens."""

from __future__ import annotations

import asyncio
import shutil
import sys
import time
from typing import TYPE_CHECKING

from rich.console import Console
from rich.panel import Panel
from rich.text import Text

from alerts import EventKind, IncidentEvent, NotificationEvent, NotificationStatus
from alerts.channels import ConsoleSettings, MqttSettings
from devices import Lifecycle
from rules import Severity
from service.control import is_served
from service.core import clock_us
from service.embedded_broker import BrokerFailed, EmbeddedBroker
from service.service import serve
from service.settings import BrokerSection, HttpSection, LogSection, RecipientSection, Settings, load_settings
from simulator import BrokerAddress, shuibei_fleet, simulate

if TYPE_CHECKING:
    from pathlib import Path

    from alerts import Notification
    from service.core import Core
    from service.shard import Effects
    from simulator import Fleet

__all__ = ["run_demo"]

SEED = 2026
STATUS_EVERY_S = 10.0
APP_TOPIC = "vigil/v1/{site}/notices/{recipient}"

_COLOURS = {"emergency": "bold white on red", "alarm": "bold red", "warning": "bold yellow", "advisory": "cyan"}
_ENDINGS = {
    EventKind.ACKNOWLEDGED: "acknowledged",
    EventKind.CLEARED: "cleared by itself",
    EventKind.RESOLVED: "resolved",
}


async def run_demo(
    data_dir: Path, stop: asyncio.Event, *, port: int, http_port: int, seed: int, speed: float, fresh: bool
) -> None:
    """Run the demo on `data_dir` until `stop`; `fresh` throws away what an earlier one left there.

    Raises what `serve` raises, and OSError where the data folder cannot be made.
    """
    screen = Console(highlight=False, soft_wrap=True)
    if is_served(data_dir):
        raise BrokerFailed(f"a demo is running on {data_dir} already; end it, or give another --data-dir")
    again = await asyncio.to_thread(_prepare, data_dir, fresh=fresh)
    broker = EmbeddedBroker(data_dir / "broker", port=port)
    await broker.start()
    try:
        settings = demo_settings(data_dir, broker.port, http_port)
        told = Narrator(screen)
        going_on = " (going on with it)" if again else ""
        screen.print(Text.assemble(("Vigil 守望", "bold"), f"  data in {data_dir}{going_on}"))
        screen.print(f"broker    {broker.program} on 127.0.0.1:{broker.port}", broker.caution)
        fleet = shuibei_fleet(seed, extended=True)
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


def demo_settings(data_dir: Path, port: int, http_port: int) -> Settings:
    """Return settings with two posts: one told on the terminal, one by MQTT as an app would be."""
    return load_settings(
        None,
        data_dir=data_dir,
        broker=BrokerSection(port=port),
        http=HttpSection(port=http_port),
        log=LogSection(level="warning"),
        channels={
            "console": ConsoleSettings(type="console"),
            "app": MqttSettings(type="mqtt", topic=APP_TOPIC),
        },
        recipients=(
            RecipientSection(name="grid-staff", channels=("console",)),
            RecipientSection(name="micro-fire-station", channels=("console", "app"), min_severity=Severity.ALARM),
        ),
    )


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


class Narrator:
    """Tells on the terminal what happens: incidents, who was told and how fast, and now and then how things stand."""

    def __init__(self, screen: Console) -> None:
        self._screen = screen
        self._raised_us: dict[str, int] = {}

    def ready(self, core: Core, address: str, port: int, fleet: Fleet) -> None:
        """Say that alarms can flow, and what a person can do now."""
        example = next(device for device in fleet.devices if device.kind == "smoke")
        self._screen.print(f"metrics   {address}/metrics")
        self._screen.print(f"devices   {len(fleet.devices)} simulated in {fleet.site}; scripted incidents follow")
        self._screen.print(
            Panel(
                f"mosquitto_pub -p {port} -q 1 -t vigil/v1/{example.site}/{example.name}/alarm -m '{{\"smoke\": 1}}'\n"
                f"mosquitto_sub -p {port} -t 'vigil/v1/+/notices/#'\n"
                f"{sys.argv[0]} incidents list\n"
                f"{sys.argv[0]} incidents ack ID\n"
                f"{sys.argv[0]} incidents resolve ID false_alarm\n"
                "Ctrl-C ends it.",
                title="try in another terminal",
                title_align="left",
                expand=False,
            ),
            soft_wrap=False,
            width=110,
        )
        for one in core.shard.incidents.open():
            self._screen.print(
                f"   {one.id} still open: {one.rule_name_zh} {one.rule_name_en}, {one.place}, {one.state}"
            )

    def write(self, notification: Notification) -> None:
        """Be the console channel: the incident itself is told as it happens, so only who is told is written here."""
        self._screen.print(
            f"   {notification.incident.id} → {notification.recipient}: {notification.title_zh}", style="dim"
        )

    def hear(self, effects: list[Effects]) -> None:
        """Tell of what followed from a group of records."""
        for effect in effects:
            for event in effect.events:
                if isinstance(event, NotificationEvent):
                    self._told(event)
                elif isinstance(event, IncidentEvent):
                    self._happened(event)

    def _happened(self, event: IncidentEvent) -> None:
        one = event.incident
        if event.kind in (EventKind.RAISED, EventKind.REOPENED):
            self._raised_us[one.id] = one.event_us
            self._screen.print()
            badge = (f" {one.severity.upper()} ", _COLOURS[one.severity])
            what = f" {one.rule_name_zh} {one.rule_name_en}  "
            self._screen.print(Text.assemble(badge, what, (one.id, "bold")))
            self._screen.print(f"   where   {one.place}  ({one.device})")
            self._screen.print(f"   what    {one.what_en}")
            self._screen.print(f"           {one.what_zh}")
            self._screen.print(f"   rule    {one.rule_id}  ({one.source})")
        elif event.kind in _ENDINGS:
            by = f" by {event.by}" if event.by else ""
            self._screen.print(f"   {one.id} {one.rule_name_en}: {_ENDINGS[event.kind]}{by}", style="green")

    def _told(self, event: NotificationEvent) -> None:
        if event.status is NotificationStatus.DELIVERED:
            since = self._raised_us.get(event.incident)
            after = "" if since is None else f" {(event.time_us - since) / 1000:.0f} ms after the reading"
            self._screen.print(f"   {event.incident} told: {event.recipient} by {event.channel}{after}")
        else:
            self._screen.print(f"   {event.incident} NOT told: {event.recipient} by {event.channel}: {event.detail}")

    async def report_status(self, core: Core) -> None:
        """Say every few seconds how things stand, until cancelled."""
        readings = _readings(core)
        while True:
            await asyncio.sleep(STATUS_EVERY_S)
            before, readings = readings, _readings(core)
            open_ = len(core.shard.incidents.open())
            clock = time.strftime("%H:%M:%S", time.localtime(clock_us() / 1e6))
            rate = (readings - before) / STATUS_EVERY_S
            self._screen.print(
                f"{clock}  {rate:.1f} readings/s, {readings} since the start, {open_} incidents open", style="dim"
            )


def _readings(core: Core) -> int:
    return core.ingest_counters.readings
