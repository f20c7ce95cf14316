"""What a gateway sends back by HTTP, read into plain records: a list of JSON objects, or the fields of a form."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Preset", "documents", "form_fields", "json_document", "of_text"]

BODY_BYTES: Final = 1_048_576
ENTRIES: Final = 1_000
FIELDS: Final = 200
_FORM: Final = "application/x-www-form-urlencoded"


class Preset(StrEnum):
    """Whose callback it is."""

    HTTP = "http"
    """Any other, as its form in the settings tells."""
    ALIYUN = "aliyun"
    TENCENT = "tencent"
    TWILIO = "twilio"
    ALIYUN_VOICE = "aliyun-voice"
    TWILIO_VOICE = "twilio-voice"


def json_document(body: bytes) -> Any:
    """Return the JSON. Raises ValueError where it is none, or too large."""
    if len(body) > BODY_BYTES:
        raise ValueError(f"more than {BODY_BYTES} bytes")
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError("no JSON") from error


def documents(found: Any) -> list[dict[str, Any]]:
    """Return the objects of a list, or the one that it is. Raises ValueError where it is neither, or too many."""
    entries = found if isinstance(found, list) else [found]
    if len(entries) > ENTRIES:
        raise ValueError(f"more than {ENTRIES} entries")
    if not all(isinstance(entry, dict) for entry in entries):
        raise ValueError("wanted JSON objects")
    return entries


def form_fields(headers: Mapping[str, str], query: Mapping[str, str], body: bytes) -> dict[str, str]:
    """Return the fields of the URL and of the form in the body. Raises ValueError where the body is none."""
    if len(body) > BODY_BYTES:
        raise ValueError(f"more than {BODY_BYTES} bytes")
    kind = next((value for name, value in headers.items() if name.lower() == "content-type"), _FORM)
    if body and not kind.lower().startswith(_FORM):
        raise ValueError("wanted a form")
    try:
        fields = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, max_num_fields=FIELDS, encoding="utf-8", errors="replace"
        )
    except UnicodeDecodeError as error:
        raise ValueError("wanted a form") from error
    return {**query, **dict(fields)}


def of_text(entry: Mapping[str, Any], name: str) -> str:
    """Return a field as text, "" where there is none. Raises ValueError where it is a list or an object."""
    value = entry.get(name)
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case str() | int() | float():
            return str(value)
        case _:
            raise ValueError(f"{name}: wanted text")
