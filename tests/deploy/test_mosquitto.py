"""The broker's production files, on a real mosquitto with TLS: who may come, and what each may say and hear."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import socket
import ssl
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import aiomqtt
import mqtt5
import pytest

from tests.support.broker import free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.real

DEPLOY = Path(__file__).parents[2] / "deploy"
DEADLINE_S = 20
USERS = {"vigil": "v-secret", "shuibei/smoke-0001": "d-secret", "shuibei/smoke-0002": "e-secret"}


class Broker:
    """A mosquitto on a copy of the shipped files, at ports and in a directory of the test's."""

    def __init__(self, directory: Path, program: str) -> None:
        self.tls_port, self.port = free_port(), free_port()
        self._program = program
        self._directory = directory

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        self._write()
        log = self._directory / "log"
        with log.open("wb") as out:
            process = await asyncio.create_subprocess_exec(
                self._program, "-c", str(self._directory / "vigil.conf"), stdout=out, stderr=out
            )
        try:
            async with asyncio.timeout(DEADLINE_S):
                while not self._answers():
                    assert process.returncode is None, log.read_text()
                    await asyncio.sleep(0.01)
            yield
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    def _write(self) -> None:
        for name in ("passwords", "acl"):
            (self._directory / name).touch(mode=0o600)
        shutil.copyfile(DEPLOY / "mosquitto" / "acl", self._directory / "acl")
        for user, password in USERS.items():
            subprocess.run(["mosquitto_passwd", "-b", str(self._directory / "passwords"), user, password], check=True)
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
             "-days", "1", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1",
             "-keyout", "server.key", "-out", "server.crt"],
            check=True, capture_output=True, cwd=self._directory,
        )  # fmt: skip
        text = (DEPLOY / "mosquitto" / "vigil.conf").read_text("utf-8")
        for shipped, here in (
            ("/etc/mosquitto/certs/", f"{self._directory}/"),
            ("/etc/mosquitto/", f"{self._directory}/"),
            ("/var/lib/mosquitto/", f"{self._directory}/"),
            ("listener 8883\n", f"listener {self.tls_port} 127.0.0.1\n"),
            ("listener 1883 127.0.0.1\n", f"listener {self.port} 127.0.0.1\n"),
        ):
            assert shipped in text
            text = text.replace(shipped, here)
        if os.geteuid() == 0:
            text += "user root\n"  # the user mosquitto may not read the test's directory
        (self._directory / "vigil.conf").write_text(text, "utf-8")

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def device(self, user: str, password: str | None = None, client_id: str | None = None) -> aiomqtt.Client:
        return aiomqtt.Client(
            "127.0.0.1",
            self.tls_port,
            identifier=client_id,
            username=user,
            password=password or USERS[user],
            protocol=aiomqtt.ProtocolVersion.V5,
            tls_context=ssl.create_default_context(cafile=self._directory / "server.crt"),
        )

    def vigil(self, client_id: str = "vigil-alarm") -> aiomqtt.Client:
        return aiomqtt.Client(
            "127.0.0.1",
            self.port,
            identifier=client_id,
            username="vigil",
            password=USERS["vigil"],
            protocol=aiomqtt.ProtocolVersion.V5,
        )


@pytest.fixture
def broker(tmp_path: Path, mosquitto_program: str) -> Broker:
    return Broker(tmp_path, mosquitto_program)


async def test_a_device_says_its_own_and_nothing_else(broker: Broker) -> None:
    async with asyncio.timeout(DEADLINE_S), broker.running(), broker.vigil() as vigil:
        await vigil.subscribe("vigil/v1/#", qos=1)
        async with broker.device("shuibei/smoke-0001") as device:
            await device.subscribe("vigil/v1/+/+/alarm", qos=1)  # granted or not, nothing may come
            await device.publish("vigil/v1/shuibei/smoke-0002/alarm", b"another's", qos=1)
            await device.publish("vigil/v1/shuibei/smoke-0001/ack", b"Vigil's", qos=1)
            await device.publish("$SYS/broker", b"the broker's", qos=1)
            for lane in ("readings", "alarm", "status"):
                await device.publish(f"vigil/v1/shuibei/smoke-0001/{lane}", lane.encode(), qos=1)
            messages = aiter(vigil.messages)
            assert [(await anext(messages)).payload for _ in range(3)] == [b"readings", b"alarm", b"status"]
            await device.subscribe("vigil/v1/shuibei/smoke-0001/ack", qos=1)
            await vigil.publish("vigil/v1/shuibei/smoke-0002/ack", b"another's", qos=1)
            await vigil.publish("vigil/v1/shuibei/smoke-0001/ack", b"its own", qos=1)
            assert (await anext(aiter(device.messages))).payload == b"its own"


async def test_a_device_cannot_take_vigils_session(broker: Broker) -> None:
    async with asyncio.timeout(DEADLINE_S), broker.running(), broker.vigil("vigil-alarm") as vigil:
        await vigil.subscribe("vigil/v1/#", qos=1)
        async with broker.device("shuibei/smoke-0001", client_id="vigil-alarm") as device:
            await device.publish("vigil/v1/shuibei/smoke-0001/alarm", b"still heard", qos=1)
            assert (await anext(aiter(vigil.messages))).payload == b"still heard"


async def test_without_the_right_password_or_without_tls_nobody_comes_in(broker: Broker) -> None:
    async with asyncio.timeout(DEADLINE_S), broker.running():
        with pytest.raises(aiomqtt.MqttError):
            async with broker.device("shuibei/smoke-0001", password="guessed"):
                pass
        for port in (broker.tls_port, broker.port):
            with pytest.raises(aiomqtt.MqttError):
                async with aiomqtt.Client("127.0.0.1", port, protocol=aiomqtt.ProtocolVersion.V5, timeout=2):
                    pass


async def test_the_broker_grants_vigil_the_window_that_it_asks_for(broker: Broker) -> None:
    async with asyncio.timeout(DEADLINE_S), broker.running():
        reader, writer = await asyncio.open_connection("127.0.0.1", broker.port)
        writer.write(
            mqtt5.ConnectPacket(
                "vigil-telemetry", username="vigil", password=USERS["vigil"].encode(), keep_alive=30,
                session_expiry_interval=604_800, receive_max=5000,
            ).write()
        )  # fmt: skip
        connack, _ = mqtt5.read(memoryview(await reader.read(512)))
        assert isinstance(connack, mqtt5.ConnAckPacket)
        assert connack.reason_code is mqtt5.ConnAckReasonCode.SUCCESS
        assert connack.session_expiry_interval in {None, 604_800}
        assert connack.server_keep_alive in {None, 30}
        assert connack.receive_max == 65_535
        assert connack.max_packet_size == 1 << 20
        writer.close()
        await writer.wait_closed()
