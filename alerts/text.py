"""What every text is made of: the same thing in English and Chinese, numbers, lengths of time, lists of names."""

from __future__ import annotations

from math import floor, log10
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["NAMES_SAID", "NOTHING", "WORTH_SAYING_S", "Text", "enumerated", "number", "quantity", "span"]

READING_DIGITS: Final = 6
MOST_DIGITS: Final = 9
"""Beyond these a float64 says more than any sensor means: 0.30000000000000004."""
PLAIN_BELOW: Final = 1e15
PLAIN_FROM: Final = 1e-6
NAMES_SAID: Final = 6
"""So many of a list's names are said, and how many more there are."""
WORTH_SAYING_S: Final = 1.0
"""Shorter lengths of time go without saying."""


class Text(NamedTuple):
    """The same thing said twice."""

    en: str
    zh: str

    def and_then(self, other: Text) -> Text:
        """Return this and then `other`."""
        return Text(self.en + other.en, self.zh + other.zh)

    def fill(self, **parts: Text | str | int) -> Text:
        """Return this template with each `{name}` replaced by that part, in the same language where it has two."""
        en: dict[str, str | int] = {}
        zh: dict[str, str | int] = {}
        for name, part in parts.items():
            en[name], zh[name] = part if isinstance(part, Text) else (part, part)
        return Text(self.en.format_map(en), self.zh.format_map(zh))


NOTHING: Final = Text("", "")

_STEPS: Final = ((86_400, "d", "天"), (3_600, "h", "小时"), (60, "min", "分"), (1, "s", "秒"))


def span(seconds: float) -> Text:
    """Say a length of time in its two largest units, such as `1 h 30 min`."""
    rest = max(0, round(seconds))
    parts: list[tuple[int, str, str]] = []
    for size, en, zh in _STEPS:
        whole, rest = divmod(rest, size)
        if whole or parts:
            parts.append((whole, en, zh))
    said = [part for part in parts[:2] if part[0]] or [(0, "s", "秒")]
    return Text(" ".join(f"{n} {en}" for n, en, _ in said), "".join(f"{n}{zh}" for n, _, zh in said))


def number(value: float | None, digits: int = READING_DIGITS, *, beside: float | None = None) -> str:
    """Say a number to `digits` significant digits, without an exponent where people would write none.

    beside: the limit that it is compared with; it gets as many more digits, up to nine, as show on which side it is
    """
    if value is None:
        return "?"
    said = _rounded(value, digits)
    while beside is not None and digits < MOST_DIGITS and _side(float(said), beside) != _side(value, beside):
        digits += 1
        said = _rounded(value, digits)
    return said


def _rounded(value: float, digits: int) -> str:
    said = f"{value + 0.0:.{digits}g}"  # + 0.0: there is no minus nought
    size = abs(value)
    if "e" not in said or not PLAIN_FROM <= size < PLAIN_BELOW:
        return said
    places = digits - 1 - floor(log10(size))
    said = f"{value:.{max(places, 0)}f}"
    return said.rstrip("0").rstrip(".") if "." in said else said


def _side(value: float, limit: float) -> int:
    return (value > limit) - (value < limit)


def quantity(value: float | None, unit: str, digits: int = READING_DIGITS, *, beside: float | None = None) -> str:
    """Say a number with its unit; degrees of an angle stand close."""
    said = number(value, digits, beside=beside)
    return f"{said}{unit}" if unit in {"", "°"} else f"{said} {unit}"


def enumerated(names: Sequence[str], count: int) -> Text:
    """Say the first of `names`, and how many more of the `count` devices there are."""
    said = list(names[:NAMES_SAID])
    rest = count - len(said)
    if not said:
        return NOTHING
    if rest > 0:
        return Text(f"{', '.join(said)} and {rest} more", f"{'、'.join(said)}等另{rest}台")
    return Text(" and ".join(filter(None, [", ".join(said[:-1]), said[-1]])), "、".join(said))
