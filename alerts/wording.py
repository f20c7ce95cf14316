"""The words about an incident: a title for a phone's lock screen, and the whole story of each event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from alerts.incident import EventKind, Incident, Outcome
from alerts.text import NOTHING, Text
from rules.model import Severity

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["story", "title"]

_SEVERITY_ZH: Final[Mapping[Severity, str]] = {
    Severity.ADVISORY: "提示",
    Severity.WARNING: "预警",
    Severity.ALARM: "报警",
    Severity.EMERGENCY: "紧急",
}
_OUTCOME: Final[Mapping[Outcome, Text]] = {
    Outcome.TRUE: Text("a true alarm", "真实警情"),
    Outcome.FALSE_ALARM: Text("a false alarm", "误报"),
    Outcome.TEST: Text("a test", "测试"),
}


def title(kind: EventKind, incident: Incident) -> Text:
    """Return one line for a phone's lock screen: how bad, what happened to it, which rule, where."""
    done = _DONE[kind]
    return Text(
        f"[{incident.severity.upper()}] {done.en}{incident.rule_name_en} · {incident.place}",
        f"【{_SEVERITY_ZH[incident.severity]}】{done.zh}{incident.rule_name_zh} · {incident.place_zh}",
    )


_DONE: Final[Mapping[EventKind, Text]] = {
    EventKind.RAISED: NOTHING,
    EventKind.REOPENED: Text("again: ", "再次："),
    EventKind.REPEATED: Text("still: ", "仍在："),
    EventKind.CONDITION_ENDED: Text("condition ended: ", "条件已消失："),
    EventKind.CONDITION_RETURNED: Text("condition is back: ", "条件再现："),
    EventKind.ACKNOWLEDGED: Text("acknowledged: ", "已受理："),
    EventKind.RESOLVED: Text("resolved: ", "已处置："),
    EventKind.CLEARED: Text("cleared: ", "已恢复："),
}


def story(kind: EventKind, incident: Incident, by: str, note: str) -> Text:
    """Return the whole story of one event; `incident` is as it stands after it."""
    told = _STORY[kind]
    if kind is EventKind.REOPENED and by:
        told = _REOPENED_BY_HAND
    elif kind is EventKind.CONDITION_ENDED and incident.state.is_open:
        told = told.and_then(_UNRESOLVED)
    elif kind is EventKind.RESOLVED and incident.condition_holds:
        told = told.and_then(_STILL_HOLDS)
    if note:
        told = told.and_then(_NOTE)
    return told.and_then(_WHERE).fill(
        name=Text(incident.rule_name_en, incident.rule_name_zh),
        what=Text(incident.what_en, incident.what_zh),
        place=Text(incident.place, incident.place_zh),
        outcome=_OUTCOME[incident.outcome] if incident.outcome else Text("?", "？"),
        who=by or Text("Vigil", "系统"),
        note=note,
        times=incident.repeats + 1,
        device=incident.device,
        rule=incident.rule_id,
        source=_SOURCE.fill(source=incident.source) if incident.source else NOTHING,
        incident=incident.id,
    )


_STORY: Final[Mapping[EventKind, Text]] = {
    EventKind.RAISED: Text("{name}: {what}.", "{name}：{what}。"),
    EventKind.REOPENED: Text("{name} again: {what}.", "{name}再次发生：{what}。"),
    EventKind.REPEATED: Text(
        "{name} goes on, said {times} times: {what}.", "{name}仍在继续，已上报 {times} 次：{what}。"
    ),
    EventKind.CONDITION_ENDED: Text("The condition of “{name}” has ended: {what}.", "“{name}”的条件已消失：{what}。"),
    EventKind.CONDITION_RETURNED: Text("{name} holds again: {what}.", "{name}条件再次成立：{what}。"),
    EventKind.ACKNOWLEDGED: Text(
        "{who} acknowledged “{name}”. Last known: {what}.", "{who} 已受理“{name}”。最近情况：{what}。"
    ),
    EventKind.RESOLVED: Text("{who} resolved “{name}” as {outcome}.", "{who} 已将“{name}”处置为{outcome}。"),
    EventKind.CLEARED: Text("“{name}” cleared by itself: {what}.", "“{name}”已自行恢复：{what}。"),
}
_REOPENED_BY_HAND: Final = Text(
    "{who} raised “{name}” again. Last known: {what}.", "{who} 已重新打开“{name}”。最近情况：{what}。"
)
_UNRESOLVED: Final = Text(" A person must still resolve it.", "仍须人工确认处置。")
_STILL_HOLDS: Final = Text(" The condition still holds.", "条件仍然成立。")
_NOTE: Final = Text(" Note: {note}.", "备注：{note}。")
_WHERE: Final = Text(
    " Where: {place}. Device {device}, rule {rule}{source}, incident {incident}.",
    "位置：{place}。设备 {device}，规则 {rule}{source}，事件 {incident}。",
)
_SOURCE: Final = Text(" (source: {source})", "（依据：{source}）")
