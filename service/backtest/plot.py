"""The report as a plot (PNG). Names are device keys and rule ids."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Final

import matplotlib as mpl
from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.backtest.report import Report

__all__ = ["Labels", "drawn", "report_plot"]

DPI: Final = 110
MOST_RULES: Final = 8
MOST_DEVICES: Final = 15
LEAST_BARS: Final = 4
FIRST_WIDE: Final = 0x2E80
"""The first character of the CJK blocks."""

_COLOURS: Final = {"true": "#2a7f3f", "false": "#c0392b", "unverified": "#9aa5ae"}
_CJK_FONTS: Final = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "Source Han Sans CN",
    "WenQuanYi Zen Hei",
    "WenQuanYi Micro Hei",
    "Microsoft YaHei",
    "SimHei",
    "PingFang SC",
    "Heiti SC",
)


class Labels:
    """Texts as the plot's fonts can draw them; what they cannot is numbered, and `legend` says what each number is.

    fonts: the installed families that may be used for Chinese; those of this machine where None
    """

    def __init__(self, fonts: Sequence[str] | None = None) -> None:
        installed = {font.name for font in font_manager.fontManager.ttflist} if fonts is None else set(fonts)
        self.cjk_font = next((name for name in _CJK_FONTS if name in installed), None)
        self._numbers: dict[str, str] = {}

    def of(self, text: str) -> str:
        """Return what to draw for `text`."""
        if self.cjk_font is not None or all(ord(character) < FIRST_WIDE for character in text):
            return text
        return self._numbers.setdefault(text, f"#{len(self._numbers) + 1}")

    @property
    def legend(self) -> dict[str, str]:
        """What the numbers stand for."""
        return {number: text for text, number in self._numbers.items()}

    def style(self) -> Any:
        """Return the settings that draw them."""
        families = [*([self.cjk_font] if self.cjk_font else []), "DejaVu Sans"]
        return {"font.family": families, "font.size": 8.5, "axes.spines.top": False, "axes.spines.right": False}


def report_plot(report: Report, labels: Labels) -> bytes:
    """Return a PNG: alarms per day, per rule, per device, and how far ahead of the danger they came."""
    with mpl.rc_context(rc=labels.style()):
        figure = Figure(figsize=(13, 9), layout="constrained")
        per_day, per_rule, per_device, leads = figure.subplots(2, 2).flat
        _draw_days(per_day, report, labels)
        _draw_bars(
            per_rule,
            "alarms per rule",
            [(line.rule, line.score.true, line.score.false, line.score.unverified) for line in report.rules],
            labels,
        )
        _draw_bars(
            per_device,
            "alarms per device",
            [(line.device, line.true, line.false, line.unverified) for line in report.devices],
            labels,
        )
        _draw_leads(leads, report)
        figure.suptitle(f"Backtest, {report.began[:16]} to {report.ended[:16]}: {report.total.alarms:,} alarms")
        return drawn(figure)


def drawn(figure: Figure) -> bytes:
    """Return a figure as PNG."""
    body = io.BytesIO()
    figure.savefig(body, format="png", dpi=DPI)
    return body.getvalue()


def _draw_days(axes: Any, report: Report, labels: Labels) -> None:
    days = list(report.days)
    ranked = [line.rule for line in report.rules]
    shown, rest = ranked[:MOST_RULES], set(ranked[MOST_RULES:])
    bottom = [0] * len(days)
    groups = [(rule, {rule}) for rule in shown] + ([("other rules", rest)] if rest else [])
    for name, rules in groups:
        heights = [sum(report.days[day].get(rule, 0) for rule in rules) for day in days]
        axes.bar(range(len(days)), heights, bottom=bottom, label=labels.of(name), width=0.85)
        bottom = [low + height for low, height in zip(bottom, heights, strict=True)]
    every = max(len(days) // 8, 1)
    axes.set_xticks(range(0, len(days), every), days[::every], rotation=30, ha="right")
    axes.set_title("alarms per day")
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    if groups:
        axes.legend(fontsize=7, frameon=False)


def _draw_bars(axes: Any, title: str, rows: Sequence[tuple[str, int, int, int]], labels: Labels) -> None:
    rows = rows[:MOST_DEVICES][::-1]
    left = [0] * len(rows)
    for place, (name, colour) in enumerate(_COLOURS.items(), 1):
        widths = [int(row[place]) for row in rows]
        axes.barh(range(len(rows)), widths, left=left, label=name, color=colour)
        left = [start + width for start, width in zip(left, widths, strict=True)]
    axes.set_yticks(range(len(rows)), [labels.of(row[0]) for row in rows])
    axes.set_ylim(len(rows) - max(len(rows), LEAST_BARS) - 0.6, len(rows) - 0.4)
    axes.set_title(title)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if rows:
        axes.legend(fontsize=7, frameon=False, loc="lower right")


def _draw_leads(axes: Any, report: Report) -> None:
    axes.set_title("lead: min from the alarm to the beginning of the danger")
    leads = [lead / 60 for lead in report.total.leads_s]
    if leads:
        axes.hist(leads, bins=30, color=_COLOURS["true"])
        axes.axvline(0, color="black", linewidth=0.8)
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    else:
        axes.text(0.5, 0.5, "no danger found by label", ha="center", va="center", transform=axes.transAxes)
        axes.set_axis_off()
