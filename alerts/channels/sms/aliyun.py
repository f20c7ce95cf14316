"""Alibaba Cloud SMS: https://help.aliyun.com/zh/sms/developer-reference/api-dysmsapi-2017-05-25-sendsms .

SendSms is not idempotent. What got no answer is looked for among what was sent to the number on these days
(QuerySendDetails, by our id in `OutId`) before anybody says that it is not known.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit
from uuid import uuid4

import msgspec

from alerts.channels.channel import DeliveryError, Handed
from alerts.channels.sms.number import national
from alerts.channels.sms.params import filled
from alerts.channels.sms.signing import acs3
from alerts.channels.sms.vendor import Request, json_object, reason

if TYPE_CHECKING:
    from alerts.channels.http import Answer, HttpGateway
    from alerts.channels.sms.settings import AliyunSection
    from alerts.channels.sms.vendor import Saying

__all__ = ["AliyunVendor", "call", "is_busy", "is_unknown"]

VERSION: Final = "2017-05-25"
CHINA: Final = timezone(timedelta(hours=8))
"""SendDate is a day of this zone."""
PAGE: Final = 50
BUSY: Final = frozenset(
    {
        "isv.BUSINESS_LIMIT_CONTROL",
        "isp.SYSTEM_ERROR",
        "isp.GATEWAY_ERROR",
        "isp.UNKNOWN_ERR_CODE",
        "SignatureNonceUsed",
        "ServiceUnavailable",
        "ServiceUnavailableTemporary",
    }
)
UNKNOWN: Final = frozenset({"InternalError", "isp.REQUEST_TIMEOUT"})
"""It broke inside; before or after it was taken nobody says."""
SENT_FAILED: Final = "2"
SENT_RECEIVED: Final = "3"


def is_busy(code: str) -> bool:
    """Whether the same may be taken later."""
    return code in BUSY or code.startswith("Throttling")


def is_unknown(code: str) -> bool:
    """Whether it may have been taken."""
    return code in UNKNOWN


def call(
    endpoint: str, key_id: str, secret: str, action: str, query: dict[str, str], now_us: int, version: str = VERSION
) -> Request:
    """Return a signed call of an API of Alibaba Cloud's."""
    parts = urlsplit(endpoint)
    sent, headers = acs3(
        key_id=key_id,
        secret=secret,
        host=parts.netloc,
        action=action,
        version=version,
        query=query,
        nonce=uuid4().hex,
        now_us=now_us,
    )
    return Request("POST", f"{parts.scheme}://{parts.netloc}/?{sent}", {**headers, "accept": "application/json"})


class AliyunVendor:
    """SendSms with an approved template; `BizId` is the reference, and receipts name `OutId` too."""

    def __init__(self, section: AliyunSection) -> None:
        self._section = section

    def request(self, saying: Saying) -> Request:
        """Return the signed request. Raises DeliveryError where the address is no number."""
        chosen = self._section.template_for(saying.notification.purpose)
        params = filled(chosen.params, saying.values, self._section.param_characters)
        return self._call(
            "SendSms",
            {
                "PhoneNumbers": self._number(saying),
                "SignName": self._section.sign_name,
                "TemplateCode": chosen.template_id,
                "TemplateParam": msgspec.json.encode(params).decode(),
                "OutId": saying.notification.id,
            },
            saying.now_us,
        )

    def taken(self, answer: Answer, saying: Saying, http: HttpGateway) -> Handed:
        """Read the answer. Raises DeliveryError where `Code` is not OK."""
        document = json_object(answer)
        code = document.get("Code") if document else None
        if document is None or not isinstance(code, str):
            raise http.unknown(f"{answer.said}, and no code") if answer.is_success else http.refusal(answer)
        if code == "OK" and answer.is_success:
            return Handed("taken by Aliyun", str(document.get("BizId") or ""))
        why = reason(code, document.get("Message"), saying.address)
        if is_unknown(code):
            raise http.unknown(why)
        raise DeliveryError(why, retry=is_busy(code))

    def inquiry(self, saying: Saying) -> Request | None:
        """Return the request for what was sent to the number on the day of China on which it would have been."""
        day = datetime.fromtimestamp(saying.now_us / 1e6, UTC).astimezone(CHINA)
        query = {
            "PhoneNumber": self._number(saying),
            "SendDate": day.strftime("%Y%m%d"),
            "PageSize": str(PAGE),
            "CurrentPage": "1",
        }
        return self._call("QuerySendDetails", query, saying.now_us)

    def found(self, answer: Answer, saying: Saying) -> Handed | None:
        """Look for our id. Raises DeliveryError where it was sent and failed."""
        for entry in _details(json_object(answer)):
            if entry.get("OutId") != saying.notification.id:
                continue
            status = str(entry.get("SendStatus"))
            if status == SENT_FAILED:
                raise DeliveryError(reason(entry.get("ErrCode"), "", saying.address), retry=False)
            return Handed("no answer, but Aliyun has it", received=status == SENT_RECEIVED)
        return None

    def _number(self, saying: Saying) -> str:
        try:
            return national(saying.address, self._section.country)
        except ValueError as error:
            raise DeliveryError(str(error), retry=False) from error

    def _call(self, action: str, query: dict[str, str], now_us: int) -> Request:
        section = self._section
        return call(
            section.endpoint,
            section.access_key_id,
            section.access_key_secret.get_secret_value(),
            action,
            query,
            now_us,
        )


def _details(document: dict[str, Any] | None) -> list[dict[str, Any]]:
    details = document.get("SmsSendDetailDTOs") if document else None
    entries = details.get("SmsSendDetailDTO") if isinstance(details, dict) else None
    return [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
