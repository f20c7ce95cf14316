"""Panels of Prometheus as the boards of the service have them: one figure, or its course."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from alerts.text import Text
from deploy.boards.field import Field, Line, Step, mapping
from deploy.boards.panel import Head, Panel, stat, timeseries
from deploy.boards.query import Prom, Query

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["BAD_ONE", "DOWN", "GOOD_ONE", "LAGS", "YES_NO", "course", "figure"]

DOWN: Final = Text("Prometheus has nothing: is Vigil up, and scraped?", "Prometheus 无数据：Vigil 是否运行并被采集？")
BAD_ONE: Final = (Step(None, "green"), Step(1, "red"))
GOOD_ONE: Final = (Step(None, "red"), Step(1, "green"))
YES_NO: Final = mapping({"0": Text("No", "否"), "1": Text("Yes", "是")}, {"0": "red", "1": "green"})
LAGS: Final = (Step(None, "green"), Step(60, "yellow"), Step(300, "red"))


def figure(key: str, title: Text, about: Text, expr: str, field: Field, width: int = 4) -> Panel:
    """Return one figure, as it is now."""
    return stat(Head(key, title, about, width, 4), Prom(expr, instant=True), field)


def course(
    key: str,
    title: Text,
    about: Text,
    queries: Sequence[Prom],
    unit: str,
    *,
    width: int = 8,
    empty: Text = DOWN,
    steps: Sequence[Step] | None = None,
    stacked: bool = False,
    lines: Sequence[Line] = (),
    log: bool = False,
    low: float | None = 0,
) -> Panel:
    """Return lines over time.

    steps: limits, drawn as dashed lines; log: an axis by powers of ten
    low:   where the axis begins; None for where the lines do
    """
    given = Field(unit, empty, low=None if log else low) if steps is None else Field(unit, empty, steps, low=low)
    return timeseries(
        Head(key, title, about, width, 8),
        tuple[Query, ...](queries),
        given,
        lines,
        fill=25 if stacked else 0,
        stacked=stacked,
        limits=steps is not None,
        log=log,
    )
