"""The health of devices: who is silent, whose battery or sensor ends when, what is broken, whose clock is wrong."""

from __future__ import annotations

from typing import Final

from alerts.text import Text
from deploy.boards.board import Board, Row
from deploy.boards.field import DEVICE_STATES, KINDS, SEVERITIES, Cell, Column, Field, Line, Step
from deploy.boards.link import Drill, board_link, field, incident_drill
from deploy.boards.panel import Head, barchart, stat, table, timeseries
from deploy.boards.query import Shape, Sql, sql_beside
from deploy.boards.site import gateways_down
from deploy.boards.variable import building, grid, site
from rules.loader import TIMEZONE

__all__ = ["BOARD", "SQL"]

SQL: Final = {name: text.replace("@timezone", TIMEZONE) for name, text in sql_beside("devices").items()}
BATTERY: Final = (Step(None, "red"), Step(10, "orange"), Step(20, "green"))
"""%; the limits of the shipped rules: nearly empty, low."""
LIFE: Final = (Step(None, "red"), Step(30, "orange"), Step(90, "green"))
"""d; the shipped rule warns at 30."""
_SITE: Final = Drill("vigil-site", Text("Open the site's board", "查看社区"), {"site": field("site")})
_PLACE: Final = (
    Column("site", Text("Site", "社区"), links=(_SITE,), width=120),
    Column("name", Text("Device", "设备"), width=170),
    Column("grid", Text("Grid", "网格"), width=70),
    Column("building", Text("Building", "楼栋"), width=80),
    Column("floor", Text("Floor", "楼层"), width=70),
)
_KIND: Final = Column("kind", Text("Class", "类别"), words=(KINDS,), width=130)
_SEVERITY: Final = Column("severity", Text("Severity", "级别"), words=(SEVERITIES,), cell=Cell.TEXT, width=120)
_INCIDENT: Final = Column("incident_id", Text("Incident", "事件"), links=(incident_drill(),), width=110)
_SAID: Final = Column("said", Text("Said at", "上报时间"), unit="dateTimeAsLocal", width=160)
_UNTIL: Final = Column("until", Text("Expected on", "预计日期"), unit="dateTimeAsLocal", width=160)
_ANY: Final = (Step(None, "green"), Step(1, "orange"))

_NOW = Row(
    Text("Now", "当前"),
    (
        stat(
            Head(
                "counts",
                Text("What needs a round", "待处理设备数"),
                Text(
                    "Devices of which nothing is heard, that are broken, with a battery of 20 % or less, with a "
                    "sensor that ends within 90 days, whose newest time cannot be, and that are heard but in no "
                    "ledger. Each has a table below.",
                    "离线、故障、电量不高于 20 %、传感器 90 天内到期、时间异常及未登记的设备数，明细见下方各表。",
                ),
                24,
                4,
            ),
            Sql(SQL["counts"]),
            Field("none", decimals=0, steps=_ANY),
            (
                Line("silent", Text("Silent", "离线")),
                Line("faulty", Text("Broken", "故障")),
                Line("batteries_low", Text("Batteries low", "电量低")),
                Line("lives_ending", Text("Sensors ending", "即将到期")),
                Line("clocks_wrong", Text("Clocks wrong", "时间异常")),
                Line("strangers", Text("Not in the ledger", "未登记")),
            ),
            named=True,
            values="/.*/",
        ),
        table(
            Head(
                "silent",
                Text("Silent devices", "离线设备"),
                Text(
                    "Nothing is heard of them, the longest first. Many of one gateway or one building: look at power "
                    "and network there. One alone: have it looked at; a silent detector guards nobody.",
                    "无数据的设备，时间最长者在前。同一网关或楼栋多台离线：检查供电与网络；单台离线：派人检查，离线探"
                    "测器不起保护作用。",
                ),
                24,
                9,
            ),
            Sql(SQL["silent"]),
            Field("none", Text("every device is heard", "设备均在线")),
            (
                _SEVERITY,
                _KIND,
                *_PLACE,
                Column("unit", Text("Flat", "户室"), width=90),
                Column("gateway", Text("Gateway", "网关"), width=130),
                Column("last_heard", Text("Last heard", "最近数据"), unit="dateTimeAsLocal", width=160),
                Column("silent_s", Text("Silent for", "静默时长"), unit="s", decimals=0, width=110),
                _INCIDENT,
            ),
        ),
        gateways_down(),
        table(
            Head(
                "faults",
                Text("Faults", "设备故障"),
                Text(
                    "What devices or the rules say is wrong with them, apart from silence, and that is so still. "
                    "Click the id; somebody of maintenance accepts it.",
                    "设备自报或规则判定的故障（不含离线），仍然成立的。点击编号，由维护人员受理。",
                ),
                24,
                8,
            ),
            Sql(SQL["faults"]),
            Field("none", Text("no device is broken", "无故障设备")),
            (
                _SEVERITY,
                Column("raised", Text("Raised", "报警时间"), unit="dateTimeAsLocal", width=160),
                _KIND,
                Column("name", Text("Rule", "规则"), wraps=True),
                Column("site", Text("Site", "社区"), links=(_SITE,), width=120),
                Column("device", Text("Device", "设备"), width=200),
                Column("building", Text("Building", "楼栋"), width=80),
                Column("floor", Text("Floor", "楼层"), width=70),
                Column("unit_name", Text("Flat", "户室"), width=90),
                Column("what", Text("What", "内容"), wraps=True),
                Column("accepted_by", Text("Responsible", "责任人"), width=110),
                _INCIDENT,
            ),
        ),
    ),
)

