"""The report as tables for a terminal, and its notes as sentences; the page shows the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.backtest.times import SECOND_US, shown_time

if TYPE_CHECKING:
    from collections.abc import Sequence
    from zoneinfo import ZoneInfo

    from service.backtest.report import Report
    from service.backtest.scores import Score

__all__ = ["NOTHING", "Table", "duration", "notes", "number", "report_tables", "share"]

SHOWN = 20
NOTHING = "–"


class Table:
    """A heading, the columns' names and rows of texts; `left` says how many rows are not shown."""

    def __init__(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], most: int = SHOWN) -> None:
        self.title = title
        self.columns = list(columns)
        self.rows = [list(row) for row in rows[:most]]
        self.left = max(len(rows) - most, 0)


def share(part: float | None) -> str:
    """Return a share of 0 … 1 in percent; a dash where there is none."""
    return NOTHING if part is None else f"{100 * part:.1f} %"


def duration(seconds: float | None) -> str:
    """Return a time as two units at most: "3 d 4 h", "-2 min 5 s"; a dash where there is none."""
    if seconds is None:
        return NOTHING
    whole = round(abs(seconds))
    units = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
    parts: list[str] = []
    for unit, size in units:
        count, whole = divmod(whole, size)
        if count or parts:
            parts.append(f"{count} {unit}" if count else "")
    text = " ".join(part for part in parts[:2] if part) or "0 s"
    return f"-{text}" if seconds < 0 and text != "0 s" else text


def number(figure: float | None) -> str:
    """Return a figure with one digit after the point; a dash where there is none."""
    return NOTHING if figure is None else f"{figure:,.1f}"


def report_tables(report: Report, most: int = SHOWN) -> list[Table]:
    """Return the report's tables: rules, devices, days, dangers missed; those without a row are left out."""
    is_labelled = report.labels > 0 or report.frame.complete
    tables = [
        Table("rules", [*_RULE, *(_LABELLED if is_labelled else ())], _rule_rows(report, labelled=is_labelled), 10**6),
        Table(
            "devices with most alarms",
            [
                "device",
                "profile",
                "alarms",
                *(["true", "false", "test", "unverified"] if is_labelled else []),
                "standing",
            ],
            [
                [
                    line.device,
                    line.profile,
                    f"{line.alarms:,}",
                    *([str(n) for n in (line.true, line.false, line.tests, line.unverified)] if is_labelled else []),
                    duration(line.standing_s),
                ]
                for line in report.devices
            ],
            most,
        ),
        Table(
            "days",
            ["day", "alarms", "most of them by"],
            [[day, f"{sum(rules.values()):,}", _most(rules)] for day, rules in report.days.items()],
            10**6,
        ),
        Table(
            "dangers that no alarm was about",
            ["device", "rule", "began", "ended"],
            [[line.device, line.rule or "any", line.began, line.ended] for line in report.missed],
            most,
        ),
    ]
    return [table for table in tables if table.rows]


_RULE = ("rule", "severity", "mode", "alarms", "per 1,000 devices a month", "standing", "devices")
_LABELLED = (
    *("true", "false", "test", "unverified", "precision", "found", "missed", "recall", "F1", "lead (median)"),
    "false per 1,000 devices a month",
)


def _rule_rows(report: Report, *, labelled: bool) -> list[list[str]]:
    rows = [
        [line.rule, line.severity.value, line.mode.value, *_figures(line.score, line.watched, labelled=labelled)]
        for line in report.rules
    ]
    return [*rows, ["all", "", "", *_figures(report.total, report.frame.devices, labelled=labelled)]] if rows else []


def _figures(its: Score, devices: int, *, labelled: bool) -> list[str]:
    figures = [f"{its.alarms:,}", number(its.alarms_a_month), duration(its.standing_s), f"{devices:,}"]
    if labelled:
        figures += [f"{n:,}" for n in (its.true, its.false, its.tests, its.unverified)]
        figures += [share(its.precision), str(its.found), str(its.missed), share(its.recall), share(its.f1)]
        figures += [duration(its.lead_s(0.5)), number(its.false_a_month)]
    return figures


def _most(rules: dict[str, int]) -> str:
    ranked = sorted(rules.items(), key=lambda one: (-one[1], one[0]))
    return ", ".join(f"{rule} {count}" for rule, count in ranked[:3])


def notes(report: Report, zone: ZoneInfo) -> list[str]:
    """Return what whoever reads the figures must know."""
    frame = report.frame
    what = (
        f"{frame.readings:,} readings of {frame.devices:,} devices from {frame.source}, "
        f"{shown_time(frame.from_us, zone)} to {shown_time(frame.to_us, zone)} ({report.timezone}), "
        f"in {frame.seconds:,.1f} s: {frame.readings_s:,.0f} readings/s."
    )
    said = [what]
    if frame.stopped:
        said.append(f"Ended early: {frame.stopped}. The figures are of the time up to there.")
    if frame.repeats:
        said.append(f"{frame.repeats:,} readings said a time again that their channel had said; left out.")
    if report.labels:
        said.append(
            f"{report.labels:,} labels; an alarm belongs to the nearest one within {duration(frame.tolerance_s)}. "
            "Lead: from the alarm to the beginning of the danger; negative where the alarm came after it."
        )
    if report.outside:
        said.append(f"{report.outside:,} labels are of other times, or of devices that said nothing; not counted.")
    if report.labels and report.total.unverified:
        said.append(
            f"{report.total.unverified:,} alarms are unverified: neither in precision nor in false alarms. "
            "Where the labels name every danger there was, --complete counts them as false."
        )
    if frame.holes:
        longest = max(frame.holes, key=lambda hole: hole[1] - hole[0])
        said.append(
            f"Nothing came from any device for an hour or more {len(frame.holes)} times, the longest "
            f"{duration((longest[1] - longest[0]) / SECOND_US)} from {shown_time(longest[0], zone)}: "
            "alarms about silence then may be the history's, not the devices'."
        )
    said.append(
        f"What goes by the clock (silence) was looked at every {frame.step_s:g} s; a month is 30 days; "
        "tests count nowhere."
    )
    return said
