"""No-data rules: nothing was heard of a device."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from alerts.conditions.limit import silence_limit_s
from alerts.text import NOTHING, WORTH_SAYING_S, Text, span

if TYPE_CHECKING:
    from alerts.finding import Finding
    from rules.model import NoDataTerms

__all__ = ["silence"]

_SILENT: Final = Text(
    "nothing heard of the device{behind} for {silent} (limit {limit}{usual})",
    "设备{behind}已{silent}无数据（限值{limit}{usual}）",
)
_BEHIND: Final = Text(" and of {count} devices behind it", "及其下{count}台设备")
_ONE_BEHIND: Final = Text(" and of one device behind it", "及其下1台设备")
_USUAL: Final = Text("; heard every {period} until then", "；此前每{period}上报一次")
_HEARD: Final = Text("the device is heard again, after {silent}", "设备恢复上报，此前中断{silent}")


def silence(terms: NoDataTerms, finding: Finding) -> Text:
    """Say how long nothing was heard, how often it was before, and how many are silent with it."""
    change = finding.change
    if not change.holds:
        return _HEARD.fill(silent=span(finding.lasted_s))
    limit_s = silence_limit_s(terms, change.reference)
    period_s = change.reference if terms.periods is not None else None
    count = len(change.members)
    return _SILENT.fill(
        silent=span(max(limit_s, finding.lasted_s)),
        limit=span(limit_s),
        usual=_USUAL.fill(period=span(period_s)) if period_s and period_s >= WORTH_SAYING_S else NOTHING,
        behind=NOTHING if not count else _ONE_BEHIND if count == 1 else _BEHIND.fill(count=count),
    )
