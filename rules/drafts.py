"""Drafts, as the fold leaves them, become changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rules.model import Change

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    from numpy.typing import NDArray

    from rules.compiler import Plan

__all__ = ["changes_of"]


def changes_of(drafts: NDArray[np.void], plan: Plan, channel_device: NDArray[np.int32]) -> list[Change]:
    """Return the changes in the order of the drafts.

    drafts:         records of `layout.DRAFT`
    channel_device: device row by channel row
    """
    if not len(drafts):
        return []
    rules = plan.rules
    columns = (
        channel_device[drafts["channel"]],
        drafts["channel"],
        drafts["rule"],
        *(drafts[name] for name in ("holds", "repeated", "late", "time_us", "since_us", "value", "measured")),
    )
    estimates = (_figures(drafts[name]) for name in ("reference", "low", "high"))
    return [
        Change(device, channel, rules[rule], *rest)
        for device, channel, rule, *rest in zip(*(column.tolist() for column in columns), *estimates, strict=True)
    ]


def _figures(column: NDArray[np.float64]) -> Iterable[float | None]:
    """Return a column with None for NaN."""
    return [None if figure != figure else figure for figure in column.tolist()]  # noqa: PLR0124 - NaN alone differs
