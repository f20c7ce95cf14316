from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web
from pydantic import ValidationError

from alerts.channels.channel import DeliveryError
from alerts.channels.heartbeat import Beat, HeartbeatSettings, beat_of, make_heartbeat
from alerts.incident import EventKind, Exercise, IncidentState
from devices.model import Kind
from tests.alerts.machines import T0, incident, notification

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SELF_TEST: dict[str, Any] = {"kind": Kind.SERVICE, "rule_id": "synthetic.alarm", "exercise": Exercise.SYNTHETIC}
BROKEN: dict[str, Any] = {"kind": Kind.SERVICE, "rule_id": "service.synthetic-lost"}
CLEARED: dict[str, Any] = {"state": IncidentState.CLEARED, "closed_us": T0}


@dataclass(slots=True)
class FarEnd:
    """Keeps what it was asked for."""

    port: int = 0
    lines: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)


@asynccontextmanager
async def far_end(answer: int = 200) -> AsyncIterator[FarEnd]:
    far = FarEnd()

    async def take(request: web.Request) -> web.Response:
        far.lines.append(f"{request.method} {request.path}")
        far.headers.append({name.lower(): value for name, value in request.headers.items()})
        return web.Response(status=answer, headers={"location": "/elsewhere"})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    far.port = runner.addresses[0][1]
    try:
        yield far
    finally:
        await runner.cleanup()


def settings(far: FarEnd, **more: Any) -> HeartbeatSettings:
    return HeartbeatSettings.model_validate({"type": "heartbeat", "url": f"http://127.0.0.1:{far.port}/ping"} | more)


@pytest.mark.parametrize(
    ("facts", "beat"),
    [
        (SELF_TEST, Beat.SUCCESS),
        (SELF_TEST | CLEARED, Beat.NOTHING),
        (BROKEN, Beat.FAILURE),
        (BROKEN | CLEARED, Beat.NOTHING),
        ({}, Beat.NOTHING),
        ({"exercise": Exercise.DRILL}, Beat.NOTHING),
        ({"kind": Kind.SERVICE, "rule_id": "service.telemetry-shed"}, Beat.NOTHING),
    ],
)
def test_only_the_self_test_beats_and_only_its_loss_fails(facts: dict[str, Any], beat: Beat) -> None:
    assert beat_of(incident(**facts)) is beat


async def test_a_beat_asks_for_the_address_and_a_failure_for_its_other() -> None:
    async with far_end() as far:
        channel = make_heartbeat(settings(far, failure="/fail", headers={"x-token": "t"}))
        beat = await channel.send(notification("beat", incident(**SELF_TEST)))
        await channel.send(notification("beat", incident(**BROKEN)))
        real = await channel.send(notification("beat"))
        await channel.close()
    assert far.lines == ["GET /ping", "GET /ping/fail"]
    assert far.headers[0]["x-token"] == "t"
    assert (beat.detail, beat.received) == ("success: HTTP 200 OK", True)
    assert (real.detail, real.received) == ("no beat", True)


async def test_without_an_address_for_failures_nothing_is_sent_for_one() -> None:
    async with far_end() as far:
        channel = make_heartbeat(settings(far, method="POST", success="/up"))
        await channel.send(notification("beat", incident(**BROKEN)))
        await channel.send(notification("beat", incident(**SELF_TEST), kind=EventKind.REOPENED))
        await channel.close()
    assert far.lines == ["POST /ping/up"]


@pytest.mark.parametrize(("answer", "again"), [(503, True), (429, True), (404, False), (302, False)])
async def test_a_far_end_that_takes_no_beat_is_an_error(answer: int, again: bool) -> None:
    async with far_end(answer) as far:
        channel = make_heartbeat(settings(far))
        with pytest.raises(DeliveryError) as refused:
            await channel.send(notification("beat", incident(**SELF_TEST)))
        await channel.close()
    assert refused.value.retry is again
    assert len(far.lines) == 1


def test_the_address_is_a_secret_and_a_key_too_many_a_fault() -> None:
    made = HeartbeatSettings.model_validate({"type": "heartbeat", "url": "https://beat.example/token"})
    assert "token" not in repr(made)
    with pytest.raises(ValidationError):
        HeartbeatSettings.model_validate({"type": "heartbeat", "url": "https://beat.example/x", "every": 5})
