from __future__ import annotations

import math

import pytest

from devices import Flag
from ingest import BatcherLimits, Lane
from tests.ingest.lane import NOW_MS, NOW_US, SECOND_US, LaneUnderTest, Reading, packet

A = "vigil/v1/s/a/readings"
B = "vigil/v1/s/b/readings"


def at(ms: int, **values: float) -> bytes:
    says = ",".join(f'"{metric}":{value}' for metric, value in values.items())
    return f'{{"ts":{ms},"values":{{{says}}}}}'.encode()


def waiting(lane: LaneUnderTest) -> tuple[int | None, int]:
    return lane.batcher.opened_us, lane.batcher.pending


def test_a_message_becomes_readings_of_its_channels() -> None:
    lane = LaneUnderTest()
    block = lane.block_of(
        packet(A, at(NOW_MS - 5, smoke=0.1, temperature=21)), packet(B, b'{"smoke":true,"battery":null}')
    )
    assert lane.readings(block) == [
        Reading("s/a", "smoke", NOW_US - 5000, 0.1),
        Reading("s/a", "temperature", NOW_US - 5000, 21.0),
        Reading("s/b", "smoke", NOW_US + 1, 1.0, Flag.TIME_FILLED),
        Reading("s/b", "battery", NOW_US + 1, None, Flag.TIME_FILLED),
    ]
    assert (block.lane, block.messages, block.batch.arrival_us) == (Lane.TELEMETRY, 2, NOW_US + 1)
    assert not block.discovered
    assert not block.quarantine
    assert block.receipts == ()


@pytest.mark.parametrize(
    "payload",
    [
        b'{"smoke":0,"battery":88}',
        at(NOW_MS - 1000, smoke=0, battery=88),
        b"[" + at(NOW_MS - 1000, smoke=0) + b"," + at(NOW_MS - 500, smoke=1) + b"]",
        b'[{"smoke":0},{"battery":88}]',
        b'{"ts":%d,"smoke":0}' % (NOW_MS - 1000),
        b'{"values":{"smoke":0}}',
        b'{"ts":null,"values":{"smoke":0}}',
        b'{"ts":7,"values":{"smoke":0}}',
    ],
)
def test_the_second_message_of_a_form_reads_like_the_first(payload: bytes) -> None:
    first, second = LaneUnderTest(), LaneUnderTest()
    second.block_of(packet(A, payload), packet(A, payload))
    second.heard.newest.__init__()  # type: ignore[misc]
    first.now_us = second.now_us = NOW_US + SECOND_US
    assert second.readings(second.block_of(packet(A, payload))) == first.readings(first.block_of(packet(A, payload)))


def test_a_device_may_change_the_form_of_its_messages() -> None:
    lane = LaneUnderTest()
    for i, payload in enumerate(
        [b'{"smoke":0}', at(NOW_MS + 1000, smoke=0), b'{"smoke":1}', b"[" + at(NOW_MS + 3000, smoke=1) + b"]"]
    ):
        lane.now_us = NOW_US + i * SECOND_US
        assert lane.told(packet(A, payload)) == [("smoke", float(i > 1))]


def test_a_metric_named_ts_inside_values_is_a_metric_and_elsewhere_the_time() -> None:
    lane = LaneUnderTest()
    assert lane.told(packet(A, b'{"ts":%d,"values":{"ts":5,"smoke":1}}' % NOW_MS)) == [("ts", 5.0), ("smoke", 1.0)]
    lane.now_us += SECOND_US
    lane.block_of(packet(A, b'{"battery":1}'))  # from here on the flat form is expected
    block = lane.block_of(packet(A, b'{"ts":%d,"smoke":1}' % (NOW_MS + 1)))
    assert lane.readings(block) == [Reading("s/a", "smoke", NOW_US + 1000, 1.0)]
    assert lane.told(packet(A, b'{"ts":5}')) == []


def test_what_waits_is_counted_and_dated_until_it_is_taken() -> None:
    lane = LaneUnderTest()
    lane.feed()
    assert waiting(lane) == (None, 0)
    lane.feed(packet(A, b'{"smoke":0,"battery":1}'))
    lane.now_us += 5000
    lane.feed(packet(B, b"{"))
    assert waiting(lane) == (NOW_US, 2)
    assert lane.take().batch.arrival_us == NOW_US + 5000
    assert waiting(lane) == (None, 0)


