"""What the upkeep counts; `UpkeepMetrics` shows it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from storage.upkeep.level import Level

if TYPE_CHECKING:
    from collections.abc import Iterable

    from storage.upkeep.status import RelationStatus, RollupStatus

__all__ = ["UpkeepCounters"]


@dataclass(slots=True)
class UpkeepCounters:
    """Plain counts since the start, and how things stood after the last round.

    rounds:        rounds that came to their end
    failures:      duties of a round that failed, and connections lost or not made
    retries:       duties put off, others having been in the way
    dropped:       partitions dropped
    rolled_late:   hours of channels rolled up anew; with TimescaleDB hours of all channels
    forgotten_late: hours of channels left as they are, their readings not being kept any more
    seconds:       s spent in rounds
    last_success_s: when a round last saw to everything, s since the epoch; 0 where none has
    has_lock:      whether it is we who keep up this database
    lag_s:         by level, how far its rollup is behind what is archived, s
    late_hours:    hours of channels that wait to be rolled up anew
    relations:     how each was stored when last looked at; as many as the schema has
    """

    rounds: int = 0
    failures: int = 0
    retries: int = 0
    dropped: int = 0
    rolled_late: int = 0
    forgotten_late: int = 0
    seconds: float = 0.0
    last_success_s: float = 0.0
    has_lock: bool = False
    lag_s: dict[Level, float] = field(default_factory=lambda: dict.fromkeys(Level, 0.0))
    late_hours: int = 0
    relations: tuple[RelationStatus, ...] = ()

    def note_rollups(self, rollups: Iterable[RollupStatus], late_hours: int) -> None:
        """Take up how far rollups are."""
        self.lag_s = {one.level: one.lag_s for one in rollups}
        self.late_hours = late_hours
