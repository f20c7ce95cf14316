"""Evidence: what other rules said in one place, and for how long it counts.

A *fact* is one rule on one device. It counts:

| the rule | in a neighbourhood | in a composite |
|---|---|---|
| ceases by itself | while it holds, and for the window after it was raised | while it holds |
| never ceases: an event, a latched alarm | for the window after it was said last | the same; in `none`, never |

- *The window is event time.* It is past once the place hears of something that happened later than that. A place that
  hears of nothing more goes by our own clock, from the arrival of the fact: two events that a gateway sends ten minutes
  late are still seconds apart. What is past as it comes, since the place has heard of later things, counts only if it
  holds.
- A rule that is said again while it holds is nothing new; one that never ceases begins anew each time.
"""

from __future__ import annotations

from heapq import heappop, heappush, heapreplace
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["NEVER_US", "Evidence", "Fact", "Weighing"]

NEVER_US: Final = -(1 << 62)
"""Before anything."""


class Fact(msgspec.Struct, gc=False):
    """What one rule says of one device.

    raised_us:  event time at which it was raised; of a rule that never ceases, at which it was said last
    arrived_us: our own time then
    endless:    the rule never ceases
    holds:      False where it ceased, and always where the rule never does
    fresh:      it does not hold, and its window is not past
    ends_us, wakes_us: the times under which it is queued, event time and ours; `NEVER_US` where it is not
    """

    raised_us: int
    arrived_us: int
    endless: bool
    holds: bool
    fresh: bool
    ends_us: int = NEVER_US
    wakes_us: int = NEVER_US


class Weighing(NamedTuple):
    """How a relation weighs what it hears; rules go by their place among those that it hears.

    parts:     by rule, whether it has a part: the others only stand against it
    window_us: how long what was raised is fresh
    lingers:   whether what ceased counts as long as it is fresh
    keeps:     whether it is kept so long
    """

    parts: tuple[bool, ...]
    window_us: int
    lingers: bool
    keeps: bool


