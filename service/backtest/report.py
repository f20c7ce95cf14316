"""The report: what a rule set would have said of a history, counted."""

from __future__ import annotations

from collections import Counter, defaultdict
from functools import partial
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import msgspec

from rules.model import AlarmClass, RuleMode, Severity
from service.backtest.scores import Score, Verdict, judge, score
from service.backtest.times import SECOND_US, day_of, exact_time
from service.backtest.watched import Watched

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devices import Registry
    from rules import Rule, RuleSet
    from rules.episodes import Episode
    from service.backtest.labels import Label
    from service.backtest.scores import Judged

__all__ = ["DeviceLine", "Frame", "MissedLine", "Report", "RuleLine", "make_report"]


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """What was looked at.

    source:   the archive or the file, as a person would say it
    from_us, to_us: the time that is reported, event time
    devices:  devices of which something was heard
    readings, unknown, repeats: as in `replay.Tally`
    seconds:  how long the replay took
    step_s:   how long a block lasted at most, event time
    stopped:  why it ended before the end of the history, "" where it did not
    holes:    (from, to) in which nothing came from any device
    tolerance_s, complete: as in `scores.judge`
    """

    source: str
    from_us: int
    to_us: int
    devices: int
    readings: int
    unknown: int
    repeats: int
    seconds: float
    step_s: float
    stopped: str = ""
    holes: tuple[tuple[int, int], ...] = ()
    tolerance_s: float = 300.0
    complete: bool = False

    @property
    def span_s(self) -> float:
        """How long the time reported is, s."""
        return max(self.to_us - self.from_us, 0) / SECOND_US

    def reaches(self, from_us: int, to_us: int) -> bool:
        """Say whether a time, both ends included, and the time that is reported have a part in common."""
        return to_us >= self.from_us and from_us <= self.to_us

    @property
    def readings_s(self) -> float:
        """Readings folded a second."""
        return self.readings / self.seconds if self.seconds > 0 else 0.0


class RuleLine(msgspec.Struct, frozen=True, kw_only=True):
    """One rule: `watched` devices of its profile; what its alarms came to."""

    rule: str
    name_en: str
    name_zh: str
    severity: Severity
    alarm_class: AlarmClass
    mode: RuleMode
    watched: int
    score: Score


class DeviceLine(msgspec.Struct, frozen=True, kw_only=True):
    """One device, of those that had an alarm; tests left out of `alarms`."""

    device: str
    profile: str
    alarms: int
    true: int
    false: int
    tests: int
    unverified: int
    standing_s: float


class MissedLine(msgspec.Struct, frozen=True, kw_only=True):
    """A danger that no alarm was about; times in the rules' zone."""

    device: str
    rule: str
    began: str
    ended: str


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule set would have said.

    total:    all rules together
    rules:    those that had an alarm or a label, the one with most alarms first
    devices:  the one with most alarms first
    days:     day in the rules' zone → rule → alarms raised on it, tests left out; every day of the time is in it
    missed:   true labels, by their beginning
    labels, outside: labels that could be looked at, and those of other times or of devices that said nothing
    """

    frame: Frame
    timezone: str
    began: str
    ended: str
    readings_s: float
    total: Score
    rules: tuple[RuleLine, ...]
    devices: tuple[DeviceLine, ...]
    days: dict[str, dict[str, int]]
    missed: tuple[MissedLine, ...]
    labels: int
    outside: int


def make_report(
    frame: Frame, rules: RuleSet, registry: Registry, episodes: Sequence[Episode], labels: Sequence[Label]
) -> Report:
    """Count what `rules` said; `episodes` of before the time of the report are left out."""
    zone = ZoneInfo(rules.timezone)
    device_of = {row: device.key for row, device in registry.devices()}
    profile_of = {device.key: device.profile for _, device in registry.devices()}
    episodes = [episode for episode in episodes if frame.from_us <= episode.raised_us]
    reached = [label for label in labels if frame.reaches(label.from_us, label.to_us) and label.device in profile_of]

    judged = partial(
        judge, device_of=device_of, end_us=frame.to_us, tolerance_s=frame.tolerance_s, complete=frame.complete
    )
    everything = judged(episodes, reached)
    of_rule: dict[str, list[Episode]] = defaultdict(list)
    for episode in episodes:
        of_rule[episode.rule_id].append(episode)
    devices = Watched(rules, registry)
    lines = []
    for rule in rules.rules:
        its = [label for label in reached if label.is_about(rule.id)]
        if rule.id in of_rule or any(label.rule for label in its):
            watched = set(devices.by(rule).values())
            about = [label for label in its if label.device in watched]
            judgement = judged(of_rule.get(rule.id, ()), about)
            lines.append(_rule_line(rule, len(watched), score(judgement, devices=len(watched), span_s=frame.span_s)))
    return Report(
        frame=frame,
        timezone=rules.timezone,
        began=exact_time(frame.from_us, zone),
        ended=exact_time(frame.to_us, zone),
        readings_s=frame.readings_s,
        total=score(everything, devices=frame.devices, span_s=frame.span_s),
        rules=tuple(sorted(lines, key=lambda line: (-line.score.alarms, line.rule))),
        devices=_device_lines(everything.alarms, profile_of),
        days=_days(everything.alarms, frame, zone),
        missed=tuple(
            MissedLine(
                device=label.device,
                rule=label.rule,
                began=exact_time(label.from_us, zone),
                ended=exact_time(label.to_us, zone),
            )
            for label in sorted(everything.missed, key=lambda label: (label.from_us, label.device))
        ),
        labels=len(reached),
        outside=len(labels) - len(reached),
    )


def _rule_line(rule: Rule, watched: int, its: Score) -> RuleLine:
    return RuleLine(
        rule=rule.id,
        name_en=rule.name_en,
        name_zh=rule.name_zh,
        severity=rule.severity,
        alarm_class=rule.alarm_class,
        mode=rule.mode,
        watched=watched,
        score=its,
    )


def _device_lines(alarms: Sequence[Judged], profile_of: dict[str, str]) -> tuple[DeviceLine, ...]:
    of_device: dict[str, list[Judged]] = defaultdict(list)
    for alarm in alarms:
        of_device[alarm.device].append(alarm)
    lines = []
    for device, its in of_device.items():
        verdicts = Counter(alarm.verdict for alarm in its)
        lines.append(
            DeviceLine(
                device=device,
                profile=profile_of[device],
                alarms=len(its) - verdicts[Verdict.TEST],
                true=verdicts[Verdict.TRUE],
                false=verdicts[Verdict.FALSE],
                tests=verdicts[Verdict.TEST],
                unverified=verdicts[Verdict.UNVERIFIED],
                standing_s=sum(
                    alarm.episode.standing_s(alarm.end_us) for alarm in its if alarm.verdict is not Verdict.TEST
                ),
            )
        )
    return tuple(sorted(lines, key=lambda line: (-line.alarms, line.device)))


def _days(alarms: Sequence[Judged], frame: Frame, zone: ZoneInfo) -> dict[str, dict[str, int]]:
    half_day_us = 12 * 3600 * SECOND_US  # two looks a day find every day, also one of 23 hours
    days: dict[str, dict[str, int]] = {
        day_of(us, zone): {} for us in (*range(frame.from_us, frame.to_us, half_day_us), frame.to_us)
    }
    for alarm in alarms:
        if alarm.verdict is not Verdict.TEST:
            day = days.setdefault(day_of(alarm.episode.raised_us, zone), {})
            day[alarm.episode.rule_id] = day.get(alarm.episode.rule_id, 0) + 1
    return dict(sorted(days.items()))
