"""What the settings file says about a gateway that templates describe, and about what it sends back."""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from alerts.channels.sms.endpoint import Endpoint, Section, check_url, named
from alerts.channels.sms.template import FIELDS, SECRET, check, check_json

__all__ = ["BasicAuth", "BearerAuth", "HmacAuth", "HttpSection", "JsonPath", "ReceiptForm", "ReplyForm"]

_HEADER: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_PATH: Final = re.compile(r"\$?(\.?[^.\[\]]+|\[\d+\])(\.[^.\[\]]+|\[\d+\])*")

JsonPath = Annotated[str, Field(pattern=rf"^({_PATH.pattern})?$")]
"""Such as `data.0.sid` or `$.data[0].sid`; "" for none."""


class BasicAuth(Section):
    """RFC 7617."""

    type: Literal["basic"]
    username: str
    password: SecretStr


class BearerAuth(Section):
    """RFC 6750."""

    type: Literal["bearer"]
    token: SecretStr


class HmacAuth(Section):
    """An HMAC of the body in a header.

    header:           gets `prefix` and the signature
    timestamp_header: where given, it gets the s since the epoch, and what is signed is these, a dot and the body
    """

    type: Literal["hmac"]
    header: str = Field(pattern=rf"^{_HEADER.pattern}$")
    key: SecretStr
    algorithm: Literal["sha1", "sha256", "sha512", "md5"] = "sha256"
    encoding: Literal["hex", "base64"] = "hex"
    prefix: str = Field(default="", pattern=r"^[ -~]*$")
    timestamp_header: str | None = Field(default=None, pattern=rf"^{_HEADER.pattern}$")


class ReceiptForm(Section):
    """Where a gateway's receipt says what; the paths are into its JSON, or names of its form's or its URL's fields.

    list:         the list of receipts, where several come in one; "" where it is one, or a list itself
    reference:    the gateway's id; notification: our id, where it is sent back; one of them is needed
    received, failed: values of `status`; any other is no receipt yet
    """

    list: JsonPath = ""
    reference: JsonPath = ""
    notification: JsonPath = ""
    status: JsonPath
    received: tuple[str, ...]
    failed: tuple[str, ...] = ()
    detail: JsonPath = ""

    @model_validator(mode="after")
    def _says_of_what(self) -> Self:
        if not self.reference and not self.notification:
            raise ValueError("wanted `reference` or `notification`, to know which message it is of")
        return self


class ReplyForm(Section):
    """Where a gateway's message from a person says what, as in `ReceiptForm`."""

    list: JsonPath = ""
    address: JsonPath
    text: JsonPath
    notification: JsonPath = ""


class HttpSection(Endpoint):
    """Any gateway by HTTP, described by templates.

    url, query, headers, body_…: templates; at most one body; body_text is escaped as XML
    secrets:    `{secret_NAME}` in a template
    charset:    of a form and of text
    success:    JSON path whose value has to be one of `success_values`; success_pattern: a regular expression that the
                answer has to hold. One of the two, or `success_status` for a gateway that says no more than 2xx
    reference:  JSON path of the gateway's id; else the group `reference` of `success_pattern`
    code:       JSON path of the code that says why not; that of `success` where not given
    busy, refused: codes to try again, and not to; any other that is no success is refused, `retry_unknown` to try again
    idempotent: the gateway knows a repeat by `{id}`, so what got no answer may be sent again
    """

    preset: Literal["http"]
    url: str
    method: Literal["GET", "POST", "PUT"] = "POST"
    query: dict[str, str] = Field(default_factory=dict)
    headers: dict[str, str] = Field(default_factory=dict)
    body_json: dict[str, object] | list[object] | None = None
    body_form: dict[str, str] | None = None
    body_text: str | None = None
    content_type: str | None = None
    charset: Literal["utf-8", "gbk", "gb18030"] = "utf-8"
    secrets: dict[Annotated[str, Field(pattern=r"^\w+$")], SecretStr] = Field(default_factory=dict)
    auth: Annotated[BasicAuth | BearerAuth | HmacAuth, Field(discriminator="type")] | None = None
    success: JsonPath = ""
    success_values: tuple[str, ...] = ()
    success_pattern: str = ""
    success_status: bool = False
    reference: JsonPath = ""
    code: JsonPath = ""
    busy: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    retry_unknown: bool = False
    idempotent: bool = False
    receipts: ReceiptForm | None = None
    replies: ReplyForm | None = None

    @field_validator("success_pattern")
    @classmethod
    def _is_pattern(cls, pattern: str) -> str:
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"no regular expression: {error}") from error
        return pattern

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        fields = FIELDS | {f"{SECRET}{name}" for name in self.secrets}
        check_url(self.url, fields)
        for name, value in self.headers.items():
            if not _HEADER.fullmatch(name):
                raise ValueError(f"headers: {name!r} is no name of a header")
            if not value.isascii() or not value.isprintable():
                raise ValueError(f"headers: {name}: printable ASCII only, beside fields")
            check(value, fields)
        for value in (*self.query.values(), *(self.body_form or {}).values(), self.body_text or ""):
            check(value, fields)
        check_json(self.body_json, fields)
        bodies = [body for body in (self.body_json, self.body_form, self.body_text) if body is not None]
        if len(bodies) > 1 or (bodies and self.method == "GET"):
            raise ValueError("at most one of body_json, body_form and body_text, and none for GET")
        if "address" not in named(self.url, self.query, self.headers, *bodies):
            raise ValueError("no template names {address}: nobody in particular would get it")
        if bool(self.success) != bool(self.success_values):
            raise ValueError("`success` and `success_values` go together")
        if not (self.success or self.success_pattern or self.success_status):
            raise ValueError("wanted `success` and `success_values`, or `success_pattern`, or `success_status = true`")
        return self
