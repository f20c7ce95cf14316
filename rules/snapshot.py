"""The snapshot: all of the engine's state as bytes, little-endian, with a version; what is idle takes no room.

Rows of rules go by id, since they may be others when it is read. Rows of channels and devices are the registry's.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import msgspec

__all__ = ["VERSION", "RestoreReport", "Snapshot", "decode", "encode"]

VERSION = 1
_HEADER = 5


class Snapshot(msgspec.Struct, frozen=True, array_like=True):
    """The state. Arrays are bytes.

    now_us, second: the fold's time of the last step, and the whole second of the last look at silences
    rules:          the ids that the rule rows below stand for
    newest_us:      int64 by channel row      heard_us: int64 by device row
    channel … value: the columns of `instances.Live`: int32, int32, uint8, int64, int64, float64
    silent_device, silent_rule: int32 each    no-data rules that hold
    """

    now_us: int
    second: int
    rules: tuple[str, ...]
    newest_us: bytes
    heard_us: bytes
    channel: bytes
    rule: bytes
    state: bytes
    since_us: bytes
    clear_us: bytes
    value: bytes
    silent_device: bytes
    silent_rule: bytes


@dataclass(frozen=True, slots=True)
class RestoreReport:
    """What a restore took over and what it dropped.

    kept:             rule instances and silences whose state goes on
    dropped_rules:    ids that no rule has any more, in order, and with them so many instances
    dropped_instances: all that were dropped, those included whose rule is there but no longer on that channel
    """

    kept: int
    dropped_rules: tuple[str, ...]
    dropped_instances: int


def encode(snapshot: Snapshot) -> bytes:
    """Return the version, a checksum and the state."""
    body = msgspec.msgpack.encode(snapshot)
    return bytes([VERSION]) + zlib.crc32(body).to_bytes(4, "little") + body


def decode(data: bytes) -> Snapshot:
    """Return the state. Raises ValueError where the version is not read by this program, or the bytes are damaged."""
    if not data or data[0] != VERSION:
        raise ValueError(f"rules snapshot of version {data[:1]!r}; wanted {VERSION}")
    body = memoryview(data)[_HEADER:]
    if zlib.crc32(body) != int.from_bytes(data[1:_HEADER], "little"):
        raise ValueError("rules snapshot: the checksum does not fit; wanted the bytes that `snapshot` gave")
    return msgspec.msgpack.decode(body, type=Snapshot)
