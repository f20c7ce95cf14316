"""A simulated community, without clock or network: given the time, it says what its devices publish.

Devices behave as the firmware does that Vigil asks for (DESIGN, MQTT): readings at their period, sooner while something
happens; an alarm at once on the alarm topic, repeated until its receipt comes back on the `ack` topic.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from simulator.director import Director, ScenarioPlan
from simulator.part import SAMPLE_S
from simulator.signals import Signals

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from devices import Device, Profile
    from simulator.fleet import Fleet
    from simulator.part import Part
    from simulator.scenario import Incident
    from simulator.truth import Truth

__all__ = ["Message", "Simulation"]

FIRST_REPORTS_S = 20.0
"""After the start every device reports within so long."""
REPEAT_S = 10.0
"""An alarm without a receipt is repeated so often; DESIGN asks for 30 s at most."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message that a device publishes, QoS 1.

    alarm:  it goes on the alarm topic
    repeat: the same alarm was sent before, and no receipt has come
    """

    topic: str
    payload: bytes
    alarm: bool = False
    repeat: bool = False


@dataclass(slots=True)
class _Pending:
    """An alarm without a receipt."""

    message: Message
    time_ms: int
    next_us: int


@dataclass(slots=True)
class _Acting:
    """A device in an incident."""

    part: Part
    incident: Incident
    next_us: int
    raised: int = 0


class Simulation:
    """A fleet, its signals and its incidents.

    begin_us: the time of the start, µs since the epoch
    speed:    how many times faster than life the devices' periods, batteries and days pass. Event times and incidents
              keep to the clock
    plan:     None for healthy devices only
    truths:   of every incident that has begun
    """

    def __init__(
        self,
        fleet: Fleet,
        profiles: Mapping[str, Profile],
        *,
        begin_us: int,
        seed: int = 0,
        speed: float = 1.0,
        plan: ScenarioPlan | None = None,
    ) -> None:
        self.truths: list[Truth] = []
        self._fleet = fleet
        self._speed = speed
        self._begin_us = begin_us
        self._signals = Signals(fleet, seed)
        self._director = Director(fleet, profiles, plan or ScenarioPlan(kinds=()), seed, begin_us)
        spread = np.random.default_rng(seed).permutation(len(fleet)) / max(len(fleet), 1)
        self._period_us = (self._signals.period_s * 1e6 / speed).astype(np.int64)
        self._next_us = begin_us + (spread * FIRST_REPORTS_S * 1e6).astype(np.int64)
        self._last_ms = np.zeros(len(fleet), np.int64)
        self._acting: dict[int, _Acting] = {}
        self._pending: dict[tuple[int, str], _Pending] = {}
        self._row_of = {device.key: row for row, device in enumerate(fleet.devices)}

    @property
    def unanswered(self) -> int:
        """Alarms that were sent and whose receipt has not come."""
        return len(self._pending)

    def advance(self, now_us: int) -> list[Message]:
        """Return what the devices publish between the last call and `now_us`, alarms first.

        A device that is due several times reports once: `now_us` must move in steps shorter than the periods.
        """
        for incident in self._director.due(now_us):
            self.truths.append(incident.truth)
            for part in incident.parts:
                self._acting[part.row] = _Acting(part, incident, now_us)
        acted = list(self._act(now_us))
        messages = [*self._repeats(now_us), *(m for m in acted if m.alarm), *(m for m in acted if not m.alarm)]
        messages += self._routine(now_us)
        return messages

    def receipt(self, site: str, name: str, payload: bytes) -> bool:
        """Take what came on the `ack` topic of a device; say whether it answers an alarm.

        A receipt with the alarm's `ts` answers that one; a receipt without answers all of the device. What cannot be
        read answers nothing: the device goes on repeating.
        """
        row = self._row_of.get(f"{site}/{name}")
        try:
            given = msgspec.json.decode(payload, type=_Receipt).ts
        except (msgspec.DecodeError, UnicodeDecodeError):
            return False
        answered = [key for key, pending in self._pending.items() if key[0] == row and given in {None, pending.time_ms}]
        for key in answered:
            del self._pending[key]
        return bool(answered)

    # ── routine ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _routine(self, now_us: int) -> list[Message]:
        (due,) = np.nonzero(self._next_us <= now_us)
        if not len(due):
            return []
        self._next_us[due] = np.maximum(self._next_us[due] + self._period_us[due], now_us + 1)
        rows = [row for row in due.tolist() if row not in self._acting]
        readings = self._signals.readings(np.array(rows, np.int64), self._life_s(now_us))
        return [self._message(row, "readings", values, now_us) for row, values in zip(rows, readings, strict=True)]

    def _life_s(self, now_us: int) -> float:
        """Return the time that signals are asked for, s since the epoch: the clock, run at `speed` since the start."""
        return (self._begin_us + (now_us - self._begin_us) * self._speed) / 1e6

    # ── incidents ────────────────────────────────────────────────────────────────────────────────────────────────

    def _act(self, now_us: int) -> Iterator[Message]:
        for row, acting in list(self._acting.items()):
            since_s = (now_us - acting.incident.starts_us) / 1e6
            raises = acting.part.raises
            while acting.raised < len(raises) and raises[acting.raised].at_s <= since_s:
                yield self._raise(row, raises[acting.raised].metric, now_us)
                acting.raised += 1
            over = now_us >= acting.incident.ends_us
            if not over and now_us < acting.next_us:
                continue
            acting.next_us += int(SAMPLE_S * 1e6)
            if acting.part.lost:
                acting.next_us = acting.incident.ends_us
                yield self._message(row, "status", {"status": "online" if over else "offline"}, now_us)
                if not over:
                    continue
            (values,) = self._signals.readings(np.array([row]), self._life_s(now_us))
            if over:  # back to normal, and it says so
                del self._acting[row]
                values = {up.metric: 0 for up in raises if not up.momentary} | values
            else:
                values |= acting.part.values(since_s)
            yield self._message(row, "readings", values, now_us)

    def _raise(self, row: int, metric: str, now_us: int) -> Message:
        message = self._message(row, "alarm", {metric: 1}, now_us)
        repeated = Message(message.topic, message.payload, alarm=True, repeat=True)
        self._pending[row, metric] = _Pending(repeated, int(self._last_ms[row]), now_us + int(REPEAT_S * 1e6))
        return message

    def _repeats(self, now_us: int) -> Iterator[Message]:
        for pending in self._pending.values():
            if pending.next_us <= now_us:
                pending.next_us = now_us + int(REPEAT_S * 1e6)
                yield pending.message

    # ── messages ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _message(self, row: int, lane: str, values: Mapping[str, float] | Mapping[str, str], now_us: int) -> Message:
        """Return the message with its event time: the clock's ms, or the next one if the device has used that."""
        device: Device = self._fleet.devices[row]
        time_ms = max(now_us // 1000, int(self._last_ms[row]) + 1)
        self._last_ms[row] = time_ms
        body: dict[str, object] = {"ts": time_ms}
        body |= values if lane == "status" else {"values": values}
        payload = msgspec.json.encode(body)
        return Message(f"vigil/v1/{device.site}/{device.name}/{lane}", payload, alarm=lane == "alarm")


class _Receipt(msgspec.Struct):
    ts: float | None = None
