"""What a ledger's cells say: every cell as a text, and what spreadsheet programs do to texts on the way."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["NUMBER", "BadCell", "as_cell", "as_text"]


@dataclass(frozen=True, slots=True)
class BadCell:
    """A cell that says nothing certain, and why."""

    reason: str


NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
"""A number as spreadsheet programs and `repr` write one."""

_WHOLE = re.compile(r"(-?\d+)\.0+", re.ASCII)
_SCIENTIFIC = re.compile(r"[+-]?\d+(\.\d+)?E\+\d+", re.ASCII)
_FORMULA = ("=", "+", "-", "@")
_TEXT_MARK = "'"


def as_text(cell: str) -> str:
    """Return what a cell says: `502.0` is 502, and what follows an apostrophe is taken as it stands, as Excel does.

    Raises ValueError where digits are lost.
    """
    if cell.startswith(_TEXT_MARK):
        return cell[1:]
    cell = cell.strip()
    if _SCIENTIFIC.fullmatch(cell):
        raise ValueError(f"{cell} is what a spreadsheet made of a long number; wanted all of its digits, as text")
    whole = _WHOLE.fullmatch(cell)
    return whole[1] if whole else cell


def as_cell(text: str) -> str:
    """Return the cell that says `text`: marked as text where a spreadsheet would run it or `as_text` change it."""
    is_formula = text.startswith(_FORMULA) and not NUMBER.fullmatch(text)
    is_changed = (
        text.startswith(_TEXT_MARK) or text != text.strip() or _WHOLE.fullmatch(text) or _SCIENTIFIC.fullmatch(text)
    )
    return _TEXT_MARK + text if is_formula or is_changed else text
