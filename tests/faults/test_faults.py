"""What must not be lost or doubled, whatever dies: with the real broker, the real database and the real process."""

from __future__ import annotations

import asyncio
import random
import time
from typing import TYPE_CHECKING

import msgspec
import psycopg
import pytest

from alerts import Command, Settle
from storage.journal import Journal, JournalLimits, RecordKind
from tests.support.device import Device
from tests.support.process import VigilProcess
from tests.support.receiver import Receiver

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from tests.support.broker import Mosquitto, StartMosquitto
    from tests.support.postgres import Database, Server

pytestmark = [pytest.mark.real, pytest.mark.faults]

KILLS = 10
BEGAN_MS = int(time.time() * 1000) - 3_600_000


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as receiver:
        yield receiver


@pytest.fixture
def broker(start_mosquitto: StartMosquitto) -> Mosquitto:
    return start_mosquitto("max_inflight_messages 0", "max_queued_messages 0", "max_queued_bytes 0", "persistence true")


@pytest.fixture
def vigil(tmp_path: Path, broker: Mosquitto, database: Database, receiver: Receiver) -> Iterator[VigilProcess]:
    process = VigilProcess(tmp_path / "vigil", broker.port, database.dsn, receiver.url)
    yield process
    process.end()


def telemetry(round_: int, n: int) -> Iterator[tuple[str, dict[str, object]]]:
    """`n` messages of four values, each with a time of its own over all rounds; every tenth has none."""
    base = BEGAN_MS + round_ * n
    for i in range(n):
        values = {"gas_lel": 0.1, "temp_c": 20.0, "battery_pct": 90, "count": round_ * n + i}
        topic = f"vigil/v1/shuibei/gas-{i % 50:04}/readings"
        yield topic, dict(values) if i % 10 == 0 else {"ts": base + i, "values": values}


async def rows(database: Database, query: str) -> int:
    async with await psycopg.AsyncConnection.connect(database.dsn) as connection:
        row = await (await connection.execute(query)).fetchone()
        assert row is not None
        return int(row[0])


async def rows_reach(database: Database, query: str, n: int, *, deadline_s: float = 60) -> int:
    until = time.monotonic() + deadline_s
    while (found := await rows(database, query)) < n and time.monotonic() < until:
        await asyncio.sleep(0.2)
    return found


READINGS = "select count(*) from vigil.readings r join vigil.channels c using (channel_id) where c.metric = 'count'"
DISTINCT = READINGS.replace("count(*)", "count(distinct r.value)")


async def receipts(vigil: VigilProcess) -> set[str]:
    """Return the notifications whose receipt is in the journal of a service that is not running."""
    journal = await Journal.open(vigil.data_dir / "journal", JournalLimits(), cursors=("archive",))
    try:
        found: set[str] = set()
        after = 0
        while records := await journal.read(after, 1 << 24):
            after = records[-1].offset
            for record in records:
                if record.kind is RecordKind.COMMAND:
                    command = msgspec.msgpack.decode(record.body, type=Command)
                    if isinstance(command, Settle):
                        found.add(command.notification)
        return found
    finally:
        await journal.close()


@pytest.mark.timeout(280)
async def test_nothing_is_lost_or_doubled_when_the_service_is_killed_under_load(
    vigil: VigilProcess, broker: Mosquitto, database: Database, receiver: Receiver
) -> None:
    chance = random.Random(20261122)
    devices = Device(broker.host, broker.port)
    vigil.start()
    await vigil.ready()
    sent = alarms = 0
    once_settled: dict[str, int] = {}
    for round_ in range(KILLS):
        load = asyncio.create_task(devices.publish(telemetry(round_, 3000)))
        alarming = [(f"vigil/v1/shuibei/smoke-{alarms + i:04}/alarm", {"smoke": 1}) for i in range(20)]
        raising = asyncio.create_task(Device(broker.host, broker.port).publish(alarming))
        await asyncio.sleep(chance.uniform(0.0, 0.6))
        vigil.kill()
        calls = receiver.by_key()
        for key in await receipts(vigil):
            once_settled.setdefault(key, calls[key])
        vigil.start()
        await asyncio.gather(load, raising)
        await vigil.ready()
        sent, alarms = sent + 3000, alarms + 20
    await receiver.wait_for(alarms, deadline_s=30)
    assert len(devices.accepted) == sent
    assert await rows_reach(database, DISTINCT, sent) == sent
    assert await rows(database, READINGS) == sent
    assert await rows_reach(database, "select count(*) from vigil.incidents", alarms) == alarms
    assert len(receiver.by_key()) == alarms
    assert {call.incident["device"] for call in receiver.calls} == {f"shuibei/smoke-{i:04}" for i in range(alarms)}
    assert vigil.stop() == 0
    calls = receiver.by_key()
    assert len(once_settled) > alarms / 2
    assert {key: calls[key] for key in once_settled} == once_settled, "a notification came again after its receipt"


