"""The panels of a class of devices; `deploy.boards.classes` says which class has which."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from alerts.text import Text
from deploy.boards.device_class import sql_of
from deploy.boards.district import COLOURS_OF_CLASS
from deploy.boards.field import DEVICE_STATES, INCIDENT_STATES, SEVERITIES, Cell, Column, Field, Line, Step, mapping
from deploy.boards.link import Drill, field, incident_drill
from deploy.boards.panel import Head, Panel, statetimeline, table, timeseries, trend
from deploy.boards.query import Shape, Sql
from deploy.boards.states import DEVICE_LINK
from deploy.boards.words import CLASS

if TYPE_CHECKING:
    from deploy.boards.device_class import DeviceClass, Measure, Rate

__all__ = [
    "flags_of",
    "forecast_of",
    "foreseen_of",
    "members_of",
    "open_of",
    "over_time_of",
    "rate_of",
    "readings_of",
    "usual_of",
]

_SEVERITY_COLOURS: Final = {"emergency": "dark-red", "alarm": "red", "warning": "orange", "advisory": "yellow"}
_YES: Final = mapping({"1": Text("yes", "是"), "0": Text("no", "否")}, {"1": "red", "0": "green"})
_SHARE: Final = (Step(None, "red"), Step(0, "orange"), Step(0.1, "green"))
_MEAN, _LOWEST, _HIGHEST = Text("Mean", "均值"), Text("Lowest", "最低"), Text("Highest", "最高")
_USUAL, _USUAL_LOW, _USUAL_HIGH = (
    Text("Usual", "常值"),
    Text("Usually above", "常值下沿"),
    Text("Usually below", "常值上沿"),
)
_READINGS: Final = (
    Line("mean", _MEAN, "blue"),
    Line("lowest", _LOWEST, "blue", faint=True),
    Line("highest", _HIGHEST, "blue", faint=True, down_to=_LOWEST),
)
_LIMITS: Final = tuple(
    Line(rf"/\({severity}\)$/", pattern=True, colour=colour, dashed=True)
    for severity, colour in _SEVERITY_COLOURS.items()
)
_BAND: Final = (
    Line("usual", _USUAL, "green"),
    Line("usual_low", _USUAL_LOW, "green", faint=True),
    Line("usual_high", _USUAL_HIGH, "green", faint=True, down_to=_USUAL_LOW),
)
_FORECAST: Final = (
    Line("measured", Text("Measured", "实测"), "blue"),
    Line("trend", Text("Trend", "趋势"), "purple", dashed=True),
    Line("limit_low", Text("Next limit below", "下方限值"), "red", dashed=True),
    Line("limit_high", Text("Next limit above", "上方限值"), "red", dashed=True),
)


def _named(before: Text, measure: Measure, after: Text | None = None) -> Text:
    label = measure.label
    tail = after or Text("", "")
    return Text(f"{before.en}{label.en}{tail.en}", f"{before.zh}{label.zh}{tail.zh}")


def readings_of(of: DeviceClass, measure: Measure) -> Panel:
    """Return what one device measured, over its limits."""
    return timeseries(
        Head(
            f"readings {measure.metric}",
            _named(Text("", ""), measure),
            Text(
                "What the device measured: the mean, and from lowest to highest in colour. The dashed lines are the "
                "limits in force on this device, each with its rule; beyond one an incident is raised. A break: "
                "nothing was heard for three reporting times.",
                "设备测量值：均值及最低至最高范围。虚线为该设备当前生效的限值及其规则，越限即报警。断线表示连续三个上"
                "报周期无数据。",
            ),
            12,
            9,
        ),
        (
            Sql(sql_of("readings", of, measure), Shape.SERIES),
            Sql(sql_of("limits", of, measure), Shape.SERIES),
        ),
        Field(measure.unit, of.empty),
        (*_READINGS, *_LIMITS),
        breaks=True,
    )


def flags_of(of: DeviceClass) -> Panel:
    """Return what one device says with yes and no."""
    return statetimeline(
        Head(
            "flags",
            Text("What the device reports itself", "设备自报状态"),
            Text(
                "Its own yes and no, a band each, from when it first said so in this range; red is yes. Of events (a "
                "button, a knock) only that there was one.",
                "设备自报的开关量，每项一条，自时段内首次上报起；红色为“是”。瞬时事件（按键、撞击）仅表示发生过。",
            ),
            24,
            7,
        ),
        Sql(sql_of("flags", of), Shape.SERIES),
        Field("none", of.empty, words=(_YES,)),
        tuple(Line(name, title=label) for name, label in of.flags.items()),
    )


def rate_of(of: DeviceClass, measure: Measure, rate: Rate) -> Panel:
    """Return how fast one device's measure changes."""
    per = {"min": Text("a minute", "每分钟"), "h": Text("an hour", "每小时"), "d": Text("a day", "每天")}[rate.per]
    return timeseries(
        Head(
            f"rate {measure.metric}",
            _named(Text("How fast: ", "变化速率："), measure, Text(f", {per.en}", f"（{per.zh}）")),
            Text(
                "How much it rose (above 0) or fell (below 0) from one stretch of time to the next. Rules of kind "
                "rate judge this over a window of their own; their incidents are drawn in.",
                "相邻时段间的上升（0 以上）或下降（0 以下）速度。速率类规则按其自身窗口判断，其事件已标注在图上。",
            ),
            12,
            8,
        ),
        Sql(sql_of("rate", of, measure), Shape.SERIES),
        Field(f"suffix: {measure.found.unit}/{rate.per}", of.empty),
        (Line("rate", Text("Rate", "速率"), "orange"),),
        points=True,
    )


