"""The rows of the response board about what it turned out to be, and about people who could not be had."""

from __future__ import annotations

from typing import Final

from alerts.text import Text
from deploy.boards.board import Row
from deploy.boards.field import KINDS, Cell, Column, Field, Line, Step
from deploy.boards.link import DEVICE_DRILL, incident_drill
from deploy.boards.panel import Head, barchart, table, timeseries
from deploy.boards.query import Shape, Sql, sql_beside
from rules.loader import TIMEZONE

__all__ = ["FALSE_STEPS", "OUTCOMES", "PEOPLE"]

SQL: Final = {name: text.replace("@timezone", TIMEZONE) for name, text in sql_beside("response").items()}
_NONE: Final = Text("no incidents in this time", "该时段无事件")
FALSE_STEPS: Final = (Step(None, "green"), Step(20, "yellow"), Step(40, "orange"), Step(60, "red"))
_WINDOW: Final = ("from_ms", "to_ms")

OUTCOMES = Row(
    Text("What it turned out to be", "处置结果"),
    (
        timeseries(
            Head(
                "outcomes-by-day",
                Text("Outcomes by day", "每日结果"),
                Text("By the day on which it was raised.", "按报警日期。"),
                16,
                8,
            ),
            Sql(SQL["outcomes_by_day"], Shape.SERIES),
            Field("short", _NONE, low=0),
            (
                Line("true_alarm", Text("True", "真实"), "red"),
                Line("false_alarm", Text("False alarm", "误报"), "orange"),
                Line("unfounded", Text("Nothing found", "未发现异常"), "yellow"),
                Line("test", Text("Test", "测试"), "blue"),
                Line("cleared", Text("Ended by itself", "自行恢复"), "green"),
                Line("not_said", Text("Not said", "未认定"), "text"),
            ),
            bars=True,
            stacked=True,
        ),
        barchart(
            Head("ratings", Text("Ratings", "评分分布"), Text("1 (bad) to 5.", "1（差）到 5。"), 8, 8),
            Sql(SQL["ratings"]),
            Field("short", Text("none was rated", "尚无评分"), colour="blue"),
            (Line("incidents", Text("Incidents", "事件")),),
            x="rating",
            legend=False,
        ),
        table(
            Head(
                "busiest-devices",
                Text("Busiest devices", "报警最多的设备"),
                Text(
                    "Visit what is often false: dust, steam, a loose sensor. Click the device to see its readings.",
                    "频繁误报的设备请上门检查：灰尘、水汽、松动。点击设备查看读数。",
                ),
                12,
                9,
            ),
            Sql(SQL["busiest_devices"]),
            Field("none", _NONE),
            (
                Column(
                    "device",
                    Text("Device", "设备"),
                    links=(DEVICE_DRILL,),
                ),
                Column("site", None),
                Column("name", None),
                Column("board", None),
                Column("kind", Text("Kind", "类型"), words=(KINDS,)),
                Column("incidents", Text("Incidents", "事件")),
                Column(
                    "false_alarms",
                    Text("False", "误报"),
                    steps=(Step(None, "text"), Step(3, "orange"), Step(10, "red")),
                    cell=Cell.TEXT,
                ),
                Column("newest", Text("Newest", "最近一次"), links=(incident_drill(),)),
                Column("incident_id", None),
            ),
        ),
        table(
            Head(
                "rules-that-mislead",
                Text("Rules that mislead", "误报最多的规则"),
                Text(
                    "Try another limit on the history first: `vigil rules backtest`.",
                    "调整限值前先用历史数据验证：`vigil rules backtest`。",
                ),
                12,
                9,
            ),
            Sql(SQL["rules_that_mislead"]),
            Field("none", _NONE),
            (
                Column("rule_id", Text("Rule", "规则")),
                Column("rule", Text("Name", "名称"), wraps=True),
                Column("incidents", Text("Incidents", "事件")),
                Column("true_alarms", Text("True", "真实")),
                Column("false_alarms", Text("False", "误报")),
                Column(
                    "share",
                    Text("Share false", "误报率"),
                    unit="percent",
                    steps=FALSE_STEPS,
                    cell=Cell.TEXT,
                    decimals=0,
                ),
            ),
        ),
    ),
)

PEOPLE = Row(
    Text("Who could not be had, all classes", "未能联系与拒接（全部类别）"),
    (
        table(
            Head(
                "not-reached",
                Text("Not reached", "未联系到"),
                Text(
                    "People whom a channel, or every channel, did not reach; “—” is a step with nobody on duty. "
                    "Mend the number, or the rota.",
                    "某一渠道或全部渠道未联系到的人员；“—”表示该步无人值班。请更正号码或排班。",
                ),
                12,
                9,
            ),
            Sql(SQL["not_reached"]),
            Field("none", Text("everybody was reached", "全部联系到")),
            (
                Column("person", Text("Who", "人员")),
                Column("asked", Text("Asked", "通知")),
                Column("channel_changed", Text("Next channel", "改用渠道")),
                Column(
                    "unreached",
                    Text("Not reached", "未联系到"),
                    steps=(Step(None, "text"), Step(1, "red")),
                    cell=Cell.TEXT,
                ),
                Column(
                    "nobody",
                    Text("Nobody there", "无人可通知"),
                    steps=(Step(None, "text"), Step(1, "red")),
                    cell=Cell.TEXT,
                ),
                Column("newest", Text("Newest", "最近一次")),
            ),
        ),
        table(
            Head(
                "refused",
                Text("Refused", "拒接"),
                Text(
                    "People who said that they cannot; others were asked at once.",
                    "表示不能前往的人员；系统已立即通知其他人。",
                ),
                12,
                9,
            ),
            Sql(SQL["refused"]),
            Field("none", Text("nobody refused", "无人拒接")),
            (
                Column("time", Text("Time", "时间")),
                Column("who", Text("Who", "人员")),
                Column("via", Text("By way of", "途径")),
                Column("device", Text("Device", "设备")),
                Column("rule", Text("Rule", "规则"), links=(incident_drill(window=_WINDOW),)),
                Column("incident_id", None),
                Column("from_ms", None),
                Column("to_ms", None),
            ),
        ),
    ),
)
