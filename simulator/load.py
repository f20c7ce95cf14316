"""Load: a made-up fleet that reports as fast as told, or as fast as the broker takes it, and counts what was taken.

Also a program of its own, so that it costs the measured process nothing: `python -m simulator.load --help`.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import math
import sys
import time
import uuid
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import msgspec

from devices.profile_loader import load_profiles
from simulator.address import BrokerAddress
from simulator.fleet import synthetic_fleet
from simulator.packets import LoadPackets
from simulator.sender import LoadFailed, Sender

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from devices import Profile

__all__ = ["LoadFailed", "LoadPlan", "LoadReport", "load", "main"]

WINDOW = 10_000
"""Packets under way; the broker may set a smaller one."""
RUN = 500
"""Packets in one write."""
PACE_S = 0.002
"""At a given rate, how often what is due is sent."""
PATIENCE_S = 15.0
"""How long the broker may acknowledge nothing."""
PROGRESS_S = 0.5
DEFAULT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What a load run did.

    acknowledged, refused: PUBACKs by whether the broker took the message; together they are `sent`
    rate_msg_s:  acknowledged messages a second, over `seconds`: from the first packet to the last PUBACK
    cpu_us_per_message: processor time of this process over the same time
    first_time_ms, last_time_ms: event times between which all messages lie, ms since the epoch
    """

    devices: int
    sent: int
    acknowledged: int
    refused: int
    seconds: float
    rate_msg_s: float
    cpu_us_per_message: float
    mean_packet_bytes: float
    first_time_ms: int
    last_time_ms: int


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """Who publishes how much, how fast, and when it ends.

    devices, site, seed: the made-up fleet (`synthetic_fleet`), whose devices take turns
    rate:    messages a second; None is as fast as the broker acknowledges
    count, seconds: it ends at whichever comes first; at least one must be given
    window:  messages under way without an acknowledgement; the broker may set fewer
    Raises ValueError where there is no end, or a figure is not positive.
    """

    devices: int = 10_000
    rate: float | None = None
    count: int | None = None
    seconds: float | None = None
    site: str = "load"
    seed: int = 0
    window: int = WINDOW

    def __post_init__(self) -> None:
        if self.count is None and self.seconds is None:
            raise ValueError("load without an end; wanted count or seconds")
        for name in ("devices", "rate", "count", "seconds", "window"):
            given = getattr(self, name)
            if given is not None and not given > 0:
                raise ValueError(f"{name} is {given}; wanted more than 0")


async def load(
    broker: BrokerAddress,
    plan: LoadPlan,
    *,
    profiles: Mapping[str, Profile] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> LoadReport:
    """Publish readings of the plan's devices in turn, at QoS 1, and return when all are acknowledged.

    profiles: what the devices measure; None takes the shipped ones
    progress: called about twice a second with (sent, acknowledged)

    Times are the clock's, except that a device that reports more than once in 1 ms takes the next: fewer devices than
    a thousandth of the rate run ahead of the clock.
    Raises LoadFailed where the broker refuses us, leaves, or acknowledges nothing for 15 s.
    """
    fleet = synthetic_fleet(plan.devices, plan.site, plan.seed)
    packets = LoadPackets(fleet, profiles or load_profiles(), plan.seed)
    sender = await Sender.connect(broker, f"vigil-load-{uuid.uuid4().hex[:8]}", plan.window)
    try:
        first_time_ms = _now_ms()
        began, cpu_began = time.perf_counter(), time.process_time()
        sent = await _send(packets, sender, plan, progress or _unheard)
        seconds, cpu_s = time.perf_counter() - began, time.process_time() - cpu_began
    finally:
        sender.close()
    return LoadReport(
        devices=len(packets),
        sent=sent,
        acknowledged=sender.acknowledged,
        refused=sender.refused,
        seconds=round(seconds, 3),
        rate_msg_s=round(sender.acknowledged / seconds, 1),
        cpu_us_per_message=round(cpu_s / max(sent, 1) * 1e6, 2),
        mean_packet_bytes=round(packets.mean_bytes, 1),
        first_time_ms=first_time_ms,
        last_time_ms=packets.last_time_ms,
    )


async def _send(packets: LoadPackets, sender: Sender, plan: LoadPlan, progress: Callable[[int, int], None]) -> int:
    """Send all that the plan asks for, wait for the last acknowledgement, and return how many were sent."""
    run = max(1, min(RUN, sender.window // 2))
    count = plan.count or sys.maxsize
    seconds = plan.seconds or math.inf
    began = next_progress = time.perf_counter()
    sent = 0
    while sent < count and (elapsed := time.perf_counter() - began) < seconds:
        due = min(run, count - sent, _due(plan.rate, elapsed, sent))
        if due <= 0:
            await asyncio.sleep(PACE_S)
        elif sender.room < due:
            await _answered(sender)
        else:
            sender.send(packets.take(sender.packet_ids(due), _now_ms()))
            sent += due
            await asyncio.sleep(0)  # a look at what came back
        if began + elapsed >= next_progress:
            progress(sent, sender.acknowledged)
            next_progress += PROGRESS_S
    while sender.under_way:
        await _answered(sender)
    progress(sent, sender.acknowledged)
    return sent


def _due(rate: float | None, elapsed: float, sent: int) -> int:
    return sys.maxsize if rate is None else math.floor(elapsed * rate) + 1 - sent


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _unheard(_sent: int, _acknowledged: int) -> None:
    """Nobody asked for progress."""


async def _answered(sender: Sender) -> None:
    if not await sender.moved(PATIENCE_S):
        raise LoadFailed(f"the broker acknowledged nothing for {PATIENCE_S:g} s; {sender.under_way} packets under way")


# ── as a program ─────────────────────────────────────────────────────────────────────────────────────────────────────


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one load from the command line; return the exit status."""
    parser = _parser()
    given = parser.parse_args(arguments)
    try:
        plan = LoadPlan(
            devices=given.devices,
            rate=given.rate,
            count=given.count,
            seconds=given.seconds if given.seconds or given.count else DEFAULT_SECONDS,
            site=given.site,
            seed=given.seed,
            window=given.window,
        )
    except ValueError as error:
        parser.error(str(error))
    run = load(BrokerAddress(given.host, given.port, username=given.username, password=given.password), plan)
    try:
        report = _runner()(run)
    except LoadFailed as error:
        sys.stderr.write(f"load failed: {error}\n")
        return 1
    if given.json:
        sys.stdout.write(msgspec.json.encode(asdict(report)).decode() + "\n")
    else:
        sys.stdout.write("".join(f"{name:20} {value:>16}\n" for name, value in asdict(report).items()))
    return 0


def _runner() -> Callable[..., LoadReport]:
    if importlib.util.find_spec("uvloop") is None:
        return asyncio.run
    import uvloop  # noqa: PLC0415 - not there on every platform

    return uvloop.run


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m simulator.load",
        description="Publish readings of made-up devices and count what is acknowledged.",
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=1883)
    parser.add_argument("--username")
    parser.add_argument("--password")
    parser.add_argument("--site", default="load", help="the site under which the devices publish")
    parser.add_argument("--devices", type=int, default=10_000, help="how many devices take turns")
    parser.add_argument("--rate", type=float, help="messages a second; without it as fast as the broker takes them")
    parser.add_argument("--count", type=int, help="stop after so many messages")
    parser.add_argument("--seconds", type=float, help="stop after so long; without it and --count: 10")
    parser.add_argument("--window", type=int, default=WINDOW, help="messages under way without an acknowledgement")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="print the report as one line of JSON")
    return parser


if __name__ == "__main__":
    sys.exit(main())
