"""`Receipt`: what a gateway says became of a message; and how each gateway says it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from alerts.channels.inbound.callback import Preset, documents, form_fields, json_document, of_text
from alerts.channels.sms.generic import at_path, value_at
from alerts.channels.sms.vendor import reason
from alerts.incident import NotificationStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

    from alerts.channels.sms.generic_settings import ReceiptForm

__all__ = ["Receipt", "parse_receipts"]

DETAIL_CHARACTERS: Final = 120
_TWILIO: Final = {
    "delivered": NotificationStatus.RECEIVED,
    "read": NotificationStatus.RECEIVED,
    "undelivered": NotificationStatus.FAILED,
    "failed": NotificationStatus.FAILED,
    "canceled": NotificationStatus.FAILED,
}
_TWILIO_CALL: Final = {
    "in-progress": NotificationStatus.RECEIVED,
    "completed": NotificationStatus.RECEIVED,
    "busy": NotificationStatus.FAILED,
    "no-answer": NotificationStatus.FAILED,
    "failed": NotificationStatus.FAILED,
    "canceled": NotificationStatus.FAILED,
}


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of one message.

    channel:      name of the channel by which it went
    status:       RECEIVED, FAILED or UNKNOWN; what is on its way still is no receipt
    detail:       what the gateway calls it, for the timeline; no number in it
    reference:    the gateway's id, as `Handed.reference`; "" where it tells only ours
    notification: our id, where the gateway sends it back; "" where it tells only its own
    """

    channel: str
    status: NotificationStatus
    detail: str
    reference: str = ""
    notification: str = ""


def parse_receipts(
    preset: Preset | str,
    headers: Mapping[str, str],
    query: Mapping[str, str],
    body: bytes,
    *,
    channel: str = "",
    form: ReceiptForm | None = None,
) -> list[Receipt]:
    """Return the receipts in a callback: none where it tells of no end yet, or is a person's reply.

    form: how a gateway of the preset `http` says it
    Raises ValueError, without anything of what it said, where it is no callback of that gateway's.
    """
    kind = Preset(preset)
    if kind is Preset.HTTP:
        entries = [] if form is None else entries_of(headers, query, body, form.list)
        found = [_by_form(entry, form) for entry in entries if form is not None]
    elif kind in _FORMS:
        found = [_FORMS[kind](form_fields(headers, query, body))]
    else:
        found = [_JSON[kind](entry) for entry in documents(json_document(body))]
    return [
        Receipt(channel, status, reason(detail, "", "")[:DETAIL_CHARACTERS], reference, notification)
        for status, detail, reference, notification in filter(None, found)
    ]


def entries_of(headers: Mapping[str, str], query: Mapping[str, str], body: bytes, path: str) -> list[dict[str, Any]]:
    """Return the records in a callback of any gateway: of JSON, of a form, or of the URL where the body is empty."""
    if body.lstrip()[:1] in {b"{", b"["}:
        document = json_document(body)
        return [{**query, **entry} for entry in documents(value_at(document, path) if path else document)]
    return [form_fields(headers, query, body)]


_Found = tuple[NotificationStatus, str, str, str] | None


def _aliyun(entry: Mapping[str, Any]) -> _Found:
    if "content" in entry:
        return None  # a person's reply
    said = of_text(entry, "success")
    if said not in {"true", "false"}:
        raise ValueError("success: wanted true or false")
    status = NotificationStatus.RECEIVED if said == "true" else NotificationStatus.FAILED
    return _named(status, of_text(entry, "err_code"), of_text(entry, "biz_id"), of_text(entry, "out_id"))


def _aliyun_voice(entry: Mapping[str, Any]) -> _Found:
    code = of_text(entry, "status_code")
    if not code:
        raise ValueError("status_code: wanted one")
    if "duration" not in entry:
        return None  # it goes on
    duration = of_text(entry, "duration")
    if not duration.isdecimal():
        raise ValueError("duration: wanted s")
    status = NotificationStatus.RECEIVED if int(duration) > 0 else NotificationStatus.FAILED
    return _named(status, f"call {code}", of_text(entry, "call_id"), "")


def _tencent(entry: Mapping[str, Any]) -> _Found:
    if "text" in entry:
        return None  # a person's reply
    said = of_text(entry, "report_status")
    if said not in {"SUCCESS", "FAIL"}:
        raise ValueError("report_status: wanted SUCCESS or FAIL")
    status = NotificationStatus.RECEIVED if said == "SUCCESS" else NotificationStatus.FAILED
    return _named(status, of_text(entry, "errmsg"), of_text(entry, "sid"), "")


def _twilio(fields: Mapping[str, str]) -> _Found:
    sid = fields.get("MessageSid") or fields.get("SmsSid")
    if not sid:
        raise ValueError("MessageSid: wanted one")
    if "MessageStatus" not in fields:
        return None  # a person's message
    status = _TWILIO.get(fields["MessageStatus"])
    if status is None:
        return None
    return _named(status, f"{fields['MessageStatus']} {fields.get('ErrorCode', '')}".rstrip(), sid, "")


def _twilio_voice(fields: Mapping[str, str]) -> _Found:
    sid, said = fields.get("CallSid"), fields.get("CallStatus")
    if not sid or not said:
        raise ValueError("CallSid and CallStatus: wanted both")
    status = _TWILIO_CALL.get(said)
    if status is None:
        return None
    if fields.get("AnsweredBy", "human").startswith(("machine", "fax")):
        return _named(NotificationStatus.FAILED, "answered by a machine", sid, fields.get("notification", ""))
    return _named(status, said, sid, fields.get("notification", ""))


def _by_form(entry: dict[str, Any], form: ReceiptForm) -> _Found:
    said = at_path(entry, form.status)
    if said is None:
        raise ValueError(f"{form.status}: wanted one")
    if said in form.received:
        status = NotificationStatus.RECEIVED
    elif said in form.failed:
        status = NotificationStatus.FAILED
    else:
        return None
    detail = (at_path(entry, form.detail) if form.detail else None) or said
    reference = at_path(entry, form.reference) if form.reference else None
    notification = at_path(entry, form.notification) if form.notification else None
    return _named(status, detail, reference or "", notification or "")


def _named(status: NotificationStatus, detail: str, reference: str, notification: str) -> _Found:
    if not reference and not notification:
        raise ValueError("it names no message")
    return status, detail, reference, notification


_JSON: Final = {Preset.ALIYUN: _aliyun, Preset.ALIYUN_VOICE: _aliyun_voice, Preset.TENCENT: _tencent}
_FORMS: Final = {Preset.TWILIO: _twilio, Preset.TWILIO_VOICE: _twilio_voice}
