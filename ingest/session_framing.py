"""Bytes to packets: a buffer that the socket fills and the codec reads. No I/O, so any chunking can be tried on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import mqtt5

from ingest.session_losses import LossReason

__all__ = ["BUFFER_BYTES", "MAX_PACKET_BYTES", "BrokenFraming", "Event", "MalformedPacket", "PacketReader"]

BUFFER_BYTES = 512 * 1024
"""Read at most so much at a wake-up: some 3,500 messages of 150 bytes."""
MAX_PACKET_BYTES = 16 * 1024 * 1024
"""The largest packet that we take; CONNECT announces it."""
PUBLISH_TYPE = 3
VARINT_BYTES = 4
VARINT_GOES_ON = 0x80


@dataclass(frozen=True, slots=True)
class MalformedPacket:
    """A packet that framed rightly but is not MQTT 5.

    packet_id: of a PUBLISH with QoS 1, read by hand: the broker delivers it until it is acknowledged
    """

    raw: bytes
    detail: str
    packet_id: int | None


@dataclass(frozen=True, slots=True)
class BrokenFraming:
    """The stream cannot be read on from here."""

    reason: LossReason
    detail: str


Event: TypeAlias = list[mqtt5.PublishPacket] | mqtt5.Packet | MalformedPacket | BrokenFraming


class PacketReader:
    """Splits a stream into packets.

    The caller writes into `space()` and says how many bytes with `received(n)`. An incomplete packet stays, moved to
    the front. One that is larger than the buffer gets a buffer of exactly its size, up to `max_packet` bytes, for as
    long as it takes. `max_packet` is no less than `capacity`.
    """

    def __init__(self, capacity: int = BUFFER_BYTES, max_packet: int = MAX_PACKET_BYTES) -> None:
        self._max_packet = max_packet
        self._home = memoryview(bytearray(capacity))
        self._view = self._home
        self._filled = 0

    def space(self) -> memoryview:
        """Return where the next bytes go; never empty."""
        return self._view[self._filled :]

    def received(self, count: int) -> list[Event]:
        """Take the `count` bytes that are new in `space()` and return what they complete, in order.

        PUBLISH packets come as lists, as long as nothing else stands between them: most often as one. BrokenFraming is
        always the last.
        """
        end = self._filled + count
        window = self._view[:end]
        events: list[Event] = []
        run: list[mqtt5.PublishPacket] = []
        add, read, publish = run.append, mqtt5.read, mqtt5.PublishPacket
        at = 0
        while at < end:
            try:
                packet, size = read(window[at:])
            except BaseException as fault:  # noqa: BLE001  the codec panics where a string is not UTF-8; others go on
                rejected = self._rejected(window[at:], _codec_detail(fault))
                if rejected is None:
                    break
                if run:
                    events.append(run)
                    run = []
                    add = run.append
                events.append(rejected)
                if isinstance(rejected, BrokenFraming):
                    self._filled = 0
                    return events
                at += len(rejected.raw)
                continue
            at += size
            if type(packet) is publish:
                add(packet)
            else:
                if run:
                    events.append(run)
                    run = []
                    add = run.append
                events.append(packet)
        if run:
            events.append(run)
        self._keep(at, end)
        return events

    def _rejected(self, rest: memoryview, detail: str) -> MalformedPacket | BrokenFraming | None:
        """Judge what the codec would not read at the start of `rest`; None where the packet is not complete."""
        try:
            size = _packet_size(rest)
        except ValueError as fault:
            return BrokenFraming(LossReason.MALFORMED, f"{fault}: {rest[:16].hex(' ')}")
        if size is not None and size > self._max_packet:
            return BrokenFraming(LossReason.TOO_LARGE, f"a packet of {size} bytes; we take {self._max_packet}")
        if size is None or size > len(rest):
            return None
        raw = bytes(rest[:size])
        return MalformedPacket(raw, detail, _packet_id(raw))

    def _keep(self, at: int, end: int) -> None:
        """Move the incomplete packet at `at` to the front of a buffer that will hold all of it."""
        rest = self._view[at:end]
        size = _packet_size(rest) or 0
        view = self._view
        if size <= len(self._home):
            view = self._home
        elif size > len(view):
            view = memoryview(bytearray(size))
        if at or view is not self._view:
            view[: len(rest)] = rest
        self._view = view
        self._filled = len(rest)


def _packet_size(rest: memoryview) -> int | None:
    """Return the size in bytes of the packet that starts `rest`, header included, or None if its header is incomplete.

    Raises ValueError where the remaining length is no variable byte integer.
    Source: MQTT 5.0, sections 1.5.5 and 2.1.4.
    """
    length = 0
    for place, byte in enumerate(rest[1 : 1 + VARINT_BYTES]):
        length |= (byte & ~VARINT_GOES_ON) << (7 * place)
        if not byte & VARINT_GOES_ON:
            return 2 + place + length
    if len(rest) > VARINT_BYTES:
        raise ValueError("the remaining length is no variable byte integer")
    return None


def _packet_id(raw: bytes) -> int | None:
    """Return the packet id of a PUBLISH with QoS 1, or None. Source: MQTT 5.0, section 3.3.2."""
    if raw[0] >> 4 != PUBLISH_TYPE or (raw[0] >> 1) & 3 != mqtt5.QoS.AT_LEAST_ONCE:
        return None
    topic_at = next(at for at in range(1, len(raw)) if not raw[at] & VARINT_GOES_ON) + 1
    id_at = topic_at + 2 + int.from_bytes(raw[topic_at : topic_at + 2])
    if id_at + 2 > len(raw):
        return None
    return int.from_bytes(raw[id_at : id_at + 2]) or None


def _codec_detail(fault: BaseException) -> str:
    """Return what the codec said. Raises `fault` again where it is not the codec's.

    mqtt5 0.8 raises IndexError and ValueError, and a Rust panic (a BaseException that no module exports) where a string
    is not UTF-8.
    """
    if isinstance(fault, IndexError | ValueError):
        return str(fault)
    if type(fault).__module__ == "pyo3_runtime":
        return "a string is not UTF-8"
    raise fault
