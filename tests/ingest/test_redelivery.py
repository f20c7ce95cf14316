from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest import Lane, RedeliveryWindow
from tests.ingest.lane import NOW_MS, LaneUnderTest, packet

READINGS = "vigil/v1/s/a/readings"
ALARM = "vigil/v1/s/a/alarm"


def restarted(lane: LaneUnderTest, journalled: RedeliveryWindow) -> LaneUnderTest:
    """Return the lane of the next process, which knows what the journal knows."""
    window = RedeliveryWindow(100)
    window.restore(journalled.snapshot())
    return LaneUnderTest(lane.lane, window=window, now_us=lane.now_us + 1000)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 3)), max_size=60), st.integers(1, 12))
def test_the_last_messages_are_held_and_the_newest_of_each_id(messages: list[tuple[int, int]], maximum: int) -> None:
    window = RedeliveryWindow(maximum)
    for packet_id, digest in messages:
        window.add([packet_id], [digest])
    for packet_id in {packet_id for packet_id, _ in messages[-maximum:]}:
        newest = [digest for seen, digest in messages if seen == packet_id][-1]
        assert window.holds(packet_id, newest)
        assert not window.holds(packet_id, newest + 1)


def test_older_messages_are_forgotten() -> None:
    window = RedeliveryWindow(10)
    for packet_id in range(1, 31):
        window.add([packet_id], [7])
    held = [packet_id for packet_id in range(1, 31) if window.holds(packet_id, 7)]
    assert held == list(range(21, 31))


@pytest.mark.parametrize("n", [0, 1, 9, 10, 11, 25])
def test_a_snapshot_holds_what_the_window_held(n: int) -> None:
    window, restored = RedeliveryWindow(10), RedeliveryWindow(10)
    window.add(np.arange(1, n + 1, dtype=np.uint16), np.arange(n, dtype=np.uint32) + 4_000_000_000)
    restored.add([99], [1])
    restored.restore(window.snapshot())
    for packet_id in range(1, 30):
        digest = 4_000_000_000 + packet_id - 1
        assert restored.holds(packet_id, digest) == window.holds(packet_id, digest)
    assert not restored.holds(99, 1)


def test_a_snapshot_holds_the_newest_message_of_an_id() -> None:
    window, restored = RedeliveryWindow(2), RedeliveryWindow(2)
    window.add([1, 2], [10, 20])
    window.add([1], [11])
    restored.restore(window.snapshot())
    assert restored.holds(1, 11)
    assert not restored.holds(1, 10)


def test_a_snapshot_of_another_version_or_torn_is_refused() -> None:
    window = RedeliveryWindow(10)
    window.add([1], [2])
    for bad in (b"", b"\x00", window.snapshot()[:-1]):
        with pytest.raises(ValueError, match=r"version|multiple"):
            RedeliveryWindow(10).restore(bad)


def test_a_window_holds_something() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        RedeliveryWindow(0)


def test_a_redelivery_is_acknowledged_and_yields_no_reading() -> None:
    lane = LaneUnderTest()
    lane.feed(packet(READINGS, b'{"smoke":1}', 7))
    lane.feed(packet(READINGS, b'{"smoke":1}', 7, duplicate=True), epoch=2)
    block = lane.take()
    assert len(block.batch) == 1
    assert [(epoch, ids.tolist()) for epoch, ids in block.deliveries.acks] == [(1, [7]), (2, [7])]
    assert lane.counters.redelivered == 1
    lane.feed(packet(READINGS, b'{"smoke":1}', 7, duplicate=True), epoch=3)
    assert len(lane.take().batch) == 0
    assert lane.counters.redelivered == 2


def test_a_redelivery_of_what_was_never_taken_is_taken() -> None:
    lane = LaneUnderTest()
    lane.feed(packet(READINGS, b'{"smoke":1}', 7, duplicate=True))
    assert len(lane.take().batch) == 1


@pytest.mark.parametrize(
    ("topic", "payload", "packet_id"),
    [(READINGS, b'{"smoke":0}', 7), ("vigil/v1/s/b/readings", b'{"smoke":1}', 7), (READINGS, b'{"smoke":1}', 8)],
)
def test_another_message_is_no_redelivery(topic: str, payload: bytes, packet_id: int) -> None:
    lane = LaneUnderTest()
    lane.feed(packet(READINGS, b'{"smoke":1}', 7))
    lane.feed(packet(topic, payload, packet_id, duplicate=True), epoch=2)
    assert len(lane.take().batch) == 2
    assert lane.counters.redelivered == 0


def test_without_dup_the_same_message_under_the_same_id_is_a_new_one() -> None:
    lane = LaneUnderTest()
    lane.feed(packet(READINGS, b'{"smoke":1}', 7))
    lane.feed(packet(READINGS, b'{"smoke":1}', 7))
    assert len(lane.take().batch) == 2


def test_a_message_without_a_time_is_stored_once_over_a_kill() -> None:
    lane = LaneUnderTest()
    block = lane.block_of(packet(READINGS, b'{"smoke":1}', 7), packet(READINGS, b"{", 8))
    journalled = RedeliveryWindow(100)
    journalled.add(block.deliveries.packet_id, block.deliveries.digest)
    lane.feed(packet(READINGS, b'{"smoke":0}', 9))  # never journalled

    again = restarted(lane, journalled)
    again.feed(
        packet(READINGS, b'{"smoke":1}', 7, duplicate=True),
        packet(READINGS, b"{", 8, duplicate=True),
        packet(READINGS, b'{"smoke":0}', 9, duplicate=True),
    )
    block = again.take()
    assert block.batch.value.tolist() == [0.0]
    assert not block.quarantine
    assert block.deliveries.acks[0][1].tolist() == [7, 8, 9]


def test_the_window_that_a_batcher_was_given_does_not_run_ahead_of_the_journal() -> None:
    window = RedeliveryWindow(100)
    lane = LaneUnderTest(window=window)
    block = lane.block_of(packet(READINGS, b'{"smoke":1}', 7))
    assert not window.holds(7, int(block.deliveries.digest[0]))


def test_a_redelivered_alarm_is_receipted_again() -> None:
    lane = LaneUnderTest(Lane.ALARM)
    alarm = b'{"ts":%d,"values":{"smoke":1}}' % NOW_MS
    lane.feed(packet(ALARM, alarm, 7))
    lane.feed(packet(ALARM, alarm, 7, duplicate=True), epoch=2)
    block = lane.take()
    assert len(block.batch) == 1
    assert [receipt.payload for receipt in block.receipts] == [b'{"received":%d,"ts":%d}' % (NOW_MS, NOW_MS)] * 2


def test_a_redelivery_in_the_same_wake_up_as_another_is_known() -> None:
    lane = LaneUnderTest()
    lane.feed(packet(READINGS, b'{"smoke":1}', 1), packet(READINGS, b'{"smoke":0}', 2))
    lane.feed(
        packet(READINGS, b'{"smoke":1}', 1, duplicate=True),
        packet(READINGS, b'{"smoke":0}', 2, duplicate=True),
        packet(READINGS, b'{"smoke":1}', 1, duplicate=True),
        epoch=2,
    )
    assert len(lane.take().batch) == 2
    assert lane.counters.redelivered == 3
