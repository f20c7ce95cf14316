"""Episodes: the changes of one rule on one device, put together from its start to its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from rules.model import Change

__all__ = ["Episode", "Episodes"]

SECOND_US = 1_000_000


class Episode(msgspec.Struct, frozen=True, gc=False):
    """One rule held on one device for a while; what was repeated meanwhile is folded in.

    raised_us: event time of the change that began it
    said_us:   when it was said: the fold's time where readings come later than they were measured, else `raised_us`
    since_us:  event time when the breach began
    last_us:   event time of the last change of it
    ceased_us: event time of its end, None where it still holds
    late:      what began it was older than a reading already seen
    value, measure: of the change that began it
    """

    device_row: int
    rule_id: str
    raised_us: int
    said_us: int
    since_us: int
    last_us: int
    ceased_us: int | None
    repeats: int
    late: bool
    value: float | None
    measure: float | None

    def standing_s(self, end_us: int) -> float:
        """Return how long it held, s, up to `end_us` where it still does."""
        end = end_us if self.ceased_us is None else self.ceased_us
        return max(end - self.raised_us, 0) / SECOND_US


class _Open:
    """An episode that goes on."""

    __slots__ = ("first", "last_us", "repeats", "said_us")

    def __init__(self, first: Change, said_us: int) -> None:
        self.first = first
        self.said_us = said_us
        self.last_us = first.time_us
        self.repeats = 0

    def end(self, ceased_us: int | None) -> Episode:
        first = self.first
        return Episode(
            device_row=first.device_row,
            rule_id=first.rule_id,
            raised_us=first.time_us,
            said_us=self.said_us,
            since_us=first.since_us,
            last_us=self.last_us,
            ceased_us=ceased_us,
            repeats=self.repeats,
            late=first.late,
            value=first.value,
            measure=first.measure,
        )


class Episodes:
    """Puts changes together, at most one open episode a rule and device.

    endless: ids of the rules that no reading ends (events, latched flags): one of theirs ends with its last repetition
             when the next one comes more than `apart_s` after it
    ignored: ids of rules whose episodes nobody wants
    """

    def __init__(self, endless: Collection[str] = (), ignored: Collection[str] = (), *, apart_s: float = 600.0) -> None:
        self._endless = frozenset(endless)
        self._ignored = frozenset(ignored)
        self._apart_us = round(apart_s * SECOND_US)
        self._open: dict[tuple[int, str], _Open] = {}
        self._ended: list[Episode] = []

    def __len__(self) -> int:
        return len(self._ended) + len(self._open)

    def take(self, changes: Iterable[Change], now_us: int | None = None) -> None:
        """Fold in the changes of one step, in order.

        now_us: the step's time, where that is when they were said; None where readings came as they were measured
        A start of what is open ends the one before: its end was never said. An end of what is not open is nothing.
        """
        for change in changes:
            if change.rule_id in self._ignored:
                continue
            key = change.device_row, change.rule_id
            going_on = self._open.get(key)
            if not change.holds:
                if going_on is not None:
                    del self._open[key]
                    self._ended.append(going_on.end(change.time_us))
            elif going_on is not None and change.repeated and not self._is_apart(going_on, change):
                going_on.repeats += 1
                going_on.last_us = max(going_on.last_us, change.time_us)
            else:
                if going_on is not None:
                    self._ended.append(going_on.end(going_on.last_us))
                self._open[key] = _Open(change, change.time_us if now_us is None else now_us)

    def _is_apart(self, going_on: _Open, change: Change) -> bool:
        return change.rule_id in self._endless and change.time_us - going_on.last_us > self._apart_us

    def all(self) -> list[Episode]:
        """Return the episodes so far by the time at which they were raised, then by device and rule.

        Those still open have no end, or that of their last repetition where no reading ends them.
        """
        still = (one.end(one.last_us if rule_id in self._endless else None) for (_, rule_id), one in self._open.items())
        return sorted(
            [*self._ended, *still], key=lambda episode: (episode.raised_us, episode.device_row, episode.rule_id)
        )