def usual_of(of: DeviceClass, measure: Measure) -> Panel:
    """Return one device's measure over what is usual at the hour."""
    return timeseries(
        Head(
            f"usual {measure.metric}",
            _named(Text("Against what is usual: ", "与常值比较："), measure),
            Text(
                "The readings over the band of what was usual at this hour of the week: the mean of the four weeks "
                "before, and two deviations either way. Outside the band for long: find out why, though no limit is "
                "reached.",
                "读数与一周中同一小时常值（前四周均值及上下两倍标准差）的比较。长时间偏离即使未超限也应查明原因。",
            ),
            12,
            8,
        ),
        (
            Sql(sql_of("readings", of, measure), Shape.SERIES),
            Sql(sql_of("usual", of, measure), Shape.SERIES),
        ),
        Field(measure.unit, of.empty),
        (*_READINGS, *_BAND),
        breaks=True,
    )


def forecast_of(of: DeviceClass, measure: Measure) -> tuple[Panel, Panel]:
    """Return where one device's measure goes, and when it meets which limit."""
    empty = Text("less than a day of readings within a week", "一周内读数不足一天")
    return (
        trend(
            Head(
                f"forecast {measure.metric}",
                _named(Text("Forecast: ", "预测："), measure),
                Text(
                    "The last seven days by the hour and their straight line 14 days on, with the nearest limit "
                    "either way. The axis counts days from the end of the range shown, or from now. A straight line "
                    "knows nothing of pumps and refills: take it for a first guess.",
                    "最近七天小时值及其直线外推 14 天，并标出上下最近限值。横轴为距时段末（或当前）的天数。直线不考虑"
                    "补水等操作，仅供参考。",
                ),
                14,
                8,
            ),
            Sql(sql_of("forecast", of, measure)),
            Field(measure.unit, empty),
            (Line("days", Text("Days from now", "距今天数"), unit="suffix: d"), *_FORECAST),
            x="days",
        ),
        table(
            Head(
                f"crossings {measure.metric}",
                _named(Text("When it meets its limits: ", "预计到限时间："), measure),
                Text(
                    "When that line meets each limit in force; the soonest first. Empty: it goes the other way. "
                    "Orange: within 14 days; red: within one.",
                    "该直线到达各生效限值的时间，最早者在前；为空表示反向变化。橙色：14 天内；红色：一天内。",
                ),
                10,
                8,
            ),
            Sql(sql_of("crossings", of, measure)),
            Field("none", Text("no limit, or too few readings", "无限值或读数不足")),
            (
                Column("severity", Text("Severity", "级别"), words=(SEVERITIES,), cell=Cell.TEXT, width=120),
                Column("name", Text("Limit", "限值规则"), wraps=True),
                Column("limit_value", Text("At", "限值"), unit=measure.unit, width=90),
                Column("now", Text("Now", "当前"), unit=measure.unit, width=90),
                Column("a_day", Text("A day", "日变化"), unit=measure.unit, width=90),
                Column(
                    "left_s",
                    Text("Left", "剩余"),
                    unit="s",
                    decimals=0,
                    steps=(Step(None, "red"), Step(86_400, "orange"), Step(14 * 86_400, "green")),
                    cell=Cell.TEXT,
                    width=90,
                ),
                Column("at", Text("Expected at", "预计时间"), unit="dateTimeAsLocal", width=160),
            ),
        ),
    )


