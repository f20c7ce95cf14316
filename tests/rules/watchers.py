"""No-data rules, a plan that is nothing but rules, and blocks of signs of life made of plain tuples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rules.model import AlarmClass, NoDataTerms, Rule, Severity
from rules.silence import Silence

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rules import Change
    from tests.rules.naive_silence import Sign

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


@dataclass(slots=True)
class Rules:
    rules: Sequence[Rule]


def no_data(name: str, after_s: float, periods: float | None = None, at_least_s: float = 0.0) -> Rule:
    return Rule(
        id=f"p.{name}",
        profile="p",
        metric="",
        severity=Severity.WARNING,
        alarm_class=AlarmClass.TROUBLE,
        name_en=name,
        name_zh=name,
        source="test",
        terms=NoDataTerms(after_s, periods, at_least_s),
    )


def watching(rules: Sequence[Rule], of: Sequence[Sequence[int]], behind: Sequence[int] = (), at_us: int = 0) -> Silence:
    """Return a silence whose device `n` is under the rules `of[n]` and behind `behind[n]`."""
    silence = Silence(Rules(rules))
    silence.extend(len(of))
    for row, its_rules in enumerate(of):
        silence.watch(np.array([row]), its_rules, at_us)
    if behind:
        place(silence, behind)
    return silence


def place(silence: Silence, behind: Sequence[int]) -> None:
    silence.place_behind(np.arange(len(behind)), np.array(behind, np.int32))


def hear(silence: Silence, signs: Iterable[Sign], now_us: int) -> list[Change]:
    rows = list(signs)
    return silence.hear(
        np.array([row for row, _, _ in rows], np.int32),
        np.array([time_us for _, time_us, _ in rows], np.int64),
        np.array([flags for _, _, flags in rows], np.uint8),
        now_us,
    )


def live(silence: Silence, rows: int | Iterable[int], now_us: int) -> list[Change]:
    """Let each of `rows` say something now."""
    return hear(silence, [(row, now_us, 0) for row in ([rows] if isinstance(rows, int) else rows)], now_us)


def said(changes: Iterable[Change]) -> list[tuple[int, str, bool]]:
    return [(change.device_row, change.rule_id.removeprefix("p."), change.holds) for change in changes]
