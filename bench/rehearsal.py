"""Rehearsal: simulated days, quiet and with labelled incidents, through the rule engine, and the judgement of it.

Nothing here decides what is right: that is in `simulator.suite` (labels) and `simulator.disturbance` (the log).
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from devices import Registry
from devices.profile_loader import load_profiles
from rules import Engine, RuleMode, load_rules
from rules.engine import compile_kernels
from simulator.history import History
from simulator.suite import is_right

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rules import Change, Rule
    from simulator.disturbance import DisturbanceKind, DisturbanceLog
    from simulator.fleet import Fleet
    from simulator.journey import GatewayDown
    from simulator.suite import Finding, LabelledIncident

__all__ = ["DAY_US", "Alarm", "Found", "Outcome", "Rehearsal", "rehearse"]

HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US
CALM_BLOCK_S = 60.0
BLOCK_S = 10.0
"""Blocks while incidents play: no delay is measured more finely."""
AFTERMATH_US = HOUR_US
CAUSE_US = 2 * HOUR_US
"""A disturbance may have ended so long before the alarm that it caused."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that began or ceased, as people would hear of it.

    rows:   devices that it is about, members included; registry rows, which are positions in the fleet
    at_us:  the fold's time when it was said
    since_us: when the breach began, or the device was last heard
    """

    rule: Rule
    rows: frozenset[int]
    holds: bool
    at_us: int
    since_us: int


@dataclass(frozen=True, slots=True)
class Found:
    """What became of a finding: `delay_s` until it was said, None for never; `held` if it held before the beginning."""

    finding: Finding
    delay_s: float | None
    held: bool

    @property
    def in_time(self) -> bool:
        """Whether it was said within its time."""
        return self.delay_s is not None and self.delay_s <= self.finding.within_s


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an incident; `wrong` are ids of what must not have been said, and was."""

    incident: LabelledIncident
    found: tuple[Found, ...]
    wrong: tuple[str, ...]

    @property
    def is_good(self) -> bool:
        """Whether all was found in time, and nothing wrong was said."""
        return all(one.in_time for one in self.found) and not self.wrong


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """Simulated days and what was said in them.

    history_s, engine_s: processor time spent on making readings, and on folding them
    """

    fleet: Fleet
    incidents: tuple[LabelledIncident, ...]
    alarms: tuple[Alarm, ...]
    log: DisturbanceLog
    readings: int
    history_s: float
    engine_s: float

    def outcomes(self) -> tuple[Outcome, ...]:
        """Judge each incident."""
        return tuple(
            Outcome(incident, tuple(self._found(incident, one) for one in incident.label.found), self._wrong(incident))
            for incident in self.incidents
        )

    def false_alarms(self, from_us: int, to_us: int) -> Counter[tuple[str, DisturbanceKind | None]]:
        """Count what was raised in a time without danger, by rule id and by the disturbance behind it.

        None stands for no disturbance that is known. What a rule rightly says of everyday life is not among it.
        """
        causes = Counter(self._causes(from_us, to_us))
        return Counter({key: n for key, n in causes.items() if key[1] is None or not is_right(key[0], key[1])})

    def notices(self, from_us: int, to_us: int) -> Counter[tuple[str, DisturbanceKind | None]]:
        """Count what rules rightly said of everyday life in a time."""
        causes = Counter(self._causes(from_us, to_us))
        return Counter({key: n for key, n in causes.items() if key[1] is not None and is_right(key[0], key[1])})

    # ── judging ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _found(self, incident: LabelledIncident, finding: Finding) -> Found:
        about = [one for one in self._about(incident) if _is_one_of(one.rule, finding.rules)]
        raised = [one.at_us for one in about if one.holds and one.at_us >= incident.begins_us]
        before = [one for one in about if one.at_us < incident.begins_us]
        delay_s = (min(raised) - incident.begins_us) / 1e6 if raised else None
        return Found(finding, delay_s, bool(before) and before[-1].holds)

    def _wrong(self, incident: LabelledIncident) -> tuple[str, ...]:
        never = incident.label.never
        said = [one for one in self._about(incident) if incident.begins_us <= one.at_us <= incident.ends_us]
        wrong = {one.rule.id for one in said if _is_one_of(one.rule, never.raised if one.holds else never.ceased)}
        return tuple(sorted(wrong))

    def _about(self, incident: LabelledIncident) -> list[Alarm]:
        rows = set(incident.rows)
        return [one for one in self.alarms if not rows.isdisjoint(one.rows)]

    def _causes(self, from_us: int, to_us: int) -> Iterator[tuple[str, DisturbanceKind | None]]:
        for alarm in self.alarms:
            if alarm.holds and from_us <= alarm.at_us < to_us and not self._in_incident(alarm):
                yield alarm.rule.id, self._cause(alarm)

    def _in_incident(self, alarm: Alarm) -> bool:
        """Say whether what an alarm is about, from its beginning on, meets an incident of one of its devices."""
        return any(
            not alarm.rows.isdisjoint(one.rows)
            and alarm.since_us <= one.ends_us + AFTERMATH_US
            and alarm.at_us >= one.earliest_us
            for one in self.incidents
        )

    def _cause(self, alarm: Alarm) -> DisturbanceKind | None:
        """Return the likeliest disturbance: one of what was measured before one of the journey, the latest first."""
        begins_us = min(alarm.since_us, alarm.at_us) - CAUSE_US
        found = [
            one.kind
            for row in sorted(alarm.rows)
            for one in self.log.of(row, begins_us, alarm.at_us)
            if one.kind.disturbs(alarm.rule.metric)
        ]
        return min(found, key=lambda kind: (kind.is_standing, kind.is_of_the_journey), default=None)


def _is_one_of(rule: Rule, names: Sequence[str]) -> bool:
    return any(rule.id == name or rule.id.startswith(f"{name}.") for name in names)


# ── running ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def rehearse(
    fleet: Fleet,
    incidents: Sequence[LabelledIncident],
    *,
    begin_us: int,
    window_us: int,
    until_us: int,
    seed: int = 1,
    down: Sequence[GatewayDown] = (),
) -> Rehearsal:
    """Let `fleet` live from `begin_us` to `until_us`, with all shipped rules, and return what was said.

    window_us: from here on the blocks are short
    """
    registry = Registry(load_profiles())
    registry.apply(registry.plan_registration(fleet.devices))
    history = History(
        fleet,
        [registry.channels_of(row) for row in range(len(fleet))],
        begin_us=begin_us,
        seed=seed,
        deviations=[one for incident in incidents for one in incident.deviations],
        down=[*down, *(one for incident in incidents for one in incident.down)],
    )
    compile_kernels()
    engine = Engine(registry, load_rules(registry.profiles))
    engine.sync(begin_us)
    alarms: list[Alarm] = []
    readings, engine_s, began = 0, 0.0, time.process_time()
    for end_us, every_s in ((window_us, CALM_BLOCK_S), (until_us, BLOCK_S)):
        for now_us, block in history.blocks(end_us, every_s):
            readings += len(block)
            folding = time.process_time()
            changes = engine.step(block, now_us)
            engine_s += time.process_time() - folding
            alarms += _heard(changes, now_us)
    history_s = time.process_time() - began - engine_s
    return Rehearsal(fleet, tuple(incidents), tuple(alarms), history.log, readings, history_s, engine_s)


def _heard(changes: Sequence[Change], now_us: int) -> Iterator[Alarm]:
    for change in changes:
        if change.rule.mode is RuleMode.LIVE and not change.repeated:
            rows = frozenset({change.device_row, *change.members})
            yield Alarm(change.rule, rows, change.holds, now_us, change.since_us)
