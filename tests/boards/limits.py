"""The limits in force on the town's channels, from the rules as they are written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from devices import Lifecycle, load_profiles
from rules import RuleMode
from rules.model import AlarmClass, Direction, FaultTerms, ForecastTerms, RangeTerms, ThresholdTerms

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rules.model import Terms
    from tests.boards.world import World

__all__ = ["limits"]


def limits(world: World, channels: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows of `board.limits`; channels: those of `board.channels`."""
    profiles = load_profiles()
    rows = []
    for channel in channels:
        device = world.devices[channel["device"]]
        for rule in world.rules.rules:
            if (rule.profile, rule.metric, rule.mode) != (device.profile, channel["metric"], RuleMode.LIVE):
                continue
            metric = profiles[rule.profile].metrics[rule.metric]
            low, high, clear_low, clear_high = _levels(rule.terms, metric.minimum, metric.maximum)
            is_quiet = device.lifecycle is Lifecycle.MAINTENANCE and rule.alarm_class is not AlarmClass.LIFE_SAFETY
            if (low, high) == (None, None) or is_quiet:
                continue
            rows.append(
                {
                    **{name: channel[name] for name in ("site", "name", "device", "kind", "grid", "metric")},
                    "rule_id": rule.id,
                    "rule_kind": rule.kind.value,
                    "severity": rule.severity.value,
                    "alarm_class": rule.alarm_class.value,
                    "name_en": rule.name_en,
                    "name_zh": rule.name_zh,
                    "low": low,
                    "high": high,
                    "clear_low": clear_low,
                    "clear_high": clear_high,
                    "unit": metric.unit,
                    "source": rule.source,
                }
            )
    return rows


def _levels(  # noqa: PLR0911 - one line a kind
    terms: Terms, minimum: float | None, maximum: float | None
) -> tuple[float | None, float | None, float | None, float | None]:
    """Return low, high, clear_low and clear_high of a rule, in the unit of its metric."""
    match terms:
        case ThresholdTerms() if terms.comparison.upward:
            return None, terms.limit, None, terms.clear
        case ThresholdTerms():
            return terms.limit, None, terms.clear, None
        case RangeTerms():
            return terms.low, terms.high, terms.clear_low, terms.clear_high
        case FaultTerms():
            return minimum, maximum, minimum, maximum
        case ForecastTerms() if terms.direction is Direction.UP:
            return None, terms.level, None, None
        case ForecastTerms():
            return terms.level, None, None, None
        case _:
            return None, None, None, None
