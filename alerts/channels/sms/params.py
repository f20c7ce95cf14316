"""Parameters of the templates that a vendor approved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from alerts.channels.sms.template import fill
from alerts.channels.sms.text import cut

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["filled"]

EMPTY: Final = "-"
"""Vendors refuse an empty parameter."""


def filled(
    params: dict[str, str] | list[str], values: Mapping[str, str], characters: int
) -> dict[str, str] | list[str]:
    """Return each parameter with its fields filled, on one line, of at most `characters`, and never empty."""
    if isinstance(params, dict):
        return {name: _one(value, values, characters) for name, value in params.items()}
    return [_one(value, values, characters) for value in params]


def _one(template: str, values: Mapping[str, str], characters: int) -> str:
    # 【】 mark the sender's sign, and are refused within parameters.
    text = " ".join(fill(template, values).translate({ord("【"): "[", ord("】"): "]"}).split())
    if len(text) > characters:
        text = cut(text, lambda beginning: len(beginning) <= characters)
    return text or EMPTY