def test_taking_nothing_gives_an_empty_block() -> None:
    block = LaneUnderTest().take()
    assert (len(block.batch), block.messages, block.receipts, block.deliveries.acks) == (0, 0, (), ())
    assert not block.quarantine
    assert not block.discovered


def test_acknowledgements_are_owed_in_order_of_receipt_by_connection() -> None:
    lane = LaneUnderTest()
    lane.feed(packet(A, b'{"smoke":0}', 9), packet(A, b'{"smoke":0}'), packet("nonsense", b"", 3), packet(A, b"{", 7))
    lane.batcher.malformed(1, b"\x30", "cut", 5)
    lane.batcher.malformed(1, b"\x30", "cut", None)
    lane.feed(packet(B, b'{"smoke":0}', 4))
    lane.feed(packet(B, b'{"smoke":0}', 9), packet(B, b'{"smoke":1}', 65_535), epoch=2)
    deliveries = lane.take().deliveries
    assert [(epoch, ids.tolist()) for epoch, ids in deliveries.acks] == [(1, [9, 3, 7, 5, 4]), (2, [9, 65_535])]
    assert deliveries.packet_id.tolist() == [9, 3, 7, 5, 4, 9, 65_535]
    assert (deliveries.packet_id.dtype.name, deliveries.digest.dtype.name) == ("uint16", "uint32")
    assert len(deliveries.digest) == 7
    assert lane.take().deliveries.acks == ()


def test_a_connection_without_packet_ids_owes_nothing() -> None:
    lane = LaneUnderTest()
    lane.feed(packet(A, b'{"smoke":0}'))
    lane.feed(packet(A, b'{"smoke":0}', 1), epoch=2)
    assert [epoch for epoch, _ in lane.take().deliveries.acks] == [2]


def test_arrival_times_are_unique_over_the_lanes_of_a_service() -> None:
    lane = LaneUnderTest()
    alarms = lane.other(Lane.ALARM)
    lane.feed(packet(A, b'{"smoke":1}'), packet(A, b'{"smoke":0}'))
    alarms.feed(1, [packet("vigil/v1/s/a/alarm", b'{"smoke":1}')])
    lane.now_us -= 3600 * SECOND_US
    lane.feed(packet(A, b'{"smoke":0}'))
    times = [*alarms.take().batch.time_us.tolist(), *lane.take().batch.time_us.tolist()]
    assert sorted(times) == [NOW_US, NOW_US + 1, NOW_US + 2, NOW_US + 3]
    assert lane.counters.clock_steps_back == 1
    assert lane.counters.messages == {Lane.ALARM: 1, Lane.TELEMETRY: 3}


def test_a_time_too_far_ahead_is_clamped_and_one_just_not_too_far_is_kept() -> None:
    lane = LaneUnderTest(limits=BatcherLimits(future_us=2_000_000))
    block = lane.block_of(packet(A, at(NOW_MS + 2000, smoke=0)), packet(B, at(NOW_MS + 2001, smoke=0)))
    assert lane.readings(block) == [
        Reading("s/a", "smoke", NOW_US + 2_000_000, 0.0),
        Reading("s/b", "smoke", NOW_US + 1, 0.0, Flag.TIME_CLAMPED),
    ]
    assert lane.counters.clamped == 1


def test_history_keeps_its_times_and_what_is_older_than_heard_is_late() -> None:
    lane = LaneUnderTest()
    newest_first = b"[" + b",".join(at(NOW_MS - 1000 * i, smoke=i) for i in range(3)) + b"]"
    for payload in (newest_first, newest_first.replace(b":2", b":3", 1)):
        lane.feed(packet(A, payload))
    late = Flag.LATE
    assert lane.readings(lane.take())[:3] == [
        Reading("s/a", "smoke", NOW_US, 0.0),
        Reading("s/a", "smoke", NOW_US - SECOND_US, 1.0, late),
        Reading("s/a", "smoke", NOW_US - 2 * SECOND_US, 2.0, late),
    ]
    block = lane.block_of(packet(A, at(NOW_MS - 1, smoke=7)))
    assert lane.readings(block) == [Reading("s/a", "smoke", NOW_US - 1000, 7.0, late)]


