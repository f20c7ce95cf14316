"""What CAP calls things, and what a message advises."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from alerts.incident import Exercise, Outcome
from alerts.text import NOTHING, Text
from devices.model import Kind
from rules.model import RuleKind, Severity

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "CATEGORY",
    "ENDED",
    "FORESEEN",
    "HEADLINE",
    "INSTRUCTION",
    "OUTCOME",
    "SEVERITY",
    "SOMEBODY",
    "SOMEBODY_EVENT",
    "STATUS",
    "URGENCY",
]

STATUS: Final[Mapping[Exercise | None, str]] = {
    None: "Actual",
    Exercise.DRILL: "Exercise",
    Exercise.SYNTHETIC: "Test",
}
CATEGORY: Final[Mapping[Kind, str]] = {
    Kind.SMOKE: "Fire",
    Kind.GAS: "Safety",
    Kind.CO: "Safety",
    Kind.HYDRANT: "Infra",
    Kind.TANK: "Infra",
    Kind.TILT: "Infra",
    Kind.WATCH: "Health",
    Kind.GATEWAY: "Infra",
    Kind.SERVICE: "Infra",
    Kind.EXTERNAL: "Infra",
    Kind.UNKNOWN: "Safety",
}
SEVERITY: Final[Mapping[Severity, str]] = {
    Severity.EMERGENCY: "Extreme",
    Severity.ALARM: "Severe",
    Severity.WARNING: "Moderate",
    Severity.ADVISORY: "Minor",
}
URGENCY: Final[Mapping[Severity, str]] = {
    Severity.EMERGENCY: "Immediate",
    Severity.ALARM: "Immediate",
    Severity.WARNING: "Expected",
    Severity.ADVISORY: "Future",
}
FORESEEN: Final = frozenset(
    {RuleKind.FORECAST, RuleKind.DRIFT, RuleKind.BASELINE, RuleKind.INACTIVITY, RuleKind.NO_DATA, RuleKind.FLATLINE}
)
"""Kinds of rules that infer: what they say is possible, where others say that it is likely."""

HEADLINE: Final = Text("{event} · {place}", "{event} · {place}")
ENDED: Final = Text("Over: {event} · {place}", "已结束：{event} · {place}")
SOMEBODY_EVENT: Final = Text("Call for help", "求助")
SOMEBODY: Final = Text(
    "A resident who is looked after needs somebody. Where and what is with those who were asked to go.",
    "一位受照护的居民需要帮助，位置与情况仅告知被派往的人员。",
)
"""All that is said of what a watch says."""
OUTCOME: Final[Mapping[Outcome | None, Text]] = {
    None: NOTHING,
    Outcome.TRUE: Text(" It was a true alarm.", "经核实为真实警情。"),
    Outcome.FALSE_ALARM: Text(" It was a false alarm.", "经核实为误报。"),
    Outcome.TEST: Text(" It was a test.", "该次为测试。"),
    Outcome.UNFOUNDED: Text(" Nothing was found.", "经核实查无实情。"),
}
INSTRUCTION: Final[Mapping[str, Text]] = {
    "Fire": Text(
        "Who is asked to go: take breathing protection, see that the stairway is clear, call 119 where there is fire.",
        "出动人员：携带呼吸防护，确保疏散通道畅通，发现明火立即拨打119。",
    ),
    "Safety": Text(
        "Who is asked to go: no flames and no switches, close the valve, open windows, keep people away.",
        "出动人员：禁止明火、勿动电器开关，关闭阀门，开窗通风，疏散人员。",
    ),
    "Infra": Text("Who is asked to go: see what it is, and report back.", "出动人员：到场核实并反馈。"),
    "Health": Text(
        "Who is asked to go: go at once, and call 120 where it is needed.", "出动人员：立即前往，必要时拨打120。"
    ),
}
