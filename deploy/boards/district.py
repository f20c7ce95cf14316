"""The whole district: where something is open and for how long, how fast people were there, how devices are."""

from __future__ import annotations

from typing import Final

from alerts.text import Text
from deploy.boards.board import Board, Row
from deploy.boards.field import INCIDENT_STATES, KINDS, SEVERITIES, Cell, Column, Field, Line, Step, mapping
from deploy.boards.link import Drill, board_link, field, incident_drill
from deploy.boards.map import geomap
from deploy.boards.panel import Head, barchart, stat, table, timeseries
from deploy.boards.query import Shape, Sql, sql_beside
from deploy.boards.states import state_columns
from deploy.boards.variable import site
from deploy.boards.words import CLASS, KIND, SEVERITY
from rules.loader import TIMEZONE
from rules.model import Severity

__all__ = ["BOARD", "COLOURS_OF_CLASS", "SQL"]

SQL: Final = {name: text.replace("@timezone", TIMEZONE) for name, text in sql_beside("district").items()}
"""A database keeps no time zone: days are those of the rules, whose zone is `TIMEZONE` unless a file says otherwise."""
QUIET: Final = Text("nothing is open", "当前无未结事件")
COLOURS_OF_CLASS: Final = {"life-safety": "red", "property": "orange", "supervisory": "yellow", "trouble": "blue"}
_COLOURS: Final = {"emergency": "dark-red", "alarm": "red", "warning": "orange", "advisory": "yellow"}
_WORST: Final = mapping(
    {**{severity: SEVERITY[severity] for severity in reversed(Severity)}, "none": Text("Nothing open", "无未结事件")},
    {**_COLOURS, "none": "green"},
)
_SITE: Final = Drill("vigil-site", Text("Open the site's board", "查看社区"), {"site": field("site")})
_SHARE: Final = (Step(None, "red"), Step(0.8, "orange"), Step(0.95, "green"))

