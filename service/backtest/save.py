"""Saving a history as a Parquet file that describes its devices itself, for trying rules on it later or elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from service.backtest.files import DEVICES_KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from devices import Device
    from service.backtest.history import Chunk, History

__all__ = ["save_history"]

ROW_GROUP: Final = 1 << 20

_NAME: Final = pa.dictionary(pa.int32(), pa.string())
_TIME: Final = pa.timestamp("us", "UTC")


def save_history(
    history: History, path: Path, ledger: Mapping[str, Device], go_on: Callable[[Chunk], bool], site: str = ""
) -> tuple[int, int]:
    """Write what `history` holds to `path`; what that held before stays until all is written, or if there is nothing.

    ledger: devices by `site/name`; those that said something are written into the file
    go_on:  asked after each chunk; where it says no, the file ends there
    site:   only devices of this site; "" for all
    Returns how many readings and devices were written. Raises HistoryFault, OSError.
    """
    arrivals = [("arrival", _TIME)] if history.arrives else []
    schema = pa.schema([("time", _TIME), ("device", _NAME), ("metric", _NAME), ("value", pa.float64()), *arrivals])
    unfinished = path.with_name(f".{path.name}.part")
    written = 0
    seen: set[int] = set()
    waiting: list[pa.RecordBatch] = []
    try:
        with pq.ParquetWriter(
            unfinished,
            schema,
            compression="zstd",
            compression_level=1,
            use_dictionary=["device", "metric"],
            column_encoding={"time": "DELTA_BINARY_PACKED", **{name: "DELTA_BINARY_PACKED" for name, _ in arrivals}},
        ) as writer:
            for chunk in history.chunks():
                kept = _of_site(chunk, history, site)
                if len(kept):
                    seen.update(set(kept.device.tolist()) - seen)
                    waiting.append(_batch(kept, history, schema))
                    written += len(kept)
                if sum(map(len, waiting)) >= ROW_GROUP:
                    _write(writer, waiting)
                if not go_on(chunk):
                    break
            _write(writer, waiting)
            keys = history.devices.all()
            devices = [ledger[keys[code]] for code in sorted(seen) if keys[code] in ledger]
            writer.add_key_value_metadata({DEVICES_KEY: msgspec.json.encode(devices)})
        if written:
            unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return written, len(seen)


def _of_site(chunk: Chunk, history: History, site: str) -> Chunk:
    if not site:
        return chunk
    keys = history.devices.all()
    wanted = pa.array([key.startswith(f"{site}/") for key in keys]).to_numpy(zero_copy_only=False)
    return chunk.select(wanted[chunk.device])


def _batch(chunk: Chunk, history: History, schema: pa.Schema) -> pa.RecordBatch:
    """Return a chunk as the file has it; every batch has all names so far, so codes stay what they are."""
    columns = [
        pa.array(chunk.time_us).cast(_TIME),
        pa.DictionaryArray.from_arrays(pa.array(chunk.device), pa.array(history.devices.all(), pa.string())),
        pa.DictionaryArray.from_arrays(pa.array(chunk.metric), pa.array(history.metrics.all(), pa.string())),
        pa.array(chunk.value, mask=~chunk.known),
    ]
    if history.arrives:
        columns.append(pa.array(chunk.arrival_us).cast(_TIME))
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _write(writer: pq.ParquetWriter, waiting: list[pa.RecordBatch]) -> None:
    """Write what waits as one row group."""
    if waiting:
        writer.write_table(pa.Table.from_batches(waiting).unify_dictionaries(), row_group_size=2 * ROW_GROUP)
        waiting.clear()
