"""The bytes of a journal block: a `ReadingBatch` as raw little-endian columns behind a version and a checksum.

    byte  0  uint8   version, 1
          1  uint8   session: which MQTT session the messages came on
          2  uint16  0
          4  uint32  CRC-32 of bytes 0-3 and of everything from byte 8 on
          8  uint32  n, number of readings
         12  uint32  m, number of messages
         16  int64   arrival_us
         24  int64   (n) time_us, then float64 (n) value, int32 (n) channel, uint32 (m) digest, uint16 (m) packet_id,
                     uint8 (n) known, uint8 (n) flags

That is 24 + 22 n + 6 m bytes: 117,524 for 5,000 readings of 1,250 messages. Columns lie by falling width, so each is
aligned and decoding copies nothing.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from devices import ReadingBatch

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["BLOCK_VERSION", "StoredBlock", "decode_block", "encode_block"]

BLOCK_VERSION = 1
_START = struct.Struct("<BBHI")
_COUNTS = struct.Struct("<IIq")
_HEADER_BYTES = _START.size + _COUNTS.size
_READING_BYTES = 22
_MESSAGE_BYTES = 6
_MAX_SESSION = 255
_NO_IDS = np.empty(0, np.uint16)
_NO_DIGESTS = np.empty(0, np.uint32)


@dataclass(frozen=True, slots=True)
class StoredBlock:
    """A block as it is in the journal; the arrays are read-only views of its bytes.

    session:   which MQTT session the messages came on, 0-255
    packet_id: (m,) uint16  packet id of each QoS 1 message in it
    digest:    (m,) uint32  digest of each of those messages
    """

    batch: ReadingBatch
    session: int
    packet_id: NDArray[np.uint16]
    digest: NDArray[np.uint32]


def encode_block(
    batch: ReadingBatch,
    session: int = 0,
    packet_id: NDArray[np.uint16] | None = None,
    digest: NDArray[np.uint32] | None = None,
) -> bytes:
    """Return the bytes of a block.

    packet_id, digest: (m,) each, or None for no messages
    Raises ValueError where the two differ in length, or `session` is not 0-255.
    """
    ids = _NO_IDS if packet_id is None else packet_id
    digests = _NO_DIGESTS if digest is None else digest
    if ids.shape != digests.shape or ids.ndim != 1:
        raise ValueError(f"packet_id has shape {ids.shape}, digest {digests.shape}; wanted (m,) for both")
    if not 0 <= session <= _MAX_SESSION:
        raise ValueError(f"session is {session}; wanted 0-{_MAX_SESSION}")
    parts: list[bytes | memoryview] = [
        _COUNTS.pack(len(batch), len(ids), batch.arrival_us),
        _column(batch.time_us, "<i8"),
        _column(batch.value, "<f8"),
        _column(batch.channel, "<i4"),
        _column(digests, "<u4"),
        _column(ids, "<u2"),
        _column(batch.known, "?"),
        _column(batch.flags, "u1"),
    ]
    crc = zlib.crc32(_START.pack(BLOCK_VERSION, session, 0, 0)[:4])
    for part in parts:
        crc = zlib.crc32(part, crc)
    return b"".join([_START.pack(BLOCK_VERSION, session, 0, crc), *parts])


def decode_block(body: bytes) -> StoredBlock:
    """Return the block that `encode_block` made `body` from, without copying.

    Raises ValueError where the bytes are cut, changed, or of a version that this program does not read.
    """
    if len(body) < _HEADER_BYTES:
        raise ValueError(f"block of {len(body)} bytes; wanted {_HEADER_BYTES} or more")
    version, session, _, crc = _START.unpack_from(body)
    if version != BLOCK_VERSION:
        raise ValueError(f"block of version {version}; wanted {BLOCK_VERSION}")
    n, m, arrival_us = _COUNTS.unpack_from(body, _START.size)
    size = _HEADER_BYTES + _READING_BYTES * n + _MESSAGE_BYTES * m
    if len(body) != size:
        raise ValueError(f"block of {len(body)} bytes; {n} readings of {m} messages take {size}")
    view = memoryview(body)
    if zlib.crc32(view[_START.size :], zlib.crc32(view[:4])) != crc:
        raise ValueError("block does not match its checksum")
    at = _HEADER_BYTES
    columns = []
    for dtype, count in (("<i8", n), ("<f8", n), ("<i4", n), ("<u4", m), ("<u2", m), ("?", n), ("u1", n)):
        columns.append(np.frombuffer(body, dtype, count, at))
        at += columns[-1].nbytes
    time_us, value, channel, digest, packet_id, known, flags = columns
    return StoredBlock(ReadingBatch(channel, time_us, value, known, flags, arrival_us), session, packet_id, digest)


def _column(array: NDArray[np.generic], dtype: str) -> memoryview:
    return np.ascontiguousarray(array, dtype).data
