"""A desk over the real fold, and the console of it on a real server."""

from __future__ import annotations

import asyncio
import socket
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import httpx
import uvicorn
from prometheus_client import CollectorRegistry, generate_latest

from alerts.alerting import Alerted, Alerting, AlertingLimits
from alerts.answer import Links
from alerts.counters import AlertsCounters
from alerts.incident import IncidentEvent
from alerts.lifecycle import CommandRejected
from alerts.people.model import Chain, Contact, Directory, Language, Person, Route, Step
from alerts.routing import Routing
from console.app import console_app
from console.inbound import Inbox
from console.metrics import ConsoleMetrics
from console.settings import ConsoleSection
from devices.model import Device, Kind
from tests.alerts.scene import FLAT, GAS, METRICS, RULES, SMOKE, SOS, T0, S, change, finding

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from alerts.command import Command
    from alerts.incident import AlertEvent, Incident
    from alerts.notification import Notification
    from devices.profile import Metric
    from rules.model import Rule

__all__ = ["KEY", "LI", "SECRET", "WATCH", "ZHAO", "Console", "TestDesk", "serving"]

KEY: Final = bytes(range(32))
SECRET: Final = "a-secret-of-the-console"
WATCH: Final = replace(FLAT, name="watch-7", kind=Kind.WATCH, profile="watch")
LI: Final = Person(name="li", label="李娜", contacts=(Contact("sms", "13800138000"),), roles=("grid",))
ZHAO: Final = Person(name="zhao", label="Zhao", contacts=(Contact("sms", "+8613900139000"),), languages=(Language.EN,))
DIRECTORY: Final = Directory(
    people=(LI, ZHAO),
    chains=(Chain(name="all", steps=(Step(to=("person:li",)), Step(to=("person:zhao",), after_s=60))),),
    routes=(Route(chain="all"),),
)


@dataclass(slots=True)
class TestDesk:
    """The fold of `alerts`, its clock in the test's hand; what is owed goes nowhere, and is kept in `owed`."""

    __test__ = False

    alerting: Alerting
    links: Links
    now_us: int = T0
    offset: int = 0
    owed: list[Notification] = field(default_factory=list)
    events: list[AlertEvent] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)

    @property
    def incidents(self) -> Any:
        return self.alerting.incidents

    @property
    def response(self) -> Any:
        return self.alerting.response

    @property
    def outbox(self) -> Any:
        return self.alerting.outbox

    @property
    def noise(self) -> Any:
        return self.alerting.noise

    @property
    def contact_tests(self) -> Any:
        return self.alerting.contact_tests

    @property
    def directory(self) -> Directory:
        return self.alerting.directory or Directory()

    async def submit(self, command: Command) -> str:
        self.commands.append(command)
        alerted = self.fold(command)
        await asyncio.sleep(0)  # as the journal's commit does
        if alerted.rejected is not None:
            raise alerted.rejected
        ids = [event.incident.id for event in alerted.events if isinstance(event, IncidentEvent)]
        return alerted.made or next(iter(ids), "")

    async def timeline(self, incident: str) -> list[AlertEvent]:
        return [
            event
            for event in self.events
            if incident in {getattr(event, "incident", ""), getattr(getattr(event, "incident", ""), "id", "")}
        ]

    def fold(self, command: Command) -> Alerted:
        alerted = self._next()
        self.alerting.command(command, _drill, self.now_us, self.offset, alerted)
        return self._end(alerted)

    def use(self, directory: Directory) -> None:
        alerted = self._next()
        self.alerting.use(directory, self.now_us, self.offset, alerted)
        self._end(alerted)

    def raise_(self, rule: Rule = SMOKE, device: Device = FLAT, **how: Any) -> Incident:
        """Let `rule` hold on `device` now, and return the incident."""
        alerted = self._next()
        told = change(rule, (self.now_us - T0) / S, **how)
        self.alerting.change(finding(told, device=device, offset=self.offset), alerted)
        self._end(alerted)
        return next(event.incident for event in alerted.events if isinstance(event, IncidentEvent))

    def advance(self, seconds: float) -> None:
        """Let time go by."""
        self.now_us += round(seconds * S)
        self._end(self._next())

    def asked(self, person: str = "li") -> Notification:
        """Return the newest message to `person`."""
        return next(one for one in reversed(self.owed) if one.recipient == person)

    def incident(self, name: str) -> Incident:
        found = self.incidents.get(name)
        assert found is not None
        incident: Incident = found
        return incident

    def _next(self) -> Alerted:
        self.offset += 1
        return Alerted()

    def _end(self, alerted: Alerted) -> Alerted:
        self.alerting.advance(self.now_us, self.offset, alerted)
        self.owed += alerted.owed
        self.events += alerted.events
        return alerted


