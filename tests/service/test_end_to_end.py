"""From a real publisher through the real broker, service and database to a real receiver, and a person's answer."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import time
from typing import TYPE_CHECKING

import aiomqtt
import psycopg
import pytest

from tests.support.device import Device
from tests.support.process import VigilProcess
from tests.support.receiver import Receiver

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from tests.support.broker import Mosquitto
    from tests.support.postgres import Database

pytestmark = pytest.mark.real

LEDGER = """site,device,kind,grid,building,floor,unit
shuibei,smoke-1,smoke,3,5,2,502
shuibei,gas-1,gas,3,5,2,502
"""


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as receiver:
        yield receiver


@pytest.fixture
async def vigil(
    tmp_path: Path, mosquitto: Mosquitto, database: Database, receiver: Receiver
) -> AsyncIterator[VigilProcess]:
    (tmp_path / "ledger.csv").write_text(LEDGER, "utf-8")
    process = VigilProcess(
        tmp_path / "vigil", mosquitto.port, database.dsn, receiver.url, more='[devices]\nledger = "../ledger.csv"'
    )
    process.start()
    try:
        await process.ready()
        yield process
    finally:
        process.end()


@pytest.fixture
def device(mosquitto: Mosquitto) -> Device:
    return Device(mosquitto.host, mosquitto.port)


async def answers(database: Database, query: str, wanted: object, deadline_s: float = 20) -> None:
    """Wait until the first column of the first row is `wanted`."""
    async with asyncio.timeout(deadline_s):
        while True:
            async with await psycopg.AsyncConnection.connect(database.dsn) as connection:
                row = await (await connection.execute(query)).fetchone()
            if row is not None and row[0] == wanted:
                return
            await asyncio.sleep(0.1)


async def test_a_sensor_publishes_a_person_is_told_answers_and_the_history_is_kept(
    vigil: VigilProcess, device: Device, receiver: Receiver, database: Database
) -> None:
    await device.publish([("vigil/v1/shuibei/smoke-1/alarm", {"smoke": 1})])
    await receiver.wait_for(1)
    call = receiver.calls[0]
    incident = call.incident
    assert (incident["device"], incident["grid"], incident["severity"]) == ("shuibei/smoke-1", "3", "emergency")
    assert "502" in incident["place"]
    signed = f"{call.headers['webhook-id']}.{call.headers['webhook-timestamp']}.".encode() + call.raw
    mac = base64.b64encode(hmac.digest(vigil.secret.encode(), signed, hashlib.sha256)).decode()
    assert f"v1,{mac}" in call.headers["webhook-signature"].split(" ")

    assert incident["id"] in await vigil.command("incidents", "list")
    await vigil.command("incidents", "ack", incident["id"].lower(), "--by", "Li Wei")
    await vigil.command("incidents", "resolve", incident["id"], "false_alarm", "--by", "Li Wei", "--note", "steam")
    assert "No open incidents" in await vigil.command("incidents", "list")
    assert "Li Wei" in await vigil.command("incidents", "list", "--all")

    await answers(database, "select outcome from vigil.incidents", "false_alarm")
    await answers(database, "select count(*) from vigil.incident_events", 3)
    await answers(database, "select count(*) from vigil.notifications where status = 'received'", 1)
    await answers(database, "select value from vigil.measurements where metric = 'smoke'", 1.0)
    assert vigil.stop() == 0


async def test_an_alarm_gets_its_receipt_on_the_ack_topic_every_time_it_is_repeated(
    vigil: VigilProcess, mosquitto: Mosquitto, device: Device, receiver: Receiver
) -> None:
    async with aiomqtt.Client(mosquitto.host, mosquitto.port) as client:
        await client.subscribe("vigil/v1/+/+/ack", qos=1)
        body = {"ts": 1_795_000_000_000, "values": {"smoke": 1}}
        await device.publish([("vigil/v1/shuibei/smoke-1/alarm", body)] * 2)
        async with asyncio.timeout(10):
            receipts = [json.loads((await anext(client.messages)).payload) for _ in range(2)]
    assert [receipt["ts"] for receipt in receipts] == [1_795_000_000_000] * 2
    await receiver.wait_for(1)
    assert len(receiver.calls) == 1
    assert vigil.stop() == 0


async def test_gas_opens_as_it_rises_and_clears_as_it_falls(
    vigil: VigilProcess, device: Device, receiver: Receiver
) -> None:
    began = int(time.time() * 1000) - 300_000
    story = ((0, 0.5), (60, 7.0), (90, 12.0), (120, 0.5), (200, 0.5))
    readings = [{"ts": began + s * 1000, "values": {"gas_lel": value}} for s, value in story]
    topic = "vigil/v1/shuibei/gas-1/readings"
    await device.publish((topic, reading) for reading in readings[:3])
    await receiver.wait_for(3)
    opened = {call.incident["rule_id"]: call.incident["value"] for call in receiver.calls}
    assert opened == {"gas.pre-alarm": 7.0, "gas.high": 12.0, "gas.rising": 12.0}
    await device.publish((topic, reading) for reading in readings[3:])
    await vigil.metric_reaches("vigil_ingest_messages_total", 5)
    listed = json.loads(await vigil.command("incidents", "list", "--all", "--json"))
    assert [one["condition_holds"] for one in listed if one["device"] == "shuibei/gas-1"] == 3 * [False]


async def test_the_second_start_knows_what_the_first_knew(
    vigil: VigilProcess, device: Device, receiver: Receiver
) -> None:
    await device.publish([("vigil/v1/shuibei/smoke-1/alarm", {"smoke": 1})])
    await receiver.wait_for(1)
    await vigil.metric_reaches("vigil_alerts_notifications_settled_total", 1, status="received")
    assert vigil.stop() == 0
    assert receiver.calls[0].incident["id"] in await vigil.command("incidents", "list")
    vigil.start()
    await vigil.ready()
    await device.publish([("vigil/v1/shuibei/smoke-1/alarm", {"smoke": 1})])
    await vigil.metric_reaches("vigil_ingest_messages_total", 1)
    assert "shuibei/smoke-1" in await vigil.command("incidents", "list")
    assert vigil.stop() == 0
    assert len(receiver.by_key()) == 1


async def test_an_unregistered_device_pages_and_its_readings_wait_for_its_registration(
    vigil: VigilProcess, device: Device, receiver: Receiver, database: Database, tmp_path: Path
) -> None:
    await device.publish([("vigil/v1/shuibei/new-1/readings", {"gas_lel": 1.5})])
    await device.publish([("vigil/v1/shuibei/new-1/alarm", {"gas": True})])
    await receiver.wait_for(1)
    assert receiver.calls[0].incident["device"] == "shuibei/new-1"
    assert "new-1" in await vigil.command("devices", "list", "--lifecycle", "unregistered")
    await answers(database, "select count(*) from vigil.quarantined_measurements where metric = 'gas_lel'", 1)
    (tmp_path / "more.csv").write_text("site,device,kind\nshuibei,new-1,gas\n", "utf-8")
    assert "1 changed" in await vigil.command("devices", "import", str(tmp_path / "more.csv"))
    await answers(database, "select count(*) from vigil.measurements where metric = 'gas_lel'", 1)
    await device.publish([("vigil/v1/shuibei/new-1/readings", {"gas_lel": 26.0})])
    await receiver.wait_for(2)
    assert vigil.stop() == 0


async def test_a_ledger_with_a_fault_changes_nothing(vigil: VigilProcess, tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text("site,device,kind\nshuibei,x-1,smoke\nshuibei,x-2,dragon\n", "utf-8")
    with pytest.raises(AssertionError, match="dragon"):
        await vigil.command("devices", "import", str(tmp_path / "bad.csv"))
    assert "x-1" not in await vigil.command("devices", "list")


async def test_an_exported_ledger_is_what_was_imported(vigil: VigilProcess, tmp_path: Path) -> None:
    for name in ("out.csv", "out.xlsx"):
        await vigil.command("devices", "export", str(tmp_path / name), "--site", "shuibei")
        assert "0 added, 0 changed, 2 unchanged" in await vigil.command("devices", "import", str(tmp_path / name))


def endings() -> Iterator[tuple[str, int, str]]:
    yield "[ingest]\nblock_s = 1\n", 2, "ingest.block_s"
    yield '[devices]\nledger = "none.csv"\n', 2, "none.csv"


@pytest.mark.parametrize(("text", "code", "said"), list(endings()))
async def test_bad_configuration_is_named_and_the_service_does_not_start(
    tmp_path: Path, text: str, code: int, said: str
) -> None:
    process = VigilProcess(tmp_path / "vigil", 1, "embedded", "http://127.0.0.1:1/", more=text)
    process.start()
    assert await process.exited() == code
    assert said in process.tail()
