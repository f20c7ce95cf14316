"""Tencent Cloud SMS: https://cloud.tencent.com/document/api/382/55981 (SendSms, 2021-01-11)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import msgspec

from alerts.channels.channel import DeliveryError, Handed
from alerts.channels.sms.number import international
from alerts.channels.sms.params import filled
from alerts.channels.sms.signing import tc3
from alerts.channels.sms.vendor import Request, json_object, reason

if TYPE_CHECKING:
    from alerts.channels.http import Answer, HttpGateway
    from alerts.channels.sms.settings import TencentSection
    from alerts.channels.sms.vendor import Saying

__all__ = ["TencentVendor"]

VERSION: Final = "2021-01-11"
BUSY: Final = frozenset(
    {
        "RequestLimitExceeded",
        "LimitExceeded.DeliveryFrequencyLimit",
        "LimitExceeded.PhoneNumberThirtySecondLimit",
        "LimitExceeded.PhoneNumberOneHourLimit",
        "InternalError.RequestTimeException",
    }
)
UNKNOWN: Final = frozenset({"InternalError", "InternalError.Timeout", "InternalError.SendAndRecvFail"})
"""It broke inside; before or after it was taken nobody says."""


class TencentVendor:
    """SendSms with an approved template to one number; `SerialNo` is the reference (`sid` of receipts)."""

    def __init__(self, section: TencentSection) -> None:
        self._section = section

    def request(self, saying: Saying) -> Request:
        """Return the signed request. Raises DeliveryError where the address is no number."""
        section = self._section
        chosen = section.template_for(saying.notification.purpose)
        try:
            number = international(saying.address, section.country)
        except ValueError as error:
            raise DeliveryError(str(error), retry=False) from error
        body = msgspec.json.encode(
            {
                "PhoneNumberSet": [number],
                "SmsSdkAppId": section.sdk_app_id,
                "SignName": section.sign_name,
                "TemplateId": chosen.template_id,
                "TemplateParamSet": filled(chosen.params, saying.values, section.param_characters),
                "SessionContext": saying.notification.id,
            }
        )
        parts = urlsplit(section.endpoint)
        headers = tc3(
            key_id=section.secret_id,
            secret=section.secret_key.get_secret_value(),
            service="sms",
            host=parts.netloc,
            action="SendSms",
            version=VERSION,
            region=section.region,
            body=body,
            now_us=saying.now_us,
        )
        return Request("POST", f"{parts.scheme}://{parts.netloc}/", headers, body)

    def taken(self, answer: Answer, saying: Saying, http: HttpGateway) -> Handed:
        """Read the answer. Raises DeliveryError where it has an error, or the number's code is not Ok."""
        document = json_object(answer)
        response = document.get("Response") if document else None
        if not isinstance(response, dict):
            raise http.unknown(f"{answer.said}, and no response") if answer.is_success else http.refusal(answer)
        code, message, serial = _said(response)
        if code == "Ok" and answer.is_success:
            return Handed("taken by Tencent Cloud", serial)
        why = reason(code, message, saying.address)
        if code in UNKNOWN or not code:
            raise http.unknown(why or f"{answer.said}, and no code")
        raise DeliveryError(why, retry=code in BUSY)

    def inquiry(self, saying: Saying) -> Request | None:  # noqa: ARG002  # as the protocol has it
        """Return None: it tells what was sent to a number, but not by our id."""
        return None

    def found(self, answer: Answer, saying: Saying) -> Handed | None:  # noqa: ARG002  # as the protocol has it
        """Return None: nothing was asked."""
        return None


def _said(response: dict[str, Any]) -> tuple[str, str, str]:
    error = response.get("Error")
    statuses = response.get("SendStatusSet")
    status = error if isinstance(error, dict) else statuses[0] if isinstance(statuses, list) and statuses else None
    if not isinstance(status, dict):
        return "", "", ""
    return str(status.get("Code") or ""), str(status.get("Message") or ""), str(status.get("SerialNo") or "")
