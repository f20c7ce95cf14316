"""Service health: whether Vigil itself does what it promises, stage by stage, as Prometheus sees it."""

from __future__ import annotations

from typing import Final

from alerts.text import Text
from deploy.boards.board import Board, Row
from deploy.boards.field import Cell, Column, Field, Step, mapping
from deploy.boards.panel import Head, heatmap, table
from deploy.boards.query import Prom, Shape
from deploy.boards.service_panels import BAD_ONE, DOWN, GOOD_ONE, YES_NO, course, figure
from deploy.boards.service_path import DELIVERY, INGEST, STAGES
from deploy.boards.service_store import PROCESS, STORAGE

__all__ = ["BOARD"]

_SEVERITY: Final = mapping(
    {"critical": Text("Critical", "严重"), "warning": Text("Warning", "警告"), "none": Text("Heartbeat", "心跳")},
    {"critical": "red", "warning": "orange", "none": "text"},
)

NOW = Row(
    Text("Now", "当前"),
    (
        figure(
            "up",
            Text("Vigil answers", "Vigil 在线"),
            Text(
                "No: no alarm reaches anybody. `systemctl status vigil`.",
                "否：任何报警都无法送达。请执行 `systemctl status vigil`。",
            ),
            'min(up{job="vigil"})',
            Field("none", DOWN, GOOD_ONE, (YES_NO,)),
        ),
        figure(
            "brokers",
            Text("Broker sessions", "消息代理会话"),
            Text(
                "Two: one for alarms, one for telemetry. Fewer: is the broker up?",
                "应为 2：报警与遥测各一。不足时请检查消息代理。",
            ),
            "sum(vigil_ingest_session_connected)",
            Field("none", DOWN, (Step(None, "red"), Step(1, "orange"), Step(2, "green"))),
        ),
        figure(
            "database",
            Text("Database answers", "数据库在线"),
            Text("No: alarms go on, the journal keeps the rest.", "否：报警照常，其余暂存于日志。"),
            "min(vigil_archive_database_up)",
            Field("none", DOWN, GOOD_ONE, (YES_NO,)),
        ),
        figure(
            "unanswered",
            Text("Oldest unanswered", "最久未应答"),
            Text(
                "The oldest open incident about lives or property that nobody has answered. Over 5 minutes: phone.",
                "最久无人应答的生命或财产事件。超过 5 分钟请电话联系。",
            ),
            'max(vigil_alerts_unanswered_seconds{class=~"life-safety|property"})',
            Field("s", DOWN, (Step(None, "green"), Step(60, "orange"), Step(300, "red")), decimals=0),
        ),
        figure(
            "synthetic",
            Text("Own alarm came through", "自检报警距今"),
            Text(
                "Since Vigil's own alarm last went the whole way, from broker to delivery. Over 11 minutes: the "
                "way is broken.",
                "距上次自检报警走完全程。超过 11 分钟说明链路中断。",
            ),
            "max(vigil_synthetic_age_seconds)",
            Field("s", DOWN, (Step(None, "green"), Step(400, "yellow"), Step(660, "red")), decimals=0),
        ),
        figure(
            "firing",
            Text("Alerts firing", "触发中的告警"),
            Text(
                "Of Prometheus; what each means is in docs/operations.md.",
                "Prometheus 告警；含义见 docs/operations.md。",
            ),
            'count(ALERTS{alertstate="firing", alertname!="VigilWatchdog"}) or vector(0)',
            Field("none", DOWN, BAD_ONE),
        ),
        table(
            Head(
                "alerts",
                Text("Alerts firing or pending", "触发与待触发告警"),
                Text("Pending: it holds, and not for long enough yet.", "待触发：条件成立但时间未到。"),
                16,
                8,
            ),
            Prom('ALERTS{alertname!="VigilWatchdog"}', instant=True, shape=Shape.TABLE),
            Field("none", Text("no alert", "无告警")),
            (
                Column("alertname", Text("Alert", "告警"), width=240),
                Column(
                    "alertstate",
                    Text("State", "状态"),
                    words=(
                        mapping(
                            {"firing": Text("Firing", "触发"), "pending": Text("Pending", "待触发")},
                            {"firing": "red", "pending": "orange"},
                        ),
                    ),
                    cell=Cell.TEXT,
                ),
                Column("severity", Text("Severity", "级别"), words=(_SEVERITY,), cell=Cell.TEXT),
                Column("channel", Text("Channel", "渠道")),
                Column("session", Text("Session", "会话")),
                Column("instance", Text("Where", "实例")),
                Column("Time", None),
                Column("Value", None),
                Column("__name__", None),
                Column("job", None),
            ),
        ),
        table(
            Head(
                "build",
                Text("What runs", "运行版本"),
                Text("Version, Python, and since when.", "版本、Python 与启动时间。"),
                8,
                8,
            ),
            (
                Prom(
                    "vigil_build_info * on (instance, job) group_left () (vigil_start_time_seconds * 1000)",
                    instant=True,
                    shape=Shape.TABLE,
                ),
            ),
            Field("none", DOWN),
            (
                Column("version", Text("Version", "版本")),
                Column("python", Text("Python", "Python 版本")),
                Column("Value", Text("Since", "启动于"), unit="dateTimeAsLocal"),
                Column("instance", Text("Where", "实例")),
                Column("implementation", None),
                Column("Time", None),
                Column("job", None),
            ),
        ),
    ),
)

