"""The words: every text explains itself in English and Chinese: what, which limit, for how long, which rule, where."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from alerts.incident import EventKind, Incident, Outcome
from devices.model import Device, Lifecycle
from rules.model import Change, Comparison, Rule, RuleKind, Severity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devices.profile import Metric

__all__ = ["Text", "condition", "place_zh", "span", "story", "title"]


class Text(NamedTuple):
    """The same thing said twice."""

    en: str
    zh: str

    def and_then(self, other: Text) -> Text:
        """Return this and then `other`."""
        return Text(self.en + other.en, self.zh + other.zh)


_SIGN: Final[Mapping[Comparison, str]] = {
    Comparison.AT_LEAST: "≥",
    Comparison.ABOVE: ">",
    Comparison.AT_MOST: "≤",
    Comparison.BELOW: "<",
}
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
_STEPS: Final = ((86_400, "d", "天"), (3_600, "h", "小时"), (60, "min", "分"), (1, "s", "秒"))
_WORTH_SAYING_S: Final = 1.0


def span(seconds: float) -> Text:
    """Say a length of time in its two largest units, such as `1 h 30 min`."""
    rest = max(0, round(seconds))
    parts: list[tuple[int, str, str]] = []
    for size, en, zh in _STEPS:
        whole, rest = divmod(rest, size)
        if whole or parts:
            parts.append((whole, en, zh))
    said = [part for part in parts[:2] if part[0]] or [(0, "s", "秒")]
    return Text(" ".join(f"{n} {en}" for n, en, _ in said), "".join(f"{n}{zh}" for n, _, zh in said))


def place_zh(device: Device) -> str:
    """Return where the device hangs, in Chinese; `Device.place` says it in English."""
    named = (("网格", device.grid), ("楼栋", device.building), ("楼层", device.floor), ("", device.unit))
    return "，".join([device.site, *(f"{word}{value}" for word, value in named if value)])


def condition(rule: Rule, change: Change, device: Device, metric: Metric | None, now_us: int) -> Text:
    """Say what was measured, against which limit and for how long.

    A reading that came late is called so, and a device that is in no ledger too.
    """
    en, zh = _measured(rule, change, metric)
    delay_s = (now_us - change.time_us) / 1e6
    if change.late and delay_s > _WORTH_SAYING_S:
        ago = span(delay_s)
        en, zh = f"{en}, measured {ago.en} before it reached us", f"{zh}，该读数迟到{ago.zh}"
    if device.lifecycle is Lifecycle.UNREGISTERED:
        en = f"{en}; the device is UNREGISTERED: no ledger says where it hangs"
        zh = f"{zh}；该设备未登记：台账中没有其位置"
    return Text(en, zh)


def _measured(rule: Rule, change: Change, metric: Metric | None) -> Text:
    label = Text(metric.label_en, metric.label_zh) if metric else Text(rule.metric, rule.metric)
    unit = f" {metric.unit}" if metric and metric.unit else ""
    value = Text(f"{label.en} {_number(change.value)}{unit}", f"{label.zh} {_number(change.value)}{unit}")
    held_s = (change.time_us - change.since_us) / 1e6 if change.holds else 0.0
    match rule.kind:
        case RuleKind.ALARM if change.holds:
            said = Text(f"the device itself reports “{label.en}”", f"设备自身上报“{label.zh}”")
        case RuleKind.ALARM:
            said = Text(f"the device reports “{label.en}” no more", f"设备不再上报“{label.zh}”")
        case RuleKind.NO_DATA if change.holds:
            limit_s = rule.after_s or 0.0
            silent, limit = span(max(limit_s, held_s)), span(limit_s)
            said = Text(
                f"nothing heard of the device for {silent.en} (limit {limit.en})",
                f"设备已{silent.zh}无数据（限值{limit.zh}）",
            )
        case RuleKind.NO_DATA:
            said = Text("the device is heard again", "设备恢复上报")
        case RuleKind.FAULT:
            lower, upper = (metric.minimum, metric.maximum) if metric else (None, None)
            bounds = f"{_number(lower)} … {_number(upper)}{unit}"
            said = (
                Text(
                    f"{value.en} is outside what the sensor can say ({bounds}): sensor fault",
                    f"{value.zh} 超出传感器量程（{bounds}）：传感器故障",
                )
                if change.holds
                else Text(f"{value.en}, within {bounds} again", f"{value.zh}，恢复在量程内（{bounds}）")
            )
        case _:  # RuleKind.THRESHOLD
            sign = _SIGN[rule.comparison] if rule.comparison else "?"
            bound = f"{sign} {_number(rule.limit)}{unit}"
            held = span(held_s)
            lasted = Text(f" for {held.en}", f"，已持续{held.zh}") if held_s >= _WORTH_SAYING_S else Text("", "")
            said = Text(f"{value.en} (limit {bound}){lasted.en}", f"{value.zh}（限值 {bound}）{lasted.zh}")
    return said


def _number(value: float | None) -> str:
    return "?" if value is None else f"{value:g}"


def title(kind: EventKind, incident: Incident) -> Text:
    """Return one line for a phone's lock screen: how bad, what happened to it, which rule, where."""
    done = _DONE[kind]
    return Text(
        f"[{incident.severity.upper()}] {done.en}{incident.rule_name_en} · {incident.place}",
        f"【{_SEVERITY_ZH[incident.severity]}】{done.zh}{incident.rule_name_zh} · {incident.place_zh}",
    )


_DONE: Final[Mapping[EventKind, Text]] = {
    EventKind.RAISED: Text("", ""),
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
    outcome = _OUTCOME[incident.outcome] if incident.outcome else Text("?", "？")
    times = incident.repeats + 1
    fixed = {"device": incident.device, "rule": incident.rule_id, "incident": incident.id, "note": note, "times": times}
    told = told.and_then(_WHERE)
    return Text(
        told.en.format(
            **fixed,
            name=incident.rule_name_en,
            what=incident.what_en,
            who=by or "Vigil",
            outcome=outcome.en,
            place=incident.place,
        ),
        told.zh.format(
            **fixed,
            name=incident.rule_name_zh,
            what=incident.what_zh,
            who=by or "系统",
            outcome=outcome.zh,
            place=incident.place_zh,
        ),
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
    " Where: {place}. Device {device}, rule {rule}, incident {incident}.",
    "位置：{place}。设备 {device}，规则 {rule}，事件 {incident}。",
)