def members_of(of: DeviceClass) -> Panel:
    """Return the table of all devices of the class."""
    this = Drill(of.uid, DEVICE_LINK, {"site": field("site"), "device": field("name")}, kept=("grid", "building"))
    return table(
        Head(
            "members",
            Text("All devices of the class", "本类全部设备"),
            Text(
                "The worst first. “To the limit” is how far the newest reading is from the nearest limit, as a share "
                "of that limit: red is beyond it. Click a name for its readings below.",
                "最差者在前。“距限值”为最近读数与最近限值之差占限值的比例，红色为已越限。点击名称在下方查看读数。",
            ),
            24,
            11,
        ),
        Sql(sql_of("members", of)),
        Field("none", Text("no device of this class here", "此处无此类设备")),
        (
            Column("state", Text("State", "状态"), words=(DEVICE_STATES,), cell=Cell.BACKGROUND, width=150),
            Column("site", None),
            Column("name", Text("Device", "设备"), links=(this,), width=170),
            Column("grid", Text("Grid", "网格"), width=70),
            Column("building", Text("Building", "楼栋"), width=80),
            Column("floor", Text("Floor", "楼层"), width=70),
            Column("unit", Text("Flat", "户室"), width=90),
            Column("last_heard", Text("Last heard", "最近数据"), unit="dateTimeAsLocal", width=160),
            Column("silent_s", Text("Silent for", "静默时长"), unit="s", decimals=0, width=100),
            Column("limit_name", Text("Nearest limit", "最近限值"), wraps=True),
            Column(
                "share",
                Text("To the limit", "距限值"),
                unit="percentunit",
                decimals=0,
                steps=_SHARE,
                cell=Cell.TEXT,
                width=100,
            ),
            *(Column(measure.metric, measure.label, unit=measure.unit) for measure in of.measures),
        ),
    )


def open_of(of: DeviceClass) -> Panel:
    """Return the table of what is open on the class."""
    return table(
        Head(
            "open incidents",
            Text("Open incidents", "未结事件"),
            Text("Those of this class, the worst first; exercises last.", "本类未结事件，最严重者在前，演练在后。"),
            24,
            7,
        ),
        Sql(sql_of("open_incidents", of)),
        Field("none", Text("nothing is open", "当前无未结事件")),
        (
            *_INCIDENT_COLUMNS,
            Column("open_s", Text("Open for", "已持续"), unit="s", decimals=0, width=100),
            Column("place", Text("Place", "位置"), wraps=True),
            Column("accepted_by", Text("Responsible", "责任人"), width=110),
            Column("condition_holds", Text("Still so", "仍然成立"), width=90),
            Column("exercise", Text("Exercise", "演练"), width=80),
        ),
    )


_INCIDENT_COLUMNS: Final = (
    Column("severity", Text("Severity", "级别"), words=(SEVERITIES,), cell=Cell.BACKGROUND, width=140),
    Column("state", Text("State", "状态"), words=(INCIDENT_STATES,), cell=Cell.TEXT, width=170),
    Column("raised", Text("Raised", "报警时间"), unit="dateTimeAsLocal", width=160),
    Column("name", Text("Rule", "规则"), wraps=True),
    Column("site", None),
    Column("device", Text("Device", "设备"), width=180),
    Column("what", Text("What", "内容"), wraps=True),
    Column("incident_id", Text("Incident", "事件"), links=(incident_drill(),), width=110),
)


def foreseen_of(of: DeviceClass) -> Panel:
    """Return the table of what forecast rules raised on the class."""
    return table(
        Head(
            "foreseen",
            Text("What the rules foresaw", "规则预测事件"),
            Text(
                "Incidents of forecast rules, open or raised in this range: by a trend that wild readings do not "
                "move, with its own window.",
                "预测类规则的事件（未结或时段内发生），其趋势不受异常读数影响，并有自身窗口。",
            ),
            24,
            6,
        ),
        Sql(sql_of("foreseen", of)),
        Field("none", Text("the rules foresee nothing", "规则暂无预测")),
        _INCIDENT_COLUMNS,
    )


def over_time_of(of: DeviceClass) -> Panel:
    """Return how many incidents the class had, over time."""
    return timeseries(
        Head(
            "over time",
            Text("Incidents of the class over time", "本类事件趋势"),
            Text(
                "Alarms and faults of all devices of the class that are chosen at the top, an hour at least together, "
                "exercises left out.",
                "所选范围内本类设备的报警与故障数（至少按小时），不含演练。",
            ),
            24,
            8,
        ),
        Sql(sql_of("over_time", of), Shape.SERIES),
        Field("none", Text("no incident in this range", "时段内无事件"), decimals=0, low=0),
        tuple(Line(name, title=text, colour=COLOURS_OF_CLASS[name]) for name, text in CLASS.items()),
        bars=True,
        stacked=True,
        calcs=("sum",),
    )
