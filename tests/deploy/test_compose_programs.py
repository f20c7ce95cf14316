"""What the containers are given, run: the real programs on the files and with the arguments of the compose file."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import socket
import subprocess
from typing import TYPE_CHECKING, Any

import aiomqtt
import httpx
import pytest

from tests.deploy.composition import arguments, composed, lay_out, values
from tests.support.broker import free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

pytestmark = pytest.mark.real

SERVICES = composed()["services"]
DEADLINE_S = 20


def program(name: str, package: str) -> str:
    path = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
    if path is None:
        message = f"{name} is not on the PATH: install it (apt install {package}) to check what is shipped"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return path


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextlib.asynccontextmanager
async def running(log: Path, *command: str, ready: Callable[[], bool], **given: Any) -> AsyncIterator[None]:
    """Run a program until the end of the context, from when it is `ready`."""
    with log.open("ab") as out:
        process = await asyncio.create_subprocess_exec(*command, stdout=out, stderr=out, **given)
    try:
        async with asyncio.timeout(DEADLINE_S):
            while not ready():
                assert process.returncode is None, log.read_text("utf-8")
                await asyncio.sleep(0.02)
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


# ── Prometheus and Alertmanager ──────────────────────────────────────────────────────────────────────────────────────


def test_promtool_accepts_what_the_container_of_prometheus_has(tmp_path: Path) -> None:
    lay_out(SERVICES["prometheus"], tmp_path)
    config = tmp_path / "etc" / "prometheus" / "prometheus.yml"
    checked = subprocess.run(
        [program("promtool", "prometheus"), "check", "config", config], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert checked.stdout.count("rules found") == 2


def test_amtool_accepts_what_the_container_of_alertmanager_has_and_the_secrets_are_where_it_looks(
    tmp_path: Path,
) -> None:
    alertmanager = SERVICES["alertmanager"]
    lay_out(alertmanager, tmp_path)
    config = tmp_path / "etc" / "alertmanager" / "alertmanager.yml"
    checked = subprocess.run(
        [program("amtool", "prometheus-alertmanager"), "check-config", config],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    text = config.read_text("utf-8")
    for secret in alertmanager["secrets"]:
        assert f"_file: {secret['target']}" in text


async def test_prometheus_starts_with_its_arguments_and_has_the_rules(tmp_path: Path) -> None:
    prometheus = SERVICES["prometheus"]
    lay_out(prometheus, tmp_path)
    port = free_port()
    path = prometheus["healthcheck"]["test"][-1].partition("9090")[2]
    command = [*arguments(prometheus, tmp_path), f"--web.listen-address=127.0.0.1:{port}"]
    async with (
        running(
            tmp_path / "log", program("prometheus", "prometheus"), *command, ready=lambda: answers(port), cwd=tmp_path
        ),
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client,
    ):
        async with asyncio.timeout(DEADLINE_S):
            while (await client.get(path)).is_error:
                await asyncio.sleep(0.02)
        groups = (await client.get("/api/v1/rules")).json()["data"]["groups"]
        assert {group["file"].rpartition("/")[2] for group in groups} == {"vigil.alerts.yml", "vigil.recording.yml"}


async def test_alertmanager_starts_with_its_arguments(tmp_path: Path) -> None:
    alertmanager = SERVICES["alertmanager"]
    lay_out(alertmanager, tmp_path)
    port = free_port()
    command = [*arguments(alertmanager, tmp_path), f"--web.listen-address=127.0.0.1:{port}"]
    path = alertmanager["healthcheck"]["test"][-1].partition("9093")[2]
    name = "prometheus-alertmanager"
    async with (
        running(tmp_path / "log", program(name, name), *command, ready=lambda: answers(port), cwd=tmp_path),
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client,
        asyncio.timeout(DEADLINE_S),
    ):
        while (await client.get(path)).is_error:
            await asyncio.sleep(0.02)


# ── mosquitto ────────────────────────────────────────────────────────────────────────────────────────────────────────


class Broker:
    """The container's broker: its script and its files, with its paths below `directory`, at ports that are free."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.devices_port, self.port = free_port(), free_port()
        self._program = program("mosquitto", "mosquitto")
        mosquitto = SERVICES["mosquitto"]
        lay_out(mosquitto, directory)
        (directory / "mosquitto" / "data").mkdir()
        self._script = directory / mosquitto["command"][-1].lstrip("/")
        self._environment = mosquitto["environment"]
        changes = {"/mosquitto/": f"{directory}/mosquitto/", "listener 1883": f"listener {self.devices_port} 127.0.0.1"}
        changes["listener 1884"] = f"listener {self.port} 127.0.0.1"
        for file in (self._script, directory / "mosquitto" / "config" / "mosquitto.conf"):
            text = file.read_text("utf-8")
            for shipped, here in changes.items():
                text = text.replace(shipped, here)
            if file.suffix == ".conf" and os.geteuid() == 0:
                text += "user root\n"  # the user mosquitto may not read the test's directory
            file.write_text(text, "utf-8")

    @property
    def passwords(self) -> Path:
        return self.directory / "mosquitto" / "data" / "passwords"

    def running(self, **environment: str) -> contextlib.AbstractAsyncContextManager[None]:
        path = f"{self._program.rpartition('/')[0]}:{os.environ['PATH']}"
        variables = self._environment | {"PATH": path} | environment
        log, script = self.directory / "log", str(self._script)
        return running(log, "/bin/sh", script, ready=lambda: answers(self.port), env=variables)

    def let_in(self, user: str, password: str) -> None:
        subprocess.run(["mosquitto_passwd", "-b", self.passwords, user, password], check=True)

    def client(self, port: int, user: str, password: str, name: str | None = None) -> aiomqtt.Client:
        return aiomqtt.Client(
            "127.0.0.1",
            port,
            identifier=name,
            username=user,
            password=password,
            protocol=aiomqtt.ProtocolVersion.V5,
            timeout=5,
        )


async def test_the_containers_broker_lets_vigil_in_by_its_password_and_keeps_the_devices_own(tmp_path: Path) -> None:
    broker = Broker(tmp_path)
    password = values()["VIGIL_BROKER_PASSWORD"]
    async with broker.running(), broker.client(broker.port, "vigil", password, "vigil-alarm") as vigil:
        await vigil.subscribe("vigil/v1/#", qos=1)
        broker.let_in("shuibei/smoke-0001", "its own")
    async with broker.running(VIGIL_BROKER_PASSWORD="a new one"):
        with pytest.raises(aiomqtt.MqttError):
            async with broker.client(broker.port, "vigil", password):
                pass
        async with (
            asyncio.timeout(DEADLINE_S),
            broker.client(broker.port, "vigil", "a new one", "vigil-alarm") as vigil,
            broker.client(broker.devices_port, "shuibei/smoke-0001", "its own") as device,
        ):
            await vigil.subscribe("vigil/v1/#", qos=1)
            await device.publish("vigil/v1/shuibei/smoke-0002/alarm", b"another's", qos=1)
            await device.publish("vigil/v1/shuibei/smoke-0001/alarm", b"its own", qos=1)
            assert (await anext(aiter(vigil.messages))).payload == b"its own"
    assert broker.passwords.stat().st_mode & 0o077 == 0
    assert "a new one" not in broker.passwords.read_text("utf-8")
