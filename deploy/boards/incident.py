"""One incident: what it is, how long each step took, what was measured around it, who was told and who came."""

from __future__ import annotations

from typing import Final

from alerts.text import Text
from deploy.boards.board import Board, Row
from deploy.boards.field import (
    INCIDENT_STATES,
    KINDS,
    NOTIFICATIONS,
    OUTCOMES,
    SEVERITIES,
    Cell,
    Column,
    Field,
    Line,
)
from deploy.boards.link import DEVICE_DRILL, Drill, board_link, field, incident_drill
from deploy.boards.panel import Head, bargauge, stat, table, timeseries
from deploy.boards.query import Shape, Sql, sql_beside
from deploy.boards.steps import ACCEPT_STEPS, ARRIVE_STEPS, CLASSES, DID, LINES, YES_NO
from deploy.boards.variable import incident

__all__ = ["BOARD"]

SQL: Final = sql_beside("incident")

_NONE: Final = Text("choose an incident at the top", "请在上方选择事件")

_WINDOW: Final = ("from_ms", "to_ms")

_FACTS = Row(
    Text("What it is", "概况"),
    (
        stat(
            Head("state", Text("State", "状态"), Text("Where the incident is now.", "事件当前所处阶段。"), 4, 4),
            Sql(SQL["state"]),
            Field("none", _NONE, words=(INCIDENT_STATES,)),
            values="/.*/",
        ),
        stat(
            Head(
                "severity",
                Text("Severity", "级别"),
                Text("How bad the rule says that it is.", "规则给出的严重程度。"),
                4,
                4,
            ),
            Sql(SQL["severity"]),
            Field("none", _NONE, words=(SEVERITIES,)),
            values="/.*/",
        ),
        stat(
            Head(
                "outcome",
                Text("Outcome", "结果"),
                Text("What it turned out to be; nobody has said while it is empty.", "核实结果；为空表示尚未认定。"),
                4,
                4,
            ),
            Sql(SQL["outcome"]),
            Field("none", Text("not said yet", "尚未认定"), words=(OUTCOMES,)),
            values="/.*/",
        ),
        stat(
            Head(
                "accept",
                Text("To acceptance", "受理用时"),
                Text(
                    "From raising it to the first person who accepted; up to now while nobody has. Red from 60 s "
                    "on: call the duty desk.",
                    "从报警到首人受理；未受理时计至当前。超过 60 秒为红色：请致电值班台。",
                ),
                4,
                4,
            ),
            Sql(SQL["accept"]),
            Field("s", Text("nobody accepted it", "无人受理"), steps=ACCEPT_STEPS, decimals=0),
        ),
        stat(
            Head(
                "arrive",
                Text("To arrival", "到场用时"),
                Text(
                    "From raising it to the first person at the place; up to now while nobody is there. Red from "
                    "3 minutes on.",
                    "从报警到首人到场；未到场时计至当前。超过 3 分钟为红色。",
                ),
                4,
                4,
            ),
            Sql(SQL["arrive"]),
            Field("s", Text("nobody arrived", "无人到场"), steps=ARRIVE_STEPS, decimals=0),
        ),
        stat(
            Head(
                "resolve",
                Text("To its end", "总用时"),
                Text("From raising it to its end, or up to now.", "从报警到结束，未结束时计至当前。"),
                4,
                4,
            ),
            Sql(SQL["resolve"]),
            Field("s", _NONE, decimals=0),
        ),
        table(
            Head(
                "facts",
                Text("Facts", "事实"),
                Text(
                    "What was measured and where. Click the rule to see the hour before to the hour after; the site or "
                    "the device to go there. Of an elder's incident that is over, neither place nor measurement "
                    "is shown.",
                    "测得的情况与地点。点击规则可查看前后一小时；点击社区或设备可跳转。老人事件结束后不再显示地点与测量值。",
                ),
                24,
                4,
            ),
            Sql(SQL["facts"]),
            Field("none", _NONE),
            (
                Column(
                    "rule",
                    Text("Rule", "规则"),
                    links=(
                        Drill(
                            "vigil-incident",
                            Text("Show the hour before and after", "查看前后一小时"),
                            {},
                            ("incident",),
                            _WINDOW,
                        ),
                    ),
                    width=220,
                ),
                Column("what", Text("What", "情况"), wraps=True),
                Column("place", Text("Place", "地点"), wraps=True),
                Column(
                    "site",
                    Text("Site", "社区"),
                    links=(Drill("vigil-site", Text("Open the site", "查看社区"), {"site": field("site")}),),
                ),
                Column("grid", Text("Grid", "网格")),
                Column("building", Text("Building", "楼栋")),
                Column(
                    "device",
                    Text("Device", "设备"),
                    links=(DEVICE_DRILL,),
                ),
                Column("name", None),
                Column("kind", Text("Kind", "类型"), words=(KINDS,)),
                Column("alarm_class", Text("Class", "类别"), words=(CLASSES,)),
                Column("board", None),
                Column("event", Text("Measured", "测得")),
                Column("raised", Text("Raised", "报警")),
                Column("closed", Text("Ended", "结束")),
                Column("repeats", Text("Repeats", "重复")),
                Column("condition_holds", Text("Still holds", "仍成立"), words=(YES_NO,), cell=Cell.TEXT),
                Column("late", Text("Came late", "迟到"), words=(YES_NO,), cell=Cell.TEXT),
                Column("exercise", Text("Exercise", "演练")),
                Column("members_count", Text("Devices", "涉及设备")),
                Column("accepted_by", Text("Responsible", "负责人")),
                Column("station", Text("Station", "出动力量")),
                Column("closed_by", Text("Ended by", "结束人")),
                Column("rating", Text("Rating", "评分")),
                Column("from_ms", None),
                Column("to_ms", None),
            ),
            filters=False,
        ),
    ),
)

