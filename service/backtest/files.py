"""History files: Parquet and CSV, read in chunks.

Columns: `time`, `device` (`site/name`, or the name where there is a column `site`), `metric`, `value` (null where not
known), and `arrival` where the file knows when readings came. A small file may be in any order; a larger one must be in
order of arrival (of time, where it has no arrival).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from devices import Device
from service.backtest.columns import NameColumn, TimeColumn, values_of
from service.backtest.history import Chunk, HistoryFault, Names, Oddities

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

__all__ = ["DEVICES_KEY", "FileHistory", "open_file"]

DEVICES_KEY: Final = b"vigil.devices"
"""The key of a Parquet file's metadata under which its devices are written, as JSON."""

CHUNK: Final = 1 << 20
SORTED_ROWS: Final = 4 * CHUNK
SORTED_CSV_BYTES: Final = 128 << 20
CSV_BLOCK_BYTES: Final = 16 << 20
_REQUIRED = ("time", "device", "metric", "value")
_OPTIONAL = ("arrival", "site")


class FileHistory(ABC):
    """The part of a history that two kinds of file share.

    zone:           of times without one
    from_us, to_us: arrival, the end not included; None for all
    """

    def __init__(self, path: Path, zone: str, from_us: int | None = None, to_us: int | None = None) -> None:
        self.path = path
        self.devices = Names()
        self.metrics = Names()
        self.oddities = Oddities()
        self.ledger: Mapping[str, Device] = {}
        self._from_us = from_us
        self._to_us = to_us
        self._columns: tuple[str, ...] = ()
        self._time = TimeColumn("time", zone)
        self._arrival = TimeColumn("arrival", zone)
        self._device = NameColumn("device", self.devices)
        self._metric = NameColumn("metric", self.metrics)

    @property
    def arrives(self) -> bool:
        """Whether the file says when readings came."""
        return "arrival" in self._columns

    def chunks(self) -> Iterator[Chunk]:
        """Read from the beginning. Raises HistoryFault."""
        newest_us: int | None = None
        try:
            for batch, share in self._batches():
                chunk = self._chunk(batch, share).sorted()
                if not len(chunk):
                    continue
                first_us = int(chunk.arrival_us[0])
                if newest_us is not None and first_us < newest_us:
                    raise HistoryFault(
                        f"{self.path} is too large to be sorted here, and is not in order of "
                        f"{'arrival' if self.arrives else 'time'}; wanted it sorted by that column"
                    )
                newest_us = int(chunk.arrival_us[-1])
                yield from _parts(chunk.within(self._from_us, self._to_us))
                if self._to_us is not None and newest_us >= self._to_us:
                    return
        except (pa.ArrowException, OSError) as error:
            raise HistoryFault(f"{self.path} cannot be read: {error}") from None

    @abstractmethod
    def _batches(self) -> Iterator[tuple[pa.RecordBatch, float]]:
        """Yield the file's columns, some rows at a time, and the share of the file that is read with them."""

    def _set_columns(self, names: list[str]) -> None:
        missing = [name for name in _REQUIRED if name not in names]
        if missing:
            raise HistoryFault(
                f"{self.path} has no column {', '.join(missing)}; wanted {', '.join(_REQUIRED)} and perhaps "
                f"{', '.join(_OPTIONAL)}, and it has {', '.join(names)}"
            )
        self._columns = tuple(name for name in (*_REQUIRED, *_OPTIONAL) if name in names)

    def _chunk(self, batch: pa.RecordBatch, share: float) -> Chunk:
        """Return a batch's readings in its order."""
        devices = batch.column("device")
        if "site" in self._columns:
            devices = pc.binary_join_element_wise(
                batch.column("site").cast(pa.string()), devices.cast(pa.string()), "/"
            )
        device, metric = self._device.read(devices), self._metric.read(batch.column("metric"))
        time_us, timed = self._time.read(batch.column("time"))
        arrival_us = time_us
        if self.arrives:
            arrival_us, arrived = self._arrival.read(batch.column("arrival"))
            timed &= arrived
        value, known, infinite = values_of(batch.column("value"))
        self.oddities.infinite += infinite
        chunk = Chunk(device, metric, time_us, arrival_us, value, known, share)
        named = (device >= 0) & (metric >= 0)
        if named.all() and timed.all():
            return chunk
        self.oddities.nameless += int(np.count_nonzero(~named))
        self.oddities.timeless += int(np.count_nonzero(named & ~timed))
        return chunk.select(named & timed)


