"""Incidents told to a real Alertmanager, and its channel's behaviour where one is not there."""

from __future__ import annotations

import asyncio
import os
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from pydantic import ValidationError

from alerts.channels.alertmanager import AlertmanagerChannel, AlertmanagerSettings
from alerts.channels.channel import DeliveryError
from alerts.channels.http import HttpGateway
from alerts.incident import EventKind, Exercise, Incident, IncidentState, Outcome
from tests.alerts.machines import S, incident, needed, notification, parsed, start_program
from tests.alerts.receiver import receiver, status
from tests.support.broker import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.alerts.machines import Running

OK = status(200)


@pytest.fixture(scope="module")
def program() -> str:
    return needed("prometheus-alertmanager", "prometheus-alertmanager", is_ci=os.environ.get("CI") == "true")


@pytest.fixture
def alertmanager(program: str, tmp_path: Path) -> Iterator[Running]:
    config = tmp_path / "am.yml"
    config.write_text("route:\n  receiver: nobody\nreceivers:\n- name: nobody\n")
    port = free_port()
    command = [
        program,
        f"--config.file={config}",
        f"--storage.path={tmp_path / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]
    running = start_program(command, f"http://127.0.0.1:{port}/-/ready", tmp_path / "am")
    yield running
    running.stop()


class Book:
    """The incidents as the fold has them now."""

    def __init__(self) -> None:
        self.incidents: dict[str, Incident] = {}

    def put(self, one: Incident) -> Incident:
        self.incidents[one.id] = one
        return one


@pytest.fixture
def book() -> Book:
    return Book()


async def alerts_of(url: str) -> list[dict[str, Any]]:
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"{url}/api/v2/alerts")
        answer.raise_for_status()
        found: list[dict[str, Any]] = answer.json()
        return found


async def until_alerts(url: str, count: int) -> list[dict[str, Any]]:
    async with asyncio.timeout(10):
        while len(found := await alerts_of(url)) != count:
            await asyncio.sleep(0.02)
    return found


def channel(book: Book, *urls: str, refresh_s: float = 60.0) -> AlertmanagerChannel:
    return AlertmanagerChannel(
        urls,
        HttpGateway(idempotent=True),
        book.incidents.get,
        labels={"district": "longgang"},
        page_of=lambda one: f"https://vigil.example/incidents/{one.id}",
        refresh_s=refresh_s,
    )


@pytest.fixture
def down() -> str:
    return f"http://127.0.0.1:{free_port()}"


def now_us() -> int:
    return time.time_ns() // 1000


def fresh(**facts: Any) -> Incident:
    """Return an incident of just now: an Alertmanager goes by its own clock."""
    at_us = now_us()
    return incident(**({"raised_us": at_us, "event_us": at_us, "since_us": at_us, "last_us": at_us} | facts))


# ── with a real Alertmanager ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.real
async def test_a_raised_incident_is_an_active_alert_and_a_resolved_one_is_none(
    alertmanager: Running, book: Book
) -> None:
    way = channel(book, alertmanager.url)
    about = book.put(fresh())
    handed = await way.send(notification("am", about, created_us=about.raised_us))
    (alert,) = await until_alerts(alertmanager.url, 1)
    assert (handed.detail, handed.received) == ("1 of 1 Alertmanagers", True)
    assert alert["status"]["state"] == "active"
    assert alert["labels"] == {
        "alertname": "gas.high",
        "incident": "QFE23P6C",
        "site": "shuibei",
        "grid": "3",
        "building": "5",
        "device": "shuibei/flat-201",
        "kind": "gas",
        "severity": "alarm",
        "class": "life-safety",
        "district": "longgang",
        "monitor": "vigil",
    }
    assert alert["annotations"]["summary"] == ("[ALARM] Gas concentration high · shuibei, grid 3, building 5, 201")
    assert alert["annotations"]["summary_zh"] == "【报警】燃气浓度高 · shuibei，网格3，楼栋5，201"
    assert alert["annotations"]["description_zh"] == "燃气浓度高：12.3 %LEL。"
    assert (alert["annotations"]["value"], alert["annotations"]["limit"]) == ("12.3 %LEL", "10")
    assert alert["generatorURL"] == "https://vigil.example/incidents/QFE23P6C"

    ended = book.put(
        fresh(raised_us=about.raised_us, state=IncidentState.RESOLVED, outcome=Outcome.TRUE, closed_us=now_us())
    )
    await way.send(notification("am", ended, kind=EventKind.RESOLVED))
    assert await until_alerts(alertmanager.url, 0) == []
    await way.close()


@pytest.mark.real
async def test_an_alertmanager_that_was_restarted_is_told_again_what_is_open(alertmanager: Running, book: Book) -> None:
    way = channel(book, alertmanager.url, refresh_s=0.1)
    about = book.put(fresh())
    await way.send(notification("am", about))
    await until_alerts(alertmanager.url, 1)
    alertmanager.stop()
    alertmanager.start()
    await until_alerts(alertmanager.url, 1)
    await way.close()


