"""Response performance: how fast people accept, arrive and deal with it, by station and by grid."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from alerts.text import Text
from deploy.boards.board import Board, Row
from deploy.boards.field import INCIDENT_STATES, PLAIN, Cell, Column, Field, Line, Step
from deploy.boards.link import Drill, board_link, field, incident_drill
from deploy.boards.panel import Head, Panel, barchart, stat, table, timeseries
from deploy.boards.query import Shape, Sql, sql_beside
from deploy.boards.response_outcomes import FALSE_STEPS, OUTCOMES, PEOPLE
from deploy.boards.steps import ACCEPT_STEPS, ARRIVE_STEPS
from deploy.boards.variable import alarm_class, grid, site
from rules.loader import TIMEZONE

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["BOARD"]

SQL: Final = {name: text.replace("@timezone", TIMEZONE) for name, text in sql_beside("response").items()}

_NONE: Final = Text("no incidents in this time", "该时段无事件")

_SHARE_STEPS: Final = (Step(None, "red"), Step(80, "orange"), Step(90, "yellow"), Step(95, "green"))

_WINDOW: Final = ("from_ms", "to_ms")

_COLOURS: Final = (
    Line("blue", Text("Blue: half the time gone", "蓝：过半"), "blue"),
    Line("yellow", Text("Yellow: four fifths gone", "黄：五分之四"), "yellow"),
    Line("red", Text("Red: overdue", "红：超时"), "red"),
    Line("whistled", Text("Went up a level", "已上报"), "purple"),
)

_COLOUR_COLUMNS: Final = (
    Column("blue", Text("Blue", "蓝"), steps=(Step(None, "text"), Step(1, "blue")), cell=Cell.TEXT),
    Column("yellow", Text("Yellow", "黄"), steps=(Step(None, "text"), Step(1, "yellow")), cell=Cell.TEXT),
    Column("red", Text("Red", "红"), steps=(Step(None, "text"), Step(1, "red")), cell=Cell.BACKGROUND),
    Column("whistled", Text("Went up", "上报"), steps=(Step(None, "text"), Step(1, "purple")), cell=Cell.TEXT),
)

_STATION: Final = (Column("station", Text("Station", "微型消防站")),)
_GRID: Final = (
    Column("site", Text("Site", "社区")),
    Column(
        "grid",
        Text("Grid", "网格"),
        links=(Drill("vigil-site", Text("Open the site", "查看社区"), {"site": field("site")}),),
    ),
)
_IN_TIME: Final = Column(
    "in_time", Text("In time", "达标率"), unit="percent", steps=_SHARE_STEPS, cell=Cell.TEXT, decimals=0
)


def _percentiles(name: str, said: Text, target: Text, steps: Sequence[Step], *, is_timed: bool) -> tuple[Panel, Panel]:
    """Return the tables of one step, by station and by grid. is_timed: a share was in time."""
    about = Text(
        "Times from raising it, of the incidents of this time: half, nine in ten, 95 and 99 in a hundred were faster. ",
        "从报警起计，该时段事件的用时分位数：p50 为一半快于此值，余类推。",
    ).and_then(target)
    figures = (
        Column("raised", Text("Incidents", "事件")),
        Column("done", Text("Of which done", "其中完成")),
        *(
            Column(place, Text(place, place), unit="s", steps=steps, cell=Cell.TEXT, decimals=0)
            for place in ("p50", "p90", "p95", "p99")
        ),
        *((_IN_TIME,) if is_timed else ()),
    )
    by_station = Head(
        f"{name}-by-station",
        said.and_then(Text(", by station", "（按站）")),
        about.and_then(Text(" “—”: no station was sent.", "“—”：未派出站点。")),
        12,
        9,
    )
    by_grid = Head(f"{name}-by-grid", said.and_then(Text(", by grid", "（按网格）")), about, 12, 9)
    return (
        table(by_station, Sql(SQL[f"{name}_by_station"]), Field("none", _NONE), (*_STATION, *figures)),
        table(by_grid, Sql(SQL[f"{name}_by_grid"]), Field("none", _NONE), (*_GRID, *figures)),
    )


_SUMMARY = Row(
    Text("At a glance", "概览"),
    (
        stat(
            Head(
                "raised",
                Text("Incidents", "事件数"),
                Text("Raised in this time, without exercises.", "该时段报警数，不含演练。"),
                4,
                4,
            ),
            Sql(SQL["raised"]),
            Field("short", _NONE, colour="blue"),
        ),
        stat(
            Head(
                "accepted-in-time",
                Text("Accepted within 60 s", "60 秒内受理率"),
                Text(
                    "Of all whose 60 s are over. Below 95 %: look at the grids below, and whether their duty rota "
                    "has gaps.",
                    "占已满 60 秒的全部事件。低于 95% 时请查看下方网格及其排班空缺。",
                ),
                4,
                4,
            ),
            Sql(SQL["accepted_in_time"]),
            Field("percent", _NONE, steps=_SHARE_STEPS, decimals=1),
        ),
        stat(
            Head(
                "arrived-in-time",
                Text("Arrived within 3 min", "3 分钟内到场率"),
                Text("Of those to which somebody came.", "占有人到场的事件。"),
                4,
                4,
            ),
            Sql(SQL["arrived_in_time"]),
            Field("percent", Text("nobody had to come", "无到场记录"), steps=_SHARE_STEPS, decimals=1),
        ),
        stat(
            Head(
                "never-accepted",
                Text("Never accepted", "无人受理"),
                Text(
                    "More than 60 s old and never accepted by anybody, open or over.",
                    "超过 60 秒且从未受理，含已结束。",
                ),
                4,
                4,
            ),
            Sql(SQL["never_accepted"]),
            Field("short", _NONE, steps=(Step(None, "green"), Step(1, "red"))),
        ),
        stat(
            Head(
                "false-alarms",
                Text("False alarms", "误报率"),
                Text(
                    "Of those of which somebody said what they were. Above 40 %: see the devices and rules below.",
                    "占已认定结果的事件。高于 40% 时请查看下方设备与规则。",
                ),
                4,
                4,
            ),
            Sql(SQL["false_alarms"]),
            Field("percent", Text("none was judged yet", "尚未认定"), steps=FALSE_STEPS, decimals=1),
        ),
        stat(
            Head("rating", Text("Rating", "平均评分"), Text("Mean of 1 (bad) to 5.", "1（差）到 5 的平均值。"), 4, 4),
            Sql(SQL["rating"]),
            Field(
                "none",
                Text("none was rated", "尚无评分"),
                steps=(Step(None, "red"), Step(3, "yellow"), Step(4, "green")),
                decimals=1,
            ),
        ),
        timeseries(
            Head(
                "times-by-day",
                Text("Times by day", "每日用时"),
                Text(
                    "Median and nine in ten, from raising it. Wanted: accepted within 60 s, arrived within 180 s.",
                    "中位数与 p90，从报警起计。目标：60 秒内受理，180 秒内到场。",
                ),
                24,
                8,
            ),
            Sql(SQL["times_by_day"], Shape.SERIES),
            Field("s", _NONE, steps=(Step(None, "green"), Step(60, "orange"), Step(180, "red")), low=0),
            (
                Line("accept_p50", Text("Accept p50", "受理 p50"), "light-blue"),
                Line("accept_p90", Text("Accept p90", "受理 p90"), "blue"),
                Line("arrive_p50", Text("Arrive p50", "到场 p50"), "light-purple"),
                Line("arrive_p90", Text("Arrive p90", "到场 p90"), "purple"),
            ),
            limits=True,
            points=True,
        ),
    ),
)

_TIMES = Row(
    Text("By station and by grid", "按站与网格"),
    (
        *_percentiles(
            "accept",
            Text("To acceptance", "受理用时"),
            Text("Wanted: 60 s.", "目标：60 秒。"),
            ACCEPT_STEPS,
            is_timed=True,
        ),
        *_percentiles(
            "arrive",
            Text("To arrival", "到场用时"),
            Text("Wanted: 3 minutes.", "目标：3 分钟。"),
            ARRIVE_STEPS,
            is_timed=True,
        ),
        *_percentiles(
            "resolve",
            Text("To being dealt with", "处置用时"),
            Text("What ended by itself is left out.", "自行恢复的不计。"),
            PLAIN,
            is_timed=False,
        ),
    ),
)

_SUPERVISION = Row(
    Text("Three-colour supervision, all classes", "三色督办（全部类别）"),
    (
        timeseries(
            Head(
                "colours-by-day",
                Text("Colours by day", "每日督办"),
                Text(
                    "Blue: half of a step's time was gone; yellow: four fifths; red: it was over; then it went up "
                    "a level.",
                    "蓝：环节时限过半；黄：过五分之四；红：超时；其后逐级上报。",
                ),
                12,
                8,
            ),
            Sql(SQL["colours_by_day"], Shape.SERIES),
            Field("short", Text("nothing came near its limit", "无临近超时"), low=0),
            _COLOURS,
            bars=True,
            stacked=True,
        ),
        barchart(
            Head(
                "colours-by-step",
                Text("By step", "按环节"),
                Text("Which step's time was running out.", "哪个环节临近或超过时限。"),
                12,
                8,
            ),
            Sql(SQL["colours_by_step"]),
            Field("short", Text("nothing came near its limit", "无临近超时")),
            _COLOURS[:3],
            x="step",
            stacked=True,
            lying=True,
        ),
        table(
            Head(
                "colours-by-station",
                Text("By station", "按站"),
                Text(
                    "Stations with the most red first; “—”: no station was sent.", "红色最多的站在前；“—”：未派出站点。"
                ),
                10,
                9,
            ),
            Sql(SQL["colours_by_station"]),
            Field("none", Text("nothing came near its limit", "无临近超时")),
            (
                Column("station", Text("Station", "微型消防站")),
                *_COLOUR_COLUMNS,
                Column("incidents", Text("Incidents", "事件")),
            ),
        ),
        table(
            Head(
                "overdue",
                Text("Overdue", "超时事件"),
                Text("The newest 200. Click the rule to open the incident.", "最近 200 条。点击规则打开事件。"),
                14,
                9,
            ),
            Sql(SQL["overdue"]),
            Field("none", Text("nothing was overdue", "无超时")),
            (
                Column("time", Text("Overdue since", "超时时间")),
                Column("device", Text("Device", "设备")),
                Column("rule", Text("Rule", "规则"), links=(incident_drill(window=_WINDOW),)),
                Column("step", Text("Step", "环节")),
                Column("station", Text("Station", "微型消防站")),
                Column("state", Text("State", "状态"), words=(INCIDENT_STATES,), cell=Cell.TEXT),
                Column("incident_id", None),
                Column("from_ms", None),
                Column("to_ms", None),
            ),
        ),
    ),
)

BOARD: Final = Board(
    uid="vigil-response",
    title=Text("Response performance", "响应绩效"),
    about=Text(
        "How fast people accept, arrive and deal with it, by station and grid; supervision, outcomes, who could "
        "not be had.",
        "按站与网格的受理、到场、处置用时；三色督办、处置结果、未能联系与拒接。",
    ),
    variables=(site(), grid(), alarm_class()),
    links=(board_link("vigil-district", Text("District", "全区总览")),),
    rows=(_SUMMARY, _TIMES, _SUPERVISION, OUTCOMES, PEOPLE),
    since="now-30d",
    refresh="5m",
)
