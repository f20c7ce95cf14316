"""Incidents, events and messages for the tests of what goes to machines."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import time
import urllib.request
from typing import TYPE_CHECKING, Any, Final
from urllib.error import URLError

import msgspec
import pytest

from alerts.identity import NOTIFICATION_CHARACTERS, identity
from alerts.incident import EventKind, IncidentEvent, IncidentState, Outcome
from rules.model import RuleKind
from tests.support.incident import T0, S, gas, message

if TYPE_CHECKING:
    from pathlib import Path

    from alerts.incident import Incident
    from alerts.notification import Notification

__all__ = ["T0", "S", "event", "incident", "needed", "notification", "start_program", "timeline"]

READY_S: Final = 20.0

_GAS: Final = gas(
    id="QFE23P6C",
    place="shuibei, grid 3, building 5, 201",
    place_zh="shuibei，网格3，楼栋5，201",
    what_en="combustible gas 12.3 %LEL (limit ≥ 10 %LEL)",
    what_zh="可燃气体浓度 12.3 %LEL（限值 ≥ 10 %LEL）",
    since_us=T0 - 30 * S,
    revision=1,
    rule_kind=RuleKind.THRESHOLD,
    building="5",
)


def incident(**facts: Any) -> Incident:
    """Return a gas alarm with other facts."""
    return msgspec.structs.replace(_GAS, **facts)


def event(kind: EventKind, at: float, about: Incident, **facts: Any) -> IncidentEvent:
    """Return one line of the timeline of `about`, at `at` s after T0."""
    after = msgspec.structs.replace(about, last_us=T0 + round(at * S), **facts)
    return IncidentEvent(
        id=f"{after.id}-{after.revision}",
        kind=kind,
        time_us=T0 + round(at * S),
        by="",
        text_en="what happened",
        text_zh="经过",
        incident=after,
    )


def timeline(*steps: tuple[EventKind, float, dict[str, Any]], about: Incident = _GAS) -> list[IncidentEvent]:
    """Return a whole timeline; each step's facts stay."""
    events: list[IncidentEvent] = []
    for revision, (kind, at, facts) in enumerate(steps, start=1):
        events.append(event(kind, at, about, revision=revision, **facts))
        about = events[-1].incident
    return events


def notification(
    channel: str = "push",
    about: Incident = _GAS,
    *,
    kind: EventKind = EventKind.RAISED,
    created_us: int = T0,
    lasts: float = 3600.0,
    **facts: Any,
) -> Notification:
    """Return a message about `about` to the person wang, good for `lasts` s."""
    fields = {
        "id": identity(about.id, about.revision, kind, channel, characters=NOTIFICATION_CHARACTERS),
        "kind": kind,
        "recipient": "wang",
        "channel": channel,
        "body_en": "Gas concentration high: 12.3 %LEL.",
        "body_zh": "燃气浓度高：12.3 %LEL。",
        "created_us": created_us,
        "expires_us": created_us + round(lasts * S),
    }
    return message(about, **fields | facts)


RESOLVED: Final = {"state": IncidentState.RESOLVED, "outcome": Outcome.TRUE, "closed_us": T0 + 600 * S}


def needed(program: str, package: str, *, is_ci: bool) -> str:
    """Return a program's path. Where there is none the test is skipped, or fails if CI=true."""
    path = shutil.which(program)
    if path is None:
        message = f"{program} is not on the PATH: install it (apt install {package})"
        if is_ci:
            pytest.fail(message)
        pytest.skip(message)
    return path


class Running:
    """A program that serves HTTP, and how to end it."""

    def __init__(self, command: list[str], ready_url: str, directory: Path) -> None:
        self.command = command
        self.url = ready_url.rsplit("/-/", 1)[0]
        self._ready_url = ready_url
        self._log = directory / "log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and return when it answers."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self.command, stdout=log, stderr=log)
        deadline = time.monotonic() + READY_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"{self.command[0]} did not start:\n{self._log.read_text('utf-8')}")
            time.sleep(0.02)

    def stop(self) -> None:
        """End it and wait until it has."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(READY_S)
            self._process = None

    def log(self) -> str:
        """Return what it has said."""
        return self._log.read_text("utf-8")

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(self._ready_url, timeout=1) as answer:
                return bool(answer.status == 200)
        except (URLError, OSError):
            return False


def start_program(command: list[str], ready_url: str, directory: Path) -> Running:
    """Start a program in `directory` and return when it answers."""
    directory.mkdir(exist_ok=True)
    running = Running(command, ready_url, directory)
    running.start()
    return running


def parsed(body: bytes) -> Any:
    """Return JSON."""
    return json.loads(body)
