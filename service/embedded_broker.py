"""The broker of a fresh machine: mosquitto where it is installed, else `iotcore` from its wheel.

For trials and tests: it listens on 127.0.0.1 only and lets anybody on this machine in. Production has its own broker
(`deploy/mosquitto`).
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import errno
import fcntl
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Self

import mqtt5

from service.broker_files import IOTCORE_TOML, MOSQUITTO_CONF

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

__all__ = ["BrokerFailed", "BrokerKind", "EmbeddedBroker"]

HOST = "127.0.0.1"
DEFAULT_PORT = 1883
MAX_PACKET_BYTES = 1 << 20
START_DEADLINE_S = 15.0
STOP_DEADLINE_S = 15.0
"""Long enough for mosquitto to write a full queue to its disk."""
START_ATTEMPTS = 3
"""A free port may be taken between our finding it and the broker's binding it."""
POLL_S = 0.02
PROBE_KEEP_ALIVE_S = 30
"""rumqttd hangs up on a client that gives none."""
PR_SET_PDEATHSIG = 1
LOG_TAIL_BYTES = 2000


class BrokerFailed(Exception):
    """No broker could be started; the message says why and what to do."""


class BrokerKind(StrEnum):
    """The brokers that Vigil can start by itself."""

    MOSQUITTO = "mosquitto"
    IOTCORE = "iotcore"


class EmbeddedBroker:
    """One broker process of ours.

    directory: where its configuration, log and stored sessions lie; made if need be, one broker at a time
    port:      wanted port; another free one is taken where it is in use (0: any free one). After `start` the real one
    kind:      None takes mosquitto where it is installed, else iotcore
    legacy_port: after `start`, where MQTT 3.1.1 clients connect; mosquitto serves them on `port` as well
    durable:   whether sessions and queued messages outlive a reconnect and an orderly restart

    The process ends with ours, however ours ends, and is shielded from the terminal's Ctrl-C so that what is in flight
    can be drained first.
    """

    def __init__(self, directory: Path, *, port: int = DEFAULT_PORT, kind: BrokerKind | None = None) -> None:
        self.directory = directory
        self.host = HOST
        self.port = port
        self.legacy_port = port
        self.kind = kind if kind is not None else _installed_kind()
        self._process: asyncio.subprocess.Process | None = None
        self._lock_fd: int | None = None

    @property
    def durable(self) -> bool:
        """Whether the broker keeps a client's session while the client is away."""
        return self.kind is BrokerKind.MOSQUITTO

    @property
    def pid(self) -> int | None:
        """The broker's process id while it runs."""
        return None if self._process is None or self._process.returncode is not None else self._process.pid

    @property
    def program(self) -> str:
        """The broker's name, for the terminal."""
        return self.kind.value

    @property
    def caution(self) -> str:
        """What a person at the terminal must know about this broker; "" where there is nothing."""
        if self.durable:
            return ""
        return (
            "It keeps no session over a reconnect, so it serves trials: install mosquitto for more."
            f" It speaks MQTT 5 only there; MQTT 3.1.1 clients connect to port {self.legacy_port}."
        )

    async def start(self) -> None:
        """Start the broker and return when it answers an MQTT 5 CONNECT.

        Raises BrokerFailed where it does not come up, or another broker runs in this directory.
        """
        self.directory.mkdir(parents=True, exist_ok=True)
        await self._lock()
        try:
            await self._launch_until_it_answers()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """End the broker in order (mosquitto stores its sessions) and free the directory; may be called twice."""
        await self._end()
        if self._lock_fd is not None:
            os.close(self._lock_fd)
            self._lock_fd = None

    async def exited(self) -> int:
        """Wait until the broker ends, by `stop` or by itself, and return its exit status."""
        if self._process is None:
            raise RuntimeError("the broker was not started")
        return await self._process.wait()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    # ── the process ──────────────────────────────────────────────────────────────────────────────────────────────

    async def _launch_until_it_answers(self) -> None:
        for attempt in range(START_ATTEMPTS):
            self.port = _free_port(self.port if attempt == 0 else 0)
            self.legacy_port = self.port if self.durable else _free_port(0)
            await self._launch()
            if await self._answers():
                return
            await self._end()
        raise BrokerFailed(f"{self.kind} does not start in {self.directory}: {self._log_tail() or 'it says nothing'}")

    async def _launch(self) -> None:
        assert self._lock_fd is not None  # noqa: S101 - start() locks first
        command = self._mosquitto() if self.kind is BrokerKind.MOSQUITTO else self._iotcore()
        with self._log.open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.directory,
                pass_fds=(self._lock_fd,),  # the lock lasts until the broker itself has ended
                start_new_session=True,
                preexec_fn=_end_with_parent(),
            )
        os.ftruncate(self._lock_fd, 0)
        os.pwrite(self._lock_fd, f"{self._process.pid}\n".encode(), 0)

    async def _end(self) -> None:
        process = self._process
        if process is None:
            return
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            try:
                await asyncio.wait_for(process.wait(), STOP_DEADLINE_S)
            except TimeoutError:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()

    async def _answers(self) -> bool:
        """Say whether our process answers before the deadline; False as soon as it ends."""
        assert self._process is not None  # noqa: S101 - _launch() comes first
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(START_DEADLINE_S):
                while self._process.returncode is None:
                    if await _connack(self.host, self.port):
                        return self._process.returncode is None
                    await asyncio.sleep(POLL_S)
        return False

    async def _lock(self) -> None:
        """Take the directory; a broker that is just ending there may still be storing its sessions."""
        path = self.directory / "broker.lock"
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            async with asyncio.timeout(STOP_DEADLINE_S):
                while not _locked(fd):  # noqa: ASYNC110 - another process holds it
                    await asyncio.sleep(POLL_S)
        except TimeoutError:
            holder = path.read_text().strip()
            os.close(fd)
            raise BrokerFailed(
                f"{self.directory} is in use by the broker process {holder or 'of another program'}: stop it, or give"
                " another data directory"
            ) from None
        except BaseException:
            os.close(fd)
            raise
        self._lock_fd = fd

    # ── what it is told ──────────────────────────────────────────────────────────────────────────────────────────

    @property
    def _log(self) -> Path:
        return self.directory / f"{self.kind}.log"

    def _log_tail(self) -> str:
        try:
            return self._log.read_bytes()[-LOG_TAIL_BYTES:].decode(errors="replace").strip()
        except FileNotFoundError:
            return ""

    def _mosquitto(self) -> list[str]:
        program = _mosquitto_program()
        if program is None:
            raise BrokerFailed("mosquitto is neither on the PATH nor in a system directory")
        path = self.directory / "mosquitto.conf"
        path.write_text(
            MOSQUITTO_CONF.format(
                host=self.host,
                port=self.port,
                directory=self.directory.resolve(),
                user=pwd.getpwuid(os.geteuid()).pw_name,
                max_packet_bytes=MAX_PACKET_BYTES,
            ),
            encoding="utf-8",
        )
        return [program, "-c", str(path)]

    def _iotcore(self) -> list[str]:
        path = self.directory / "iotcore.toml"
        path.write_text(
            IOTCORE_TOML.format(
                host=self.host, port=self.port, legacy_port=self.legacy_port, max_packet_bytes=MAX_PACKET_BYTES
            ),
            encoding="utf-8",
        )
        return [sys.executable, "-m", "iotcore", "--config", str(path), "--log-level", "CRITICAL"]


