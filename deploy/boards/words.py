"""What panels say to people, in Chinese and English: one line for titles, two paragraphs for descriptions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from alerts.incident import NotificationStatus
from alerts.text import Text
from console.words import OUTCOME, SEVERITY, STATE
from devices.model import Kind
from rules.model import AlarmClass

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "CLASS",
    "DEVICE_STATE",
    "KIND",
    "NOTHING_HERE",
    "NOTIFICATION",
    "OUTCOME",
    "SEVERITY",
    "STATE",
    "both",
    "told",
]

NOTHING_HERE: Final = Text("nothing to show", "无数据")
"""What a panel says when its query finds nothing, where that means nothing more."""

DEVICE_STATE: Final[Mapping[str, Text]] = {
    "alarm": Text("Alarm", "报警"),
    "offline": Text("Offline", "离线"),
    "fault": Text("Fault", "故障"),
    "supervisory": Text("Supervisory", "监管"),
    "unregistered": Text("Not in the ledger", "未登记"),
    "maintenance": Text("Under maintenance", "维护中"),
    "normal": Text("Normal", "正常"),
}
"""States of `board.devices`, the worst first."""

KIND: Final[Mapping[Kind, Text]] = {
    Kind.SMOKE: Text("Smoke", "烟感"),
    Kind.GAS: Text("Gas", "燃气"),
    Kind.CO: Text("Carbon monoxide", "一氧化碳"),
    Kind.HYDRANT: Text("Hydrant", "消火栓"),
    Kind.TANK: Text("Fire-water tank", "消防水箱"),
    Kind.WATCH: Text("Elder watch", "老人手表"),
    Kind.TILT: Text("Tilt", "倾斜"),
    Kind.GATEWAY: Text("Gateway", "网关"),
    Kind.SERVICE: Text("Vigil itself", "系统自身"),
    Kind.EXTERNAL: Text("Another system", "外部系统"),
    Kind.UNKNOWN: Text("Unknown", "未知"),
}

CLASS: Final[Mapping[AlarmClass, Text]] = {
    AlarmClass.LIFE_SAFETY: Text("Life safety", "生命安全"),
    AlarmClass.PROPERTY: Text("Property", "财产"),
    AlarmClass.SUPERVISORY: Text("Supervisory", "监管"),
    AlarmClass.TROUBLE: Text("Trouble", "故障"),
}

NOTIFICATION: Final[Mapping[NotificationStatus, Text]] = {
    NotificationStatus.QUEUED: Text("Queued", "待发送"),
    NotificationStatus.HANDED: Text("Handed over", "已交付"),
    NotificationStatus.RECEIVED: Text("Received", "已送达"),
    NotificationStatus.ANSWERED: Text("Answered", "已应答"),
    NotificationStatus.FAILED: Text("Failed", "失败"),
    NotificationStatus.UNKNOWN: Text("Nobody knows", "结果不明"),
    NotificationStatus.EXPIRED: Text("Too late", "已过期"),
    NotificationStatus.WITHDRAWN: Text("Withdrawn", "已撤回"),
}


def both(text: Text) -> str:
    """Return `text` as one line: "中文 · English". Raises ValueError where a language is missing."""
    return " · ".join(_whole(text))


def told(text: Text) -> str:
    """Return `text` as a paragraph in each language. Raises ValueError where a language is missing."""
    return "\n\n".join(_whole(text))


def _whole(text: Text) -> tuple[str, str]:
    if not text.zh.strip() or not text.en.strip():
        raise ValueError(f"said in one language only: {text}")
    return text.zh, text.en
