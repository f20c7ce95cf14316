"""The words of the responder's page, in both languages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from alerts.answer import Answer
from alerts.incident import IncidentState, Outcome
from alerts.text import Text
from rules.model import Severity

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["BUTTON", "OUTCOME", "SAID", "SEVERITY", "STATE"]

BUTTON: Final[Mapping[Answer, Text]] = {
    Answer.ACCEPT: Text("Accept", "接受"),
    Answer.ARRIVE: Text("Arrived", "到达"),
    Answer.FALSE_ALARM: Text("False alarm", "误报"),
    Answer.NEED_HELP: Text("Need help", "需要支援"),
    Answer.REFUSE: Text("Cannot", "不能去"),
    Answer.TRUE: Text("It is real", "属实"),
    Answer.RESOLVE: Text("Dealt with", "处置完毕"),
    Answer.RATE: Text("Rate", "评分"),
}

SAID: Final[Mapping[Answer, Text]] = {
    Answer.ACCEPT: Text("Noted: you accepted it.", "已记录：您已接受。"),
    Answer.ARRIVE: Text("Noted: you are there.", "已记录：您已到达。"),
    Answer.FALSE_ALARM: Text("Noted: a false alarm.", "已记录：误报。"),
    Answer.NEED_HELP: Text("Noted: more people are being asked.", "已记录：正在呼叫更多人员。"),
    Answer.REFUSE: Text("Noted: you cannot. Others are being asked.", "已记录：您不能去，正在通知其他人。"),
    Answer.TRUE: Text("Noted: it is real.", "已记录：警情属实。"),
    Answer.RESOLVE: Text("Noted: dealt with.", "已记录：处置完毕。"),
    Answer.RATE: Text("Thank you for the rating.", "感谢评分。"),
}

SEVERITY: Final[Mapping[Severity, Text]] = {
    Severity.ADVISORY: Text("Advisory", "提示"),
    Severity.WARNING: Text("Warning", "预警"),
    Severity.ALARM: Text("Alarm", "报警"),
    Severity.EMERGENCY: Text("Emergency", "紧急"),
}

STATE: Final[Mapping[IncidentState, Text]] = {
    IncidentState.RAISED: Text("Nobody has answered yet", "尚无人应答"),
    IncidentState.ACCEPTED: Text("Accepted", "已受理"),
    IncidentState.DISPATCHED: Text("On the way", "已出动"),
    IncidentState.ARRIVED: Text("Somebody is there", "已到场"),
    IncidentState.VERIFIED: Text("Verified", "已核实"),
    IncidentState.RESOLVED: Text("Dealt with", "已处置"),
    IncidentState.CLOSED: Text("Closed", "已办结"),
    IncidentState.CLEARED: Text("Ended by itself", "已自行恢复"),
}

OUTCOME: Final[Mapping[Outcome, Text]] = {
    Outcome.TRUE: Text("a true alarm", "真实警情"),
    Outcome.FALSE_ALARM: Text("a false alarm", "误报"),
    Outcome.TEST: Text("a test", "测试"),
    Outcome.UNFOUNDED: Text("nothing found", "未发现异常"),
}
