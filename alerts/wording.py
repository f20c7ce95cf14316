"""The words about an incident: a title for a phone's lock screen, and the whole story of each event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from alerts.incident import EventKind, Exercise, Incident, IncidentState, Outcome
from alerts.privacy import is_protected, shown
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
    Outcome.UNFOUNDED: Text("unfounded: nothing was found", "查无实情"),
}
_EXERCISE_TITLE: Final[Mapping[Exercise | None, Text]] = {
    None: NOTHING,
    Exercise.DRILL: Text("DRILL, ", "演练："),
    Exercise.SYNTHETIC: Text("SELF-TEST, ", "自检："),
}
_EXERCISE: Final[Mapping[Exercise | None, Text]] = {
    None: NOTHING,
    Exercise.DRILL: Text("THIS IS A DRILL, not a real alarm. ", "【演练，非真实警情】"),
    Exercise.SYNTHETIC: Text("SELF-TEST, not a real alarm. ", "【自检，非真实警情】"),
}


def title(kind: EventKind, incident: Incident) -> Text:
    """Return one line for a phone's lock screen: how bad, whether an exercise, what happened, which rule, where.

    Of an elder's incident that has ended nobody is told where and how they are any more.
    """
    incident = shown(incident)
    done = _EXERCISE_TITLE[incident.exercise].and_then(_DONE[kind])
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
    EventKind.ACCEPTED: Text("accepted: ", "已受理："),
    EventKind.REFUSED: Text("refused: ", "已拒接："),
    EventKind.HELP_WANTED: Text("help wanted: ", "请求增援："),
    EventKind.HANDED_OVER: Text("handed over: ", "转交："),
    EventKind.DISPATCHED: Text("on the way: ", "已出动："),
    EventKind.ARRIVED: Text("arrived: ", "已到场："),
    EventKind.VERIFIED: Text("verified: ", "已核实："),
    EventKind.RESOLVED: Text("resolved: ", "已处置："),
    EventKind.CLOSED: Text("closed: ", "已办结："),
    EventKind.CLEARED: Text("cleared: ", "已恢复："),
    EventKind.NOTED: Text("note: ", "备注："),
}


def story(kind: EventKind, incident: Incident, by: str, note: str) -> Text:
    """Return the whole story of one event; `incident` is as it stands after it.

    Of an elder's incident that has ended nobody is told where and how they are any more, nor what was noted.
    """
    if is_protected(incident) and not incident.state.is_open:
        incident, note = shown(incident), ""
    told = _EXERCISE[incident.exercise].and_then(_told(kind, incident, by))
    if note:
        told = told.and_then(_NOTE)
    return told.and_then(_WHERE).fill(
        name=Text(incident.rule_name_en, incident.rule_name_zh),
        what=Text(incident.what_en, incident.what_zh),
        place=Text(incident.place, incident.place_zh),
        outcome=_OUTCOME[incident.outcome] if incident.outcome else Text("?", "？"),
        who=by or Text("Vigil", "系统"),
        to=incident.dispatched_to if kind is EventKind.DISPATCHED else incident.handed_to,
        has=incident.accepted_by,
        rating=incident.rating or 0,
        note=note,
        times=incident.repeats + 1,
        device=incident.device,
        rule=incident.rule_id,
        source=_SOURCE.fill(source=incident.source) if incident.source else NOTHING,
        incident=incident.id,
    )


def _told(kind: EventKind, incident: Incident, by: str) -> Text:  # noqa: PLR0911 - one line a template
    """Return the template of what happened."""
    told = _STORY[kind]
    match kind:
        case EventKind.RAISED if by:
            return told.and_then(_STARTED_BY)
        case EventKind.REOPENED if by:
            return _REOPENED_BY_HAND
        case EventKind.CONDITION_ENDED if incident.state.is_open:
            return told.and_then(_UNRESOLVED)
        case EventKind.RESOLVED if incident.condition_holds:
            return told.and_then(_STILL_HOLDS)
        case EventKind.REFUSED if incident.state is IncidentState.RAISED:
            return told.and_then(_NOBODY)
        case EventKind.DISPATCHED if incident.dispatched_to:
            return _DISPATCHED_TO
        case _:
            return told


_STORY: Final[Mapping[EventKind, Text]] = {
    EventKind.RAISED: Text("{name}: {what}.", "{name}：{what}。"),
    EventKind.REOPENED: Text("{name} again: {what}.", "{name}再次发生：{what}。"),
    EventKind.REPEATED: Text(
        "{name} goes on, said {times} times: {what}.", "{name}仍在继续，已上报 {times} 次：{what}。"
    ),
    EventKind.CONDITION_ENDED: Text("The condition of “{name}” has ended: {what}.", "“{name}”的条件已消失：{what}。"),
    EventKind.CONDITION_RETURNED: Text("{name} holds again: {what}.", "{name}条件再次成立：{what}。"),
    EventKind.ACCEPTED: Text(
        "{who} accepted “{name}”. Last known: {what}.", "{who} 已受理“{name}”。最近情况：{what}。"
    ),
    EventKind.REFUSED: Text("{who} cannot take “{name}”.", "{who} 无法受理“{name}”。"),
    EventKind.HELP_WANTED: Text(
        "{who} is on “{name}” and needs help. Last known: {what}.",
        "{who} 正在处置“{name}”，请求增援。最近情况：{what}。",
    ),
    EventKind.HANDED_OVER: Text(
        "{who} asks {to} to take over “{name}”; until then {has} has it. Last known: {what}.",
        "{who} 请求将“{name}”转交 {to}；对方受理前仍由 {has} 负责。最近情况：{what}。",
    ),
    EventKind.DISPATCHED: Text(
        "{who} says that somebody is on the way to “{name}”.", "{who} 报告已派人前往处置“{name}”。"
    ),
    EventKind.ARRIVED: Text("{who} says that somebody is there: “{name}”.", "{who} 报告人员已到达“{name}”现场。"),
    EventKind.VERIFIED: Text("{who} verified “{name}” as {outcome}.", "{who} 核实“{name}”为{outcome}。"),
    EventKind.RESOLVED: Text("{who} resolved “{name}” as {outcome}.", "{who} 已将“{name}”处置为{outcome}。"),
    EventKind.CLOSED: Text(
        "{who} closed “{name}” and rated it {rating} of 5.", "{who} 已办结“{name}”，评分 {rating} 分（满分 5 分）。"
    ),
    EventKind.CLEARED: Text("“{name}” cleared by itself: {what}.", "“{name}”已自行恢复：{what}。"),
    EventKind.NOTED: Text("{who} on “{name}”.", "{who} 就“{name}”作了记录。"),
}
_STARTED_BY: Final = Text(" Started by {who}.", "由 {who} 发起。")
_REOPENED_BY_HAND: Final = Text(
    "{who} raised “{name}” again. Last known: {what}.", "{who} 已重新打开“{name}”。最近情况：{what}。"
)
_DISPATCHED_TO: Final = Text("{who} sent {to} to “{name}”.", "{who} 已派 {to} 前往处置“{name}”。")
_UNRESOLVED: Final = Text(" A person must still resolve it.", "仍须人工确认处置。")
_STILL_HOLDS: Final = Text(" The condition still holds.", "条件仍然成立。")
_NOBODY: Final = Text(" Nobody is on it.", "目前无人受理。")
_NOTE: Final = Text(" Note: {note}.", "备注：{note}。")
_WHERE: Final = Text(
    " Where: {place}. Device {device}, rule {rule}{source}, incident {incident}.",
    "位置：{place}。设备 {device}，规则 {rule}{source}，事件 {incident}。",
)
_SOURCE: Final = Text(" (source: {source})", "（依据：{source}）")