_ENDS = Row(
    Text("Batteries and ends of life", "电池与寿命"),
    (
        table(
            Head(
                "batteries",
                Text("Lowest batteries", "电量最低设备"),
                Text(
                    "The 200 lowest. The trend is of 30 days since the battery was last changed; “expected on” is "
                    "when it meets the next limit below, or 0 %. Empty: it does not fall, or there are fewer than "
                    "four days of it. Change those of one building in one round.",
                    "电量最低的 200 台。趋势为自上次更换电池以来 30 天内的日变化；“预计日期”为降至下一限值（或 0 %）之"
                    "日，为空表示未下降或不足四天数据。请按楼栋集中更换。",
                ),
                16,
                11,
            ),
            Sql(SQL["batteries"]),
            Field("none", Text("no device says its battery", "无设备上报电量")),
            (
                Column(
                    "value",
                    Text("Battery", "电量"),
                    unit="percent",
                    decimals=0,
                    steps=BATTERY,
                    cell=Cell.BACKGROUND,
                    width=90,
                ),
                _KIND,
                *_PLACE,
                _SAID,
                Column("a_day", Text("A day", "日变化"), unit="percent", decimals=2, width=90),
                Column("limit_first", Text("Warns at", "预警值"), unit="percent", width=90),
                Column("limit_value", Text("Next limit", "下一限值"), unit="percent", width=90),
                _UNTIL,
            ),
        ),
        barchart(
            Head(
                "battery bands",
                Text("Batteries by class", "各类设备电量分布"),
                Text(
                    "How many devices of each class have how much left. Red and orange are for the next round.",
                    "各类设备的剩余电量分布。红色、橙色应纳入下次巡检。",
                ),
                8,
                11,
            ),
            Sql(SQL["battery_bands"]),
            Field("none", Text("no device says its battery", "无设备上报电量"), decimals=0),
            (
                Line("empty", Text("up to 10 %", "不高于 10 %"), "red"),
                Line("low", Text("up to 20 %", "不高于 20 %"), "orange"),
                Line("half", Text("up to 50 %", "不高于 50 %"), "yellow"),
                Line("full", Text("above 50 %", "高于 50 %"), "green"),
            ),
            x="kind",
            stacked=True,
            lying=True,
        ),
        table(
            Head(
                "lives",
                Text("Sensors near their end", "即将到期的传感器"),
                Text(
                    "Sensors that wear out and say how many days are left, half a year or less. Below 30 days: "
                    "replace it now.",
                    "自报剩余寿命不超过半年的传感器。不足 30 天应立即更换。",
                ),
                24,
                8,
            ),
            Sql(SQL["lives"]),
            Field("none", Text("none ends within half a year", "半年内无到期设备")),
            (
                Column(
                    "value",
                    Text("Left", "剩余"),
                    unit="suffix: d",
                    decimals=0,
                    steps=LIFE,
                    cell=Cell.BACKGROUND,
                    width=90,
                ),
                _KIND,
                *_PLACE,
                _SAID,
                _UNTIL,
            ),
        ),
    ),
)