class ParquetHistory(FileHistory):
    """A Parquet file; one that `vigil rules backtest --save` wrote describes its devices itself."""

    def __init__(self, path: Path, zone: str, from_us: int | None = None, to_us: int | None = None) -> None:
        super().__init__(path, zone, from_us, to_us)
        try:
            metadata = pq.read_metadata(path)
            self._set_columns(metadata.schema.names)
            names = [name for name in ("device", "metric", "site") if name in self._columns]
            self._file = pq.ParquetFile(path, metadata=metadata, read_dictionary=names, pre_buffer=False)
        except (pa.ArrowException, OSError) as error:
            raise HistoryFault(f"{path} cannot be read as Parquet: {error}") from None
        stored = (metadata.metadata or {}).get(DEVICES_KEY)
        if stored:
            self.ledger = {one.key: one for one in msgspec.json.decode(stored, type=list[Device])}

    def _batches(self) -> Iterator[tuple[pa.RecordBatch, float]]:
        rows = self._file.metadata.num_rows
        if rows <= SORTED_ROWS:
            yield from _whole(self._file.read(columns=list(self._columns)))
            return
        read = 0
        for batch in self._file.iter_batches(CHUNK, columns=list(self._columns)):
            read += len(batch)
            yield batch, read / rows


class CsvHistory(FileHistory):
    """A CSV file in UTF-8 with a header, perhaps compressed (`.csv.gz`)."""

    def _batches(self) -> Iterator[tuple[pa.RecordBatch, float]]:
        size = self.path.stat().st_size
        is_small = size <= SORTED_CSV_BYTES and self.path.suffix == ".csv"
        with pa.OSFile(str(self.path)) as raw, pa.input_stream(raw, compression=_compression(self.path)) as text:
            options = pa.csv.ReadOptions(block_size=CSV_BLOCK_BYTES)
            if is_small:
                yield from _whole(pa.csv.read_csv(text, options, convert_options=self._conversion()))
                return
            with pa.csv.open_csv(text, options, convert_options=self._conversion()) as reader:
                for batch in reader:
                    yield batch, min(raw.tell() / size, 1.0)

    def _conversion(self) -> pa.csv.ConvertOptions:
        """Return how the columns are to be read: by the header, and for times by the first row."""
        with pa.input_stream(str(self.path), compression=_compression(self.path)) as text:
            head = text.read(1 << 16)
        rows = pa.csv.read_csv(
            pa.BufferReader(head[: head.rfind(b"\n") + 1] or head),
            convert_options=pa.csv.ConvertOptions(column_types={"device": pa.string(), "metric": pa.string()}),
        )
        self._set_columns(rows.column_names)
        name = pa.dictionary(pa.int32(), pa.string())
        types = {"device": name, "metric": name, "site": name, "value": pa.float64()}
        for column in ("time", "arrival"):
            if column in self._columns:
                found = rows.schema.field(column).type
                # Whole numbers may have parts farther on, and times a finer unit.
                types[column] = pa.timestamp("us", found.tz) if pa.types.is_timestamp(found) else found
        return pa.csv.ConvertOptions(
            column_types={column: types[column] for column in self._columns},
            include_columns=list(self._columns),
            null_values=["", "null", "NULL", "nan", "NaN"],
            strings_can_be_null=True,
        )


def open_file(path: Path, zone: str, from_us: int | None = None, to_us: int | None = None) -> FileHistory:
    """Open a history file by its ending. Raises HistoryFault where it is none."""
    if path.suffix == ".parquet":
        return ParquetHistory(path, zone, from_us, to_us)
    if path.name.endswith((".csv", ".csv.gz")):
        if not path.is_file():
            raise HistoryFault(f"{path} cannot be read: no such file")
        return CsvHistory(path, zone, from_us, to_us)
    raise HistoryFault(f"{path} is neither .parquet nor .csv or .csv.gz")


def _compression(path: Path) -> str | None:
    return "gzip" if path.suffix == ".gz" else None


def _whole(table: pa.Table) -> Iterator[tuple[pa.RecordBatch, float]]:
    """Return a small file as one batch."""
    if table.num_rows:
        (batch,) = table.combine_chunks().to_batches()
        yield batch, 1.0


def _parts(chunk: Chunk) -> Iterator[Chunk]:
    """Cut what was read at once into pieces of usual size, none where there is nothing."""
    if 0 < len(chunk) <= CHUNK:
        yield chunk
        return
    for start in range(0, len(chunk), CHUNK):
        yield chunk.select(slice(start, start + CHUNK))