def test_values_without_a_time_in_one_message_share_its_arrival() -> None:
    lane = LaneUnderTest()
    block = lane.block_of(packet(A, b'[{"smoke":0},{"temperature":20},{"smoke":1}]'))
    assert [(r.metric, r.time_us, r.value) for r in lane.readings(block)] == [
        ("smoke", NOW_US, 0.0),
        ("temperature", NOW_US, 20.0),
        ("smoke", NOW_US + 1, 1.0),
    ]
    assert lane.counters.conflicting == 1


def test_duplicates_are_dropped_within_and_over_blocks() -> None:
    lane = LaneUnderTest()
    said = packet(A, at(NOW_MS, smoke=1, battery=88))
    assert len(lane.block_of(said, said).batch) == 2
    assert len(lane.block_of(said).batch) == 0
    assert lane.counters.duplicates == 4
    assert lane.counters.readings == 2


def test_another_value_at_the_same_time_is_kept_within_and_over_blocks() -> None:
    lane = LaneUnderTest()
    quiet, alarm = packet(A, at(NOW_MS, smoke=0)), packet(A, at(NOW_MS, smoke=1))
    assert lane.block_of(quiet, alarm).batch.time_us.tolist() == [NOW_US, NOW_US + 1]
    assert lane.readings(lane.block_of(quiet)) == [Reading("s/a", "smoke", NOW_US + 2, 0.0)]
    assert lane.counters.conflicting == 2
    assert lane.counters.late == 0


def test_one_device_is_one_over_both_lanes() -> None:
    lane = LaneUnderTest()
    alarms = lane.other(Lane.ALARM)
    alarms.feed(1, [packet("vigil/v1/s/a/alarm", at(NOW_MS, smoke=1))])
    assert len(alarms.take().batch) == 1
    assert len(lane.block_of(packet(A, at(NOW_MS, smoke=1))).batch) == 0
    assert len(lane.block_of(packet(A, at(NOW_MS, smoke=0))).batch) == 1


def test_what_a_journal_holds_is_heard() -> None:
    lane, restarted = LaneUnderTest(), LaneUnderTest(now_us=NOW_US - 3600 * SECOND_US)
    restarted.heard.note(lane.block_of(packet(A, at(NOW_MS, smoke=1))).batch)
    assert len(restarted.block_of(packet(A, at(NOW_MS, smoke=1))).batch) == 0
    assert restarted.block_of(packet(B, b'{"smoke":0}')).batch.time_us[0] > NOW_US


def test_the_clock_of_a_device_is_judged_by_the_times_that_it_gives() -> None:
    lane = LaneUnderTest()
    lane.block_of(packet(A, at(NOW_MS + 3_600_000, smoke=0)), packet(B, b'{"smoke":0}'))
    row = lane.registry.device_row("s/a")
    other = lane.registry.device_row("s/b")
    assert row is not None
    assert other is not None
    assert lane.heard.skew.seconds(row) == -3600.0
    assert math.isnan(lane.heard.skew.seconds(other))
    assert lane.counters.skewed_devices == 1


def test_a_status_is_a_reading() -> None:
    lane = LaneUnderTest()
    status = "vigil/v1/s/a/status"
    assert lane.told(packet(status, b"online")) == [("online", 1.0)]
    assert lane.told(packet(status, b'{"status":"offline"}')) == [("online", 0.0)]
    assert lane.counters.discovered_channels == 1


def test_more_layouts_than_are_remembered_are_read_all_the_same() -> None:
    lane = LaneUnderTest(limits=BatcherLimits(extra_metrics=100))
    for i in range(70):
        lane.now_us += 1000
        assert lane.told(packet(A, b'{"smoke":1,"m%d":2}' % i)) == [("smoke", 1.0), (f"m{i}", 2.0)]
    assert len(lane.heard.routes.cached[A].layouts) <= 32


def test_limits_below_zero_are_refused() -> None:
    with pytest.raises(ValueError, match="extra_metrics is -1"):
        BatcherLimits(extra_metrics=-1)
