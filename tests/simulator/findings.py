"""What readings on the wire show of the rules: a loop over messages, as the oracle of the simulator's truth."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from devices import Profile

__all__ = ["found", "parsed"]

Reading = tuple[str, str, float, float]
"""Device key, metric, s since the epoch, value."""


def parsed(messages: Iterable[tuple[str, bytes]]) -> list[Reading]:
    """Return every reading of (topic, payload) messages, in their order."""
    readings: list[Reading] = []
    for topic, payload in messages:
        prefix, version, site, device, lane = topic.split("/")
        assert (prefix, version) == ("vigil", "v1")
        assert lane in {"readings", "alarm"}
        body = json.loads(payload)
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
            if rule.get("metric") == metric and _holds(rule, sorted(points)):
                held.add((device, str(rule["id"])))
    return held


def _holds(rule: Mapping[str, Any], points: list[tuple[float, float]]) -> bool:
    since = None
    for time_s, value in points:
        if rule["kind"] == "alarm":
            breach = value != 0
        elif rule["kind"] == "threshold":
            breach = (
                value >= rule["at_least"] if "at_least" in rule
                else value > rule["above"] if "above" in rule
                else value <= rule["at_most"] if "at_most" in rule
                else value < rule["below"]
            )  # fmt: skip
        else:
            return False
        if not breach:
            since = None
            continue
        since = time_s if since is None else since
        if time_s - since >= rule.get("hold_s", 0):
            return True
    return False
