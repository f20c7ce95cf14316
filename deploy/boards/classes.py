"""A board for each class of devices, all six from one table: readings and limits, rate, what is usual, forecast."""

from __future__ import annotations

from typing import Final

from alerts.text import Text
from deploy.boards.board import Board, Row
from deploy.boards.class_panels import (
    flags_of,
    forecast_of,
    foreseen_of,
    members_of,
    open_of,
    over_time_of,
    rate_of,
    readings_of,
    usual_of,
)
from deploy.boards.device_class import DeviceClass, Measure, Rate, sql_of
from deploy.boards.link import board_link
from deploy.boards.panel import Head
from deploy.boards.query import Sql
from deploy.boards.states import state_figures
from deploy.boards.variable import building, device, grid, site

__all__ = ["BOARDS", "CLASSES", "board"]

_BATTERY: Final = "battery_pct"
CLASSES: Final = (
    DeviceClass(
        "vigil-smoke",
        Text("Smoke detectors", "烟感"),
        Text(
            "Red is a fire until somebody has seen that it is none: send the station. A density that creeps up for "
            "weeks is dirt: have the chamber cleaned.",
            "红色即按火警处置，立即派人核实。烟雾浓度数周缓慢上升为积灰，须清洁迷宫。",
        ),
        ("smoke",),
        (
            Measure("smoke", "density_db_m", Rate("d", 86_400), usual=True),
            Measure("smoke", "density_pct"),
            Measure("smoke", _BATTERY, Rate("d", 86_400), forecast=True),
        ),
        "now-7d",
    ),
    DeviceClass(
        "vigil-gas",
        Text("Gas and carbon monoxide", "燃气与一氧化碳"),
        Text(
            "Above a red line: nobody switches anything, windows open, people out, valve shut, send the station. "
            "Above what is usual but below every line: a small leak; have it looked for today.",
            "超过红线：严禁开关电器，开窗、撤人、关阀并派站。高于常值但未超限：疑似微漏，当日安排排查。",
        ),
        ("gas", "co"),
        (
            Measure("gas", "gas_lel", Rate("min", 60), usual=True),
            Measure("co", "co_ppm", Rate("min", 60), usual=True),
            Measure("gas", "life_left_d", forecast=True),
            Measure("co", _BATTERY, Rate("d", 86_400), forecast=True),
        ),
        "now-6h",
    ),
    DeviceClass(
        "vigil-hydrant",
        Text("Hydrants", "消火栓"),
        Text(
            "Below the lower red line a hose has no water: tell the stations which hydrants not to count on, and the "
            "water company. A sudden fall of several is a burst main.",
            "低于下方红线表示无法灭火供水：通知各站避用并联系供水公司。多个同时骤降疑似主管爆裂。",
        ),
        ("hydrant", "hydrant_indoor"),
        (
            Measure("hydrant", "pressure_mpa", Rate("h", 300), usual=True, forecast=True),
            Measure("hydrant", "loop_ma"),
            Measure("hydrant", _BATTERY, Rate("d", 86_400), forecast=True),
        ),
        "now-24h",
    ),
    DeviceClass(
        "vigil-tank",
        Text("Fire-water tanks", "消防水箱"),
        Text(
            "Falling towards a line: find the leak or the open valve before the forecast is reached. Far above 100 %: "
            "it will overflow.",
            "液位向限值下降：在预计时间之前查明渗漏或阀门开启。明显高于 100 %：即将溢流。",
        ),
        ("tank",),
        (
            Measure("tank", "level_pct", Rate("h", 3600), usual=True, forecast=True),
            Measure("tank", "level_m"),
            Measure("tank", "loop_ma"),
            Measure("tank", _BATTERY, Rate("d", 86_400), forecast=True),
        ),
        "now-24h",
    ),
    DeviceClass(
        "vigil-watch",
        Text("Elder watches", "老人手表"),
        Text(
            "An elder's readings and place are shown only while an incident of that elder is open, and from half an "
            "hour before it began. SOS or a fall: call, then send. Silent or not worn: look after the wearer.",
            "老人的读数与位置仅在其事件未结期间显示，自事件发生前半小时起。SOS 或跌倒：先致电后派人。失联或未佩戴：上"
            "门探视。",
        ),
        ("watch",),
        (
            Measure("watch", "heart_rate", usual=True),
            Measure("watch", "spo2_pct"),
            Measure("watch", "systolic_mmhg"),
            Measure("watch", "diastolic_mmhg"),
            Measure("watch", "body_temp_c"),
            Measure("watch", "steps", Rate("h", 3600)),
            Measure("watch", _BATTERY, Rate("d", 86_400), forecast=True),
        ),
        "now-6h",
        Text("shown only while an incident of this elder is open", "仅在该老人的事件未结期间显示"),
    ),
    DeviceClass(
        "vigil-tilt",
        Text("Tilt", "倾斜"),
        Text(
            "Beyond a red line the wall or pole has moved: keep people away and send an engineer. A trend that goes "
            "on for weeks is a matter for a survey.",
            "超过红线表示墙体或构件已位移：疏散周边并派工程人员。持续数周的趋势应安排测量。",
        ),
        ("tilt",),
        (
            Measure("tilt", "tilt_x_deg", Rate("d", 3600), usual=True, forecast=True),
            Measure("tilt", "tilt_y_deg", Rate("d", 3600), usual=True, forecast=True),
            Measure("tilt", "tilt_z_deg"),
            Measure("tilt", "temperature_c", usual=True),
            Measure("tilt", _BATTERY, Rate("d", 86_400), forecast=True),
        ),
        "now-7d",
    ),
)


def board(of: DeviceClass) -> Board:
    """Return the board of a class."""
    forecast = [panel for measure in of.measures if measure.forecast for panel in forecast_of(of, measure)]
    judged = [rate_of(of, measure, measure.rate) for measure in of.measures if measure.rate is not None]
    judged += [usual_of(of, measure) for measure in of.measures if measure.usual]
    states = state_figures(
        Head(
            "states",
            Text("Devices by state", "设备状态"),
            Text(
                "Devices of the class in each state; the worst that holds counts.", "本类设备各状态数量，取最差状态。"
            ),
            24,
            4,
        ),
        Sql(sql_of("states", of)),
    )
    return Board(
        uid=of.uid,
        title=of.title,
        about=of.watch_for,
        rows=(
            Row(Text("The class now", "本类当前"), (states, open_of(of), members_of(of))),
            Row(
                Text("Device $device: readings and limits", "设备 $device：读数与限值"),
                (*(readings_of(of, measure) for measure in of.measures), flags_of(of)),
            ),
            Row(Text("Device $device: rate, and what is usual", "设备 $device：变化速率与常值"), tuple(judged)),
            Row(Text("Device $device: forecast", "设备 $device：预测"), (*forecast, foreseen_of(of))),
            Row(Text("Over time", "趋势"), (over_time_of(of),)),
        ),
        variables=(site(many=False, every=False), grid(), building(), device(of.kinds)),
        links=(
            board_link("vigil-site", Text("Site", "社区")),
            board_link("vigil-devices", Text("Device health", "设备健康")),
        ),
        since=of.since,
        incidents=True,
    )


BOARDS: Final = tuple(board(one) for one in CLASSES)