def _installed_kind() -> BrokerKind:
    if _mosquitto_program() is not None:
        return BrokerKind.MOSQUITTO
    if _iotcore_importable():
        return BrokerKind.IOTCORE
    raise BrokerFailed(
        "no broker to start: install mosquitto (apt install mosquitto, brew install mosquitto), or the wheel that"
        " carries one (pip install 'vigil-monitor[embedded]'), or name a running broker in the settings"
    )


def _mosquitto_program() -> str | None:
    """Find mosquitto; system directories are not on every user's PATH."""
    places = [os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin"]
    return shutil.which("mosquitto", path=os.pathsep.join(places))


def _iotcore_importable() -> bool:
    return importlib.util.find_spec("iotcore") is not None


def _free_port(wanted: int) -> int:
    """Return `wanted` where it can be bound, else a port that can."""
    for port in (wanted, 0):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError as error:
                if error.errno not in {errno.EADDRINUSE, errno.EACCES}:
                    raise
                continue
            return int(probe.getsockname()[1])
    raise BrokerFailed(f"no free port on {HOST}")


async def _connack(host: str, port: int) -> bool:
    """Say whether an MQTT 5 broker at the address accepts a client."""
    try:
        reader, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    try:
        writer.write(mqtt5.ConnectPacket("vigil-probe", clean_start=True, keep_alive=PROBE_KEEP_ALIVE_S).write())
        answer = await reader.read(512)
        if not answer:
            return False
        packet, _ = mqtt5.read(memoryview(answer))
        writer.write(mqtt5.DisconnectPacket().write())
        return isinstance(packet, mqtt5.ConnAckPacket) and packet.reason_code is mqtt5.ConnAckReasonCode.SUCCESS
    except (OSError, ValueError, IndexError):  # the codec's two ways of saying that this is no whole packet
        return False
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


def _locked(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _end_with_parent() -> Callable[[], None] | None:
    """Return what a child does before it becomes the broker, so that a kill -9 of ours does not leave it behind.

    Linux only; elsewhere a broker left behind is named by the next start, through the lock that it holds. The signal
    comes when the *thread* that starts the broker ends, so start it from the thread that lives as long as the program.
    """
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)  # loaded here: between fork and exec nothing may be

    def end_with_parent() -> None:
        libc.prctl(PR_SET_PDEATHSIG, int(signal.SIGTERM))

    return end_with_parent