_DATA = Row(
    Text("Clocks, strangers, and what was lost", "时间、未登记与数据缺失"),
    (
        table(
            Head(
                "clocks",
                Text("Wrong clocks and late data", "时间异常与迟到数据"),
                Text(
                    "By the newest reading of each channel. Ahead: the device's time was too far in the future; "
                    "missing: it gave none, or none that can be; in both cases the time of arrival was taken. Late: "
                    "it came after a newer one, as after a time without network. Set the clock, or the time server of "
                    "the gateway.",
                    "依据各通道最近读数。“超前”：设备时间过于超前；“缺失”：无有效时间；二者均以到达时间代替。“迟到”："
                    "晚于更新的读数到达，常见于断网恢复后。请校准设备时钟或网关时间服务器。",
                ),
                14,
                9,
            ),
            Sql(SQL["clocks"]),
            Field("none", Text("every clock is right", "时间均正常")),
            (
                _KIND,
                *_PLACE[:4],
                Column("ahead", Text("Ahead", "超前"), width=80),
                Column("missing", Text("Missing", "缺失"), width=80),
                Column("late", Text("Late", "迟到"), width=80),
                Column("channels", Text("Channels", "通道数"), width=80),
                _SAID,
            ),
        ),
        table(
            Head(
                "strangers",
                Text("Heard, and in no ledger", "未登记设备"),
                Text(
                    "Devices that send and that nobody registered. Their alarms are told all the same; their readings "
                    "do not count until they are in the ledger. Register them, or find out who sends.",
                    "正在上报但未登记的设备。其报警照常通知，读数在登记前不参与判断。请补录台账或查明来源。",
                ),
                10,
                9,
            ),
            Sql(SQL["strangers"]),
            Field("none", Text("every device is in the ledger", "设备均已登记")),
            (
                Column("site", Text("Site", "社区"), width=120),
                Column("name", Text("Device", "设备"), width=160),
                Column("last_heard", Text("Last heard", "最近数据"), unit="dateTimeAsLocal", width=160),
                Column("state", Text("State", "状态"), words=(DEVICE_STATES,), cell=Cell.TEXT, width=150),
                Column("metrics", Text("Metrics", "指标数"), width=80),
                Column("said", Text("It says", "上报指标"), wraps=True),
            ),
        ),
        table(
            Head(
                "quarantine",
                Text("Set aside, by reason", "隔离数据（按原因）"),
                Text(
                    "Messages that could not be read or stored, since this database was made. Orange: some within the "
                    "last day; `vigil quarantine list` shows samples.",
                    "自建库以来无法解析或入库的消息数。橙色为最近一天内新增。",
                ),
                10,
                8,
            ),
            Sql(SQL["quarantine"]),
            Field("none", Text("nothing was set aside", "无隔离数据")),
            (
                Column("reason", Text("Reason", "原因")),
                Column("count", Text("Messages", "消息数"), width=110),
                Column("last", Text("Last", "最近"), unit="dateTimeAsLocal", width=170),
                Column("fresh", Text("Within a day", "一天内"), width=110),
            ),
        ),
        table(
            Head(
                "gaps",
                Text("Gaps", "数据缺口"),
                Text(
                    "Stretches that the journal lost, and why. There should be none: see the handbook on a full or "
                    "broken disk.",
                    "日志丢失的区段及原因。正常应为空：请参阅手册中磁盘已满或损坏的处理。",
                ),
                14,
                8,
            ),
            Sql(SQL["gaps"]),
            Field("none", Text("nothing was lost", "无数据缺口")),
            (
                Column("noted", Text("Noted", "发现时间"), unit="dateTimeAsLocal", width=160),
                Column("reason", Text("Reason", "原因"), wraps=True),
                Column("lane", Text("Lane", "通道"), width=100),
                Column("records", Text("Records", "记录数"), width=90),
                Column("readings", Text("Readings", "读数"), width=90),
                Column("first_time", Text("From", "起"), unit="dateTimeAsLocal", width=160),
                Column("last_time", Text("To", "止"), unit="dateTimeAsLocal", width=160),
            ),
        ),
    ),
)

_DAYS = Row(
    Text("Over days", "按日趋势"),
    (
        timeseries(
            Head(
                "per day",
                Text("Troubles per day", "每日设备问题"),
                Text(
                    "Incidents about devices themselves. A jump in silence points at network or power, one in faults "
                    "at weather or a batch of devices.",
                    "设备自身问题每日新增数。离线突增多为网络或供电问题；故障突增多为天气或批次问题。",
                ),
                12,
                9,
            ),
            Sql(SQL["troubles_per_day"], Shape.SERIES),
            Field("none", Text("no trouble in this range", "时段内无设备问题"), decimals=0, low=0),
            (
                Line("silent", Text("Silent", "离线"), "purple"),
                Line("batteries", Text("Batteries and lives", "电池与寿命"), "yellow"),
                Line("faults", Text("Faults", "故障"), "orange"),
            ),
            bars=True,
            stacked=True,
            calcs=("sum",),
        ),
        table(
            Head(
                "never heard",
                Text("In the ledger, and never heard", "已登记但从未上报"),
                Text(
                    "Not installed, not switched on, or under another name: compare with the list of devices not in "
                    "the ledger.",
                    "未安装、未通电或名称不符：请与未登记设备对照。",
                ),
                12,
                9,
            ),
            Sql(SQL["never_heard"]),
            Field("none", Text("every device has been heard", "设备均已上报过")),
            (
                _KIND,
                *_PLACE,
                Column("unit", Text("Flat", "户室"), width=90),
                Column("gateway", Text("Gateway", "网关"), width=120),
                Column("lifecycle", Text("Life", "阶段"), width=100),
            ),
        ),
    ),
)

BOARD: Final = Board(
    uid="vigil-devices",
    title=Text("Device health", "设备健康"),
    about=Text(
        "Silent devices, batteries, faults, clocks, strangers, and what was lost on the way.",
        "离线、电池、故障、时间、未登记设备与数据缺失。",
    ),
    rows=(_NOW, _ENDS, _DATA, _DAYS),
    variables=(site(), grid(), building()),
    links=(
        board_link("vigil-district", Text("District", "全区总览")),
        board_link("vigil-service", Text("Service", "服务健康")),
    ),
    since="now-30d",
    refresh="1m",
)
