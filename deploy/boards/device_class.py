"""What one class of devices shows on its board, and its queries; names, units and times are of the profiles."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from alerts.text import Text
from deploy.boards.query import sql_beside
from devices import load_profiles
from devices.profile import MetricType

if TYPE_CHECKING:
    from collections.abc import Iterable

    from devices.profile import Metric

__all__ = ["NOT_SAID", "DeviceClass", "Measure", "Rate", "grafana_unit", "sql_of"]

SQL: Final = sql_beside("classes")
NOT_SAID: Final = Text("this device said nothing of it in this range", "该设备在时段内未上报此项")
_PROFILES: Final = load_profiles()
_WORD: Final = re.compile(r"@([a-z_]+)")
_UNITS: Final = {"%": "percent", "°C": "celsius", "°": "degree"}
"""Units that Grafana has of its own; others are written behind the value."""
_PER: Final = {"min": 60, "h": 3600, "d": 86_400}


@dataclass(frozen=True, slots=True)
class Rate:
    """How fast a metric changes. per: `min`, `h` or `d`; over_s: s of readings that are taken together at least."""

    per: str
    over_s: int


@dataclass(frozen=True, slots=True)
class Measure:
    """One metric with panels of its own.

    profile:  the one that names it
    rate:     None where its speed says nothing
    usual:    whether hours of the week are alike
    forecast: whether it goes slowly somewhere
    """

    profile: str
    metric: str
    rate: Rate | None = None
    usual: bool = False
    forecast: bool = False

    @property
    def found(self) -> Metric:
        """Its description. Raises KeyError where the profile has no such metric."""
        return _PROFILES[self.profile].metrics[self.metric]

    @property
    def label(self) -> Text:
        """What it is called."""
        return Text(self.found.label_en, self.found.label_zh)

    @property
    def unit(self) -> str:
        """Grafana's name of its unit."""
        return grafana_unit(self.found.unit)


@dataclass(frozen=True, slots=True)
class DeviceClass:
    """What one board shows.

    profiles: of its devices; their flags are shown as bands
    measures: the main ones first
    watch_for: what an operator does about it
    empty:    what its panels of readings say where there is nothing
    since:    how far back it shows at first
    """

    uid: str
    title: Text
    watch_for: Text
    profiles: tuple[str, ...]
    measures: tuple[Measure, ...]
    since: str
    empty: Text = NOT_SAID

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of its devices."""
        return tuple(dict.fromkeys(_PROFILES[profile].kind.value for profile in self.profiles))

    @property
    def flags(self) -> dict[str, Text]:
        """Names of what its devices say with yes or no, and what just happens."""
        return {
            metric.name: Text(metric.label_en, metric.label_zh)
            for profile in self.profiles
            for metric in _PROFILES[profile].metrics.values()
            if metric.type is not MetricType.GAUGE
        }

    @property
    def gap_s(self) -> int:
        """A silence of three reports breaks the line, s."""
        return round(3 * max(_PROFILES[profile].reporting_s for profile in self.profiles))


def grafana_unit(unit: str) -> str:
    """Return Grafana's name of a profile's unit."""
    return _UNITS.get(unit, f"suffix: {unit}" if unit else "none")


def sql_of(name: str, of: DeviceClass, measure: Measure | None = None) -> str:
    """Return query `name` of `classes.sql` for a class, and for one of its measures where the query is about one.

    Raises KeyError where the query has a word that nothing stands for.
    """
    words = {
        "kinds": _quoted(of.kinds),
        "metrics": _quoted(_metrics(of)),
        "flags": _quoted(of.flags),
        "gap_s": str(of.gap_s),
        "columns": "".join(
            f",\n        max(value) FILTER (WHERE metric = '{metric}') AS {metric}" for metric in _metrics(of)
        ),
        "shown": "".join(f", figures.{metric}" for metric in _metrics(of)),
    }
    if measure is not None:
        words["metric"] = _quoted((measure.metric,))
        if measure.rate is not None:
            words["per_s"] = str(_PER[measure.rate.per])
            words["rate_over_s"] = str(measure.rate.over_s)
    return _WORD.sub(lambda found: words[found[1]], SQL[name])


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)


def _metrics(of: DeviceClass) -> tuple[str, ...]:
    return tuple(dict.fromkeys(measure.metric for measure in of.measures))
