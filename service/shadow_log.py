"""What rules in shadow would have raised lately, for a person to look at; the archive has all of it."""

from __future__ import annotations

from collections import deque
from math import isfinite
from typing import TYPE_CHECKING, Final

import msgspec

from alerts import ShadowEvent
from alerts.conditions import condition
from alerts.identity import NOTIFICATION_CHARACTERS, identity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from alerts import AlertsCounters
    from alerts.finding import Finding

__all__ = ["HOUR_US", "ShadowLog"]

SNAPSHOT_VERSION: Final = 1
EVENTS_KEPT: Final = 1_000
HOURS_KEPT: Final = 31 * 24
RULES_COUNTED: Final = 1_000
HOLDS_KEPT: Final = 10_000

HOUR_US: Final = 3_600_000_000


class _Hold(msgspec.Struct, array_like=True):
    """A rule that holds on a device, and how often that was said again."""

    device: str
    rule_id: str
    repeats: int


class _Snapshot(msgspec.Struct, array_like=True):
    version: int
    events: list[ShadowEvent]
    raised: dict[str, dict[int, int]]
    holds: list[_Hold]
    overlooked: int


class ShadowLog:
    """The newest events, the counts of each rule's hours, and what holds at the moment: a fold of changes.

    raised:     rule id → hour since the epoch → how often it would have been news then, by journal time; the last 31
                days of the 1,000 rules that raised anything lately
    overlooked: holds dropped from the list of what holds, since it was full
    """

    def __init__(self, counters: AlertsCounters) -> None:
        self.raised: dict[str, dict[int, int]] = {}
        self.overlooked = 0
        self._counters = counters
        self._events: deque[ShadowEvent] = deque(maxlen=EVENTS_KEPT)
        self._holds: dict[tuple[str, str], int] = {}  # (device, rule id) → repeats, oldest first

    # ── folding ──────────────────────────────────────────────────────────────────────────────────────────────────

    def apply(self, finding: Finding) -> ShadowEvent | None:
        """Fold one change of a rule in shadow in, and return what the journal keeps of it.

        None for a repetition that is counted alone: as in an incident's timeline, every power of two is kept.
        """
        change = finding.change
        key = (finding.device.key, finding.rule.id)
        if change.holds and change.repeated:
            repeats = self._holds.get(key, 0) + 1
            self._hold(key, repeats)
            if repeats & (repeats - 1):
                return None
        elif change.holds:
            self._hold(key, 0)
            self._count(finding)
        else:
            self._holds.pop(key, None)
        event = _event(finding)
        self._events.append(event)
        return event

    def forget(self, rule_ids: set[str]) -> None:
        """Let go of what holds under rules that a reload took away or reset: they will not say that it ended."""
        self._holds = {key: repeats for key, repeats in self._holds.items() if key[1] not in rule_ids}

    def _hold(self, key: tuple[str, str], repeats: int) -> None:
        self._holds[key] = repeats
        if len(self._holds) > HOLDS_KEPT:
            del self._holds[next(iter(self._holds))]
            self.overlooked += 1

    def _count(self, finding: Finding) -> None:
        self._counters.shadow_raised[finding.rule.kind] += 1
        hour = finding.now_us // HOUR_US
        hours = self.raised.pop(finding.rule.id, {})
        hours[hour] = hours.get(hour, 0) + 1
        for old in [known for known in hours if known <= hour - HOURS_KEPT]:
            del hours[old]
        self.raised[finding.rule.id] = hours  # the one that raised last is the last
        if len(self.raised) > RULES_COUNTED:
            del self.raised[next(iter(self.raised))]

    # ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────

    def events(self, rule_id: str | None = None, device: str | None = None, since_us: int = 0) -> list[ShadowEvent]:
        """Return the events kept, of one rule and device or of all, noted at `since_us` or later, newest first."""
        return [
            event
            for event in reversed(self._events)
            if rule_id in (None, event.rule_id) and device in (None, event.device) and event.noted_us >= since_us
        ]

    def holding(self) -> Iterator[tuple[str, str]]:
        """Iterate over (device, rule id) of what holds, as far as rules have said."""
        return iter(self._holds)

    # ── snapshots ────────────────────────────────────────────────────────────────────────────────────────────────

    def snapshot(self) -> bytes:
        """Return the log as bytes; `restore` takes them."""
        holds = [_Hold(device, rule_id, repeats) for (device, rule_id), repeats in self._holds.items()]
        return msgspec.msgpack.encode(
            _Snapshot(SNAPSHOT_VERSION, list(self._events), self.raised, holds, self.overlooked)
        )

    def restore(self, snapshot: bytes) -> None:
        """Fill an empty log. Raises ValueError for a version that this program does not read."""
        stored = msgspec.msgpack.decode(snapshot, type=_Snapshot)
        if stored.version != SNAPSHOT_VERSION:
            raise ValueError(f"shadow snapshot of version {stored.version}; wanted {SNAPSHOT_VERSION}")
        self._events.extend(stored.events)
        self.raised = stored.raised
        self._holds = {(hold.device, hold.rule_id): hold.repeats for hold in stored.holds}
        self.overlooked = stored.overlooked


def _event(finding: Finding) -> ShadowEvent:
    change, rule, device = finding.change, finding.rule, finding.device
    what = condition(finding)
    return ShadowEvent(
        id=identity(device.key, rule.id, finding.offset, finding.index, characters=NOTIFICATION_CHARACTERS),
        device=device.key,
        rule_id=rule.id,
        rule_name_en=rule.name_en,
        rule_name_zh=rule.name_zh,
        rule_kind=rule.kind,
        severity=rule.severity,
        alarm_class=rule.alarm_class,
        holds=change.holds,
        repeated=change.repeated,
        late=change.late,
        time_us=change.time_us,
        since_us=change.since_us,
        noted_us=finding.now_us,
        metric=rule.metric,
        unit=finding.unit,
        value=change.value,
        measure=change.measure if change.measure is not None and isfinite(change.measure) else None,
        text_en=what.en,
        text_zh=what.zh,
    )
