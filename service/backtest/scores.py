"""Scores: what became of the alarms of a rule set, and what it missed, against labels.

An alarm is an episode. It is judged by the nearest label of its device that is about its rule and no farther away than
the tolerance; of labels as near as each other true goes before test and test before false. Tests count nowhere.
"""

from __future__ import annotations

import math
from collections import defaultdict
from enum import StrEnum
from typing import TYPE_CHECKING, Final

import msgspec

from alerts import Outcome
from rules.episodes import Episode
from service.backtest.labels import Label

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["MONTH_S", "Judged", "Judgement", "Score", "Verdict", "judge", "score", "sure_precision"]

SECOND_US = 1_000_000
MONTH_S: Final = 30 * 86_400
"""A month of "a month" in every figure."""


class Verdict(StrEnum):
    """What an alarm was."""

    TRUE = "true"
    FALSE = "false"
    TEST = "test"
    UNVERIFIED = "unverified"
    """Nobody has said."""


_VERDICTS = {
    Outcome.TRUE: Verdict.TRUE,
    Outcome.TEST: Verdict.TEST,
    Outcome.FALSE_ALARM: Verdict.FALSE,
    Outcome.UNFOUNDED: Verdict.FALSE,
}
_ORDER = list(_VERDICTS)


class Judged(msgspec.Struct, frozen=True):
    """An alarm, and what it was.

    device: `site/name`
    end_us: event time of its end, or of the history's
    """

    episode: Episode
    device: str
    end_us: int
    verdict: Verdict


class Judgement(msgspec.Struct, frozen=True):
    """Alarms against labels.

    alarms: in the order of the episodes
    found:  the true labels that an alarm was about, with the alarm that was said first
    missed: the true labels that none was about
    """

    alarms: tuple[Judged, ...]
    found: tuple[tuple[Label, Judged], ...]
    missed: tuple[Label, ...]


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of a judgement; a share of nothing is None.

    alarms:      all of them but tests
    true, false, tests, unverified: alarms
    found, missed: true labels
    recall:      found of found and missed
    precision:   true of true and false
    leads_s:     s from an alarm to the beginning of the danger that it was about, negative where it came after; rising
    standing_s:  s for which alarms stood, tests left out, all added up
    alarms_a_month, false_a_month: per 1,000 devices
    """

    alarms: int
    true: int
    false: int
    tests: int
    unverified: int
    found: int
    missed: int
    precision: float | None
    recall: float | None
    f1: float | None
    leads_s: tuple[float, ...]
    standing_s: float
    alarms_a_month: float | None
    false_a_month: float | None

    def lead_s(self, share: float) -> float | None:
        """Return the lead that `share` (0 … 1) of the dangers found had at most: 0.5 is the median."""
        if not self.leads_s:
            return None
        place = share * (len(self.leads_s) - 1)
        low, high = self.leads_s[math.floor(place)], self.leads_s[math.ceil(place)]
        return low + (high - low) * (place - math.floor(place))


def judge(
    episodes: Iterable[Episode],
    labels: Iterable[Label],
    device_of: Mapping[int, str],
    *,
    end_us: int,
    tolerance_s: float,
    complete: bool = False,
) -> Judgement:
    """Say what each of `episodes` was, and which of the true ones among `labels` they were about.

    device_of: device row → `site/name`
    end_us:    the history's end
    complete:  the labels name every danger there was: an alarm about none of them is false
    """
    tolerance_us = round(tolerance_s * SECOND_US)
    labels = list(labels)
    of_device: dict[str, list[Label]] = defaultdict(list)
    for label in labels:
        of_device[label.device].append(label)
    alarms: list[Judged] = []
    first: dict[int, Judged] = {}
    for episode in episodes:
        device = device_of[episode.device_row]
        end = end_us if episode.ceased_us is None else episode.ceased_us
        near = [
            (distance, _ORDER.index(label.outcome), label)
            for label in of_device.get(device, ())
            if label.is_about(episode.rule_id)
            and (distance := _distance_us(episode.raised_us, end, label)) <= tolerance_us
        ]
        verdict = Verdict.FALSE if complete else Verdict.UNVERIFIED
        if near:
            verdict = _VERDICTS[min(near, key=lambda one: one[:2])[2].outcome]
        judged = Judged(episode, device, end, verdict)
        alarms.append(judged)
        if verdict is Verdict.TRUE:
            for label in (label for _, _, label in near if label.outcome is Outcome.TRUE):
                before = first.get(id(label))
                if before is None or episode.said_us < before.episode.said_us:
                    first[id(label)] = judged
    dangers = [label for label in labels if label.outcome is Outcome.TRUE]
    return Judgement(
        alarms=tuple(alarms),
        found=tuple((label, first[id(label)]) for label in dangers if id(label) in first),
        missed=tuple(label for label in dangers if id(label) not in first),
    )


def _distance_us(from_us: int, to_us: int, label: Label) -> int:
    """Return how far the time from `from_us` to `to_us` is from the label's, µs; 0 where they meet."""
    return max(label.from_us - to_us, from_us - label.to_us, 0)


def score(judgement: Judgement, *, devices: int, span_s: float) -> Score:
    """Return the figures of `judgement` over `span_s` seconds of `devices` devices."""
    verdicts = [alarm.verdict for alarm in judgement.alarms]
    true, false = verdicts.count(Verdict.TRUE), verdicts.count(Verdict.FALSE)
    tests, unverified = verdicts.count(Verdict.TEST), verdicts.count(Verdict.UNVERIFIED)
    found, missed = len(judgement.found), len(judgement.missed)
    precision, recall = _share(true, true + false), _share(found, found + missed)
    device_months = devices * span_s / MONTH_S
    return Score(
        alarms=len(verdicts) - tests,
        true=true,
        false=false,
        tests=tests,
        unverified=unverified,
        found=found,
        missed=missed,
        precision=precision,
        recall=recall,
        f1=_f1(precision, recall),
        leads_s=tuple(sorted((label.from_us - alarm.episode.said_us) / SECOND_US for label, alarm in judgement.found)),
        standing_s=sum(
            alarm.episode.standing_s(alarm.end_us) for alarm in judgement.alarms if alarm.verdict is not Verdict.TEST
        ),
        alarms_a_month=_share(1_000 * (len(verdicts) - tests), device_months),
        false_a_month=_share(1_000 * false, device_months),
    )


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole > 0 else None


def _f1(precision: float | None, recall: float | None) -> float | None:
    if precision is None or recall is None:
        return None
    return 2 * precision * recall / (precision + recall) if precision + recall > 0 else 0.0


def sure_precision(true: int, false: int) -> float:
    """Return the precision that `true` and `false` verified alarms make sure of: the lower end of its 95 % interval.

    One true alarm of one is less sure than 99 of 100. 0 where there is none.
    Source: Wilson (1927), score interval without continuity correction, z = 1.96.
    """
    n = true + false
    if not n:
        return 0.0
    z2 = 1.96**2
    share = true / n
    return (share + z2 / (2 * n) - 1.96 * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))) / (1 + z2 / n)
