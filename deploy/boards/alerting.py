"""Grafana's alert rules: for what only the database knows. What Prometheus can see is in deploy/prometheus."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder

from alerts.text import Text
from deploy.boards.query import Prom, Shape, Sql, sql_beside
from deploy.boards.words import both

__all__ = ["ALIVE", "RULES", "SQL", "AlertRule", "provisioned"]

SQL: Final = sql_beside("alerting")
_HEADER: Final = """\
# Made by `python -m deploy.boards` of deploy/boards/alerting.py and alerting.sql: change those.
# What Grafana should wake somebody for, as only the database knows it. What each means: docs/operations.md.
"""
_EXPRESSIONS: Final = {"type": "__expr__", "uid": "__expr__"}
ALIVE: Final = 'max(up{job="vigil"})'
"""1 while the service answers Prometheus."""
_LOOKS_BACK_S: Final = 600
"""Grafana wants to hear it; the queries take their own times."""


@dataclass(frozen=True, slots=True)
class AlertRule:
    """One rule.

    uid:     its name for good, which `silences` and links keep
    query:   name of its SQL; each row is an alert, with the text columns as labels
    over:    it holds where the number is greater
    lasting: for how long it must hold first, in Grafana's words ("10m")
    critical: at any hour; else on the next working day
    summary, action: what is said; `{{ $labels.site }}` and `{{ $values.A }}` are filled in
    board:   uid of the board to look at
    alive:   only while the service answers Prometheus; where it does not, VigilDown says so. One rule is enough to say
             that the database does not answer: the others then stay as they were
    """

    uid: str
    title: Text
    query: str
    over: float
    lasting: str
    critical: bool
    summary: Text
    action: Text
    board: str
    alive: bool = False

    def document(self) -> dict[str, object]:
        """Return it as Grafana's provisioning reads it."""
        asked = [_query("A", "vigil-history", Sql(SQL[self.query], Shape.TABLE).target("A"))]
        if self.alive:
            asked.append(_query("B", "vigil-prometheus", Prom(ALIVE, instant=True).target("B")))
            asked.append(_expression("C", "math", expression=f"($A > {self.over:g}) * $B"))
        else:
            limit = {"evaluator": {"params": [self.over], "type": "gt"}}
            asked.append(_expression("C", "threshold", expression="A", conditions=[limit]))
        return {
            "uid": self.uid,
            "title": both(self.title),
            "condition": "C",
            "data": asked,
            "noDataState": "OK",
            "execErrState": "Error" if self.alive else "KeepLast",
            "for": self.lasting,
            "annotations": {
                "summary": both(self.summary),
                "action": both(self.action),
                "runbook_url": f"docs/operations.md#{self.uid}",
                "board": f"/d/{self.board}",
            },
            "labels": {"severity": "critical" if self.critical else "warning", "source": "vigil-grafana"},
            "isPaused": False,
        }


