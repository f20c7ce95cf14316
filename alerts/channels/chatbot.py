"""Group robots of WeCom, DingTalk and Feishu (Lark): a text into a group, naming the person it is for.

They answer 200 to everything and say in the body whether they took it, which is why they have a channel of their own:
apprise looks at the status alone, and would take a robot that refuses everything for one that works.

WeCom:    https://developer.work.weixin.qq.com/document/path/91770 (20 messages a minute, 2,048 bytes)
DingTalk: https://open.dingtalk.com/document/orgapp/custom-robot-access (20 messages a minute, then silence for ten)
Feishu:   https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot (100 a minute and 5 a second, 20 KiB)
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import msgspec

from alerts.channels.channel import DeliveryError, Handed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from alerts.channels.http import HttpGateway
    from alerts.notification import Notification

__all__ = ["ChatbotChannel", "Robot"]

ELLIPSIS: Final = "…"
LIMITED_S: Final = 20.0
"""A robot that has had too many messages is left alone for so long, s."""
SAID_CHARACTERS: Final = 120


class Robot(StrEnum):
    """Whose robot."""

    WECOM = "wecom"
    DINGTALK = "dingtalk"
    FEISHU = "feishu"


@dataclass(frozen=True, slots=True)
class _Manner:
    """How one of them talks. codes: fields of its answer that hold 0 where it took it; busy: codes that may pass."""

    codes: tuple[str, ...]
    reasons: tuple[str, ...]
    busy: frozenset[int]
    text_bytes: int


_MANNERS: Final[Mapping[Robot, _Manner]] = {
    Robot.WECOM: _Manner(("errcode",), ("errmsg",), frozenset({-1, 45009, 45033}), 2_048),
    Robot.DINGTALK: _Manner(("errcode",), ("errmsg",), frozenset({-1, 90030, 130101, 410100}), 18_000),
    Robot.FEISHU: _Manner(("code", "StatusCode"), ("msg", "StatusMessage"), frozenset({9499, 11232, 230020}), 18_000),
}


class ChatbotChannel:
    """Posts each notification as a text into one group.

    url:     the robot's, as the group's settings show it; it is a secret
    secret:  of DingTalk's and Feishu's signature, "" where the robot wants none
    gateway: not idempotent: the group would read a repeat; closed with the channel
    A contact's address names the person in the text: a mobile number (WeCom, DingTalk) or an open id (Feishu).
    """

    idempotent = False
    at_once = 4

    def __init__(
        self,
        robot: Robot,
        url: str,
        secret: str,
        gateway: HttpGateway,
        link_of: Callable[[Notification], str],
        clock_us: Callable[[], int],
    ) -> None:
        self._robot = robot
        self._manner = _MANNERS[robot]
        self._url = url
        self._secret = secret.encode()
        self._gateway = gateway
        self._link_of = link_of
        self._clock_us = clock_us

    async def send(self, notification: Notification) -> Handed:
        """Send and return what the robot said. Raises DeliveryError where it did not take it."""
        url, body = self._request(self._text(notification), notification.address)
        answer = await self._gateway.post(url, msgspec.json.encode(body), {"content-type": "application/json"})
        said = self._gateway.document(answer)
        codes = [said[name] for name in self._manner.codes if name in said]
        if codes and all(code == 0 for code in codes):
            return Handed(f"{self._robot}: taken")
        if not codes:
            raise self._gateway.unknown(f"{self._robot}: no code in its answer")
        code = next(code for code in codes if code != 0)
        reason = next((str(said[name]) for name in self._manner.reasons if name in said), "")
        busy = code in self._manner.busy
        raise DeliveryError(
            f"{self._robot}: {code} {reason}"[:SAID_CHARACTERS], retry=busy, retry_after_s=LIMITED_S if busy else None
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._gateway.close()

    def _text(self, notification: Notification) -> str:
        """Return title, body and link; of a long body the end is left out."""
        link = self._link_of(notification)
        tail = f"\n\n{link}" if link else ""
        head = f"{notification.title}\n\n"
        mention = len(self._mention(notification.address).encode())
        room = self._manner.text_bytes - len((head + tail).encode()) - mention
        body = notification.body
        if len(body.encode()) > room:
            body = body.encode()[: max(0, room - len(ELLIPSIS.encode()))].decode(errors="ignore") + ELLIPSIS
        return head + body + tail

    def _mention(self, address: str) -> str:
        """Return what the text itself has to say for the person to be named."""
        match self._robot:
            case Robot.DINGTALK if address:
                return f"\n@{address}"
            case Robot.FEISHU if address:
                return f'\n<at user_id="{address}"></at>'
        return ""

    def _request(self, text: str, address: str) -> tuple[str, dict[str, Any]]:
        """Return URL and body."""
        named = text + self._mention(address)
        now_us = self._clock_us()
        match self._robot:
            case Robot.WECOM:
                mentioned = {"mentioned_mobile_list": [address]} if address else {}
                return self._url, {"msgtype": "text", "text": {"content": named, **mentioned}}
            case Robot.DINGTALK:
                at = {"at": {"atMobiles": [address], "isAtAll": False}} if address else {}
                url = self._url
                if self._secret:
                    time_ms = now_us // 1000
                    signed = _signature(self._secret, f"{time_ms}\n".encode() + self._secret)
                    url = f"{url}&timestamp={time_ms}&sign={quote(signed, safe='')}"
                return url, {"msgtype": "text", "text": {"content": named}, **at}
            case Robot.FEISHU:
                body: dict[str, Any] = {"msg_type": "text", "content": {"text": named}}
                if self._secret:
                    time_s = now_us // 1_000_000
                    body |= {
                        "timestamp": str(time_s),
                        "sign": _signature(f"{time_s}\n".encode() + self._secret, b""),
                    }
                return self._url, body


def _signature(key: bytes, said: bytes) -> str:
    return base64.b64encode(hmac.digest(key, said, hashlib.sha256)).decode()
