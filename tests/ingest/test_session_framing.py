"""Bytes to packets, in any chunks."""

from __future__ import annotations

import mqtt5
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.session_framing import BrokenFraming, Event, MalformedPacket, PacketReader
from ingest.session_losses import LossReason

CAPACITY = 256
LIMIT = 4096

NOT_UTF8 = b"\x32\x07\x00\x01\xff\x00\x05\x00x"

texts = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="+#\0"), min_size=1, max_size=20)
publishes = st.builds(
    lambda topic, payload, packet_id: mqtt5.PublishPacket(
        topic,
        payload,
        qos=mqtt5.QoS.AT_MOST_ONCE if packet_id is None else mqtt5.QoS.AT_LEAST_ONCE,
        packet_id=packet_id,
    ).write(),
    texts,
    st.binary(max_size=40) | st.integers(100, 900).map(lambda size: bytes(at % 251 for at in range(size))),
    st.none() | st.integers(1, 65535),
)
others = st.sampled_from(
    [
        mqtt5.PingRespPacket().write(),
        mqtt5.ConnAckPacket(session_present=True).write(),
        mqtt5.DisconnectPacket(reason_code=mqtt5.DisconnectReasonCode.SERVER_BUSY).write(),
        b"\x32\x03\x00\x01a",  # malformed: ends within the packet id
        b"\x32\x07\x00\x01a\x00\x05\x01\x7f",  # malformed: an unknown property
        b"\x00\x02ab",  # malformed: no such packet
    ]
)
streams = st.lists(publishes | others, max_size=12)


def feed(reader: PacketReader, stream: bytes, sizes: list[int]) -> list[Event]:
    """Feed the stream in chunks of these sizes, over and over, up to where it breaks, and return all events."""
    events: list[Event] = []
    at = turn = 0
    while at < len(stream) and not (events and isinstance(events[-1], BrokenFraming)):
        space = reader.space()
        count = min(sizes[turn % len(sizes)], len(space), len(stream) - at)
        assert count > 0
        space[:count] = stream[at : at + count]
        events += reader.received(count)
        at, turn = at + count, turn + 1
    return events


def flat(events: list[Event]) -> list[str]:
    """Return the packets in order, as text: the codec's packets compare by identity."""
    return [repr(packet) for event in events for packet in (event if isinstance(event, list) else [event])]


def one_by_one(packets: list[bytes]) -> list[str]:
    """Return what the codec says of each packet by itself."""
    told: list[str] = []
    for raw in packets:
        try:
            packet, size = mqtt5.read(memoryview(raw))
        except (ValueError, IndexError) as fault:
            packet_id = 5 if raw.startswith(b"\x32\x07") else None
            told.append(repr(MalformedPacket(raw, str(fault), packet_id)))
        else:
            assert size == len(raw)
            told.append(repr(packet))
    return told


@settings(max_examples=200, deadline=None)
@given(streams, st.lists(st.integers(1, 700), min_size=1, max_size=8))
def test_any_chunking_gives_the_same_packets(packets: list[bytes], sizes: list[int]) -> None:
    events = feed(PacketReader(CAPACITY, LIMIT), b"".join(packets), sizes)
    assert flat(events) == one_by_one(packets)


@settings(max_examples=100, deadline=None)
@given(st.lists(publishes, min_size=1, max_size=12))
def test_publishes_of_one_read_come_as_one_list(packets: list[bytes]) -> None:
    stream = b"".join(packets)
    (run,) = feed(PacketReader(len(stream), len(stream)), stream, [len(stream)])
    assert isinstance(run, list)
    assert len(run) == len(packets)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # the codec panics on what is not UTF-8
@settings(max_examples=200, deadline=None)
@given(st.lists(publishes, min_size=1, max_size=3), st.data())
def test_no_bytes_make_the_reader_raise(packets: list[bytes], data: st.DataObject) -> None:
    stream = bytearray(b"".join(packets))
    for _ in range(data.draw(st.integers(1, 4))):
        stream[data.draw(st.integers(0, len(stream) - 1))] = data.draw(st.integers(0, 255))
    events = feed(PacketReader(CAPACITY, LIMIT), bytes(stream), [len(stream)])
    assert not any(isinstance(event, BrokenFraming) for event in events[:-1])


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_topic_that_is_not_utf_8_is_malformed_and_keeps_its_packet_id() -> None:
    ping = mqtt5.PingRespPacket().write()
    rejected, after = feed(PacketReader(), NOT_UTF8 + ping, [99])
    assert rejected == MalformedPacket(NOT_UTF8, "a string is not UTF-8", 5)
    assert isinstance(after, mqtt5.PingRespPacket)


def test_a_packet_of_qos_0_or_2_or_cut_within_its_id_has_no_id_to_acknowledge() -> None:
    for raw in (b"\x30\x07\x00\x01a\x05\x01\x7fxx", b"\x34\x07\x00\x01a\x00\x05\x01\x7f", b"\x32\x04\x00\x01a\x00"):
        (event,) = feed(PacketReader(), raw, [99])
        assert isinstance(event, MalformedPacket)
        assert event.packet_id is None


def test_a_packet_larger_than_the_buffer_is_read_and_the_buffer_shrinks_again() -> None:
    reader = PacketReader(CAPACITY, LIMIT)
    large = mqtt5.PublishPacket("a", bytes(LIMIT - 7)).write()
    assert len(large) == LIMIT
    small = mqtt5.PublishPacket("a", b"b").write()
    events = feed(reader, small + large + small, [100])
    assert [len(packet.payload) for run in events if isinstance(run, list) for packet in run] == [1, LIMIT - 7, 1]
    assert len(reader.space()) == CAPACITY


def test_a_packet_larger_than_the_limit_breaks_the_stream_at_its_header() -> None:
    small = mqtt5.PublishPacket("a", b"b").write()
    large = mqtt5.PublishPacket("a", bytes(LIMIT - 6)).write()
    events = feed(PacketReader(CAPACITY, LIMIT), small + large[:3], [99])
    assert len(flat(events)) == 2
    assert isinstance(events[1], BrokenFraming)
    assert events[1].reason is LossReason.TOO_LARGE


def test_a_remaining_length_of_five_bytes_breaks_the_stream() -> None:
    (event,) = feed(PacketReader(), b"\x30\x80\x80\x80\x80\x01", [99])
    assert isinstance(event, BrokenFraming)
    assert event.reason is LossReason.MALFORMED
