"""The gate: schedules, maintenance windows and `unless`. Where it is shut, a rule raises nothing.

| the gate | it begins to hold | it is said again | it ceases |
|---|---|---|---|
| open | said | said | said |
| shut, and it was not said before | withheld | stays withheld, as it is now | forgotten; nothing is said |
| shut, and it was said before | – | said, but for an event | said |
| opens, and it is withheld | – | raised now, with `since_us` as it was | – |

- *Schedules* go by the clock on the wall in the rule set's time zone: an hour that summer time skips is in no period,
  one that comes twice is in it twice. *Windows* go by the fold's time, and end by themselves.
- *Unless* goes by what the rules that it names do on the same device (`rules.inhibition`), once all of a step is known:
  a fault that is said in one step with what it makes of a reading is in time.
- What is withheld and is spoken of in the very step in which it opens is decided as it comes: what ceases then was
  never raised.
- *Life-safety* rules are exempt: from a schedule and from `unless` unless the rule is `signed_by` somebody, from a
  window unless it is.
- *Events* while it is shut (a door opened, a test press) are over when it opens, and are not raised then; the next one
  is, as a new alarm. A latched alarm holds until a person ends it, so it is raised.
- What is withheld goes with the device that leaves the window's place, and is dropped where its rule is.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

import msgspec

from rules.compiler import key_of
from rules.inhibition import Inhibition
from rules.model import RELATION_KINDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from devices.model import Device
    from rules.model import Change, Rule
    from rules.ruleset import RuleSet, Schedule, Window

__all__ = ["Gate", "is_in"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTE_US: Final = 60_000_000
_FOREVER_US: Final = 1 << 62


def is_in(schedule: Schedule, local: datetime) -> bool:
    """Say whether `local`, as the clock on the wall shows it, is in one of the periods of `schedule`."""
    minute, today = local.hour * 60 + local.minute, local.weekday()
    yesterday = (today - 1) % 7
    for period in schedule.periods:
        is_over_midnight = period.to_min <= period.from_min
        if today in period.days and period.from_min <= minute and (is_over_midnight or minute < period.to_min):
            return True
        if is_over_midnight and yesterday in period.days and minute < period.to_min:
            return True
    return False


class Gate:
    """Lets changes pass, or withholds them.

    device_of: device row → device, None where there is none
    is_event:  says whether a rule is about an event, which nothing ever sets back
    next_us:   nothing opens or shuts by itself before this time
    """

    def __init__(
        self, rules: RuleSet, device_of: Callable[[int], Device | None], is_event: Callable[[Rule], bool]
    ) -> None:
        every = (*rules.rules, *(variant.rule for variant in rules.variants if variant.rule is not None))
        named = {rule.schedule for rule in every}
        self._schedules = tuple(schedule for schedule in rules.schedules if schedule.name in named)
        self._windows = rules.windows
        self.inhibition = Inhibition(every)
        self._zone = ZoneInfo(rules.timezone)
        self._device_of = device_of
        self._is_event = is_event
        self._shut: frozenset[str] = frozenset()
        self._running: tuple[Window, ...] = ()
        self._withheld: dict[int, dict[str, Change]] = {}
        self.next_us = 0 if self.is_needed else _FOREVER_US

    @property
    def is_needed(self) -> bool:
        """Whether there is anything that could ever shut it."""
        return bool(self._schedules or self._windows or self.inhibition.is_needed)

    # ── deciding ─────────────────────────────────────────────────────────────────────────────────────────────────

    def turn(self, now_us: int, changes: Sequence[Change]) -> set[int]:
        """Open and shut as `now_us` and `changes`, all those of the step, want it.

        Returns the device rows on which something is withheld that may be raised now.
        """
        eased = self.inhibition.hear(changes)
        if now_us >= self.next_us:
            self.next_us = self._turn_at(now_us)
            return set(self._withheld)
        return eased & self._withheld.keys()

    def opened(self, rows: set[int], changes: Sequence[Change], now_us: int) -> list[Change]:
        """Take out what was withheld on `rows` and is raised now: by device row and rule id, relations last.

        changes: those of the step; what is withheld and they speak of is decided as it comes
        """
        spoken_of = {(change.device_row, change.rule.id) for change in changes} if rows else set()
        opened = [
            change
            for row in sorted(rows)
            for rule_id, change in sorted(self._withheld.get(row, {}).items())
            if (row, rule_id) not in spoken_of
            and not self._is_event(change.rule)
            and not self._is_shut(change.rule, row)
        ]
        for change in opened:
            self._forget(change.device_row, change.rule.id)
        opened.sort(key=lambda change: change.rule.kind in RELATION_KINDS)
        return [msgspec.structs.replace(change, time_us=now_us) for change in opened]

    def _turn_at(self, now_us: int) -> int:
        """Take up the schedules and windows of `now_us`; return until when nothing changes.

        Periods and the shifts of time zones fall on whole minutes, so schedules are looked at once a minute.
        """
        local = (_EPOCH + timedelta(microseconds=now_us)).astimezone(self._zone)
        self._shut = frozenset(schedule.name for schedule in self._schedules if not is_in(schedule, local))
        self._running = tuple(window for window in self._windows if window.from_us <= now_us < window.to_us)
        edges = [edge for window in self._windows for edge in (window.from_us, window.to_us) if edge > now_us]
        minute = (now_us // _MINUTE_US + 1) * _MINUTE_US if self._schedules else _FOREVER_US
        return min(minute, *edges, _FOREVER_US)

    def passes(self, change: Change) -> Change | None:
        """Return what is to be said of `change`, None for nothing. `turn` must have been called for this time."""
        row, rule = change.device_row, change.rule
        withheld = self._withheld[row].get(rule.id) if row in self._withheld else None
        if not change.holds:
            if withheld is not None:
                self._forget(row, rule.id)
            return change if withheld is None else None
        if not self._is_shut(rule, row):
            if withheld is None:
                return change
            self._forget(row, rule.id)
            return _begun(change, withheld)
        if withheld is not None:
            self._withheld[row][rule.id] = _begun(change, withheld)
        elif not change.repeated:
            self._withheld.setdefault(row, {})[rule.id] = change
        elif not self._is_event(rule):
            return change
        return None

    def _is_shut(self, rule: Rule, row: int) -> bool:
        is_exempt = rule.is_life_safety
        if rule.schedule in self._shut and not (is_exempt and not rule.signed_by):
            return True
        if self.inhibition.inhibits(rule, row):
            return True
        device = self._device_of(row) if self._running else None
        if device is None:
            return False
        return any(
            (not window.rules or rule.id in window.rules)
            and not (is_exempt and not window.signed_by)
            and _is_about(window, device)
            for window in self._running
        )

    # ── state ────────────────────────────────────────────────────────────────────────────────────────────────────

    def review(self, row: int, rules: Mapping[str, Rule]) -> None:
        """Look again at what is withheld on `row`, which `rules` by id watch from now on; of relations nothing goes.

        Of other rules nothing stays that decides otherwise now: the engine has begun it anew.
        """
        self.inhibition.review(row, rules)
        for rule_id, change in list(self._withheld.get(row, {}).items()):
            is_relation, rule = change.rule.kind in RELATION_KINDS, rules.get(rule_id)
            if rule is not None and (is_relation or key_of(rule) == key_of(change.rule)):
                self._withheld[row][rule_id] = msgspec.structs.replace(change, rule=rule)
            elif not is_relation:
                self._forget(row, rule_id)
        if self.is_needed:
            self.next_us = 0

    def bound(self, now_us: int) -> None:
        """Bring every time that lies after `now_us` back to it."""
        for of_row in self._withheld.values():
            for rule_id, change in of_row.items():
                of_row[rule_id] = msgspec.structs.replace(
                    change, time_us=min(change.time_us, now_us), since_us=min(change.since_us, now_us)
                )
        if self.is_needed:
            self.next_us = 0

    def withheld(self) -> Iterator[tuple[str, Change]]:
        """Yield the rule id and the change of what is withheld, by device row and rule id."""
        for row in sorted(self._withheld):
            yield from sorted(self._withheld[row].items())

    def withhold(self, change: Change) -> None:
        """Take up what was withheld before a restart; the next `turn` looks at it."""
        self._withheld.setdefault(change.device_row, {})[change.rule.id] = change
        self.next_us = 0

    def _forget(self, row: int, rule_id: str) -> None:
        of_row = self._withheld[row]
        del of_row[rule_id]
        if not of_row:
            del self._withheld[row]


def _begun(change: Change, withheld: Change) -> Change:
    """Return `change`, which repeats what is withheld, as what begins it."""
    return msgspec.structs.replace(change, repeated=False, since_us=withheld.since_us)


def _is_about(window: Window, device: Device) -> bool:
    return (
        window.site in ("", device.site)
        and window.grid in ("", device.grid)
        and window.building in ("", device.building)
        and window.device in ("", device.name)
    )
