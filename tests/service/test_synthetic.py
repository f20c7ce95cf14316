"""Vigil's own alarm on the running service, with a real broker and a heartbeat that can be deaf."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import pytest
from aiohttp import web
from msgspec.structs import replace
from prometheus_client import CollectorRegistry

from alerts import EventKind, IncidentEvent, IncidentState, NotificationEvent, NotificationStatus, Outcome
from alerts.channels import Broker
from service.service import serve
from service.settings import Settings, load_settings
from service.shard import Effects
from service.synthetic import SYNTHETIC_DEVICE, Stage, Synthetic, SyntheticMetrics, _Trial
from tests.alerts.machines import event, incident, notification
from tests.support.broker import free_port
from tests.support.inbox import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from alerts import Notification
    from service.core import Core
    from tests.support.broker import Mosquitto

pytestmark = pytest.mark.real


@dataclass(slots=True)
class Beats:
    """An address outside that counts its beats, and answers as told."""

    status: int = 200
    url: str = ""
    lines: list[str] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        self.lines.append(request.path)
        return web.Response(status=self.status)


@pytest.fixture(autouse=True)
def _no_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stop does not wait for an address that is deaf on purpose."""
    monkeypatch.setattr("service.service.DELIVERY_GRACE_S", 0.1)


@pytest.fixture
async def beats() -> AsyncIterator[Beats]:
    far = Beats()
    app = web.Application()
    app.router.add_get("/{path:.*}", far.take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    far.url = f"http://127.0.0.1:{runner.addresses[0][1]}/beat"
    yield far
    await runner.cleanup()


def settings_of(tmp_path: Path, broker: Mosquitto, beats: Beats) -> Settings:
    file = tmp_path / "vigil.toml"
    file.write_text(
        f"""
data_dir = "data"
[broker]
host = "{broker.host}"
port = {broker.port}
[database]
dsn = "host=127.0.0.1 port={free_port()}"
[http]
port = 0
[console]
port = 0
[deadman]
enabled = false
[channels.beat]
type = "heartbeat"
url = "{beats.url}"
failure = "/fail"
[channels.console]
type = "console"
[[recipients]]
name = "outside"
channels = ["beat"]
exercises = true
min_severity = "advisory"
[[recipients]]
name = "duty"
channels = ["console"]
min_severity = "advisory"
"""
    )
    return load_settings(file)


class Here:
    """The service and its synthetic alarm; `told` is what the duty desk heard."""

    def __init__(self, core: Core, broker: Mosquitto, told: list[str], limit_s: float, *, is_told: bool) -> None:
        self.core = core
        self.told = told
        self.synthetic = Synthetic(
            core, Broker(broker.host, broker.port), every_s=0.1, limit_s=limit_s, is_told=is_told
        )
        core.listeners.append(self.synthetic.hear)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Synthetic]:
        task = asyncio.create_task(self.synthetic.run())
        try:
            yield self.synthetic
            assert not task.done()
        finally:
            task.cancel()
            await asyncio.wait([task])

    def open(self) -> list[str]:
        return [incident.rule_id for incident in self.core.shard.incidents.open()]


@asynccontextmanager
async def served(settings: Settings, broker: Mosquitto, *, limit_s: float, is_told: bool = True) -> AsyncIterator[Here]:
    stop = asyncio.Event()
    ready: asyncio.Future[Core] = asyncio.get_running_loop().create_future()
    told: list[str] = []
    task = asyncio.create_task(
        serve(
            settings,
            stop,
            ready=lambda core, *_: ready.set_result(core),
            write=lambda one: told.append(one.incident.rule_id),
        )
    )
    either: list[asyncio.Future[Any]] = [task, ready]
    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        await task
    try:
        yield Here(ready.result(), broker, told, limit_s, is_told=is_told)
    finally:
        stop.set()
        await task


async def test_it_goes_the_whole_way_beats_outside_and_is_resolved_as_a_test(
    tmp_path: Path, mosquitto: Mosquitto, beats: Beats
) -> None:
    async with served(settings_of(tmp_path, mosquitto, beats), mosquitto, limit_s=10) as here:
        async with here.running() as synthetic:
            await until(lambda: synthetic.trials[Stage.THROUGH] >= 3)
            round_trip_s = synthetic.round_trip_s
            assert round_trip_s is not None
            assert round_trip_s < 5
            assert synthetic.age_s < 10
        registry = CollectorRegistry()
        SyntheticMetrics(registry, synthetic)
        assert registry.get_sample_value("vigil_synthetic_alarms_total", {"stage": "through"}) == sum(
            synthetic.trials.values()
        )
        assert registry.get_sample_value("vigil_synthetic_round_trip_seconds")
        assert set(beats.lines) == {"/beat"}
        assert len(beats.lines) >= 3
        assert here.told == []  # an exercise of this kind is told to nobody else
        closed = [one for one in here.core.shard.incidents.recent(50) if one.device == SYNTHETIC_DEVICE.key]
        ended = [one for one in closed if one.state is IncidentState.RESOLVED]
        assert {(one.outcome, one.closed_by) for one in ended} == {(Outcome.TEST, "vigil")}
        assert len(closed) - len(ended) <= 1  # the one that was under way
        assert "service.synthetic-lost" not in here.open()