_READINGS = Row(
    Text("Readings around it", "前后读数"),
    (
        timeseries(
            Head(
                "readings",
                Text("What the rule looked at", "触发读数"),
                Text(
                    "The channel from an hour before the event to an hour after the end, and the limits in force, "
                    "dashed. "
                    "Empty for rules about silence or about several devices.",
                    "从事发前一小时到结束后一小时的读数，虚线为现行限值。无数据类与多设备类规则没有读数。",
                ),
                16,
                10,
            ),
            (Sql(SQL["readings"], Shape.SERIES), Sql(SQL["limits"], Shape.SERIES)),
            Field(
                "none",
                Text(
                    "no readings: choose an incident, or its rule has no channel",
                    "无读数：未选择事件，或规则无对应通道",
                ),
            ),
            (Line("/^限值/", colour="red", pattern=True, dashed=True),),
            points=True,
        ),
        bargauge(
            Head(
                "steps",
                Text("How long each step took", "各环节用时"),
                Text(
                    "From one step to the next; the last up to now while it is open.",
                    "相邻环节之间的用时；未结束时计至当前。",
                ),
                8,
                10,
            ),
            Sql(SQL["steps"]),
            Field("s", _NONE, colour="blue", decimals=0, low=0),
        ),
        timeseries(
            Head(
                "other-readings",
                Text("The device's other channels", "设备其他通道"),
                Text(
                    "The same time. Of elders only while the incident is open.",
                    "同一时段。老人设备仅在事件未结束时显示。",
                ),
                24,
                8,
            ),
            Sql(SQL["other_readings"], Shape.SERIES),
            Field("none", Text("no other readings in this time", "该时段无其他读数")),
            points=True,
        ),
    ),
)