def _drill(device: str, rule: str) -> tuple[Device, Rule, Metric | None]:
    if device not in {FLAT.key, WATCH.key} or rule not in RULES:
        raise CommandRejected(f"no rule {rule!r} on {device!r}")
    return (FLAT if device == FLAT.key else WATCH), RULES[rule], METRICS.get(RULES[rule].metric)


def desk(directory: Directory = DIRECTORY) -> TestDesk:
    """Return a desk with these people."""
    made = TestDesk(Alerting(Routing([]), AlertingLimits(), AlertsCounters()), Links(KEY, "https://vigil.example"))
    made.use(directory)
    return made


@dataclass(slots=True)
class Console:
    """The console on a port of this machine, and a client of it."""

    desk: TestDesk
    registry: CollectorRegistry
    client: httpx.AsyncClient
    inbox: Inbox
    port: int
    steady_s: list[float]

    def path(self, notification: Notification | None = None) -> str:
        """Return the path of a message's link."""
        link = self.desk.links.url(notification or self.desk.asked())
        return link.removeprefix("https://vigil.example")

    async def get(self, path: str, **how: Any) -> httpx.Response:
        return await self.client.get(path, **how)

    async def answer(self, answer: str, incident: Incident, path: str | None = None, seen: int = 0) -> httpx.Response:
        """Tap a button."""
        fields = {"answer": answer, "incident": incident.id, "seen": str(seen)}
        return await self.client.post(path or self.path(), data=fields)

    def metric(self, name: str, **labels: str) -> float:
        """Return a sample."""
        return self.registry.get_sample_value(name, labels) or 0.0

    def metrics(self) -> str:
        return generate_latest(self.registry).decode()


class _Server(uvicorn.Server):
    """uvicorn that ends at once, and not at the next of its ticks."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ended = asyncio.Event()

    async def main_loop(self) -> None:
        await self.on_tick(0)
        await self.ended.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        del sockets
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        for server in self.servers:
            await server.wait_closed()


@asynccontextmanager
async def serving(
    settings: dict[str, Any] | None = None,
    *,
    directory: Directory = DIRECTORY,
    channels: dict[str, Any] | None = None,
    push_key: str = "",
    further: Sequence[Any] = (),
) -> AsyncIterator[Console]:
    """Serve a console with `settings` of its section."""
    section = ConsoleSection.model_validate({"public_url": "https://vigil.example", **(settings or {})})
    made, registry, steady_s = desk(directory), CollectorRegistry(), [0.0]
    metrics = ConsoleMetrics(registry)
    inbox = Inbox(made, metrics, lambda: steady_s[0])
    app = console_app(
        made,
        section,
        metrics,
        inbox,
        channels=channels or {},
        push_key=push_key,
        further=further,
        steady=lambda: steady_s[0],
    )
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # else Nagle waits for an ACK
    listener.bind(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    server = _Server(uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", server_header=False))
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", verify=False, timeout=10) as client:
            while not server.started:
                await asyncio.sleep(0.002)
            yield Console(made, registry, client, inbox, port, steady_s)
    finally:
        server.ended.set()
        await task
        listener.close()


__all__ += ["DIRECTORY", "GAS", "SMOKE", "SOS", "desk"]