@pytest.mark.real
async def test_what_ended_without_a_message_of_ours_ends_there_too(alertmanager: Running, book: Book) -> None:
    way = channel(book, alertmanager.url, refresh_s=0.1)
    about = book.put(fresh())
    other = book.put(fresh(id="AAAAAAAA"))
    await way.send(notification("am", about))
    await way.send(notification("am", other))
    await until_alerts(alertmanager.url, 2)
    book.put(fresh(raised_us=about.raised_us, state=IncidentState.CLEARED, closed_us=now_us()))
    del book.incidents["AAAAAAAA"]
    assert await until_alerts(alertmanager.url, 0) == []
    await way.close()


@pytest.mark.real
async def test_one_peer_that_is_down_keeps_nobody_from_being_told(alertmanager: Running, book: Book, down: str) -> None:
    way = channel(book, down, alertmanager.url)
    handed = await way.send(notification("am", book.put(fresh())))
    assert handed.detail == "1 of 2 Alertmanagers"
    await until_alerts(alertmanager.url, 1)
    await way.close()


@pytest.mark.real
async def test_with_all_of_them_down_it_is_tried_again_and_then_taken(alertmanager: Running, book: Book) -> None:
    alertmanager.stop()
    way = channel(book, alertmanager.url)
    about = book.put(fresh())
    with pytest.raises(DeliveryError) as lost:
        await way.send(notification("am", about))
    assert lost.value.retry
    alertmanager.start()
    await way.send(notification("am", about))
    await until_alerts(alertmanager.url, 1)
    await way.close()


@pytest.mark.real
async def test_an_exercise_says_so_and_labels_without_a_value_are_left_out(alertmanager: Running, book: Book) -> None:
    way = channel(book, alertmanager.url)
    await way.send(notification("am", book.put(fresh(exercise=Exercise.DRILL, grid="", building="", limit=None))))
    (alert,) = await until_alerts(alertmanager.url, 1)
    assert alert["labels"]["exercise"] == "drill"
    assert not {"grid", "building"} & alert["labels"].keys()
    assert "limit" not in alert["annotations"]
    await way.close()


# ── without one ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_open_alerts_hold_far_ahead_and_ended_ones_end_when_they_did(book: Book) -> None:
    async with receiver(OK) as far:
        way = channel(book, f"http://127.0.0.1:{far.port}/am/")
        about = book.put(fresh())
        await way.send(notification("am", about))
        closed_us = now_us() - 5 * S
        cleared_one = book.put(fresh(state=IncidentState.CLEARED, closed_us=closed_us))
        await way.send(notification("am", cleared_one, kind=EventKind.CLEARED))
        await way.close()
    (raised,), (cleared,) = (parsed(request.body) for request in far.requests)
    held_s = (moment(raised["endsAt"]) - moment(raised["startsAt"])).total_seconds()
    assert 86_400 <= held_s < 86_410
    assert abs(moment(cleared["endsAt"]).timestamp() - closed_us / 1e6) < 1e-3
    assert moment(cleared["startsAt"]) <= moment(cleared["endsAt"])


async def test_it_is_refused_for_good_only_where_all_refuse_for_good(book: Book) -> None:
    async with receiver(status(400)) as deaf, receiver(status(503, "retry-after: 3"), status(400)) as busy:
        way = channel(book, f"http://127.0.0.1:{deaf.port}", f"http://127.0.0.1:{busy.port}")
        with pytest.raises(DeliveryError, match="503") as again:
            await way.send(notification("am", book.put(fresh())))
        with pytest.raises(DeliveryError, match="400") as never:
            await way.send(notification("am", book.put(fresh())))
        await way.close()
    assert (again.value.retry, again.value.retry_after_s) == (True, 3.0)
    assert not never.value.retry


async def test_an_old_message_that_was_long_under_way_does_not_open_it_again(book: Book) -> None:
    closed_us = now_us() - S
    async with receiver(OK) as far:
        way = channel(book, f"http://127.0.0.1:{far.port}")
        book.put(fresh(revision=3, state=IncidentState.CLEARED, closed_us=closed_us))
        await way.send(notification("am", fresh(revision=1)))
        await way.close()
    (alert,) = parsed(far.requests[0].body)
    assert abs(moment(alert["endsAt"]).timestamp() - closed_us / 1e6) < 1e-3


async def test_only_what_is_open_is_told_again(book: Book) -> None:
    async with receiver(OK) as far:
        way = channel(book, f"http://127.0.0.1:{far.port}", refresh_s=0.05)
        await way.send(notification("am", book.put(fresh())))
        await way.send(notification("am", book.put(fresh(id="AAAAAAAA"))))
        ended = book.put(fresh(id="AAAAAAAA", state=IncidentState.CLEARED, closed_us=now_us()))
        await way.send(notification("am", ended, kind=EventKind.CLEARED))
        seen = len(far.requests)
        async with asyncio.timeout(5):
            while len(far.requests) < seen + 3:
                await asyncio.sleep(0.01)
        await way.close()
    told = [[alert["labels"]["incident"] for alert in parsed(request.body)] for request in far.requests[seen + 1 :]]
    assert told
    assert all(one == ["QFE23P6C"] for one in told)


@pytest.mark.parametrize(
    "wrong",
    [
        {"urls": []},
        {"urls": ["ftp://am"]},
        {"labels": {"a-b": "c"}},
        {"refresh_s": 0},
        {"token": "x"},
    ],
)
def test_settings_that_cannot_work_are_faults(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        AlertmanagerSettings.model_validate({"type": "alertmanager", "urls": ["http://am:9093"]} | wrong)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
