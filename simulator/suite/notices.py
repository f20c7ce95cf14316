"""Notices: what rules rightly say of everyday life, so that it is no false alarm. The second place with rule ids."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.disturbance import DisturbanceKind

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["is_right"]

_OFF = frozenset({DisturbanceKind.NIGHT_OFF, DisturbanceKind.SHOWER, DisturbanceKind.LEFT_AT_HOME})

_RIGHT: Mapping[str, frozenset[DisturbanceKind]] = {
    "watch.not-worn": _OFF,
    "watch.out-of-range": _OFF | {DisturbanceKind.LOOSE_WATCH},
    "hydrant.valve-open": frozenset({DisturbanceKind.WATER_DRAWN}),
    "gateway.no-data": frozenset({DisturbanceKind.GATEWAY_DOWN, DisturbanceKind.RESTART}),
}
"""Rule id (of a fault rule, without the metric) → what makes it right."""


def is_right(rule_id: str, cause: DisturbanceKind) -> bool:
    """Say whether a rule says nothing but the truth where `cause` is behind it: a watch that is off is not worn."""
    return any((rule_id == name or rule_id.startswith(f"{name}.")) and cause in its for name, its in _RIGHT.items())