class Evidence:
    """The facts of one place.

    on:          rule → how many of its facts count; without any it is not there
    counting:    device row → how many of its facts count, of rules that have a part; without any it is not there
    newest_us:   the newest event time heard of
    occurred_us: when a rule that has a part was raised last, or said again if it never ceases
    """

    __slots__ = ("_ends", "_facts", "_weighing", "counting", "newest_us", "occurred_us", "on")

    def __init__(self, weighing: Weighing) -> None:
        self._weighing = weighing
        # By one number for row and rule: a dict of numbers costs the garbage collector nothing.
        self._facts: dict[int, Fact] = {}
        self.on: dict[int, int] = {}
        self.counting: dict[int, int] = {}
        self.newest_us = NEVER_US
        self.occurred_us = NEVER_US
        self._ends: list[tuple[int, int]] | None = None

    @property
    def is_empty(self) -> bool:
        """Whether there are no facts."""
        return not self._facts

    def facts(self) -> Iterator[tuple[int, int, Fact]]:
        """Yield (device row, rule, fact)."""
        rules = len(self._weighing.parts)
        return ((*divmod(key, rules), fact) for key, fact in self._facts.items())

    def fact(self, row: int, rule: int) -> Fact | None:
        """Return what `rule` says of the device `row`."""
        return self._facts.get(row * len(self._weighing.parts) + rule)

    def over_us(self, fact: Fact) -> int:
        """Return the event time from which on the window of `fact` is past."""
        return fact.raised_us + self._weighing.window_us + 1

    def wake_us(self, fact: Fact) -> int:
        """Return our own time from which on the window of `fact` is past."""
        return fact.arrived_us + self._weighing.window_us + 1

    # ── what was said ────────────────────────────────────────────────────────────────────────────────────────────

    def say(self, row: int, rule: int, at_us: int, now_us: int, *, endless: bool) -> Fact | None:
        """Take in that `rule` was raised on `row` at `at_us`, or said again; None where that is nothing new.

        now_us:  the fold's time
        endless: the rule never ceases
        """
        weighing = self._weighing
        key = row * len(weighing.parts) + rule
        fact = self._facts.get(key)
        if fact is not None and fact.holds:
            return None
        counted = fact is not None and self._counts(rule, fact)
        if endless:
            if at_us + weighing.window_us < self.newest_us or (fact is not None and at_us < fact.raised_us):
                return None
            if fact is None:
                fact = self._facts[key] = Fact(at_us, now_us, endless=True, holds=False, fresh=True)
            else:
                fact.raised_us, fact.arrived_us, fact.fresh = at_us, now_us, True
            self._queue(key, fact)
        elif fact is None:
            fact = self._facts[key] = Fact(at_us, now_us, endless=False, holds=True, fresh=False)
        else:
            fact.holds, fact.fresh = True, False
            if at_us >= fact.raised_us:
                fact.raised_us, fact.arrived_us = at_us, now_us
        if not counted and self._counts(rule, fact):
            self._count(row, rule, 1)
        if at_us > self.occurred_us and weighing.parts[rule]:
            self.occurred_us = at_us
        return fact

    def cease(self, row: int, rule: int) -> Fact | None:
        """Take in that `rule` ceased on `row`; return the fact, None where it did not hold."""
        key = row * len(self._weighing.parts) + rule
        fact = self._facts.get(key)
        if fact is None or not fact.holds:
            return None
        fact.holds = False
        fact.fresh = self._weighing.keeps and self.over_us(fact) > self.newest_us
        if not self._counts(rule, fact):
            self._count(row, rule, -1)
        if fact.fresh:
            self._queue(key, fact)
        else:
            del self._facts[key]
        return fact

    def end(self, row: int, rule: int) -> None:
        """Let the window of a fact that is fresh be past."""
        key = row * len(self._weighing.parts) + rule
        fact = self._facts.pop(key)
        if self._counts(rule, fact):
            self._count(row, rule, -1)

    def next_end(self, at_us: int) -> tuple[int, int, int] | None:
        """Return (over_us, row, rule) of the window that is past first by `at_us`; None where there is none."""
        ends = self._ends
        while ends and ends[0][0] <= at_us:
            over_us, key = ends[0]
            fact = self._facts.get(key)
            if fact is None or fact.ends_us != over_us:
                heappop(ends)
            elif not fact.fresh:
                fact.ends_us = NEVER_US
                heappop(ends)
            elif self.over_us(fact) > over_us:
                fact.ends_us = self.over_us(fact)
                heapreplace(ends, (fact.ends_us, key))
            else:
                return over_us, *divmod(key, len(self._weighing.parts))
        return None

    # ── who belongs here ─────────────────────────────────────────────────────────────────────────────────────────

    def leave(self, row: int) -> list[tuple[int, Fact]]:
        """Take out the facts of `row`; return them with their rules."""
        rules = len(self._weighing.parts)
        gone = [
            (rule, fact) for rule in range(rules) if (fact := self._facts.pop(row * rules + rule, None)) is not None
        ]
        for rule, fact in gone:
            if self._counts(rule, fact):
                self._count(row, rule, -1)
        return gone

    def enter(self, row: int, rule: int, fact: Fact) -> bool:
        """Take in a fact as it is, of a device that came here or of a snapshot; say whether it is worth keeping."""
        fact.fresh &= self._weighing.keeps or fact.endless
        if not fact.holds and not fact.fresh:
            return False
        fact.ends_us = fact.wakes_us = NEVER_US
        key = row * len(self._weighing.parts) + rule
        self._facts[key] = fact
        if self._counts(rule, fact):
            self._count(row, rule, 1)
        if self._weighing.parts[rule]:
            self.occurred_us = max(self.occurred_us, fact.raised_us)
        if fact.fresh:
            self._queue(key, fact)
        return True

    def bound(self, now_us: int) -> None:
        """Bring every time that lies after `now_us` back to it."""
        self.newest_us = min(self.newest_us, now_us)
        self.occurred_us = min(self.occurred_us, now_us)
        self._ends = None
        for key, fact in self._facts.items():
            fact.raised_us, fact.arrived_us = min(fact.raised_us, now_us), min(fact.arrived_us, now_us)
            fact.ends_us = NEVER_US
            if fact.fresh:
                self._queue(key, fact)

    def first(self) -> int:
        """Return the device row of the fact that was raised first, of those that count and have a part; one must."""
        parts = self._weighing.parts
        return min(
            (fact.raised_us, row) for row, rule, fact in self.facts() if parts[rule] and self._counts(rule, fact)
        )[1]

    def members(self) -> tuple[int, ...]:
        """Return the device rows that have a part, rising."""
        return tuple(sorted(self.counting))

    def _queue(self, key: int, fact: Fact) -> None:
        if fact.ends_us == NEVER_US:
            fact.ends_us = self.over_us(fact)
            if self._ends is None:
                self._ends = []
            heappush(self._ends, (fact.ends_us, key))

    def _counts(self, rule: int, fact: Fact) -> bool:
        weighing = self._weighing
        return fact.holds or (fact.fresh and (weighing.lingers or (fact.endless and weighing.parts[rule])))

    def _count(self, row: int, rule: int, by: int) -> None:
        on, counting = self.on, self.counting
        on[rule] = on.get(rule, 0) + by
        if not on[rule]:
            del on[rule]
        if self._weighing.parts[rule]:
            counting[row] = counting.get(row, 0) + by
            if not counting[row]:
                del counting[row]
