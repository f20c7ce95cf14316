"""The rows of the service's board about the one path: its stages, the broker, delivery."""

from __future__ import annotations

from typing import Final

from alerts.text import Text
from deploy.boards.board import Row
from deploy.boards.field import Field, mapping
from deploy.boards.panel import Head, statetimeline
from deploy.boards.query import Prom
from deploy.boards.service_panels import DOWN, GOOD_ONE, LAGS, YES_NO, course

__all__ = ["DELIVERY", "INGEST", "STAGES"]

_BREAKER: Final = mapping(
    {"0": Text("Works", "正常"), "1": Text("Trying again", "试探"), "2": Text("Broken", "熔断")},
    {"0": "green", "1": "yellow", "2": "red"},
)

STAGES = Row(
    Text("The path, stage by stage", "链路各环节"),
    (
        course(
            "readings",
            Text("Readings a second", "每秒读数"),
            Text(
                "Taken in, judged, stored. Stored below taken in for long: see the lag.",
                "接收、判断、存储。存储长期低于接收时请看延迟。",
            ),
            (Prom("sum by (stage) (vigil:readings:rate5m)", "{{stage}}"),),
            "short",
        ),
        course(
            "messages",
            Text("Messages a second", "每秒消息"),
            Text(
                "MQTT messages, journal records, changes of rules, notifications owed, attempts to deliver.",
                "MQTT 消息、日志记录、规则变化、应发通知、投递尝试。",
            ),
            (Prom("sum by (stage) (vigil:messages:rate5m)", "{{stage}}"),),
            "short",
            log=True,
        ),
        course(
            "lag",
            Text("How far behind", "延迟"),
            Text(
                "rules: since records were last folded; archive: age of what is not stored; delivery: oldest "
                "message that waits; people: oldest unanswered.",
                "rules：距上次处理；archive：未入库数据的时长；delivery：最久待发消息；people：最久未应答。",
            ),
            (Prom("max by (stage) (vigil:lag_seconds)", "{{stage}}"),),
            "s",
            steps=LAGS,
        ),
        course(
            "queues",
            Text("What waits", "排队数量"),
            Text(
                "Each queue has a bound; a line that only rises is a stage that cannot keep up.",
                "每个队列均有上限；持续上升说明该环节跟不上。",
            ),
            (Prom("sum by (queue) (vigil:queue_depth)", "{{queue}}"),),
            "short",
        ),
        course(
            "dropped",
            Text("Set aside or dropped, a second", "隔离与丢弃（每秒）"),
            Text(
                "Nothing is dropped unrecorded: `vigil quarantine list` shows samples.",
                "丢弃均有记录：`vigil quarantine list` 可查看样本。",
            ),
            (Prom("sum by (stage, reason) (vigil:dropped:rate5m) > 0", "{{stage}} {{reason}}"),),
            "short",
            empty=Text("nothing was set aside", "无隔离或丢弃"),
        ),
        course(
            "rules",
            Text("Rules at work", "规则运行"),
            Text(
                "Rules on channels, by state; devices not heard for too long.", "通道上的规则（按状态）；失联设备数。"
            ),
            (
                Prom("sum by (state) (vigil_rules_instances_not_idle)", "{{state}}"),
                Prom("sum(vigil_rules_silent_devices)", "silent devices"),
            ),
            "short",
        ),
    ),
)

INGEST = Row(
    Text("Broker and devices", "消息代理与设备"),
    (
        statetimeline(
            Head(
                "sessions",
                Text("Broker sessions", "消息代理会话"),
                Text("Red: messages wait at the broker.", "红色：消息在代理处等待。"),
                8,
                8,
            ),
            Prom("min by (session) (vigil_ingest_session_connected)", "{{session}}"),
            Field("none", DOWN, GOOD_ONE, (YES_NO,)),
        ),
        course(
            "ping",
            Text("Broker answers a ping", "消息代理应答时间"),
            Text(
                "From the last ping to its answer; seconds mean that the broker or the network is overloaded.",
                "上次心跳的应答用时；达到数秒说明代理或网络过载。",
            ),
            (Prom("max by (session) (vigil_ingest_session_ping_seconds)", "{{session}}"),),
            "s",
        ),
        course(
            "disconnects",
            Text("Connections that ended, an hour", "断开次数（每小时）"),
            Text(
                "By how they ended. Sessions lost: the broker forgot what waited.",
                "按原因。会话丢失：代理遗忘了排队消息。",
            ),
            (
                Prom(
                    "sum by (session, reason) (increase(vigil_ingest_session_disconnects_total[1h])) > 0",
                    "{{session}} {{reason}}",
                ),
                Prom(
                    "sum by (session) (increase(vigil_ingest_session_sessions_lost_total[1h])) > 0",
                    "{{session}} session lost",
                ),
            ),
            "short",
            empty=Text("no connection ended", "无断开"),
        ),
        course(
            "odd",
            Text("Odd readings, an hour", "异常读数（每小时）"),
            Text(
                "late: older than one before; filled, clamped: given the arrival time; conflicting: two values at "
                "one time; unknown: no value.",
                "late：迟到；filled、clamped：改用到达时间；conflicting：同一时间两个值；unknown：无值。",
            ),
            (
                Prom("sum(increase(vigil_ingest_late_total[1h]))", "late"),
                Prom("sum(increase(vigil_ingest_filled_total[1h]))", "filled"),
                Prom("sum(increase(vigil_ingest_clamped_total[1h]))", "clamped"),
                Prom("sum(increase(vigil_ingest_conflicting_total[1h]))", "conflicting"),
                Prom("sum(increase(vigil_ingest_unknown_total[1h]))", "unknown"),
                Prom("sum(increase(vigil_ingest_duplicates_total[1h]))", "duplicate"),
            ),
            "short",
        ),
        course(
            "devices",
            Text("Devices", "设备数"),
            Text(
                "Known; with a clock off by more than 5 s; heard though no ledger names them.",
                "已知；时钟偏差超过 5 秒；未登记但已上报。",
            ),
            (
                Prom("sum(vigil_registry_devices)", "known"),
                Prom("sum(vigil_ingest_skewed_devices)", "clock off"),
                Prom("sum(vigil_ingest_discovered_devices_total)", "in no ledger"),
            ),
            "short",
        ),
        course(
            "quarantined",
            Text("Set aside, by reason, an hour", "隔离原因（每小时）"),
            Text("Messages that could not be read, or single values of them.", "无法读取的消息或其中的单个值。"),
            (Prom("sum by (reason) (increase(vigil_ingest_quarantined_total[1h])) > 0", "{{reason}}"),),
            "short",
            empty=Text("nothing was set aside", "无隔离"),
        ),
    ),
)