_NOW = Row(
    Text("Now", "当前"),
    (
        stat(
            Head(
                "open",
                Text("Open incidents", "未结事件"),
                Text(
                    "Open incidents that are no exercise; how many are of severity alarm or emergency; how many of "
                    "those nobody has taken up, and the longest that one of them has waited. Red: somebody must "
                    "answer now; open the table below and call the duty desk.",
                    "未结的真实事件数；其中报警与紧急级别数；其中无人受理数及最长等待时间。红色：须立即有人应答，请查"
                    "看下表并致电值班台。",
                ),
                24,
                4,
            ),
            Sql(SQL["open_now"]),
            Field("none", QUIET, decimals=0),
            (
                Line("open", Text("Open", "未结"), steps=(Step(None, "green"), Step(1, "yellow"))),
                Line("grave", Text("Alarm or emergency", "报警与紧急"), steps=(Step(None, "green"), Step(1, "orange"))),
                Line(
                    "unanswered",
                    Text("Of these unanswered", "其中无人受理"),
                    steps=(Step(None, "green"), Step(1, "red")),
                ),
                Line(
                    "longest_s",
                    Text("Longest wait", "最长等待"),
                    unit="s",
                    steps=(Step(None, "green"), Step(30, "orange"), Step(60, "red")),
                ),
            ),
            named=True,
            values="/.*/",
        ),
        geomap(
            Head(
                "sites",
                Text("Sites", "社区分布"),
                Text(
                    "Each site at the middle of its devices, in the colour of its worst open incident, the larger the "
                    "more are open. Green: nothing is open. A site whose devices have no coordinates is not on the "
                    "map, but in the table of devices below. Click a dot to open the site.",
                    "各社区位于其设备坐标中心；颜色为最严重未结事件级别，圆点越大未结事件越多，绿色为无未结事件。设备"
                    "无坐标的社区不在图上，见下方设备表。点击圆点查看社区。",
                ),
                12,
                13,
            ),
            Sql(SQL["sites_on_map"]),
            Field("none", Text("no device has coordinates", "设备均无坐标")),
            (
                Column("site", Text("Site", "社区"), links=(_SITE,)),
                Column("worst", Text("Worst", "最严重级别"), words=(_WORST,)),
                Column("incidents", Text("Open incidents", "未结事件")),
                Column("devices", Text("Devices with coordinates", "有坐标设备")),
            ),
            layer=Text("Sites", "社区"),
            colour_by="worst",
            size_by="incidents",
            label_by="site",
        ),
        geomap(
            Head(
                "incidents map",
                Text("Open incidents on the map", "未结事件分布"),
                Text(
                    "Open incidents whose device has coordinates, in the colour of their severity. An elder's place "
                    "shows only while an incident of that elder is open. Click a dot to open the incident.",
                    "有坐标设备的未结事件，颜色为级别。老人位置仅在其事件未结期间显示。点击圆点查看事件。",
                ),
                12,
                13,
            ),
            Sql(SQL["incidents_on_map"]),
            Field("none", QUIET),
            (
                Column("incident_id", Text("Incident", "事件"), links=(incident_drill(),)),
                Column("worst", Text("Severity", "级别"), words=(SEVERITIES,)),
                Column("name", Text("What", "内容")),
                Column("place", Text("Place", "位置")),
                Column("state", Text("State", "状态"), words=(INCIDENT_STATES,)),
                Column("raised", Text("Raised", "报警时间")),
                Column("site", Text("Site", "社区"), links=(_SITE,)),
            ),
            layer=Text("Incidents", "事件"),
            colour_by="worst",
        ),
        barchart(
            Head(
                "ages",
                Text("Open, by age and severity", "未结事件：时长与级别"),
                Text(
                    "How long the open incidents have been open. Red bars right of “1–3 min” were not over within the "
                    "three minutes in which somebody should have been there.",
                    "未结事件已持续时长。“1–3 min”右侧的红色柱表示已超过三分钟到场时限。",
                ),
                10,
                9,
            ),
            Sql(SQL["open_by_age"]),
            Field("none", QUIET, decimals=0),
            tuple(
                Line(severity, title=SEVERITY[severity], colour=_COLOURS[severity]) for severity in reversed(Severity)
            ),
            x="age",
            stacked=True,
        ),
        stat(
            Head(
                "in time",
                Text("In time, dangers to life", "生命安全事件及时率"),
                Text(
                    "Of the dangers to life (alarm, emergency) raised within the range: the share accepted within 60 "
                    "s, and the share with somebody there within 3 minutes. Below 95 % orange, below 80 % red: see "
                    "the board of responses.",
                    "所选时段内生命安全类（报警、紧急）事件：60 秒内受理、3 分钟内到场的比例。低于 95 % 橙色，低于 80 "
                    "% 红色：请查看响应绩效看板。",
                ),
                4,
                9,
            ),
            Sql(SQL["in_time"]),
            Field(
                "percentunit", Text("no danger to life in this range", "时段内无生命安全事件"), steps=_SHARE, decimals=1
            ),
            (
                Line("accepted", Text("Accepted within 60 s", "60 秒内受理")),
                Line("arrived", Text("There within 3 min", "3 分钟内到场")),
            ),
            named=True,
            values="/.*/",
        ),
        timeseries(
            Head(
                "response times",
                Text("Response times, dangers to life", "生命安全事件响应用时"),
                Text(
                    "By when they were raised, an hour at least together: the median and the slowest tenth of the "
                    "times from raising to acceptance and to arrival. The dashed lines are the 60 s to accept and the "
                    "180 s to arrive.",
                    "按报警时间（至少每小时）统计从报警到受理、到场的中位数与最慢十分之一。虚线为 60 秒受理与 180 秒到"
                    "场时限。",
                ),
                10,
                9,
            ),
            Sql(SQL["response_times"], Shape.SERIES),
            Field(
                "s",
                Text("no danger to life was answered in this range", "时段内无已受理的生命安全事件"),
                steps=(Step(None, "transparent"), Step(60, "orange"), Step(180, "red")),
                low=0,
            ),
            (
                Line("accept_median", Text("Accept, median", "受理中位数"), "light-blue"),
                Line("accept_p90", Text("Accept, 9 in 10", "受理 90 分位"), "blue"),
                Line("arrive_median", Text("Arrive, median", "到场中位数"), "light-purple"),
                Line("arrive_p90", Text("Arrive, 9 in 10", "到场 90 分位"), "purple"),
            ),
            points=True,
            limits=True,
        ),
        table(
            Head(
                "open incidents",
                Text("Open incidents", "未结事件列表"),
                Text(
                    "The worst and unanswered first; exercises last. Click the id to see who was told and what was "
                    "measured; click the site for its floors.",
                    "最严重且无人受理者在前，演练在后。点击编号查看通知与测量值，点击社区查看楼层。",
                ),
                24,
                10,
            ),
            Sql(SQL["open_incidents"]),
            Field("none", QUIET),
            (
                Column("severity", Text("Severity", "级别"), words=(SEVERITIES,), cell=Cell.BACKGROUND, width=140),
                Column("state", Text("State", "状态"), words=(INCIDENT_STATES,), cell=Cell.TEXT, width=170),
                Column("raised", Text("Raised", "报警时间"), unit="dateTimeAsLocal", width=160),
                Column("open_s", Text("Open for", "已持续"), unit="s", decimals=0, width=110),
                Column("kind", Text("Class", "类别"), words=(KINDS,), width=130),
                Column("name", Text("Rule", "规则"), wraps=True),
                Column("site", Text("Site", "社区"), links=(_SITE,), width=110),
                Column("grid", Text("Grid", "网格"), width=80),
                Column("place", Text("Place", "位置"), wraps=True),
                Column("what", Text("What", "内容"), wraps=True),
                Column("accepted_by", Text("Responsible", "责任人"), width=110),
                Column("station", Text("Sent", "出动单位"), width=110),
                Column("condition_holds", Text("Still so", "仍然成立"), width=90),
                Column("exercise", Text("Exercise", "演练"), width=90),
                Column("incident_id", Text("Incident", "事件"), links=(incident_drill(),), width=110),
            ),
        ),
    ),
)

