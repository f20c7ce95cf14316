"""The trade-off as a plot (PNG): what is found against what is right, and how many alarms that is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import matplotlib as mpl
from matplotlib.figure import Figure

from service.backtest.plot import Labels, drawn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.backtest.trade_off import CandidateLine, TradeOff

__all__ = ["trade_off_plot"]

CLOSE: Final = 0.035
"""Two figures nearer to each other than this, in shares, would be written over each other."""

_NAMES: Final = {"value": "", "hold_s": "hold, s", "count": "count of readings"}


def trade_off_plot(trade_off: TradeOff) -> bytes:
    """Return a PNG: precision against recall, and alarms a month against the figure that was turned.

    That is the limit where limits were tried, else the hold, else the count; the others make a line each.
    """
    candidates = trade_off.candidates
    turned = next((name for name in _NAMES if len({getattr(line, name) for line in candidates}) > 1), "value")
    others = [name for name in _NAMES if name != turned]
    lines: dict[tuple[object, ...], list[CandidateLine]] = {}
    for line in candidates:
        lines.setdefault(tuple(getattr(line, name) for name in others), []).append(line)
    with mpl.rc_context(rc=Labels([]).style()):
        figure = Figure(figsize=(13, 5.2), layout="constrained")
        balance, amount = figure.subplots(1, 2)
        named: list[tuple[float, float]] = []
        for its in lines.values():
            its.sort(key=lambda line: _figure(line, turned))
            _draw_balance(balance, its, turned, named)
            figures = [_figure(line, turned) for line in its]
            alarms = [line.score.alarms_a_month or 0.0 for line in its]
            name = f"hold {its[0].hold_s:g} s, count {its[0].count or 1}"
            amount.plot(figures, alarms, marker="o", markersize=3, label=name)
        for line in candidates:
            if line.is_advised or line.is_present:
                style = "-" if line.is_advised else ":"
                amount.axvline(_figure(line, turned), color="black", linewidth=0.8, linestyle=style)
        balance.set(xlabel="recall", ylabel="precision", xlim=(-0.03, 1.06), ylim=(-0.03, 1.06))
        balance.set_title("precision and recall (diamond: now; star: proposed)")
        amount.set(xlabel=_NAMES[turned] or f"{trade_off.key} {trade_off.unit}".strip())
        amount.set(ylabel="alarms per 1,000 devices a month", title="alarms (dotted: now; solid: proposed)")
        amount.set_ylim(bottom=0)
        if turned == "value" and len(lines) > 1:
            amount.legend(fontsize=7, frameon=False)
        figure.suptitle(f"Tuning of {trade_off.rule}, {trade_off.began[:16]} to {trade_off.ended[:16]}")
        return drawn(figure)


def _figure(line: CandidateLine, turned: str) -> float:
    return float(getattr(line, turned) or 0.0)


def _draw_balance(axes: Any, lines: Sequence[CandidateLine], turned: str, named: list[tuple[float, float]]) -> None:
    """Draw the candidates that have both shares, with the figure that was turned where there is room.

    named: where figures are written already; grows
    """
    points = [
        (line.score.recall, line.score.precision, line)
        for line in lines
        if line.score.recall is not None and line.score.precision is not None
    ]
    axes.plot([recall for recall, _, _ in points], [precision for _, precision, _ in points], marker="o", markersize=3)
    for recall, precision, line in points:
        if line.is_advised or line.is_present:
            marker = "*" if line.is_advised else "D"
            axes.plot(recall, precision, marker=marker, markersize=9, color="black", fillstyle="none")
        if all(abs(recall - x) > CLOSE or abs(precision - y) > CLOSE for x, y in named):
            named.append((recall, precision))
            place = {"textcoords": "offset points", "xytext": (5, 5), "fontsize": 7}
            axes.annotate(f"{_figure(line, turned):g}", (recall, precision), **place)