async def test_what_nobody_takes_pages_people_and_is_over_when_it_comes_through_again(
    tmp_path: Path, mosquitto: Mosquitto, beats: Beats
) -> None:
    beats.status = 503
    async with (
        served(settings_of(tmp_path, mosquitto, beats), mosquitto, limit_s=1) as here,
        here.running() as synthetic,
    ):
        await until(lambda: "service.synthetic-lost" in here.open())
        assert synthetic.trials[Stage.HAND] >= 1
        await until(lambda: "service.synthetic-lost" in here.told)
        beats.status = 200
        await until(lambda: synthetic.trials[Stage.THROUGH] > 0, 20)
        await until(lambda: "service.synthetic-lost" not in here.open())
        # What waited for the deaf address has beaten since, the loss among it.
        await until(lambda: "/beat/fail" in beats.lines)


async def test_a_broker_that_takes_nothing_is_found(tmp_path: Path, mosquitto: Mosquitto, beats: Beats) -> None:
    async with (
        served(settings_of(tmp_path, mosquitto, beats), mosquitto, limit_s=1) as here,
        here.running() as synthetic,
    ):
        await until(lambda: synthetic.trials[Stage.THROUGH] > 0)
        mosquitto.stop()
        await until(lambda: synthetic.trials[Stage.PUBLISH] > 0)
        await until(lambda: "service.synthetic-lost" in here.open())
        mosquitto.start()
        await until(lambda: "service.synthetic-lost" not in here.open(), 20)


async def test_where_nobody_takes_exercises_the_way_ends_with_the_incident(
    tmp_path: Path, mosquitto: Mosquitto, beats: Beats
) -> None:
    settings = settings_of(tmp_path, mosquitto, beats)
    recipients = tuple(one.model_copy(update={"exercises": False}) for one in settings.recipients)
    settings = settings.model_copy(update={"recipients": recipients})
    async with served(settings, mosquitto, limit_s=5, is_told=False) as here:
        async with here.running() as synthetic:
            await until(lambda: synthetic.trials[Stage.THROUGH] >= 2)
        assert beats.lines == []
        assert "synthetic.alarm" not in here.told


@pytest.mark.parametrize("status", NotificationStatus)
def test_only_a_receipt_of_this_alarms_own_message_closes_the_loop(status: NotificationStatus) -> None:
    synthetic = Synthetic(cast("Core", None), Broker("127.0.0.1", 1))
    trial = synthetic._trial = _Trial()
    about = incident(device=SYNTHETIC_DEVICE.key)
    stranger, own = (notification("beat", about, created_us=at) for at in (1, 2))
    stranger = replace(stranger, id="of an earlier alarm")
    synthetic.hear([Effects(events=[event(EventKind.RAISED, 0, about)], owed=[own])])
    assert trial.raised.is_set()
    synthetic.hear([Effects(events=[settled(stranger, NotificationStatus.HANDED)])])
    assert not trial.handed.is_set()
    synthetic.hear([Effects(events=[settled(own, status)])])
    assert trial.handed.is_set() == (status in {"handed", "received", "answered"})


def settled(message: Notification, status: NotificationStatus) -> NotificationEvent:
    return NotificationEvent(
        notification=message.id,
        incident=message.incident.id,
        recipient=message.recipient,
        channel=message.channel,
        status=status,
        time_us=0,
        attempts=1,
        detail="",
    )


async def test_what_an_earlier_run_left_open_is_ended(tmp_path: Path, mosquitto: Mosquitto, beats: Beats) -> None:
    beats.status = 503
    settings = settings_of(tmp_path, mosquitto, beats)
    async with served(settings, mosquitto, limit_s=10) as here:
        async with here.running() as synthetic:
            await until(lambda: "synthetic.alarm" in here.open())
        assert sum(synthetic.trials.values()) == 0  # it was cut off
        left = next(one.id for one in here.core.shard.incidents.open() if one.device == SYNTHETIC_DEVICE.key)
    beats.status = 200
    async with served(settings, mosquitto, limit_s=10) as here:
        ended: list[tuple[str, str]] = []
        here.core.listeners.append(
            lambda effects: ended.extend(
                (event.incident.id, event.by)
                for effect in effects
                for event in effect.events
                if isinstance(event, IncidentEvent) and event.kind is EventKind.RESOLVED
            )
        )
        async with here.running() as synthetic:
            await until(lambda: synthetic.trials[Stage.THROUGH] > 0)
        assert ended[0] == (left, "vigil")
        assert synthetic.trials[Stage.HAND] == 0
