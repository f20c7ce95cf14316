"""A table in a CSV or Excel file: rows under named columns, and every fault with its row and column."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from openpyxl.utils import get_column_letter

from devices.ledger_cells import BadCell, as_text
from devices.ledger_xlsx import read_workbook

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

__all__ = ["Row", "Table", "read_table"]

Cells = list[str | BadCell]


@dataclass(slots=True)
class Table:
    """What a file holds.

    headings: the header's cells, left to right
    columns:  column name → place of the column, from 0
    rows:     the rows that are not blank, top down
    """

    headings: Cells
    columns: dict[str, int] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)
    _faults: list[tuple[int, int, str]] = field(default_factory=list)

    def fault(self, row: int, place: int | None, text: str) -> None:
        """Note what is wrong in row number `row`, in the column at `place` or in no one column."""
        if place is None:
            where = f"row {row}"
        else:
            heading = self.headings[place] if place < len(self.headings) else ""
            shown = f" ({heading})" if isinstance(heading, str) and heading else ""
            where = f"row {row}, column {get_column_letter(place + 1)}{shown}"
        self._faults.append((row, -1 if place is None else place, f"{where}: {text}"))

    @property
    def faults(self) -> list[str]:
        """All that was noted, in the order of the sheet."""
        return [text for _, _, text in sorted(self._faults)]


@dataclass(frozen=True, slots=True)
class Row:
    """One row; `number` is what a spreadsheet program calls it."""

    table: Table
    number: int
    cells: Cells

    def text(self, column: str) -> str:
        """Return what the row says in `column`; "" where it says nothing, or nothing certain."""
        place = self.table.columns.get(column)
        cell = "" if place is None or place >= len(self.cells) else self.cells[place]
        return cell if isinstance(cell, str) else ""

    def says(self, column: str) -> bool:
        """Say whether the cell is filled, if only with something uncertain."""
        place = self.table.columns.get(column)
        return place is not None and place < len(self.cells) and self.cells[place] != ""

    def fault(self, column: str, text: str) -> None:
        """Note what is wrong in `column`."""
        self.table.fault(self.number, self.table.columns.get(column), text)


def read_table(path: Path, headings: Mapping[str, str], required: Iterable[str]) -> Table:
    """Read a table whose header is its first row that is not blank.

    headings: heading in lower case → column name
    Faults in cells and headings are noted in the table. Raises ValueError, or OSError, where there is no table.
    """
    rows = ((number, [_read(cell) for cell in cells]) for number, cells in enumerate(_cells(path), 1))
    filled = ((number, cells) for number, cells in rows if any(cells))
    top, header = next(filled, (1, []))
    table = Table(header)
    _name_columns(table, top, headings, required)
    for number, cells in filled:
        table.rows.append(Row(table, number, cells))
        for place, cell in enumerate(cells):
            if isinstance(cell, BadCell):
                table.fault(number, place, cell.reason)
            elif cell and (place >= len(header) or not header[place]):
                table.fault(number, place, f"{cell!r} stands under no heading")
    return table


def _name_columns(table: Table, top: int, headings: Mapping[str, str], required: Iterable[str]) -> None:
    for place, heading in enumerate(table.headings):
        column = headings.get(heading.casefold()) if isinstance(heading, str) else None
        if column is not None and column not in table.columns:
            table.columns[column] = place
        elif column is not None:
            table.fault(top, place, f"a second column {column}")
        elif heading:
            table.fault(top, place, f"is no column; wanted {', '.join(dict.fromkeys(headings.values()))}")
    for column in required:
        if column not in table.columns:
            table.fault(top, None, f"no column {column}; wanted a header row that has it")


def _cells(path: Path) -> Iterable[Sequence[str | BadCell]]:
    match path.suffix.lower():
        case ".csv":
            return _csv_rows(path.read_bytes())
        case ".xlsx":
            return read_workbook(path)
        case _:
            raise ValueError("is neither .csv nor .xlsx")


def _csv_rows(raw: bytes) -> Iterator[list[str]]:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            text = raw.decode("gb18030")  # what Chinese Excel writes unless asked for UTF-8
        except UnicodeDecodeError as error:
            raise ValueError(f"is neither UTF-8 nor GB18030: {error}") from None
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        yield from rows
    except csv.Error as error:
        raise ValueError(f"is not CSV: line {rows.line_num}: {error}") from None


def _read(cell: str | BadCell) -> str | BadCell:
    if isinstance(cell, BadCell):
        return cell
    try:
        return as_text(cell)
    except ValueError as error:
        return BadCell(str(error))