async def test_a_restarted_broker_is_found_again_and_a_lost_session_is_told(
    tmp_path: Path, start_mosquitto: StartMosquitto, database: Database, receiver: Receiver
) -> None:
    forgetful = start_mosquitto("max_inflight_messages 0", "max_queued_messages 100000")
    vigil = VigilProcess(tmp_path / "vigil", forgetful.port, database.dsn, receiver.url)
    try:
        vigil.start()
        await vigil.ready()
        forgetful.restart()
        await vigil.metric_reaches("vigil_ingest_session_sessions_lost_total", 2)
        await vigil.ready()
        await Device(forgetful.host, forgetful.port).publish([("vigil/v1/shuibei/smoke-0001/alarm", {"smoke": 1})])
        await receiver.wait_for(2)
        told = {call.incident["rule_id"] for call in receiver.calls}
        assert told == {"service.session-lost", "unknown.alarm-unattributed"}
    finally:
        vigil.end()


@pytest.mark.timeout(200)
async def test_alarms_flow_while_the_database_is_stopped_and_the_archive_catches_up(
    vigil: VigilProcess, broker: Mosquitto, database: Database, server: Server, receiver: Receiver
) -> None:
    devices = Device(broker.host, broker.port)
    vigil.start()
    await vigil.ready()

    async def latencies_s(first: int, n: int) -> list[float]:
        found: list[float] = []
        for i in range(first, first + n):
            started = time.monotonic()
            come = len(receiver.by_key())
            await devices.publish([(f"vigil/v1/shuibei/smoke-{i:04}/alarm", {"smoke": 1})])
            await receiver.wait_for(come + 1)
            found.append(time.monotonic() - started)
        return sorted(found)

    with_database = await latencies_s(0, 20)
    server.stop()
    try:
        stopped = time.monotonic()
        sent = 0
        without: list[float] = []
        first = 1000
        while time.monotonic() - stopped < 60:
            await devices.publish(telemetry(sent // 2000, 2000))
            sent += 2000
            without += await latencies_s(first, 1)
            first += 1
            await asyncio.sleep(0.5)
    finally:
        server.start()
    assert max(without) < 1.0, (
        f"alarms took {max(without):.3f} s without a database; {max(with_database):.3f} s with it"
    )
    assert await rows_reach(database, DISTINCT, sent) == sent
    assert await rows(database, READINGS) == sent
    assert await rows_reach(database, "select count(*) from vigil.incidents", 20 + len(without)) >= 20 + len(without)
    assert vigil.stop() == 0


async def test_the_loser_of_two_services_with_one_client_id_says_so_and_stops(
    tmp_path: Path, vigil: VigilProcess, broker: Mosquitto, database: Database, receiver: Receiver
) -> None:
    vigil.start()
    await vigil.ready()
    other = VigilProcess(tmp_path / "other", broker.port, database.dsn, receiver.url)
    try:
        other.start()
        assert await vigil.exited() == 3
        assert "is another Vigil running with the same settings" in vigil.tail()
        await other.ready()
        assert other.process is not None
        assert other.process.poll() is None
    finally:
        other.end()


async def test_two_services_on_one_data_folder_do_not_run(vigil: VigilProcess) -> None:
    vigil.start()
    await vigil.ready()
    second = VigilProcess(vigil.directory, vigil.broker_port, vigil.dsn, vigil.webhook_url, client_id="second")
    second.start()
    assert await second.exited(30) == 4
    assert vigil.process is not None
    assert str(vigil.process.pid) in second.tail()


GARBAGE: list[tuple[str, bytes]] = [
    ("vigil/v1/shuibei/gas-0001/readings", b"{"),
    ("vigil/v1/shuibei/gas-0001/readings", b"\xff\xfe\x00"),
    ("vigil/v1/shuibei/gas-0001/readings", b'{"gas_lel": NaN}'),
    ("vigil/v1/shuibei/gas-0001/readings", b'{"gas_lel": 1e999}'),
    ("vigil/v1/shuibei/gas-0001/readings", b"[" * 50_000),
    ("vigil/v1/shuibei/gas-0001/readings", b'"text"'),
    ("vigil/v1/shuibei/gas-0001/readings", b'{"gas_lel": "high"}'),
    ("vigil/v1/shuibei/gas-0001/readings", b'{"gas_lel": ' + b"1" * 300_000 + b"}"),
    ("vigil/v1/shuibei/gas-0001/readings", b""),
    ("vigil/v1//gas-0001/readings", b'{"gas_lel": 1}'),
    ("vigil/v1/shuibei/" + "x" * 100 + "/readings", b'{"gas_lel": 1}'),
]


async def test_garbage_is_counted_kept_and_stops_nothing(
    vigil: VigilProcess, broker: Mosquitto, receiver: Receiver
) -> None:
    vigil.start()
    await vigil.ready()
    await Device(broker.host, broker.port).publish(GARBAGE)
    await vigil.metric_reaches("vigil_ingest_quarantined_total", len(GARBAGE))
    shown = await vigil.command("quarantine", "list")
    assert "not_json" in shown
    assert "gas-0001" in shown
    await Device(broker.host, broker.port).publish([("vigil/v1/shuibei/smoke-0001/alarm", b"\xff not an alarm")])
    await receiver.wait_for(1)
    assert receiver.calls[0].incident["device"] == "shuibei/smoke-0001"
    assert vigil.stop() == 0
