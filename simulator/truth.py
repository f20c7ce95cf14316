"""Truth: what a scripted incident was, and which rules should have found it.

Worked out from the profiles' raw rule tables and the readings that will be sent, in plain loops, so that the rule
engine can be held against it. Only the kinds in `PREDICTED` are: an incident of a minute or two says nothing of the
others (flatline, baseline, inactivity, drift, forecast, no data), which need days.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Final, cast

import numpy as np

from devices import MetricType
from devices.units import amount_in
from simulator.part import SAMPLE_S
from simulator.relations import RELATIONS, relates, seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from devices import Device, Metric, Profile
    from simulator.part import Part

    Column = NDArray[np.float64]
    Mask = NDArray[np.bool_]
    Rule = Mapping[str, object]

__all__ = ["PREDICTED", "Truth", "expected_rules"]

PREDICTED: Final = RELATIONS | {"alarm", "threshold", "range", "fault", "rate", "dose"}
"""The kinds of rule of which `expected_rules` says whether they come to hold, and for which it is complete."""

_SET_AT = 0.5


@dataclass(frozen=True, slots=True)
class Truth:
    """What really happens in one incident.

    what, kind: in words, and which scenario
    devices:    keys of the devices that it touches, the first one first
    place:      where, as a person would say it
    starts_us:  event time of its beginning, µs since the epoch
    expected:   (device key, rule id) of every rule of the profiles that must come to hold on one of its devices
    relations:  ids of the rules about what other rules say that must come to hold
    """

    what: str
    kind: str
    devices: tuple[str, ...]
    place: str
    starts_us: int
    expected: tuple[tuple[str, str], ...]
    relations: tuple[str, ...] = ()

    @property
    def expected_rule_ids(self) -> tuple[str, ...]:
        """The rules that must come to hold on any of its devices, or on several, sorted, each once."""
        return tuple(sorted({rule for _, rule in self.expected} | set(self.relations)))


def expected_rules(
    profiles: Mapping[str, Profile], cast: Sequence[tuple[Device, Part]], lasts_s: float
) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    """Return (device key, rule id) of the rules that must come to hold on one device, and the ids of the relations.

    cast: the devices of the incident and what each does in its `lasts_s`
    A rule that is switched off, in shadow, or a part of others, is not expected; of a part its relations may be.
    """
    held: dict[str, list[Device]] = defaultdict(list)
    for device, part in cast:
        for rule_id in _held_by(profiles[device.profile], part, lasts_s):
            held[rule_id].append(device)
    rules = {str(rule["id"]): rule for profile in profiles.values() for rule in profile.rules}
    relations = []
    for rule_id, rule in rules.items():
        if rule["kind"] in RELATIONS and rule.get("enabled", True) and relates(rule, held, lasts_s):
            relations.append(rule_id)
            held[rule_id] = []
    told = [
        (device.key, rule_id)
        for device, _ in cast
        for rule_id, devices in held.items()
        if device in devices and _is_live(rules.get(rule_id) or rules[rule_id.rpartition(".")[0]])
    ]
    return tuple(told), tuple(rule_id for rule_id in relations if _is_live(rules[rule_id]))


def _is_live(rule: Rule) -> bool:
    return rule.get("mode", "live") == "live"


# ── one device ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _held_by(profile: Profile, part: Part, lasts_s: float) -> list[str]:
    """Return the ids of the rules that come to hold on the device of `part`."""
    series = _series(part, lasts_s)
    found = []
    for rule in profile.rules:
        if rule["kind"] not in _BREACHES or not rule.get("enabled", True):
            continue
        found += [
            str(rule["id"]) if "metric" in rule else f"{rule['id']}.{metric.name}"
            for metric in _metrics_of(rule, profile)
            if metric.name in series and _holds(rule, metric, *series[metric.name])
        ]
    return found


def _metrics_of(rule: Rule, profile: Profile) -> list[Metric]:
    """Return the metric that a rule reads; of a fault rule that names none, all that have a range."""
    if "metric" in rule:
        return [profile.metrics[str(rule["metric"])]]
    return [one for one in profile.metrics.values() if one.minimum is not None or one.maximum is not None]


def _series(part: Part, lasts_s: float) -> dict[str, tuple[Column, Column]]:
    """Return metric → (s, value) of all that the device sends of what is out of the ordinary."""
    points: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
    for at_s in np.arange(0.0, lasts_s, SAMPLE_S).tolist():
        for metric, value in part.values(at_s).items():
            points[metric].append((at_s, value))
    for up in part.raises:
        points[up.metric].append((up.at_s, 1.0))
    columns = ((metric, np.array(sorted(found)).T) for metric, found in points.items())
    return {metric: (times, values) for metric, (times, values) in columns}


def _holds(rule: Rule, metric: Metric, times: Column, values: Column) -> bool:
    if rule["kind"] != "fault" and metric.type is MetricType.GAUGE:
        sound = ~_faulty(rule, metric, times, values)
        times, values = times[sound], values[sound]
    breach = _BREACHES[str(rule["kind"])](rule, metric, times, values)
    if not breach.any():
        return False
    hold_s, count, within_s = seconds(rule, "hold"), int(str(rule.get("count", 1))), seconds(rule, "count_within")
    if count > 1:
        moments = times[breach]
        return any(moments[i + count - 1] - moments[i] <= within_s for i in range(len(moments) - count + 1))
    return any(times[last] - times[first] >= hold_s for first, last in _runs(breach))


def _set(_rule: Rule, _metric: Metric, _times: Column, values: Column) -> Mask:
    return values >= _SET_AT


def _beyond_limit(rule: Rule, metric: Metric, _times: Column, values: Column) -> Mask:
    return next(compare(values, _amount(rule[word], metric)) for word, compare in _COMPARISONS.items() if word in rule)


def _outside(rule: Rule, metric: Metric, _times: Column, values: Column) -> Mask:
    return (values < _amount(rule["low"], metric)) | (values > _amount(rule["high"], metric))


def _faulty(_rule: Rule, metric: Metric, _times: Column, values: Column) -> Mask:
    low, high = (
        (-inf if metric.minimum is None else metric.minimum),
        (inf if metric.maximum is None else metric.maximum),
    )
    return (values < low) | (values > high) | np.isin(values, metric.errors)


def _moved(rule: Rule, metric: Metric, times: Column, values: Column) -> Mask:
    """Say where a value is so far from an extreme of the window before it."""
    key, sign = ("rises_by", 1.0) if "rises_by" in rule else ("falls_by", -1.0)
    by, within_s = _amount(rule[key], metric, difference=True), seconds(rule, "within")
    return np.array(
        [
            sign * value - min(sign * values[(times <= at) & (times >= at - within_s)]) >= by * (1 - 1e-9)
            for at, value in zip(times.tolist(), values.tolist(), strict=True)
        ],
        np.bool_,
    )


def _breathed(rule: Rule, metric: Metric, times: Column, values: Column) -> Mask:
    """Say where a whole dose has been taken in: each band's share of it a second, by the reading before."""
    bands = [
        (_amount(band["at_least"], metric), seconds(band, "within"))
        for band in cast("list[dict[str, object]]", rule["bands"])
    ]
    rates = [
        max((1 / within_s for level, within_s in bands if value >= level), default=0.0) for value in values.tolist()
    ]
    dose = np.concatenate([[0.0], np.cumsum(np.array(rates)[:-1] * np.diff(times))])
    return (dose >= 1 - 1e-9) & (np.array(rates) > 0)


_BREACHES: Mapping[str, Callable[[Rule, Metric, Column, Column], Mask]] = {
    "alarm": _set,
    "threshold": _beyond_limit,
    "range": _outside,
    "fault": _faulty,
    "rate": _moved,
    "dose": _breathed,
}

_COMPARISONS: Mapping[str, Callable[[Column, float], Mask]] = {
    "at_least": np.greater_equal,
    "above": np.greater,
    "at_most": np.less_equal,
    "below": np.less,
}


def _amount(given: object, metric: Metric, *, difference: bool = False) -> float:
    return amount_in(metric.unit, given, difference=difference) if isinstance(given, str) else float(str(given))


def _runs(mask: Mask) -> Iterator[tuple[int, int]]:
    """Yield the first and last index of each run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], mask, [False])).astype(np.int8)))
    yield from ((int(first), int(end) - 1) for first, end in edges.reshape(-1, 2))
