"""Obvious loops that say what the fast ones must: the oracles of `ingest.newest` and of the whole batcher."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from devices import Flag
from tests.ingest.lane import Reading

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(slots=True)
class Newest:
    """One channel: the time that its newest readings were given, the time of the last of them, and what it said."""

    instant: int
    time: int
    said: object


@dataclass(slots=True)
class NaiveMemory:
    newest: dict[object, Newest] = field(default_factory=dict)
    duplicates: int = 0
    conflicting: int = 0

    def settle(self, block: Sequence[tuple[object, int, object]]) -> list[tuple[int, int, bool]]:
        """Return (index, time, late) of what is kept of (channel, time, said)."""
        kept = []
        here: dict[tuple[object, int], object] = {}
        for i, (channel, given, said) in enumerate(block):
            newest = self.newest.get(channel)
            time, late = given, False
            while True:
                if newest is None or time > newest.time:
                    self.newest[channel] = Newest(time, time, said)
                    break
                if time >= newest.instant:
                    if newest.said == said:
                        time = -1
                        break
                    newest.time += 1
                    newest.said = said
                    time = newest.time
                    break
                if (channel, time) not in here:
                    late = True
                    break
                if here[channel, time] == said:
                    time = -1
                    break
                time += 1
            if time < 0:
                self.duplicates += 1
                continue
            self.conflicting += time != given
            here[channel, time] = said
            kept.append((i, time, late))
        return kept


@dataclass(slots=True)
class NaiveLane:
    """The telemetry lane for registered devices of the site `s`, one message and one value at a time."""

    memory: NaiveMemory = field(default_factory=NaiveMemory)

    def block(self, messages: Sequence[tuple[str, bytes, int]], future_us: int) -> list[Reading]:
        """Return the readings of (device, payload, arrival time)."""
        found: list[Reading] = []
        for device, payload, arrival in messages:
            body = json.loads(payload)
            for item in body if isinstance(body, list) else [body]:
                found.extend(self._item(f"s/{device}", item, arrival, future_us))
        settled = self.memory.settle([((r.device, r.metric), r.time_us, r.value) for r in found])
        return [
            found[i]._replace(time_us=time, flags=found[i].flags | (Flag.LATE if late else Flag(0)))
            for i, time, late in settled
        ]

    def _item(self, device: str, item: Any, arrival: int, future_us: int) -> list[Reading]:
        if not isinstance(item, dict):
            return []
        values = item["values"] if isinstance(item.get("values"), dict) else {k: item[k] for k in item if k != "ts"}
        time, flag = self._time(item.get("ts"), arrival, future_us)
        return [
            Reading(device, metric, time, None if value is None else float(value), flag)
            for metric, value in values.items()
            if value is None or (isinstance(value, (bool, int, float)) and math.isfinite(value))
        ]

    def _time(self, ts: Any, arrival: int, future_us: int) -> tuple[int, Flag]:
        if isinstance(ts, bool) or not isinstance(ts, (int, float)):
            return arrival, Flag.TIME_FILLED
        seconds = ts if ts < 1e11 else ts / 1000
        if not 1_262_304_000 <= seconds < 253_402_300_800:
            return arrival, Flag.TIME_FILLED
        time = round(ts * 1e6) if ts < 1e11 else round(ts * 1e3)
        return (arrival, Flag.TIME_CLAMPED) if time > arrival + future_us else (time, Flag(0))
