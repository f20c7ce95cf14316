"""The broker of a fresh machine: both kinds, on ports free and taken, and what becomes of it when we end."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import signal
import socket
import sys
from typing import TYPE_CHECKING

import aiomqtt
import mqtt5
import psutil
import pytest

from service import embedded_broker
from service.embedded_broker import BrokerFailed, BrokerKind, EmbeddedBroker

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.real

DEADLINE_S = 20
KINDS = [
    pytest.param(
        BrokerKind.MOSQUITTO,
        marks=pytest.mark.skipif(embedded_broker._mosquitto_program() is None, reason="mosquitto is not installed"),
    ),
    pytest.param(
        BrokerKind.IOTCORE,
        marks=pytest.mark.skipif(importlib.util.find_spec("iotcore") is None, reason="iotcore is not installed"),
    ),
]
mosquitto_only = pytest.mark.parametrize("kind", KINDS[:1])


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE  # dead, and waiting for a parent to ask
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize("kind", KINDS)
async def test_it_starts_carries_messages_and_stops(tmp_path: Path, kind: BrokerKind) -> None:
    broker = EmbeddedBroker(tmp_path / "broker", port=0, kind=kind)
    await broker.start()
    pid, port = broker.pid, broker.port
    assert pid is not None
    assert port > 0
    async with (
        asyncio.timeout(DEADLINE_S),
        aiomqtt.Client(broker.host, port, protocol=aiomqtt.ProtocolVersion.V5) as five,
        aiomqtt.Client(broker.host, broker.legacy_port, protocol=aiomqtt.ProtocolVersion.V311) as old,
    ):
        await five.subscribe("vigil/v1/+/+/alarm", qos=1)
        await old.publish("vigil/v1/shuibei/smoke-0001/alarm", b'{"smoke":1}', qos=1)
        message = await anext(aiter(five.messages))
        assert message.payload == b'{"smoke":1}'
    await broker.stop()
    await broker.stop()
    assert broker.pid is None
    assert not runs(pid)
    assert not answers(port)


@pytest.mark.parametrize("kind", KINDS)
async def test_where_the_port_is_taken_it_takes_another_and_says_which(tmp_path: Path, kind: BrokerKind) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        async with EmbeddedBroker(tmp_path, port=taken, kind=kind) as broker:
            assert broker.port != taken
            assert answers(broker.port)


@pytest.mark.parametrize("kind", KINDS)
async def test_it_listens_on_this_machine_only(tmp_path: Path, kind: BrokerKind) -> None:
    async with EmbeddedBroker(tmp_path, port=0, kind=kind) as broker, asyncio.timeout(DEADLINE_S):
        listing = await asyncio.create_subprocess_exec(
            "cat", "/proc/net/tcp", "/proc/net/tcp6", stdout=asyncio.subprocess.PIPE
        )
        out, _ = await listing.communicate()
        listening = {
            address.split(":")[0]
            for address, state in ((line.split()[1], line.split()[3]) for line in out.decode().splitlines())
            if state == "0A" and int(address.split(":")[1], 16) in {broker.port, broker.legacy_port}
        }
        assert listening == {"0100007F"}


def test_mosquitto_is_taken_before_iotcore_and_only_iotcore_is_cautioned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded_broker, "_mosquitto_program", lambda: "/usr/sbin/mosquitto")
    chosen = EmbeddedBroker(tmp_path)
    assert chosen.program == "mosquitto"
    assert chosen.durable
    assert chosen.caution == ""
    monkeypatch.setattr(embedded_broker, "_mosquitto_program", lambda: None)
    monkeypatch.setattr(embedded_broker, "_iotcore_importable", lambda: True)
    chosen = EmbeddedBroker(tmp_path)
    assert chosen.program == "iotcore"
    assert not chosen.durable
    assert "keeps no session over a reconnect" in chosen.caution
    monkeypatch.setattr(embedded_broker, "_iotcore_importable", lambda: False)
    with pytest.raises(BrokerFailed, match="install mosquitto"):
        EmbeddedBroker(tmp_path)


@mosquitto_only
async def test_sessions_and_what_waits_in_them_outlive_a_restart_on_the_same_port(
    tmp_path: Path, kind: BrokerKind
) -> None:
    def absent(port: int) -> aiomqtt.Client:
        return aiomqtt.Client("127.0.0.1", port, identifier="vigil", clean_session=False)

    broker = EmbeddedBroker(tmp_path, port=0, kind=kind)
    async with asyncio.timeout(DEADLINE_S):
        await broker.start()
        port = broker.port
        async with absent(port) as client:
            await client.subscribe("a/b", qos=1)
        async with aiomqtt.Client("127.0.0.1", port) as device:
            for number in range(3000):  # more than mosquitto keeps by default
                await device.publish("a/b", str(number), qos=1)
        await broker.stop()
        await broker.start()
        assert broker.port == port
        async with absent(port) as client:
            await client.subscribe("a/b", qos=1)
            messages = aiter(client.messages)
            assert [(await anext(messages)).payload for _ in range(3000)] == [str(n).encode() for n in range(3000)]
    await broker.stop()


@mosquitto_only
@pytest.mark.parametrize("receive_max", [5, 2000])
async def test_how_much_is_under_way_is_the_clients_to_say(tmp_path: Path, kind: BrokerKind, receive_max: int) -> None:
    connect = mqtt5.ConnectPacket("slow", clean_start=True, keep_alive=60, receive_max=receive_max)
    subscribe = mqtt5.SubscribePacket(1, [mqtt5.TopicFilter("a/b", max_qos=mqtt5.QoS.AT_LEAST_ONCE)])
    async with EmbeddedBroker(tmp_path, port=0, kind=kind) as broker, asyncio.timeout(DEADLINE_S):
        reader, writer = await asyncio.open_connection(broker.host, broker.port)
        writer.write(connect.write() + subscribe.write())
        async with aiomqtt.Client(broker.host, broker.port) as device:
            await reader.readexactly(5)
            for _ in range(receive_max + 3):
                await device.publish("a/b", b"x", qos=1)
        writer.write(mqtt5.PingReqPacket().write())
        heard = b""
        while not heard.endswith(b"\xd0\x00"):  # the answer to the ping comes after all that may be under way
            heard += await reader.read(65536)
        assert heard.count(b"\x00\x03a/b") == receive_max
        writer.close()
        await writer.wait_closed()


@mosquitto_only
async def test_one_directory_serves_one_broker_at_a_time(
    tmp_path: Path, kind: BrokerKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded_broker, "STOP_DEADLINE_S", 0.2)
    async with EmbeddedBroker(tmp_path, port=0, kind=kind) as first:
        with pytest.raises(BrokerFailed, match=f"in use by the broker process {first.pid}"):
            await EmbeddedBroker(tmp_path, port=0, kind=kind).start()
        assert answers(first.port)
    async with EmbeddedBroker(tmp_path, port=0, kind=kind) as second:
        assert answers(second.port)


@mosquitto_only
async def test_a_broker_that_does_not_start_is_quoted(
    tmp_path: Path, kind: BrokerKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded_broker, "MOSQUITTO_CONF", "listener {port} {host}\nno_such_option true\n")
    broker = EmbeddedBroker(tmp_path, port=0, kind=kind)
    with pytest.raises(BrokerFailed, match="no_such_option"):
        await broker.start()
    assert broker.pid is None


@pytest.mark.parametrize("kind", KINDS)
async def test_a_broker_that_dies_is_noticed(tmp_path: Path, kind: BrokerKind) -> None:
    async with EmbeddedBroker(tmp_path, port=0, kind=kind) as broker:
        assert broker.pid is not None
        os.kill(broker.pid, signal.SIGKILL)
        assert await asyncio.wait_for(broker.exited(), DEADLINE_S) == -signal.SIGKILL
        assert broker.pid is None


OWNER = """
import asyncio, pathlib, sys
from service.embedded_broker import BrokerKind, EmbeddedBroker
async def main():
    broker = EmbeddedBroker(pathlib.Path(sys.argv[1]), port=0, kind=BrokerKind(sys.argv[2]))
    await broker.start()
    print(broker.pid, flush=True)
    await broker.exited()
asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's end")
@pytest.mark.parametrize("kind", KINDS)
async def test_it_ends_when_we_are_killed_and_the_next_start_takes_over(tmp_path: Path, kind: BrokerKind) -> None:
    owner = await asyncio.create_subprocess_exec(
        sys.executable, "-c", OWNER, str(tmp_path), kind, stdout=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(DEADLINE_S):
        assert owner.stdout is not None
        pid = int(await owner.stdout.readline())
        assert os.getsid(pid) != os.getsid(owner.pid)  # the terminal's Ctrl-C does not reach it
        owner.kill()
        await owner.communicate()
        async with EmbeddedBroker(tmp_path, port=0, kind=kind) as broker:  # waits for the other's end
            assert not runs(pid)
            assert answers(broker.port)
