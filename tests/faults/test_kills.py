"""Escalation through hundreds of deaths: none lost, none early, none late, none repeated once its receipt is in."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import random
import time
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import pytest

from tests.faults import response_worker
from tests.support.receiver import Receiver

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection
    from multiprocessing.context import ForkServerProcess
    from pathlib import Path

    from tests.support.receiver import Call

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]

KILLS = int(os.environ.get("VIGIL_KILLS", "200"))
INCIDENTS = 12
STEPS = {"li": 0.0, "chen": 2.0, "zhao": 4.0}
"""Person → s after the round began."""
ROUND_S = 4.0 + 5.0
EARLY_S = 0.002
LATE_S = 2.0

SETTINGS = """
data_dir = "data"
log.level = "error"
noise.burst = 100
[channels.phone]
type = "webhook"
url = "{url}"
[[people]]
name = "li"
contacts = ["phone:li"]
[[people]]
name = "chen"
contacts = ["phone:chen"]
[[people]]
name = "zhao"
contacts = ["phone:zhao"]
[[people]]
name = "wang"
contacts = ["phone:wang"]
[[chains]]
name = "fire"
repeat = "5 s"
answer = "10 min"
[[chains.steps]]
to = ["person:li"]
[[chains.steps]]
to = ["person:chen"]
after = "2 s"
[[chains.steps]]
to = ["person:zhao"]
after = "2 s"
[[routes]]
chain = "fire"
"""


class Lives:
    """One life of the worker after the other, and what each said before it was killed."""

    def __init__(self, config: Path) -> None:
        self._config = config
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload([response_worker.__name__])
        self.up: list[tuple[int, int]] = []  # from ready to death, µs since the epoch
        self.settled: dict[str, int] = {}  # notification → when we read that it is in the journal
        self.accepted: dict[str, int] = {}

    async def life(self, seconds: float, *, kill: bool = True) -> None:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=response_worker.live, args=(self._config, INCIDENTS, theirs))
        process.start()
        theirs.close()
        until = time.monotonic() + 60 if not kill else None
        ready_us = 0
        death = None
        while True:
            ready_us = self._hear(ours) or ready_us
            if ready_us and death is None:
                death = time.monotonic() + seconds
            if death is not None and time.monotonic() >= death:
                break
            assert process.is_alive(), f"it died by itself: {process.exitcode}"
            assert until is None or time.monotonic() < until + seconds
            await asyncio.sleep(0.005)
        self._end(process, ours, kill=kill)
        self.up.append((ready_us, time.time_ns() // 1000))
        self._hear(ours)

    def _end(self, process: ForkServerProcess, ours: Connection, *, kill: bool) -> None:
        if kill:
            process.kill()
        else:
            ours.send("end")
        process.join(30)
        assert kill or process.exitcode == 0

    def _hear(self, ours: Connection) -> int:
        ready_us = 0
        try:
            while ours.poll():
                kind, what = ours.recv()
                match kind:
                    case "ready":
                        ready_us = what
                    case "settled":
                        self.settled.setdefault(what, time.time_ns() // 1000)
                    case "accepted":
                        self.accepted.setdefault(*what)
        except (EOFError, OSError):
            pass
        return ready_us

    def up_s(self, from_us: int, to_us: int) -> float:
        """Return how long some life was ready between two times, s."""
        return sum(max(0, min(end, to_us) - max(begin, from_us)) for begin, end in self.up) / 1e6


def asks(calls: list[Call]) -> Iterator[tuple[str, str, Call]]:
    for call in calls:
        data: dict[str, Any] = call.body["data"]
        if data["purpose"] == "ask":
            yield data["incident"]["id"], data["recipient"], call


async def test_two_hundred_kills_lose_delay_hasten_and_repeat_nothing(tmp_path: Path) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}, {KILLS} kills")  # noqa: T201 - pytest shows it where the test fails
    chance = random.Random(seed)
    async with Receiver() as receiver:
        config = tmp_path / "vigil.toml"
        config.write_text(SETTINGS.format(url=receiver.url))
        lives = Lives(config)
        for _ in range(KILLS):
            await lives.life(chance.choice((0.02, 0.1, 0.3, 0.6, 1.2)) * chance.random())
        await lives.life(ROUND_S + 3, kill=False)
        ended_us = time.time_ns() // 1000
        first_of_ask: dict[tuple[str, str], dict[str, Call]] = defaultdict(dict)
        for incident, person, call in asks(receiver.calls):
            first_of_ask[incident, person].setdefault(call.key, call)
            settled_us = lives.settled.get(call.key)
            assert settled_us is None or call.epoch_us <= settled_us, "repeated after its receipt was in the journal"
        incidents = {incident for incident, _ in first_of_ask}
        assert len(incidents) == INCIDENTS
        assert lives.accepted
        for incident in incidents:
            for person, after_s in STEPS.items():
                came = sorted(first_of_ask[incident, person].values(), key=lambda call: call.epoch_us)
                raised_us = came[0].incident["raised_us"]
                stop_us = lives.accepted.get(incident, ended_us)
                for round_, call in enumerate(came):
                    due_us = raised_us + round((after_s + round_ * ROUND_S) * 1e6)
                    assert call.epoch_us >= due_us - EARLY_S * 1e6, f"early: {incident} {person}, round {round_}"
                    late_s = lives.up_s(due_us, call.epoch_us)
                    assert late_s <= LATE_S, f"{late_s:.2f} s late: {incident} {person}, round {round_}"
                    assert call.epoch_us <= stop_us + LATE_S * 1e6, f"asked after an answer: {incident} {person}"
                due_by_then = (stop_us - raised_us) / 1e6 - after_s - LATE_S
                assert len(came) >= due_by_then // ROUND_S + (due_by_then >= 0), f"lost: {incident} {person}"