PROMISES = Row(
    Text("Promises (SLO)", "服务承诺（SLO）"),
    (
        figure(
            "handed-kept",
            Text("Handed over within 1 s, 3 days", "1 秒内交付（3 天）"),
            Text(
                "Of alarms about lives or property, the share handed to a channel within 1 s of being raised. "
                "Promised: 99.9 %.",
                "生命与财产类报警在 1 秒内交付渠道的比例。承诺 99.9%。",
            ),
            "1 - vigil:alarm_handed_errors:ratio_rate3d",
            Field(
                "percentunit",
                Text("no alarm in 3 days", "3 天内无报警"),
                (Step(None, "red"), Step(0.99, "orange"), Step(0.999, "green")),
                decimals=2,
            ),
            6,
        ),
        figure(
            "accepted-kept",
            Text("Accepted within 60 s, 3 days", "60 秒内受理（3 天）"),
            Text(
                "The share that a person accepted within 60 s of the reading. Promised: 95 %. See the board of "
                "response performance.",
                "自读数起 60 秒内有人受理的比例。承诺 95%。详见响应绩效看板。",
            ),
            "1 - vigil:alarm_accepted_errors:ratio_rate3d",
            Field(
                "percentunit",
                Text("no alarm in 3 days", "3 天内无报警"),
                (Step(None, "red"), Step(0.8, "orange"), Step(0.95, "green")),
                decimals=1,
            ),
            6,
        ),
        figure(
            "handed-late",
            Text("Handed over late, 24 h", "交付超时（24 小时）"),
            Text("How many alarms waited for more than 1 s.", "超过 1 秒才交付的报警数。"),
            "vigil:alarm_handed_late:increase1d",
            Field("none", DOWN, BAD_ONE, decimals=0),
            6,
        ),
        figure(
            "accepted-late",
            Text("Accepted late, 24 h", "受理超时（24 小时）"),
            Text("How many alarms nobody had accepted after 60 s.", "60 秒后仍无人受理的报警数。"),
            "vigil:alarm_accepted_late:increase1d",
            Field("none", DOWN, (Step(None, "green"), Step(1, "orange"), Step(5, "red")), decimals=0),
            6,
        ),
        course(
            "handed-burn",
            Text("Handover: how fast the budget burns", "交付：错误预算消耗速度"),
            Text(
                "1: the budget of a month lasts a month. Above 14.4 in the hour and in 5 minutes somebody is called.",
                "1 表示一个月的预算恰好用一个月。1 小时与 5 分钟均超过 14.4 时呼叫值班人员。",
            ),
            (
                Prom(
                    "vigil:alarm_handed_errors:ratio_rate5m / on () group_left () (1 - vigil:alarm_handed:objective)",
                    "5 min",
                ),
                Prom(
                    "vigil:alarm_handed_errors:ratio_rate1h / on () group_left () (1 - vigil:alarm_handed:objective)",
                    "1 h",
                ),
                Prom(
                    "vigil:alarm_handed_errors:ratio_rate6h / on () group_left () (1 - vigil:alarm_handed:objective)",
                    "6 h",
                ),
                Prom(
                    "vigil:alarm_handed_errors:ratio_rate3d / on () group_left () (1 - vigil:alarm_handed:objective)",
                    "3 d",
                ),
            ),
            "none",
            width=12,
            empty=Text("no alarm in this time", "该时段无报警"),
            steps=(Step(None, "green"), Step(1, "orange"), Step(14.4, "red")),
        ),
        course(
            "accepted-burn",
            Text("Acceptance: how fast the budget burns", "受理：错误预算消耗速度"),
            Text("As beside it, for people: 95 of 100 within 60 s.", "同左，针对人员受理：95% 在 60 秒内。"),
            (
                Prom(
                    "vigil:alarm_accepted_errors:ratio_rate5m / on () group_left () (1 - "
                    "vigil:alarm_accepted:objective)",
                    "5 min",
                ),
                Prom(
                    "vigil:alarm_accepted_errors:ratio_rate1h / on () group_left () (1 - "
                    "vigil:alarm_accepted:objective)",
                    "1 h",
                ),
                Prom(
                    "vigil:alarm_accepted_errors:ratio_rate6h / on () group_left () (1 - "
                    "vigil:alarm_accepted:objective)",
                    "6 h",
                ),
                Prom(
                    "vigil:alarm_accepted_errors:ratio_rate3d / on () group_left () (1 - "
                    "vigil:alarm_accepted:objective)",
                    "3 d",
                ),
            ),
            "none",
            width=12,
            empty=Text("no alarm in this time", "该时段无报警"),
            steps=(Step(None, "green"), Step(1, "orange"), Step(14.4, "red")),
        ),
        heatmap(
            Head(
                "handed-heat",
                Text("From raising to handover", "报警到交付"),
                Text(
                    "How many alarms took how long; a dot is one alarm with its trace.",
                    "各用时的报警数量；圆点为带追踪的单个报警。",
                ),
                12,
                8,
            ),
            Prom(
                "sum by (le) (increase(vigil_alerts_alarm_handed_seconds_bucket[$__rate_interval]))",
                "{{le}}",
                shape=Shape.HEATMAP,
                exemplar=True,
            ),
            Field("short", Text("no alarm in this time", "该时段无报警")),
            unit="s",
        ),
        heatmap(
            Head(
                "accepted-heat",
                Text("From the reading to a person's acceptance", "读数到人员受理"),
                Text(
                    "From the event time of the reading, so that slow devices and networks count.",
                    "从读数的事件时间起计，含设备与网络延迟。",
                ),
                12,
                8,
            ),
            Prom(
                "sum by (le) (increase(vigil_alerts_alarm_accepted_seconds_bucket[$__rate_interval]))",
                "{{le}}",
                shape=Shape.HEATMAP,
                exemplar=True,
            ),
            Field("short", Text("no alarm in this time", "该时段无报警")),
            unit="s",
        ),
    ),
)

BOARD: Final = Board(
    uid="vigil-service",
    title=Text("Service health", "服务健康"),
    about=Text(
        "Whether Vigil itself keeps its promises: each stage's throughput, lag and queues, delivery, journal, history.",
        "系统自身是否兑现承诺：各环节吞吐、延迟、排队，投递、日志与历史库。",
    ),
    rows=(NOW, PROMISES, STAGES, INGEST, DELIVERY, STORAGE, PROCESS),
    since="now-6h",
    refresh="30s",
)
