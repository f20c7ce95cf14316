"""Telephone numbers: one form for all that people and vendors write."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["international", "national", "same_number"]

COUNTRY: Final = "86"
_ORNAMENT: Final = re.compile(r"[\s().\-\u00ad\u200b-\u200f\u202a-\u202e]+")
_NUMBER: Final = re.compile(r"\+?[0-9]{3,20}")


def international(number: str, country: str = COUNTRY) -> str:
    """Return `number` as `+` and digits; one without `+` or `00` is one of `country`.

    Raises ValueError, without the number in it, where it is none.
    """
    plain = _ORNAMENT.sub("", number)
    if plain.startswith("00"):
        plain = "+" + plain[2:]
    if not _NUMBER.fullmatch(plain):
        raise ValueError("not a telephone number")
    if plain.startswith("+"):
        return plain
    if country == COUNTRY and len(plain) == len("8613800138000") and plain.startswith(country + "1"):
        return "+" + plain  # some vendors leave out the plus
    return f"+{country}{plain.lstrip('0') or plain}"


def national(number: str, country: str = COUNTRY) -> str:
    """Return digits only: without the country's own code, with any other's. Raises ValueError as `international`."""
    return international(number, country).removeprefix(f"+{country}").removeprefix("+")


def same_number(one: str, other: str, country: str = COUNTRY) -> bool:
    """Whether both are one number, however they are written."""
    try:
        return international(one, country) == international(other, country)
    except ValueError:
        return one.strip() == other.strip() != ""
