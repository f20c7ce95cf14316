"""Templates of requests: `{field}` in a URL, a header, a form, JSON or text, escaped for where it stands."""

from __future__ import annotations

import string
from typing import TYPE_CHECKING, Final
from urllib.parse import quote
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

__all__ = [
    "FIELDS",
    "SECRET",
    "check",
    "check_json",
    "fill",
    "fill_header",
    "fill_json",
    "fill_text",
    "fill_url",
]

FIELDS: Final = frozenset(
    {
        "address",
        "text",
        "text_short",
        "title",
        "body",
        "code",
        "link",
        "incident",
        "severity",
        "level",
        "name",
        "what",
        "place",
        "id",
        "drill",
        "purpose",
        "language",
        "sender",
        "callback",
        "time_s",
    }
)
"""What a template may name; and `secret_…`, which the settings give."""
SECRET: Final = "secret_"  # noqa: S105  # the prefix, not a secret


def check(template: str, fields: Collection[str] = FIELDS) -> str:
    """Return the template. Raises ValueError where braces do not match, or it names what there is not."""
    for _, name, form, conversion in string.Formatter().parse(template):
        if name is None:
            continue
        if form or conversion:
            raise ValueError(f"{name!r}: a field is a name in braces, and nothing else")
        if name not in fields:
            raise ValueError(f"no field {name!r}; there are {', '.join(sorted(fields))}")
    return template


def check_json(value: object, fields: Collection[str] = FIELDS) -> None:
    """Check each text in a JSON value. Raises ValueError as `check`."""
    match value:
        case str():
            check(value, fields)
        case list():
            for item in value:
                check_json(item, fields)
        case dict():
            for item in value.values():
                check_json(item, fields)
        case _:
            pass


def fill(template: str, values: Mapping[str, str]) -> str:
    """Return it with each field's value as it is."""
    return template.format_map(values)


def fill_url(template: str, values: Mapping[str, str]) -> str:
    """Return it with each value percent-encoded, so that none can leave its place."""
    return template.format_map({name: quote(value, safe="") for name, value in values.items()})


def fill_header(template: str, values: Mapping[str, str]) -> str:
    """Return it with whatever no header can carry percent-encoded: line ends, and all but printable ASCII."""
    return template.format_map({name: _visible(value) for name, value in values.items()})


def fill_json(value: object, values: Mapping[str, str]) -> object:
    """Return the value with its texts filled; what is no text stays as it is. The encoder does the escaping."""
    match value:
        case str():
            return fill(value, values)
        case list():
            return [fill_json(item, values) for item in value]
        case dict():
            return {name: fill_json(item, values) for name, item in value.items()}
        case _:
            return value


def fill_text(template: str, values: Mapping[str, str]) -> str:
    """Return it with each value escaped for XML."""
    return template.format_map({name: escape(value, {'"': "&quot;"}) for name, value in values.items()})


def _visible(value: str) -> str:
    return "".join(one if " " <= one <= "~" else quote(one, safe="") for one in value)