_DAYS = Row(
    Text("Over days", "按日趋势"),
    (
        timeseries(
            Head(
                "per day by class",
                Text("Incidents per day, by what is at stake", "每日事件（按危害类别）"),
                Text(
                    "Incidents raised on each day, exercises left out. A day far above its neighbours is worth a look "
                    "at the board of its class.",
                    "每日报警事件数，不含演练。某日明显偏高时，请查看对应类别看板。",
                ),
                12,
                9,
            ),
            Sql(SQL["per_day_by_class"], Shape.SERIES),
            Field("none", Text("no incident in this range", "时段内无事件"), decimals=0, low=0),
            tuple(Line(name, title=text, colour=COLOURS_OF_CLASS[name]) for name, text in CLASS.items()),
            bars=True,
            stacked=True,
            calcs=("sum",),
        ),
        timeseries(
            Head(
                "per day by kind",
                Text("Incidents per day, by kind of device", "每日事件（按设备类别）"),
                Text("The same incidents by the kind of device that raised them.", "同样的事件，按设备类别统计。"),
                12,
                9,
            ),
            Sql(SQL["per_day_by_kind"], Shape.SERIES),
            Field("none", Text("no incident in this range", "时段内无事件"), decimals=0, low=0),
            tuple(Line(kind, title=text) for kind, text in KIND.items()),
            bars=True,
            stacked=True,
            calcs=("sum",),
        ),
    ),
)

_DEVICES = Row(
    Text("Devices", "设备"),
    (
        table(
            Head(
                "devices",
                Text("Devices by state, a row a site", "各社区设备状态"),
                Text(
                    "The worst state of each device. Purple: nothing is heard of it; orange: it is broken. Click a "
                    "site for its list of devices; the board of device health has the reasons.",
                    "各设备的最差状态。紫色为离线，橙色为故障。点击社区查看设备清单，原因见设备健康看板。",
                ),
                24,
                10,
            ),
            Sql(SQL["devices_by_state"]),
            Field("none", Text("no device is in the ledger", "台账中无设备")),
            (
                Column("site", Text("Site", "社区"), links=(_SITE,)),
                Column("devices", Text("Devices", "设备数"), width=100),
                *state_columns(),
                Column(
                    "normal_share",
                    Text("Normal", "正常率"),
                    unit="percentunit",
                    decimals=1,
                    steps=_SHARE,
                    cell=Cell.TEXT,
                ),
            ),
        ),
    ),
)

BOARD: Final = Board(
    uid="vigil-district",
    title=Text("District", "全区总览"),
    about=Text(
        "What is open in the whole district, how fast people were there, and how the devices are.",
        "全区未结事件、响应用时与设备状态。",
    ),
    rows=(_NOW, _DAYS, _DEVICES),
    variables=(site(),),
    links=(
        board_link("vigil-response", Text("Responses", "响应绩效")),
        board_link("vigil-devices", Text("Device health", "设备健康")),
    ),
    since="now-30d",
    refresh="30s",
)
