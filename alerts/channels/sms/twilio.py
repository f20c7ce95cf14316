"""Twilio: https://www.twilio.com/docs/messaging/api/message-resource (2010-04-01)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlencode

from alerts.channels.channel import DeliveryError, Handed
from alerts.channels.sms.number import international
from alerts.channels.sms.signing import basic
from alerts.channels.sms.vendor import Request, json_object, reason

if TYPE_CHECKING:
    from alerts.channels.http import Answer, HttpGateway
    from alerts.channels.sms.settings import TwilioSection
    from alerts.channels.sms.vendor import Saying

__all__ = ["TwilioVendor", "post", "taken"]

BUSY: Final = frozenset({14107, 20429, 21611, 30001, 30022})
"""14107 send rate, 20429 too many requests, 21611 and 30001 the queue is full, 30022 rate of a carrier."""
FAILED: Final = frozenset({"failed", "undelivered", "canceled"})


def post(endpoint: str, account_sid: str, token: str, resource: str, fields: dict[str, str]) -> Request:
    """Return the POST of a form to a resource of the account."""
    return Request(
        "POST",
        f"{endpoint.rstrip('/')}/2010-04-01/Accounts/{quote(account_sid, safe='')}/{resource}.json",
        {
            "authorization": basic(account_sid, token),
            "content-type": "application/x-www-form-urlencoded; charset=utf-8",
            "accept": "application/json",
        },
        urlencode(fields).encode(),
    )


def taken(answer: Answer, saying: Saying, http: HttpGateway) -> Handed:
    """Read the answer to a POST of a message or a call; `sid` is the reference. Raises DeliveryError."""
    document = json_object(answer)
    if not answer.is_success:
        code = document.get("code") if document else None
        if not isinstance(code, int):
            raise http.refusal(answer)
        error = http.refusal(answer)
        raise DeliveryError(
            reason(code, document.get("message") if document else "", saying.address),
            retry=error.retry or code in BUSY,
            retry_after_s=error.retry_after_s,
            unknown=error.unknown,
        )
    sid = document.get("sid") if document else None
    if document is None or not isinstance(sid, str) or not sid:
        raise http.unknown(f"{answer.said}, and no sid")
    if document.get("status") in FAILED:
        raise DeliveryError(
            reason(document.get("error_code"), document.get("error_message"), saying.address), retry=False
        )
    return Handed("taken by Twilio", sid)


class TwilioVendor:
    """POSTs a message; Twilio says what became of it at the callback."""

    def __init__(self, section: TwilioSection, callback: str) -> None:
        self._section = section
        self._callback = section.callback_url or callback

    def request(self, saying: Saying) -> Request:
        """Return the request. Raises DeliveryError where the address is no number."""
        section = self._section
        try:
            number = international(saying.address, section.country)
        except ValueError as error:
            raise DeliveryError(str(error), retry=False) from error
        sender = "MessagingServiceSid" if section.sender.startswith("MG") else "From"
        fields = {"To": number, sender: section.sender, "Body": saying.text}
        if self._callback:
            fields["StatusCallback"] = self._callback
        token = section.auth_token.get_secret_value()
        return post(section.endpoint, section.account_sid, token, "Messages", fields)

    def taken(self, answer: Answer, saying: Saying, http: HttpGateway) -> Handed:
        """Read the answer. Raises DeliveryError where it is no message that Twilio has."""
        return taken(answer, saying, http)

    def inquiry(self, saying: Saying) -> Request | None:  # noqa: ARG002  # as the protocol has it
        """Return None: Twilio knows no id of ours."""
        return None

    def found(self, answer: Answer, saying: Saying) -> Handed | None:  # noqa: ARG002  # as the protocol has it
        """Return None: nothing was asked."""
        return None
