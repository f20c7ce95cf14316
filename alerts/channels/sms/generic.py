"""Any gateway by HTTP, as the templates of the settings describe it."""

from __future__ import annotations

import base64
import hmac
import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

import msgspec

from alerts.channels.channel import DeliveryError, Handed
from alerts.channels.sms import template
from alerts.channels.sms.generic_settings import BasicAuth, BearerAuth, HmacAuth
from alerts.channels.sms.signing import basic
from alerts.channels.sms.vendor import Request, reason

if TYPE_CHECKING:
    from alerts.channels.http import Answer, HttpGateway
    from alerts.channels.sms.generic_settings import HttpSection
    from alerts.channels.sms.vendor import Saying

__all__ = ["HttpVendor", "at_path"]

REFERENCE_CHARACTERS: Final = 200
_STEP: Final = re.compile(r"[^.\[\]]+")
_NOTHING: Final = object()


def at_path(document: Any, path: str) -> str | None:
    """Return the value at a path such as `data.0.sid` or `$.data[0].sid` as text, None where there is none there."""
    found = value_at(document, path)
    match found:
        case str():
            return found
        case bool():
            return "true" if found else "false"
        case int() | float():
            return str(found)
        case _:
            return None


def value_at(document: Any, path: str) -> Any:
    """Return the value at a path, the document itself for ""; None where there is none there."""
    value = document
    for step in _STEP.findall(path.removeprefix("$")):
        match value:
            case dict():
                value = value.get(step)
            case list() if step.isdecimal() and int(step) < len(value):
                value = value[int(step)]
            case _:
                return None
    return value


class HttpVendor:
    """Sends what the templates say, and reads the answer as the settings tell."""

    def __init__(self, section: HttpSection) -> None:
        self._section = section
        self._secrets = {
            f"{template.SECRET}{name}": value.get_secret_value() for name, value in section.secrets.items()
        }
        self._pattern = re.compile(section.success_pattern) if section.success_pattern else None

    def request(self, saying: Saying) -> Request:
        """Return the request that sends it."""
        section = self._section
        values = {**saying.values, **self._secrets}
        url = template.fill_url(section.url, values)
        if section.query:
            filled = {name: template.fill(value, values) for name, value in section.query.items()}
            url += ("&" if "?" in url else "?") + urlencode(filled, encoding=section.charset, errors="replace")
        headers = {name: template.fill_header(value, values) for name, value in section.headers.items()}
        content_type, body = self._body(values)
        if body:
            headers["content-type"] = section.content_type or content_type
        headers.update(self._authorisation(body, saying.now_us))
        return Request(section.method, url, headers, body)

    def taken(self, answer: Answer, saying: Saying, http: HttpGateway) -> Handed:
        """Read the answer. Raises DeliveryError for any that does not say that it was taken."""
        section = self._section
        document = _document(answer)
        code = at_path(document, section.code or section.success) if section.code or section.success else None
        text = answer.body.decode(section.charset, "replace")
        if answer.is_success:
            match = self._pattern.search(text) if self._pattern else None
            said = at_path(document, section.success) if section.success else None
            by_path = not section.success or said in section.success_values
            by_pattern = self._pattern is None or match is not None
            if by_path and by_pattern:
                reference = at_path(document, section.reference) if section.reference else None
                if reference is None and match and "reference" in match.re.groupindex:
                    reference = match["reference"]
                return Handed("taken by the gateway", (reference or "")[:REFERENCE_CHARACTERS])
        if code is not None:
            why = reason(code, "", saying.address)
            if code in section.busy:
                raise DeliveryError(why, retry=True)
            if code in section.refused:
                raise DeliveryError(why, retry=False)
            if answer.is_success and code not in section.success_values:
                raise DeliveryError(why, retry=section.retry_unknown)
        if not answer.is_success:
            raise http.refusal(answer)
        raise http.unknown(f"{answer.said}, but not what a gateway says that took it")

    def inquiry(self, saying: Saying) -> Request | None:  # noqa: ARG002  # as the protocol has it
        """Return None: nobody said how to ask."""
        return None

    def found(self, answer: Answer, saying: Saying) -> Handed | None:  # noqa: ARG002  # as the protocol has it
        """Return None: nothing was asked."""
        return None

    def _body(self, values: dict[str, str]) -> tuple[str, bytes]:
        section = self._section
        charset = section.charset
        if section.body_json is not None:
            return "application/json", msgspec.json.encode(template.fill_json(section.body_json, values))
        if section.body_form is not None:
            filled = {name: template.fill(value, values) for name, value in section.body_form.items()}
            form = urlencode(filled, encoding=charset, errors="replace").encode()
            return f"application/x-www-form-urlencoded; charset={charset}", form
        if section.body_text is not None:
            text = template.fill_text(section.body_text, values)
            return f"text/xml; charset={charset}", text.encode(charset, "replace")
        return "", b""

    def _authorisation(self, body: bytes, now_us: int) -> dict[str, str]:
        match self._section.auth:
            case BasicAuth(username=username, password=password):
                return {"authorization": basic(username, password.get_secret_value())}
            case BearerAuth(token=token):
                return {"authorization": f"Bearer {token.get_secret_value()}"}
            case HmacAuth() as auth:
                return _signed(auth, body, now_us // 1_000_000)
            case None:
                return {}


def _signed(auth: HmacAuth, body: bytes, now_s: int) -> dict[str, str]:
    signed = body if auth.timestamp_header is None else f"{now_s}.".encode() + body
    digest = hmac.digest(auth.key.get_secret_value().encode(), signed, auth.algorithm)
    said = digest.hex() if auth.encoding == "hex" else base64.b64encode(digest).decode()
    headers = {auth.header: auth.prefix + said}
    if auth.timestamp_header is not None:
        headers[auth.timestamp_header] = str(now_s)
    return headers


def _document(answer: Answer) -> Any:
    try:
        return msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
