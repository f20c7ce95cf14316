"""The ledger's rows in an Excel workbook: its first sheet, cells as texts."""

from __future__ import annotations

import zipfile
import zlib
from contextlib import closing
from datetime import date, time, timedelta
from typing import TYPE_CHECKING, Any

from openpyxl import Workbook, load_workbook
from openpyxl.cell import WriteOnlyCell

from devices.ledger_cells import BadCell

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

__all__ = ["read_workbook", "write_workbook"]

EXACT_DIGITS = 15
"""What a spreadsheet keeps of a number; the rest it makes zeros."""


def read_workbook(path: Path) -> Iterator[list[str | BadCell]]:
    """Yield the first sheet's rows from row 1 on, blank ones included.

    Raises ValueError where the file is no workbook.
    """
    try:
        with closing(load_workbook(path, read_only=True)) as workbook:
            sheet: Any = workbook.worksheets[0]  # a ReadOnlyWorksheet; the stubs do not say so
            sheet.reset_dimensions()  # not every program writes the true ones, and rows beyond them would be lost
            for row in sheet.iter_rows():
                yield [_text(cell.value, cell.data_type) for cell in row]
    except (zipfile.BadZipFile, zlib.error, LookupError, SyntaxError, TypeError, ValueError) as error:
        raise ValueError(f"is no Excel workbook (.xlsx): {error}") from None


def write_workbook(path: Path, rows: Iterable[Sequence[str | float | None]]) -> None:
    """Write `rows` as the only sheet; texts stay texts, and a number of more digits than are kept becomes one."""
    workbook = Workbook(write_only=True)
    sheet = workbook.create_sheet("devices")
    for row in rows:
        cells = [WriteOnlyCell(sheet, value if _is_kept(value) else repr(value)) for value in row]
        for cell in cells:
            if isinstance(cell.value, str):
                cell.data_type = "s"
        sheet.append(cells)
    workbook.save(path)


def _is_kept(value: str | float | None) -> bool:
    return not isinstance(value, float) or float(f"{value:.{EXACT_DIGITS}g}") == value


def _text(value: object, data_type: str) -> str | BadCell:
    match value:
        case None | str() if data_type not in ("e", "f"):
            return value or ""
        case str() if data_type == "e":
            return BadCell(f"is the error {value}")
        case bool() | date() | time() | timedelta():
            return BadCell(f"was made {value} by the spreadsheet; wanted text (format the column as text)")
        case int() | float() if abs(value) < 10**EXACT_DIGITS:
            return repr(int(value)) if value == int(value) else repr(value)
        case int() | float():
            return BadCell(f"is a number of more than {EXACT_DIGITS} digits, whose end is lost; wanted text")
        case _:
            return BadCell("is a formula; wanted its value (copy, then paste as values)")