RULES: Final = (
    AlertRule(
        "vigil-history-still",
        Text("History stands still", "历史库停滞"),
        "history_still",
        900,
        "5m",
        critical=True,
        summary=Text(
            "Nothing has been archived for {{ humanizeDuration $values.A.Value }}, though Vigil answers. Alarms go on.",
            "{{ humanizeDuration $values.A.Value }}未入库，但 Vigil 在线。报警不受影响。",
        ),
        action=Text(
            "`vigil storage status`, and the archive's lines in the log: a lock, a full disk, another service's "
            "journal?",
            "执行 `vigil storage status` 并查看日志：锁、磁盘已满，或另一服务的日志？",
        ),
        board="vigil-service",
        alive=True,
    ),
    AlertRule(
        "vigil-rollups-late",
        Text("Rollups late", "汇总滞后"),
        "rollups_late",
        1,
        "10m",
        critical=False,
        summary=Text(
            "The {{ $labels.level }} rollups are behind: boards grow slow.",
            "{{ $labels.level }} 汇总滞后：看板将变慢。",
        ),
        action=Text(
            "`vigil storage status`; the log has the upkeep's errors.",
            "执行 `vigil storage status`；日志中有维护错误。",
        ),
        board="vigil-service",
    ),
    AlertRule(
        "vigil-unanswered",
        Text("Incidents that nobody answers", "事件无人应答"),
        "unanswered",
        0,
        "0s",
        critical=True,
        summary=Text(
            "{{ $values.A }} {{ $labels.alarm_class }} incidents of {{ $labels.site }} have had no answer for 10 "
            "minutes.",
            "{{ $labels.site }} 有 {{ $values.A }} 起 {{ $labels.alarm_class }} 事件 10 分钟无人应答。",
        ),
        action=Text(
            "Phone the duty desk and the micro fire station. Then `vigil incidents report ID`: who was asked, and "
            "by what?",
            "请致电值班台与微型消防站，再执行 `vigil incidents report ID` 查看通知了谁。",
        ),
        board="vigil-district",
    ),
    AlertRule(
        "vigil-offline-share",
        Text("Many devices of a site offline", "社区大量设备离线"),
        "offline_share",
        10,
        "15m",
        critical=False,
        summary=Text(
            "{{ humanize $values.A.Value }} % of the devices of {{ $labels.site }} are offline.",
            "{{ $labels.site }} 有 {{ humanize $values.A.Value }}% 的设备离线。",
        ),
        action=Text(
            "A gateway, a mains failure, the network? The device board sorts them by gateway.",
            "网关、停电还是网络？设备看板按网关归类。",
        ),
        board="vigil-devices",
    ),
    AlertRule(
        "vigil-batteries-low",
        Text("Batteries low", "电池电量低"),
        "batteries_low",
        9,
        "1h",
        critical=False,
        summary=Text(
            "{{ $values.A }} devices of {{ $labels.site }} have less than 20 % left.",
            "{{ $labels.site }} 有 {{ $values.A }} 台设备电量低于 20%。",
        ),
        action=Text(
            "Plan one round to change them; the device board has the list.", "安排一次集中更换；清单见设备看板。"
        ),
        board="vigil-devices",
    ),
    AlertRule(
        "vigil-watch-unheard",
        Text("Elder watch not heard", "老人手表失联"),
        "watch_unheard",
        0,
        "15m",
        critical=False,
        summary=Text(
            "{{ $values.A }} watches of {{ $labels.site }} have not been heard for a day.",
            "{{ $labels.site }} 有 {{ $values.A }} 只老人手表一天无数据。",
        ),
        action=Text(
            "Have grid staff call or visit: is it charged, is the elder well?",
            "请网格员电话或上门：是否没电，老人是否安好？",
        ),
        board="vigil-watch",
    ),
    AlertRule(
        "vigil-watch-not-worn",
        Text("Elder watch not worn", "老人手表未佩戴"),
        "watch_not_worn",
        0,
        "15m",
        critical=False,
        summary=Text(
            "{{ $values.A }} watches of {{ $labels.site }} have not been worn for a day.",
            "{{ $labels.site }} 有 {{ $values.A }} 只老人手表一天未佩戴。",
        ),
        action=Text(
            "Have grid staff call or visit: no fall is noticed while it lies on a table.",
            "请网格员电话或上门：未佩戴时无法发现跌倒。",
        ),
        board="vigil-watch",
    ),
    AlertRule(
        "vigil-tank-low",
        Text("Fire-water tank low for hours", "消防水箱长时间低水位"),
        "tank_low",
        4,
        "0s",
        critical=True,
        summary=Text(
            "{{ $labels.device }} has been too low for {{ humanize $values.A.Value }} h.",
            "{{ $labels.device }} 低水位已持续 {{ humanize $values.A.Value }} 小时。",
        ),
        action=Text(
            "Is it being filled? Tell the fire service while a building has no water.",
            "是否正在补水？无水期间请告知消防部门。",
        ),
        board="vigil-tank",
    ),
    AlertRule(
        "vigil-gaps-new",
        Text("History has a new gap", "历史出现缺口"),
        "gaps_new",
        0,
        "0s",
        critical=False,
        summary=Text(
            "{{ $values.A }} stretches of {{ $labels.lane }} were lost: {{ $labels.reason }}.",
            "{{ $labels.lane }} 丢失 {{ $values.A }} 段：{{ $labels.reason }}。",
        ),
        action=Text(
            "shed: bring the database back, or give the journal more room. corrupt, missing: look at the disk.",
            "shed：恢复数据库或扩大日志空间；corrupt、missing：检查磁盘。",
        ),
        board="vigil-service",
    ),
    AlertRule(
        "vigil-misleading-device",
        Text("A device is false again and again", "设备反复误报"),
        "misleading_devices",
        4,
        "0s",
        critical=False,
        summary=Text(
            "{{ $labels.device }} was false {{ $values.A }} times within a week.",
            "{{ $labels.device }} 一周内误报 {{ $values.A }} 次。",
        ),
        action=Text(
            "Visit it: dust, steam, a loose sensor. People stop believing what is often false.",
            "请上门检查：灰尘、水汽、松动。频繁误报会让人不再相信。",
        ),
        board="vigil-response",
    ),
    AlertRule(
        "vigil-arrivals-late",
        Text("Arrivals slower than three minutes", "到场超过三分钟"),
        "arrivals_late",
        180,
        "1h",
        critical=False,
        summary=Text(
            "In {{ $labels.site }} one arrival in ten took more than {{ humanizeDuration $values.A.Value }}, over "
            "30 days.",
            "{{ $labels.site }} 近 30 天有十分之一的到场用时超过 {{ humanizeDuration $values.A.Value }}。",
        ),
        action=Text(
            "Which station, which hours? The response board says. Then the duty rota, or another station.",
            "哪个站、哪些时段？见响应绩效看板，再调整排班或站点。",
        ),
        board="vigil-response",
    ),
)


def provisioned() -> str:
    """Return the provisioning file of all rules, as YAML: the same rules give the same bytes."""
    document = {
        "apiVersion": 1,
        "groups": [
            {
                "orgId": 1,
                "name": "vigil",
                "folder": "Vigil",
                "interval": "1m",
                "rules": [rule.document() for rule in RULES],
            }
        ],
    }
    plain = json.loads(json.dumps(document, cls=JSONEncoder))
    return _HEADER + yaml.dump(plain, Dumper=_Readable, allow_unicode=True, sort_keys=False, width=120)


class _Readable(yaml.SafeDumper):
    """Writes text of several lines as it stands."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Readable.add_representer(str, _text)


def _query(ref: str, source: str, target: object) -> dict[str, object]:
    return {
        "refId": ref,
        "relativeTimeRange": {"from": _LOOKS_BACK_S, "to": 0},
        "datasourceUid": source,
        "model": target,
    }


def _expression(ref: str, kind: str, **rest: object) -> dict[str, object]:
    return {
        "refId": ref,
        "datasourceUid": "__expr__",
        "model": {"datasource": _EXPRESSIONS, "refId": ref, "type": kind, **rest},
    }
