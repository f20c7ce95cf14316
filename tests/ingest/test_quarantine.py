from __future__ import annotations

import msgspec
import pytest

from devices import QuarantineReport, Reason
from devices.quarantine import SAMPLE_BYTES
from ingest import BatcherLimits, IngestCounters, Lane
from ingest.quarantine import Quarantine
from tests.ingest.lane import NOW_US, LaneUnderTest, packet

READINGS = "vigil/v1/s/a/readings"


def test_all_are_counted_and_the_first_few_of_each_reason_kept() -> None:
    counters = IngestCounters()
    quarantine = Quarantine(2, counters)
    for i in range(5):
        quarantine.add(Reason.NOT_JSON, i, "t", b"x", "d")
    quarantine.add(Reason.TOO_DEEP, 9, "t", b"x", "d")
    report = quarantine.take()
    assert report.counts == {Reason.NOT_JSON: 5, Reason.TOO_DEEP: 1}
    assert [(sample.reason, sample.time_us) for sample in report.samples] == [
        (Reason.NOT_JSON, 0),
        (Reason.NOT_JSON, 1),
        (Reason.TOO_DEEP, 9),
    ]
    assert counters.quarantined[Reason.NOT_JSON] == 5


def test_a_block_starts_with_an_empty_quarantine() -> None:
    quarantine = Quarantine(1, IngestCounters())
    quarantine.add(Reason.NOT_JSON, 0, "t", b"x", "d")
    first = quarantine.take()
    assert not quarantine.take()
    quarantine.add(Reason.NOT_JSON, 1, "t", b"y", "d")
    assert quarantine.take().samples[0].payload == b"y"
    assert first.samples[0].payload == b"x"


def test_a_sample_is_cut_and_says_how_long_it_was() -> None:
    quarantine = Quarantine(2, IngestCounters())
    quarantine.add(Reason.TOO_LARGE, 0, "t" * 9999, b"x" * SAMPLE_BYTES, "d" * 9999)
    quarantine.add(Reason.TOO_LARGE, 0, "t", b"x" * (SAMPLE_BYTES + 1), "d")
    exact, cut = quarantine.take().samples
    assert (len(exact.payload), exact.size) == (SAMPLE_BYTES, SAMPLE_BYTES)
    assert (len(cut.payload), cut.size) == (SAMPLE_BYTES, SAMPLE_BYTES + 1)
    assert len(exact.topic) == 256
    assert len(exact.detail) == 256


def test_what_no_database_takes_is_escaped() -> None:
    quarantine = Quarantine(1, IngestCounters())
    quarantine.add(Reason.BAD_TOPIC, 0, "vigil/水贝/\0", b"", "a\nb")
    (sample,) = quarantine.take().samples
    assert sample.topic == "vigil/水贝/\\x00"
    assert sample.detail == "a\\nb"


# One payload for every reason that a readings message can have.
PAYLOADS = {
    Reason.NOT_UTF8: b'{"a":"\xff"}',
    Reason.NOT_JSON: b"{",
    Reason.TOO_DEEP: b"[" * 60_000,
    Reason.TOO_LARGE: b'{"smoke":1}'.ljust(65_537),
    Reason.WRONG_SHAPE: b"{}",
    Reason.WRONG_TYPE: b'{"smoke":"on"}',
    Reason.NOT_FINITE: b'{"smoke":1e999}',
    Reason.BAD_TIME: b'{"ts":5,"values":{"smoke":0}}',
    Reason.BAD_METRIC: b'{"":0}',
}


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_is_reached_counted_and_shown(reason: Reason) -> None:
    lane = LaneUnderTest(limits=BatcherLimits(unregistered_devices=0, extra_metrics=0))
    topic, payload = READINGS, PAYLOADS.get(reason, b'{"smoke":0}')
    match reason:
        case Reason.MALFORMED_PACKET:
            topic, payload = "", b"\x30\x02\xff\xff"
            lane.batcher.malformed(1, payload, "topic longer than the packet", 7)
        case Reason.BAD_TOPIC:
            topic = "vigil/v1/s/readings"
        case Reason.TOO_MANY_DEVICES:
            topic = "vigil/v1/s/nobody/readings"
        case Reason.TOO_MANY_METRICS:
            payload = b'{"humidity":1}'
        case _:
            pass
    if reason is not Reason.MALFORMED_PACKET:
        lane.feed(packet(topic, payload, 7))
    assert lane.batcher.opened_us == NOW_US
    block = lane.take()
    assert block.quarantine.counts == {reason: 1}
    (sample,) = block.quarantine.samples
    assert (sample.reason, sample.time_us, sample.topic, sample.size) == (reason, NOW_US, topic, len(payload))
    assert sample.payload == payload[:SAMPLE_BYTES]
    assert len(block.batch) == (reason is Reason.BAD_TIME)
    assert block.deliveries.acks[0][1].tolist() == [7]
    assert lane.counters.quarantined[reason] == 1
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(block.quarantine), type=QuarantineReport) == block.quarantine


def test_a_payload_of_exactly_the_limit_is_read() -> None:
    for lane in (LaneUnderTest(), LaneUnderTest(Lane.ALARM)):
        topic = "vigil/v1/s/a/alarm" if lane.lane is Lane.ALARM else READINGS
        assert lane.told(packet(topic, b'{"smoke":0}'.ljust(65_536))) == [("smoke", 0.0)]
        assert not lane.counters.quarantined[Reason.TOO_LARGE]


def test_a_payload_of_one_byte_more_is_not_read_though_its_like_were() -> None:
    lane = LaneUnderTest()
    lane.block_of(packet(READINGS, b'{"smoke":0}'))
    block = lane.block_of(packet(READINGS, b'{"smoke":0}'.ljust(65_537)))
    assert block.quarantine.counts == {Reason.TOO_LARGE: 1}
    assert len(block.batch) == 0


def test_an_empty_list_is_set_aside_after_full_ones_too() -> None:
    lane = LaneUnderTest()
    for _ in range(2):
        lane.block_of(packet(READINGS, b'[{"ts":%d,"values":{"smoke":0}}]' % (NOW_US // 1000)))
    assert lane.block_of(packet(READINGS, b"[]")).quarantine.counts == {Reason.WRONG_SHAPE: 1}


def test_one_bad_value_of_a_regular_device_does_not_cost_the_others() -> None:
    lane = LaneUnderTest()
    good = packet(READINGS, b'{"smoke":0,"temperature":20}')
    bad = packet(READINGS, b'{"smoke":0,"temperature":"hot"}')
    block = lane.block_of(good, good, bad, good)
    assert [reading.metric for reading in lane.readings(block)] == ["smoke", "temperature"] * 2 + [
        "smoke",
        "smoke",
        "temperature",
    ]
    assert block.quarantine.counts == {Reason.WRONG_TYPE: 1}
