"""Ranking: rules and devices by what people said of their alarms."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from alerts import Outcome
from service.backtest.scores import sure_precision

if TYPE_CHECKING:
    from collections.abc import Iterable

    from service.backtest.labels import Label

__all__ = ["Rank", "rank_devices", "rank_rules"]


class Rank(msgspec.Struct, frozen=True, kw_only=True):
    """A rule or a device by what people said of its alarms; `sure` as in `scores.sure_precision`."""

    name: str
    true: int
    false: int
    tests: int
    precision: float | None
    sure: float


def rank_rules(labels: Iterable[Label]) -> list[Rank]:
    """Return the rules that people judged, the least precise first; labels about no one rule are left out."""
    return _ranked((label.rule, label.outcome) for label in labels if label.rule)


def rank_devices(labels: Iterable[Label]) -> list[Rank]:
    """Return the devices whose alarms people judged, the least precise first."""
    return _ranked((label.device, label.outcome) for label in labels)


def _ranked(judged: Iterable[tuple[str, Outcome]]) -> list[Rank]:
    counts = Counter(judged)
    ranks = []
    for name in dict.fromkeys(name for name, _ in counts):
        true = counts[name, Outcome.TRUE]
        false = counts[name, Outcome.FALSE_ALARM] + counts[name, Outcome.UNFOUNDED]
        ranks.append(
            Rank(
                name=name,
                true=true,
                false=false,
                tests=counts[name, Outcome.TEST],
                precision=true / (true + false) if true + false else None,
                sure=sure_precision(true, false),
            )
        )
    return sorted(ranks, key=lambda rank: (not rank.true + rank.false, rank.sure, -rank.false, rank.name))