_RESPONSE = Row(
    Text("What was done", "处置过程"),
    (
        table(
            Head(
                "timeline",
                Text("Timeline", "时间线"),
                Text(
                    "Every line of the incident's record, in order. Who looked at protected data is in the "
                    "evidence alone.",
                    "事件记录的每一行，按顺序。受保护信息的查看记录仅见于证据材料。",
                ),
                24,
                12,
            ),
            Sql(SQL["timeline"]),
            Field(
                "none",
                Text(
                    "no timeline: choose an incident, or it is an elder's that is over",
                    "无时间线：未选择事件，或为已结束的老人事件",
                ),
            ),
            (
                Column("time", Text("Time", "时间"), width=170),
                Column("what", Text("Of", "类别"), words=(LINES,), cell=Cell.TEXT, width=130),
                Column("kind", Text("Line", "事项"), words=(DID,), width=170),
                Column("who", Text("Who", "人员"), width=140),
                Column("via", Text("By way of", "途径"), width=120),
                Column("told", Text("What is said", "内容"), wraps=True),
                Column("detail", Text("Detail", "详情"), width=160),
            ),
        ),
        table(
            Head(
                "responders",
                Text("Who was asked, and who answered", "应询与响应人员"),
                Text(
                    "Time to answer is from being asked first to acting first. Somebody asked who never acted has "
                    "none.",
                    "应答用时：首次被通知到首次操作。被通知而未操作者为空。",
                ),
                12,
                9,
            ),
            Sql(SQL["responders"]),
            Field("none", Text("nobody was asked", "未通知任何人")),
            (
                Column("who", Text("Who", "人员")),
                Column("asked", Text("Asked, times", "通知次数"), width=120),
                Column("first_asked", Text("First asked", "首次通知")),
                Column("first_act", Text("First acted", "首次操作")),
                Column("first_did", Text("Did first", "首个操作"), words=(DID,), cell=Cell.TEXT),
                Column("last_did", Text("Did last", "末个操作"), words=(DID,), cell=Cell.TEXT),
                Column(
                    "answer_s",
                    Text("Time to answer", "应答用时"),
                    unit="s",
                    steps=ACCEPT_STEPS,
                    cell=Cell.TEXT,
                    decimals=0,
                ),
            ),
        ),
        table(
            Head(
                "notifications",
                Text("Messages", "通知"),
                Text(
                    "Each message as it stands. Failed, late or unknown: the person was tried by the next "
                    "contact; mend the channel or the number.",
                    "每条消息的当前状态。失败、过期或结果不明时已改用下一联系方式；请检查渠道或号码。",
                ),
                12,
                9,
            ),
            Sql(SQL["notifications"]),
            Field("none", Text("no message was owed", "无需通知")),
            (
                Column("time", Text("Time", "时间")),
                Column("recipient", Text("To", "接收人")),
                Column("channel", Text("Channel", "渠道")),
                Column("status", Text("Status", "状态"), words=(NOTIFICATIONS,), cell=Cell.TEXT),
                Column("attempts", Text("Attempts", "尝试次数"), width=110),
            ),
        ),
    ),
)

_NEAR = Row(
    Text("Near it", "相关事件"),
    (
        table(
            Head(
                "same-device",
                Text("Same device, 90 days", "同一设备 90 天内"),
                Text("A device that is often false wants a visit.", "频繁误报的设备需要上门检查。"),
                12,
                8,
            ),
            Sql(SQL["same_device"]),
            Field("none", Text("the first of this device in 90 days", "该设备 90 天内首次")),
            (
                Column("raised", Text("Raised", "报警")),
                Column("rule", Text("Rule", "规则"), links=(incident_drill(window=_WINDOW),)),
                Column("severity", Text("Severity", "级别"), words=(SEVERITIES,), cell=Cell.TEXT),
                Column("state", Text("State", "状态"), words=(INCIDENT_STATES,), cell=Cell.TEXT),
                Column("outcome", Text("Outcome", "结果"), words=(OUTCOMES,), cell=Cell.TEXT),
                Column("resolve_s", Text("Took", "用时"), unit="s", decimals=0),
                Column("incident_id", None),
                Column("from_ms", None),
                Column("to_ms", None),
            ),
        ),
        table(
            Head(
                "same-time",
                Text("Same site, a quarter of an hour", "同一社区前后 15 分钟"),
                Text(
                    "Several at once may be one fire, or one lost gateway.",
                    "同时多起可能是一场火，也可能是一台网关失联。",
                ),
                12,
                8,
            ),
            Sql(SQL["same_time"]),
            Field("none", Text("nothing else in this time", "该时段无其他事件")),
            (
                Column("raised", Text("Raised", "报警")),
                Column("device", Text("Device", "设备")),
                Column("rule", Text("Rule", "规则"), links=(incident_drill(window=_WINDOW),)),
                Column("severity", Text("Severity", "级别"), words=(SEVERITIES,), cell=Cell.TEXT),
                Column("state", Text("State", "状态"), words=(INCIDENT_STATES,), cell=Cell.TEXT),
                Column("incident_id", None),
                Column("from_ms", None),
                Column("to_ms", None),
            ),
        ),
    ),
)

BOARD: Final = Board(
    uid="vigil-incident",
    title=Text("One incident", "一起事件"),
    about=Text(
        "What happened, what was measured around it, who was told, who came, how long each step took.",
        "发生了什么、前后读数、通知了谁、谁到场、各环节用时。",
    ),
    variables=(incident(),),
    links=(
        board_link("vigil-district", Text("District", "全区总览")),
        board_link("vigil-response", Text("Response", "响应绩效")),
    ),
    rows=(_FACTS, _READINGS, _RESPONSE, _NEAR),
    since="now-24h",
    refresh="30s",
    incidents=True,
)
