"""How incidents are spoken of: the times that steps may take, and words for what people and Vigil did."""

from __future__ import annotations

from typing import Final

from alerts.incident import EventKind
from alerts.text import Text
from deploy.boards.field import Step, mapping
from deploy.boards.words import CLASS

__all__ = ["ACCEPT_STEPS", "ARRIVE_STEPS", "CLASSES", "DID", "LINES", "YES_NO"]

ACCEPT_STEPS: Final = (Step(None, "green"), Step(30, "yellow"), Step(48, "orange"), Step(60, "red"))
"""s; half, four fifths and the whole of the 60 s, as supervision marks them."""
ARRIVE_STEPS: Final = (Step(None, "green"), Step(90, "yellow"), Step(144, "orange"), Step(180, "red"))
"""s; of the three minutes to the arrival."""
CLASSES: Final = mapping(CLASS, dict.fromkeys(CLASS, "text"))
LINES: Final = mapping(
    {
        "incident": Text("Incident", "事件"),
        "notification": Text("Message", "消息"),
        "response": Text("Response", "响应"),
    },
    {"incident": "blue", "notification": "text", "response": "purple"},
)
DID: Final = mapping(
    {
        EventKind.ACCEPTED: Text("Accepted", "受理"),
        EventKind.REFUSED: Text("Cannot", "不能去"),
        EventKind.HELP_WANTED: Text("Wants help", "请求支援"),
        EventKind.HANDED_OVER: Text("Handed over", "转交"),
        EventKind.DISPATCHED: Text("On the way", "出动"),
        EventKind.ARRIVED: Text("Arrived", "到场"),
        EventKind.VERIFIED: Text("Verified", "核实"),
        EventKind.RESOLVED: Text("Dealt with", "处置"),
        EventKind.CLOSED: Text("Closed", "办结"),
        EventKind.REOPENED: Text("Opened again", "重新打开"),
        EventKind.NOTED: Text("Noted", "备注"),
    },
    {
        EventKind.ACCEPTED: "green",
        EventKind.REFUSED: "red",
        EventKind.HELP_WANTED: "orange",
        EventKind.HANDED_OVER: "yellow",
        EventKind.DISPATCHED: "blue",
        EventKind.ARRIVED: "blue",
        EventKind.VERIFIED: "purple",
        EventKind.RESOLVED: "green",
        EventKind.CLOSED: "dark-green",
        EventKind.REOPENED: "red",
        EventKind.NOTED: "text",
    },
)
YES_NO: Final = mapping({"true": Text("Yes", "是"), "false": Text("No", "否")}, {"true": "orange", "false": "text"})
