"""What readings on the wire show of the rules: a loop over messages, as the oracle of the simulator's truth.

Of the rules about one device's readings as they come, without what needs a history or other devices.
"""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from devices import Metric, Profile

__all__ = ["found", "is_plain", "parsed", "plain"]

Reading = tuple[str, str, float, float]
"""Device key, metric, s since the epoch, value."""


def parsed(messages: Iterable[tuple[str, bytes]]) -> list[Reading]:
    """Return every reading of (topic, payload) messages, in their order."""
    readings: list[Reading] = []
    for topic, payload in messages:
        prefix, version, site, device, lane = topic.split("/")
        assert (prefix, version) == ("vigil", "v1")
        assert lane in {"readings", "alarm", "status"}
        body = json.loads(payload)
        if lane == "status":
            assert set(body) == {"ts", "status"}
            readings.append((f"{site}/{device}", "online", body["ts"] / 1000, float(body["status"] == "online")))
            continue
        assert set(body) == {"ts", "values"}
        readings += [(f"{site}/{device}", metric, body["ts"] / 1000, value) for metric, value in body["values"].items()]
    return readings


def found(readings: Iterable[Reading], profile_of: Mapping[str, Profile]) -> set[tuple[str, str]]:
    """Return (device key, rule id) of every alarm and threshold rule that the readings bring to hold."""
    series: defaultdict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    for device, metric, time_s, value in readings:
        series[device, metric].append((time_s, value))
    held = set()
    for (device, metric), points in series.items():
        for rule in profile_of[device].rules:
            if is_plain(rule) and rule["metric"] == metric:
                given = [point for point in sorted(points) if _sound(profile_of[device].metrics[metric], point[1])]
                if _holds(rule, given):
                    held.add((device, str(rule["id"])))
    return held


def is_plain(rule: Mapping[str, Any]) -> bool:
    """Say whether `found` knows of a rule."""
    return rule["kind"] in {"alarm", "threshold"} and rule.get("mode", "live") == "live"


def plain(pairs: Iterable[tuple[str, str]], profile_of: Mapping[str, Profile]) -> set[tuple[str, str]]:
    """Return those of (device key, rule id) that `found` knows of."""
    known = {rule["id"] for profile in profile_of.values() for rule in profile.rules if is_plain(rule)}
    return {(device, rule) for device, rule in pairs if rule in known}


def _sound(metric: Metric, value: float) -> bool:
    return (metric.minimum is None or value >= metric.minimum) and (metric.maximum is None or value <= metric.maximum)


def _holds(rule: Mapping[str, Any], points: list[tuple[float, float]]) -> bool:
    since = None
    breaches: list[float] = []
    for time_s, value in points:
        if rule["kind"] == "alarm":
            breach = value != 0
        else:
            breach = (
                value >= rule["at_least"] if "at_least" in rule
                else value > rule["above"] if "above" in rule
                else value <= rule["at_most"] if "at_most" in rule
                else value < rule["below"]
            )  # fmt: skip
        if not breach:
            if since is not None and 0 < _seconds(rule, "hold") <= time_s - since:
                return True  # it ran out in the silence before this reading
            since = None
            continue
        since = time_s if since is None else since
        breaches.append(time_s)
        if time_s - since < _seconds(rule, "hold"):
            continue
        first = max(len(breaches) - rule.get("count", 1), -1)
        if first >= 0 and ("count" not in rule or time_s - breaches[first] <= _seconds(rule, "count_within")):
            return True
    return False


def _seconds(rule: Mapping[str, Any], key: str) -> float:
    number, unit = str(rule.get(key, f"{rule.get(f'{key}_s', 0)} s")).split()
    return float(number) * {"s": 1, "min": 60, "h": 3600, "d": 86400}[unit]
