"""A rota by the clock: who is on duty at a time, until when, and who comes next.

A shift belongs to the day on which it begins: it is that day's weekday, week of the cycle and holiday that count. An
override stands for the whole rota while it lasts; of two that overlap, the one written later counts.
"""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

from alerts.people.local_time import DAY_US, MINUTES_A_DAY, LocalTime, weekday_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from alerts.people.model import Rota, Shift

__all__ = ["LOOK_AHEAD_US", "Roster", "Stretch", "on_duty"]

LOOK_AHEAD_US: Final = 8 * DAY_US
"""So far ahead it is looked when somebody's duty ends; beyond it is “until further notice”."""

_CHUNK_US: Final = 7 * DAY_US
_DAYS_BEFORE: Final = 2
"""A shift ends on the day after it began, or two days after where the calendar skips one."""


class Stretch(NamedTuple):
    """A time in which the same people are on duty, µs since the epoch, the end not included."""

    start_us: int
    end_us: int
    people: tuple[str, ...]


class _Span(NamedTuple):
    start_us: int
    end_us: int
    order: int
    people: tuple[str, ...]


_NEVER: Final = Stretch(0, 0, ())


class Roster:
    """Who is on duty by `rota`. It remembers the last stretch that it was asked for, which changes no answer."""

    def __init__(self, rota: Rota) -> None:
        self.rota = rota
        self.clock = LocalTime(rota.timezone)
        self._holidays = frozenset(date.fromisoformat(one).toordinal() for one in rota.holidays)
        start = date.fromisoformat(rota.cycle_start) if rota.cycle_start else date(1970, 1, 5)
        self._first_monday = start.toordinal() - start.weekday()
        self._now = _NEVER
        self._untils: tuple[Stretch, Mapping[str, int | None]] = (_NEVER, {})

    def on_duty(self, now_us: int) -> tuple[str, ...]:
        """Return who is on duty, in the order of the shifts, each once."""
        return self.stretch(now_us).people

    def stretch(self, now_us: int) -> Stretch:
        """Return a stretch that `now_us` is in; the same people may be on duty before and after it."""
        if not self._now.start_us <= now_us < self._now.end_us:
            self._now = next(self._pieces(now_us, now_us + DAY_US))
        return self._now

    def stretches(self, from_us: int, to_us: int) -> list[Stretch]:
        """Return the time from `from_us` to `to_us` in stretches, those without anybody as well; neighbours differ."""
        found: list[Stretch] = []
        for start_us in range(from_us, to_us, _CHUNK_US):
            for piece in self._pieces(start_us, min(start_us + _CHUNK_US, to_us)):
                if found and found[-1].people == piece.people:
                    found[-1] = found[-1]._replace(end_us=piece.end_us)
                else:
                    found.append(piece)
        return found

    def next_handover_us(self, now_us: int, within_us: int = 400 * DAY_US) -> int | None:
        """Return when other people come on duty, µs since the epoch; None where nobody does `within_us`."""
        people = self.on_duty(now_us)
        for start_us in range(now_us, now_us + within_us, _CHUNK_US):
            for piece in self._pieces(start_us, min(start_us + _CHUNK_US, now_us + within_us)):
                if piece.people != people:
                    return piece.start_us
        return None

    def untils(self, now_us: int) -> Mapping[str, int | None]:
        """Return of each who is on duty when that ends, µs since the epoch; None where not within `LOOK_AHEAD_US`."""
        stretch = self.stretch(now_us)
        if self._untils[0] is not stretch:
            ends: dict[str, int | None] = dict.fromkeys(stretch.people)
            open_ = set(stretch.people)
            for piece in self.stretches(now_us, now_us + LOOK_AHEAD_US):
                for person in open_ - set(piece.people):
                    ends[person] = piece.start_us
                open_ &= set(piece.people)
            self._untils = (stretch, ends)
        return self._untils[1]

    @property
    def named(self) -> tuple[str, ...]:
        """Everybody whom the rota puts on duty at some time, each once."""
        rota = self.rota
        named = [part.people for part in (*rota.shifts, *rota.holiday_shifts)]
        named += [one.people for one in rota.overrides]
        return tuple(dict.fromkeys(person for people in named for person in people))

    def _pieces(self, from_us: int, to_us: int) -> Iterator[Stretch]:
        """Yield the time from `from_us` to `to_us`, cut wherever a shift or an override begins or ends."""
        spans = list(self._spans(self.clock.day_of(from_us) - _DAYS_BEFORE, self.clock.day_of(to_us) + 1))
        spans.sort(key=lambda span: (span.order, span.start_us))
        overrides = [one for one in self.rota.overrides if one.start_us < to_us and one.end_us > from_us]
        edges = {edge for span in spans for edge in span[:2]}
        edges.update(edge for one in overrides for edge in (one.start_us, one.end_us))
        cuts = [from_us, *sorted(edge for edge in edges if from_us < edge < to_us), to_us]
        for start_us, end_us in pairwise(cuts):
            instead = [one.people for one in overrides if one.start_us <= start_us < one.end_us]
            there = instead[-1:] or [span.people for span in spans if span.start_us <= start_us < span.end_us]
            yield Stretch(start_us, end_us, tuple(dict.fromkeys(person for people in there for person in people)))

    def _spans(self, first_day: int, last_day: int) -> Iterator[_Span]:
        """Yield the shifts that begin on these days; one that the clock jumps over is left out."""
        for day in range(first_day, last_day + 1):
            shifts = self.rota.holiday_shifts if day in self._holidays else self.rota.shifts
            for order, shift in enumerate(shifts):
                if self._is_on(shift, day):
                    over_midnight = MINUTES_A_DAY if shift.end_min <= shift.start_min else 0
                    start_us = self.clock.moment_us(day, shift.start_min)
                    end_us = self.clock.moment_us(day, shift.end_min + over_midnight)
                    if start_us < end_us:
                        yield _Span(start_us, end_us, order, shift.people)

    def _is_on(self, shift: Shift, day: int) -> bool:
        weekday = weekday_of(day)
        week = (day - weekday - self._first_monday) // 7 % self.rota.cycle_weeks
        return weekday in shift.days and (not shift.weeks or week in shift.weeks)


def on_duty(rota: Rota, now_us: int) -> tuple[str, ...]:
    """Return who is on duty by `rota` at `now_us`, µs since the epoch."""
    return Roster(rota).on_duty(now_us)
