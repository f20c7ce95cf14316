"""Truth: what a scripted incident was, and which rules should have found it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from devices import Profile

__all__ = ["Truth", "expected_rules"]


@dataclass(frozen=True, slots=True)
class Truth:
    """What really happens in one incident.

    what, kind: in words, and which scenario
    devices:    keys of the devices that it touches, the first one first
    place:      where, as a person would say it
    starts_us:  event time of its beginning, µs since the epoch
    expected:   (device key, rule id) of every rule of the profiles that must come to hold
    """

    what: str
    kind: str
    devices: tuple[str, ...]
    place: str
    starts_us: int
    expected: tuple[tuple[str, str], ...]

    @property
    def expected_rule_ids(self) -> tuple[str, ...]:
        """The rules that must come to hold on any of its devices, sorted, each once."""
        return tuple(sorted({rule for _, rule in self.expected}))


def expected_rules(
    profile: Profile, times: NDArray[np.float64], readings: Sequence[Mapping[str, float]], raised: Collection[str]
) -> list[str]:
    """Return the ids of the rules of `profile` that must come to hold.

    times:    (n,) float64  s at which the device reports
    readings: n readings, metric → value
    raised:   flags and events that the device raises by itself
    A threshold is expected where its readings stay beyond the limit for longer than its hold time, first to last.
    """
    return [str(rule["id"]) for rule in profile.rules if _comes_to_hold(rule, times, readings, raised)]


def _comes_to_hold(
    rule: Mapping[str, object],
    times: NDArray[np.float64],
    readings: Sequence[Mapping[str, float]],
    raised: Collection[str],
) -> bool:
    metric = rule.get("metric")
    if rule["kind"] == "alarm":
        return metric in raised
    if rule["kind"] != "threshold" or any(metric not in reading for reading in readings):
        return False
    values = np.array([reading[str(metric)] for reading in readings])
    breach = next(compare(values, float(str(rule[word]))) for word, compare in _COMPARISONS.items() if word in rule)
    hold_s = float(str(rule.get("hold_s", 0)))
    return any(times[last] - times[first] >= hold_s for first, last in _runs(breach))


_COMPARISONS = {
    "at_least": np.greater_equal,
    "above": np.greater,
    "at_most": np.less_equal,
    "below": np.less,
}


def _runs(mask: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """Yield the first and last index of each run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], mask, [False])).astype(np.int8)))
    yield from ((int(first), int(end) - 1) for first, end in edges.reshape(-1, 2))