DELIVERY = Row(
    Text("Delivery", "通知投递"),
    (
        course(
            "settled",
            Text("What became of messages, an hour", "消息结果（每小时）"),
            Text(
                "By channel and outcome. failed, unknown, expired: the person's next contact was tried.",
                "按渠道与结果。failed、unknown、expired：已改用下一联系方式。",
            ),
            (
                Prom(
                    "sum by (channel, status) (increase(vigil_alerts_notifications_settled_total[1h])) > 0",
                    "{{channel}} {{status}}",
                ),
            ),
            "short",
            empty=Text("no message in this time", "该时段无消息"),
            stacked=True,
        ),
        statetimeline(
            Head(
                "breakers",
                Text("Channels", "渠道状态"),
                Text(
                    "Broken: the channel does not answer; its messages wait and are tried again.",
                    "熔断：渠道无应答；消息等待重试。",
                ),
                8,
                8,
            ),
            Prom(
                'max by (channel) (vigil_alerts_breaker_state{state="open"} * 2) + on (channel) max by (channel) '
                '(vigil_alerts_breaker_state{state="half_open"})',
                "{{channel}}",
            ),
            Field("none", DOWN, words=(_BREAKER,)),
        ),
        course(
            "depth",
            Text("What waits at each channel", "各渠道待发数量"),
            Text("A channel that only grows is too slow, or broken.", "持续增长说明该渠道过慢或中断。"),
            (Prom("sum by (channel) (vigil_alerts_delivery_depth)", "{{channel}}"),),
            "short",
        ),
        course(
            "handed-quantiles",
            Text("From owed to handed over", "应发到交付"),
            Text("Nine in ten and 99 in a hundred, by purpose.", "p90 与 p99，按用途。"),
            (
                Prom(
                    "histogram_quantile(0.9, sum by (le, purpose) (rate(vigil_alerts_handed_seconds_bucket[30m])))",
                    "{{purpose}} p90",
                ),
                Prom(
                    "histogram_quantile(0.99, sum by (le, purpose) (rate(vigil_alerts_handed_seconds_bucket[30m])))",
                    "{{purpose}} p99",
                ),
            ),
            "s",
            empty=Text("no message in this time", "该时段无消息"),
            log=True,
        ),
        course(
            "receipt-quantiles",
            Text("From handed over to the receipt, and to an answer", "交付到回执，应发到应答"),
            Text("Nine in ten, by purpose.", "p90，按用途。"),
            (
                Prom(
                    "histogram_quantile(0.9, sum by (le, purpose) (rate(vigil_alerts_receipt_seconds_bucket[30m])))",
                    "{{purpose}} receipt",
                ),
                Prom(
                    "histogram_quantile(0.9, sum by (le, purpose) (rate(vigil_alerts_answer_seconds_bucket[30m])))",
                    "{{purpose}} answer",
                ),
            ),
            "s",
            empty=Text("no receipt in this time", "该时段无回执"),
            log=True,
        ),
        course(
            "untold",
            Text("Not told, an hour", "未能告知（每小时）"),
            Text(
                "untold: reached by no channel; shed: too many waited; console: a place that nobody has. Any of "
                "these is a person not told.",
                "untold：所有渠道均未送达；shed：积压过多；console：无人负责的地点。任一情况都意味着有人未被告知。",
            ),
            (
                Prom("sum(increase(vigil_alerts_untold_total[1h]))", "untold"),
                Prom("sum(increase(vigil_alerts_notifications_shed_total[1h]))", "shed"),
                Prom("sum by (fallback) (increase(vigil_alerts_route_fallbacks_total[1h])) > 0", "{{fallback}}"),
            ),
            "short",
        ),
        course(
            "response",
            Text("What Vigil did for an answer, an hour", "为获得应答所做（每小时）"),
            Text("Escalations, next channels, reminders, whistles.", "升级、改用渠道、提醒、上报。"),
            (Prom("sum by (kind) (increase(vigil_alerts_response_total[1h])) > 0", "{{kind}}"),),
            "short",
            empty=Text("nothing in this time", "该时段无"),
            stacked=True,
            width=12,
        ),
        course(
            "noise",
            Text("Kept from people, an hour", "降噪（每小时）"),
            Text(
                "Incidents grouped, inhibited, silenced, flapping; messages held for a digest.",
                "归组、抑制、静默、抖动的事件；并入汇总的消息。",
            ),
            (
                Prom("sum by (reason) (increase(vigil_noise_incidents_kept_total[1h])) > 0", "{{reason}}"),
                Prom("sum by (reason) (increase(vigil_noise_messages_held_total[1h])) > 0", "held: {{reason}}"),
            ),
            "short",
            empty=Text("nothing was kept back", "无降噪"),
            width=12,
        ),
    ),
)
