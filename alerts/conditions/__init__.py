"""Conditions in words: what was measured, against which limit and for how long, for every kind of rule."""

from alerts.conditions.condition import condition
from alerts.conditions.limit import limit_of

__all__ = ["condition", "limit_of"]
