"""One site: the state of every floor, the devices that are not as they should be, what is open and who is on it."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.models import common, dashboard
from grafana_foundation_sdk.models import table as table_models

from alerts.text import Text
from deploy.boards.board import Board, Row
from deploy.boards.field import (
    DEVICE_STATES,
    INCIDENT_STATES,
    KINDS,
    OUTCOMES,
    SEVERITIES,
    Cell,
    Column,
    Field,
    Step,
)
from deploy.boards.link import Drill, board_link, field, incident_drill
from deploy.boards.panel import Head, Panel, made, table
from deploy.boards.query import Sql, sql_beside
from deploy.boards.states import DEVICE_LINK, DEVICE_RANKS, state_columns, state_figures
from deploy.boards.variable import building, grid, site

__all__ = ["BOARD", "SQL", "gateways_down"]

SQL: Final = sql_beside("site")
QUIET: Final = Text("nothing is open", "当前无未结事件")
ACCEPT: Final = (Step(None, "green"), Step(60, "red"))
ARRIVE: Final = (Step(None, "green"), Step(180, "red"))
_DEVICE: Final = Drill(field("board"), DEVICE_LINK, {"site": field("site"), "device": field("name")})
_SEVERITY: Final = Column("severity", Text("Severity", "级别"), words=(SEVERITIES,), cell=Cell.BACKGROUND, width=140)
_STATE: Final = Column("state", Text("State", "状态"), words=(INCIDENT_STATES,), cell=Cell.TEXT, width=170)
_KIND: Final = Column("kind", Text("Class", "类别"), words=(KINDS,), width=130)
_NAME: Final = Column("name", Text("Rule", "规则"), wraps=True)
_INCIDENT: Final = Column("incident_id", Text("Incident", "事件"), links=(incident_drill(),), width=110)
_WHERE: Final = (
    Column("building", Text("Building", "楼栋"), width=90),
    Column("floor", Text("Floor", "楼层"), width=80),
)


def _floors() -> Panel:
    """Return the grid of floors: a row a floor, a column a building, each cell in the colour of its worst device."""
    head = Head(
        "floors",
        Text("Floors and buildings", "楼层与楼栋状态"),
        Text(
            "The worst state of the devices of each floor: a row a floor, a column a building. Red: danger, send "
            "somebody. Purple: a device is silent; orange: one is broken; both leave the floor unguarded: have them "
            "looked at. Elders' watches count only while something is open there.",
            "每行一层、每列一栋，颜色为该层设备的最差状态。红色：险情，须立即派人。紫色：有设备离线；橙色：有设备故障，"
            "该层可能失去监护，须安排检修。老人手表仅在有未结事件时计入。",
        ),
        14,
        14,
    )
    look = Field(
        "none",
        Text("no device with a building here", "此处无已登记楼栋的设备"),
        steps=(Step(None, "transparent"),),
        words=(DEVICE_RANKS,),
    )
    coloured = common.TableColoredBackgroundCellOptions(mode=common.TableCellBackgroundDisplayMode.BASIC)
    names = dashboard.DashboardFieldConfigSourceOverrides(
        dashboard.MatcherConfig("byName", r"floor\building"),
        [
            dashboard.DynamicConfigValue("displayName", "楼层 · Floor"),
            dashboard.DynamicConfigValue("mappings", []),
            dashboard.DynamicConfigValue("custom.cellOptions", common.TableAutoCellOptions()),
            dashboard.DynamicConfigValue("custom.width", 100),
        ],
    )
    return made(
        "table",
        head,
        Sql(SQL["floors"]),
        options=table_models.Options(show_header=True, cell_height=common.TableCellHeight.SM),
        field=look.model(
            dashboard.FieldColorModeId.THRESHOLDS,
            common.TableFieldOptions(
                align=common.FieldTextAlignment.CENTER, cell_options=coloured, filterable=False, inspect=False
            ),
        ),
        overrides=[names],
        transformations=[
            dashboard.DataTransformerConfig(
                "groupingToMatrix",
                options={"columnField": "building", "rowField": "floor", "valueField": "worst", "emptyValue": "null"},
            )
        ],
    )


def gateways_down() -> Panel:
    """Return the table of gateways that are down, which the board of device health shows as well."""
    return table(
        Head(
            "gateways",
            Text("Gateways down", "离线网关"),
            Text(
                "Gateways that are silent or say that they are cut off, with the devices that hang on each and how "
                "many of them are silent by now. Look at power and uplink of the one with most devices first.",
                "无数据或已断开的网关，及其下属设备数和其中已离线数。请先检查下属设备最多的网关的供电与上行链路。",
            ),
            24,
            7,
        ),
        Sql(SQL["gateways_down"]),
        Field("none", Text("every gateway is heard", "网关均在线")),
        (
            Column("site", Text("Site", "社区"), width=120),
            Column("name", Text("Gateway", "网关"), width=160),
            *_WHERE,
            Column("last_heard", Text("Last heard", "最近数据"), unit="dateTimeAsLocal", width=170),
            Column("since", Text("Since", "起始时间"), unit="dateTimeAsLocal", width=170),
            Column("down_s", Text("Down for", "已离线"), unit="s", decimals=0, width=110),
            Column(
                "behind",
                Text("Devices behind", "下属设备"),
                steps=(Step(None, "text"), Step(1, "orange")),
                cell=Cell.TEXT,
                width=110,
            ),
            Column("silent", Text("Of these silent", "其中离线"), width=110),
            _INCIDENT,
        ),
    )


_NOW = Row(
    Text("Now", "当前"),
    (
        state_figures(
            Head(
                "states",
                Text("Devices by state", "设备状态"),
                Text(
                    "How many devices are in each state; of two that hold the worse counts. Anything but “normal” is "
                    "in the list of devices below.",
                    "各状态设备数，取最差状态。非“正常”设备见下方清单。",
                ),
                24,
                4,
            ),
            Sql(SQL["states"]),
        ),
        _floors(),
        table(
            Head(
                "responding",
                Text("Who is on it", "响应人员"),
                Text(
                    "Open incidents that somebody was asked about: who took each up, who was sent, and how long that "
                    "took, or takes so far. Red: over 60 s to accept, or over 3 minutes to arrive: call.",
                    "已通知人员的未结事件：受理人、出动单位、用时（未完成的计至当前）。红色：受理超过 60 秒或到场超过 "
                    "3 分钟，请致电。",
                ),
                10,
                14,
            ),
            Sql(SQL["responding"]),
            Field("none", Text("nobody is being asked", "当前无人被通知")),
            (
                _SEVERITY,
                _NAME,
                Column("place", Text("Place", "位置"), wraps=True),
                _STATE,
                Column("accepted_by", Text("Responsible", "责任人"), width=100),
                Column("station", Text("Sent", "出动单位"), width=100),
                Column(
                    "accept_s",
                    Text("To accept", "受理用时"),
                    unit="s",
                    decimals=0,
                    steps=ACCEPT,
                    cell=Cell.TEXT,
                    width=90,
                ),
                Column(
                    "arrive_s",
                    Text("To arrive", "到场用时"),
                    unit="s",
                    decimals=0,
                    steps=ARRIVE,
                    cell=Cell.TEXT,
                    width=90,
                ),
                Column("asked", Text("Asked", "已通知"), wraps=True),
                _INCIDENT,
            ),
        ),
        table(
            Head(
                "open incidents",
                Text("Open incidents", "未结事件"),
                Text(
                    "The worst and unanswered first; exercises last. Click the id for the whole course.",
                    "最严重且无人受理者在前，演练在后。点击编号查看全过程。",
                ),
                24,
                8,
            ),
            Sql(SQL["open_incidents"]),
            Field("none", QUIET),
            (
                _SEVERITY,
                _STATE,
                Column("raised", Text("Raised", "报警时间"), unit="dateTimeAsLocal", width=160),
                Column("open_s", Text("Open for", "已持续"), unit="s", decimals=0, width=100),
                _KIND,
                _NAME,
                *_WHERE,
                Column("unit_name", Text("Flat", "户室"), width=90),
                Column("what", Text("What", "内容"), wraps=True),
                Column("condition_holds", Text("Still so", "仍然成立"), width=90),
                Column("exercise", Text("Exercise", "演练"), width=80),
                Column("device", Text("Device", "设备"), width=170),
                _INCIDENT,
            ),
        ),
        gateways_down(),
    ),
)

_DEVICES = Row(
    Text("Devices", "设备"),
    (
        table(
            Head(
                "not normal",
                Text("Devices that are not normal", "异常设备清单"),
                Text(
                    "The worst first. Click a name for its readings and limits. “Silent for” counts from its newest "
                    "reading.",
                    "最差者在前。点击名称查看读数与限值。“静默时长”自最近读数计。",
                ),
                16,
                11,
            ),
            Sql(SQL["not_normal"]),
            Field("none", Text("every device is normal", "设备均正常")),
            (
                Column("state", Text("State", "状态"), words=(DEVICE_STATES,), cell=Cell.BACKGROUND, width=150),
                _KIND,
                Column("site", None),
                Column("name", Text("Device", "设备"), links=(_DEVICE,), width=170),
                Column("grid", Text("Grid", "网格"), width=70),
                *_WHERE,
                Column("unit", Text("Flat", "户室"), width=90),
                Column("gateway", Text("Gateway", "网关"), width=130),
                Column("last_heard", Text("Last heard", "最近数据"), unit="dateTimeAsLocal", width=160),
                Column("silent_s", Text("Silent for", "静默时长"), unit="s", decimals=0, width=100),
                Column("board", None),
            ),
        ),
        table(
            Head(
                "by kind",
                Text("Devices by kind and state", "各类设备状态"),
                Text("How many devices of each kind are in each state.", "各类设备在各状态下的数量。"),
                8,
                11,
            ),
            Sql(SQL["states_by_kind"]),
            Field("none", Text("no device here", "此处无设备")),
            (_KIND, *state_columns()),
        ),
    ),
)

_DAY = Row(
    Text("The last 24 hours", "最近 24 小时"),
    (
        table(
            Head(
                "last day",
                Text("Incidents of the last 24 h", "最近 24 小时事件"),
                Text(
                    "Raised within the 24 h before the end of the range shown, with how long it took to accept, to "
                    "arrive and to the end. What was measured of elders is not shown once it is over.",
                    "所选时段结束前 24 小时内的事件及受理、到场、办结用时。老人事件结束后不再显示测量值。",
                ),
                24,
                10,
            ),
            Sql(SQL["last_day"]),
            Field("none", Text("no incident within 24 h", "24 小时内无事件")),
            (
                Column("raised", Text("Raised", "报警时间"), unit="dateTimeAsLocal", width=160),
                _SEVERITY,
                _STATE,
                Column("outcome", Text("Outcome", "结果"), words=(OUTCOMES,), cell=Cell.TEXT, width=130),
                _KIND,
                _NAME,
                *_WHERE,
                Column("unit_name", Text("Flat", "户室"), width=90),
                Column(
                    "accept_s",
                    Text("To accept", "受理用时"),
                    unit="s",
                    decimals=0,
                    steps=ACCEPT,
                    cell=Cell.TEXT,
                    width=90,
                ),
                Column(
                    "arrive_s",
                    Text("To arrive", "到场用时"),
                    unit="s",
                    decimals=0,
                    steps=ARRIVE,
                    cell=Cell.TEXT,
                    width=90,
                ),
                Column("resolve_s", Text("To the end", "办结用时"), unit="s", decimals=0, width=90),
                Column("accepted_by", Text("Responsible", "责任人"), width=100),
                Column("closed_by", Text("Closed by", "办结人"), width=100),
                Column("exercise", Text("Exercise", "演练"), width=80),
                Column("device", Text("Device", "设备"), width=170),
                _INCIDENT,
            ),
        ),
    ),
)

BOARD: Final = Board(
    uid="vigil-site",
    title=Text("Site", "社区"),
    about=Text(
        "The floors of one site, its devices, what is open and who is on it.",
        "单个社区的楼层、设备、未结事件与响应人员。",
    ),
    rows=(_NOW, _DEVICES, _DAY),
    variables=(site(many=False, every=False), grid(), building()),
    links=(
        board_link("vigil-district", Text("District", "全区总览")),
        board_link("vigil-devices", Text("Device health", "设备健康")),
    ),
    since="now-24h",
    refresh="30s",
)
