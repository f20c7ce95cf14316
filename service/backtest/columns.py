"""Columns of a history file as arrays: whatever type they were written with, one meaning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from service.backtest.history import HistoryFault, Names
from service.backtest.times import SECOND_US, ticks_a_second

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["NameColumn", "TimeColumn", "values_of"]

_NOBODY = -1


class TimeColumn:
    """Times of one column of one file: timestamps, or numbers since the epoch whose unit the first of them tells.

    zone: name of the time zone of timestamps without one
    """

    def __init__(self, name: str, zone: str) -> None:
        self._name = name
        self._zone = zone
        self._ticks: int | None = None

    def read(self, column: pa.Array) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Return times in µs since the epoch, (n,) int64, and which of them are there, (n,) bool.

        Raises HistoryFault where the column holds no times.
        """
        known = _there(column)
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            column = self._parsed(column)
        if pa.types.is_timestamp(column.type):
            if column.type.tz is None:
                column = pc.assume_timezone(column, self._zone, ambiguous="earliest", nonexistent="earliest")
            column = column.cast(pa.timestamp("us", "UTC"), safe=False)
            return _filled(column.cast(pa.int64()), 0), known
        if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
            return self._numbers(column, known), known
        raise HistoryFault(f"column {self._name} is {column.type}; wanted timestamps, or numbers since the epoch")

    def _parsed(self, column: pa.Array) -> pa.Array:
        try:
            return column.cast(pa.timestamp("us", "UTC"))
        except pa.ArrowInvalid:
            pass
        try:
            return column.cast(pa.timestamp("us"))
        except pa.ArrowInvalid as error:
            raise HistoryFault(f"column {self._name}: {error}; wanted 2026-05-01T06:30:00+08:00 or the like") from None

    def _numbers(self, column: pa.Array, known: NDArray[np.bool_]) -> NDArray[np.int64]:
        numbers: NDArray[Any] = _filled(column, 0)
        if self._ticks is None and known.any():
            self._ticks = ticks_a_second(float(numbers[known.argmax()]))
        ticks = self._ticks or SECOND_US
        if numbers.dtype.kind == "f":
            scaled = np.round(np.nan_to_num(numbers * (SECOND_US / ticks), posinf=0, neginf=0))
            known &= np.isfinite(numbers)
            return scaled.astype(np.int64)
        numbers = numbers.astype(np.int64, copy=False)
        if ticks == SECOND_US:
            return numbers
        return numbers * (SECOND_US // ticks) if ticks < SECOND_US else numbers // (ticks // SECOND_US)


class NameColumn:
    """Names of one column of one file against the codes of `names`."""

    def __init__(self, name: str, names: Names) -> None:
        self._name = name
        self._names = names
        self._dictionary: pa.Array | None = None
        self._codes: NDArray[np.int32] = np.zeros(0, np.int32)

    def read(self, column: pa.Array) -> NDArray[np.int32]:
        """Return the codes of a column, (n,) int32, -1 where it says nothing.

        Raises HistoryFault where it holds no texts.
        """
        if not pa.types.is_dictionary(column.type):
            column = column.dictionary_encode()
        if not (pa.types.is_string(column.type.value_type) or pa.types.is_large_string(column.type.value_type)):
            raise HistoryFault(f"column {self._name} is {column.type.value_type}; wanted texts")
        if self._dictionary is None or not column.dictionary.equals(self._dictionary):
            self._dictionary = column.dictionary
            texts = column.dictionary.to_pylist()
            codes = [self._names.code(text) if text else _NOBODY for text in texts]
            self._codes = np.array([*codes, _NOBODY], np.int32)  # the last one is for null
        indices: NDArray[np.int32] = _filled(column.indices, len(self._codes) - 1)
        return self._codes[indices]


def values_of(column: pa.Array) -> tuple[NDArray[np.float64], NDArray[np.bool_], int]:
    """Return values (n,) float64, 0.0 where not known, which are known (n,) bool, and how many were infinite.

    Null and NaN are not known. Raises HistoryFault where the column holds no numbers.
    """
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.uint8())
    try:
        column = column.cast(pa.float64(), safe=False)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise HistoryFault(f"column value is {column.type}; wanted numbers, null where not known") from None
    values = _filled(column, np.nan)
    known = np.isfinite(values)
    if known.all():
        return values, known, 0
    infinite = int(np.isinf(values).sum())
    return np.where(known, values, 0.0), known, infinite


def _there(column: pa.Array) -> NDArray[np.bool_]:
    if not column.null_count:
        return np.ones(len(column), np.bool_)
    return np.asarray(column.is_valid().to_numpy(zero_copy_only=False))


def _filled(column: pa.Array, filling: float) -> NDArray[Any]:
    """Return the column as an array, `filling` where it says nothing."""
    if column.null_count:
        column = column.fill_null(filling)
    return np.asarray(column.to_numpy(zero_copy_only=False))
