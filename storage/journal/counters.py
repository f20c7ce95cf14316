"""What the journal counts, in plain integers; `metrics.py` shows them."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from typing import Final

from storage.journal.record import GapReason, Lane

__all__ = ["BUCKETS_S", "Durations", "JournalCounters"]

BUCKETS_S: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


@dataclass(slots=True)
class Durations:
    """A histogram. buckets[i] counts what took more than BUCKETS_S[i - 1] s and no more than BUCKETS_S[i]."""

    buckets: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS_S) + 1))
    seconds: float = 0.0

    def add(self, seconds: float) -> None:
        """Count one that took `seconds`."""
        self.buckets[bisect_left(BUCKETS_S, seconds)] += 1
        self.seconds += seconds


def _per_lane() -> dict[Lane, int]:
    return dict.fromkeys(Lane, 0)


@dataclass(slots=True)
class JournalCounters:
    """Written by the journal's thread, read by anybody.

    records, bytes: appended since the journal was opened
    live_bytes:     there now
    commits:        transactions that appended, and how long they took
    sheds:          times that telemetry had to go to make room
    shed_records, shed_readings: that went so
    gaps:           gap records written
    deleted_bytes:  of records that every cursor and the checkpoint had passed
    folds:          write-ahead logs folded into their file, and how long that took
    clock_behind_us: how far the clock is behind the newest record; while it is, time stands still in the journal
    undeletable:    a damaged page keeps passed records from being deleted; the lane only grows until its file is
                    moved away
    """

    records: dict[Lane, int] = field(default_factory=_per_lane)
    bytes: dict[Lane, int] = field(default_factory=_per_lane)
    live_bytes: dict[Lane, int] = field(default_factory=_per_lane)
    commits: dict[Lane, Durations] = field(default_factory=lambda: {lane: Durations() for lane in Lane})
    sheds: int = 0
    shed_records: int = 0
    shed_readings: int = 0
    gaps: dict[GapReason, int] = field(default_factory=lambda: dict.fromkeys(GapReason, 0))
    deleted_bytes: dict[Lane, int] = field(default_factory=_per_lane)
    checkpoints: int = 0
    checkpoint_bytes: int = 0
    folds: Durations = field(default_factory=Durations)
    clock_behind_us: int = 0
    control_nearly_full: bool = False
    undeletable: dict[Lane, int] = field(default_factory=_per_lane)
    failed: bool = False
