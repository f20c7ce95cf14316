"""A real mosquitto for tests: a fresh one on a free port of 127.0.0.1, in its own directory.

Fixtures: `mosquitto` is a running broker that lets everybody in and keeps nothing on disk; `start_mosquitto` starts as
many as a test wants, with the configuration lines it wants. Lines beginning with `listener` replace the plain listener.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    StartMosquitto = Callable[..., "Mosquitto"]

__all__ = ["HOST", "Mosquitto", "free_port", "mosquitto", "mosquitto_program", "start_mosquitto"]

HOST = "127.0.0.1"
READY_S = 10.0
POLL_S = 0.01


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


class Mosquitto:
    """One mosquitto process: `stop` asks it to end, `kill` is kill -9, `restart` is stop and start on the same port."""

    def __init__(self, program: str, directory: Path, *lines: str) -> None:
        self.host = HOST
        self.port = free_port()
        self.directory = directory
        self.log = directory / "mosquitto.log"
        self._command = [program, "-c", str(directory / "mosquitto.conf")]
        self._lines = lines
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Process id of the running broker."""
        if self._process is None:
            raise RuntimeError("the broker is stopped")
        return self._process.pid

    def start(self) -> None:
        """Start and return when the port answers. Raises RuntimeError with the broker's log where it does not."""
        (self.directory / "mosquitto.conf").write_text("\n".join(self._configuration()) + "\n", "utf-8")
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)
        deadline = time.monotonic() + READY_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"mosquitto did not start:\n{self.log.read_text('utf-8', 'replace')}")
            time.sleep(POLL_S)

    def stop(self) -> None:
        """Ask the broker to end and wait until it has; a stopped one stays stopped."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End the broker as a power cut would."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Stop and start again on the same port, with the same directory."""
        self.stop()
        self.start()

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(how)
        self._process.wait(READY_S)
        self._process = None

    def _answers(self) -> bool:
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex((self.host, self.port)) == 0

    def _configuration(self) -> list[str]:
        lines = [line.replace("{port}", str(self.port)) for line in self._lines]
        if not any(line.startswith("listener ") for line in lines):
            lines = [f"listener {self.port} {self.host}", *lines]
        if not any(line.startswith("allow_anonymous ") for line in lines):
            lines.append("allow_anonymous true")
        if os.geteuid() == 0:
            lines.append("user root")  # else it changes to a user who may not read the test's directory
        return [*lines, "log_dest stderr", f"persistence_location {self.directory}/"]


@pytest.fixture(scope="session")
def mosquitto_program() -> str:
    """Return mosquitto's path. Where there is none the test is skipped, or fails if CI=true."""
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
    program = shutil.which("mosquitto", path=path)
    if program is None:
        message = "mosquitto is not on the PATH: install it (apt install mosquitto) to run the tests with a real broker"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return program


@pytest.fixture
def start_mosquitto(mosquitto_program: str, tmp_path: Path) -> Iterator[StartMosquitto]:
    """Return a function that starts a broker with further configuration lines; `{port}` in a line is its port."""
    brokers: list[Mosquitto] = []

    def start(*lines: str) -> Mosquitto:
        directory = tmp_path / f"mosquitto-{len(brokers)}"
        directory.mkdir()
        broker = Mosquitto(mosquitto_program, directory, *lines)
        brokers.append(broker)
        broker.start()
        return broker

    yield start
    for broker in brokers:
        broker.kill()


@pytest.fixture
def mosquitto(start_mosquitto: StartMosquitto) -> Mosquitto:
    """Return a running broker with in-flight and queue limits wide enough for any test, and no persistence."""
    return start_mosquitto("max_inflight_messages 0", "max_queued_messages 100000")
