"""The alarm lane fails towards the alarm."""

from __future__ import annotations

import json

import pytest

from devices import Flag, Reason
from ingest import BatcherLimits, Lane
from tests.ingest.lane import NOW_MS, NOW_US, LaneUnderTest, Reading, packet
from tests.ingest.test_quarantine import PAYLOADS

REGISTERED = "vigil/v1/s/a/alarm"
STRANGER = "vigil/v1/s/nobody/alarm"


def lane_of(**limits: int) -> LaneUnderTest:
    return LaneUnderTest(Lane.ALARM, limits=BatcherLimits(**limits))


def test_an_alarm_is_flagged_and_receipted() -> None:
    lane = lane_of()
    block = lane.block_of(packet(REGISTERED, b'{"ts":%d,"values":{"smoke":1}}' % (NOW_MS - 3), 7))
    assert lane.readings(block) == [Reading("s/a", "smoke", NOW_US - 3000, 1.0, Flag.ALARM_LANE)]
    (receipt,) = block.receipts
    assert receipt.topic == "vigil/v1/s/a/ack"
    assert receipt.payload == b'{"received":%d,"ts":%d}' % (NOW_MS, NOW_MS - 3)
    assert lane.counters.receipts == 1
    assert lane.counters.assumed_alarms == 0


@pytest.mark.parametrize(
    ("ts", "said"),
    [
        (b"1732243200", 1732243200),
        (b"1732243200123.5", 1732243200123.5),
        (b"12345", 12345),
        (b'"noon"', None),
        (b"null", None),
        (b"1e300", None),
    ],
)
def test_a_receipt_repeats_the_time_that_the_device_gave(ts: bytes, said: float | None) -> None:
    block = lane_of().block_of(packet(REGISTERED, b'{"ts":' + ts + b',"values":{"smoke":1}}'))
    assert json.loads(block.receipts[0].payload) == {"received": NOW_MS, "ts": said}


def test_every_alarm_message_has_its_receipt_duplicates_and_unreadable_ones_too() -> None:
    said = b'{"ts":%d,"values":{"smoke":1}}' % NOW_MS
    block = lane_of().block_of(
        packet(REGISTERED, said), packet(REGISTERED, said), packet(REGISTERED, b"\xff"), packet(STRANGER, b"{")
    )
    assert [(receipt.topic.split("/")[3], json.loads(receipt.payload)["ts"]) for receipt in block.receipts] == [
        ("a", NOW_MS),
        ("a", NOW_MS),
        ("a", None),
        ("nobody", None),
    ]


def test_readings_have_no_receipt() -> None:
    lane = LaneUnderTest()
    assert lane.block_of(packet("vigil/v1/s/a/readings", b'{"smoke":1}')).receipts == ()


UNREADABLE = [reason for reason in PAYLOADS if reason not in {Reason.BAD_TIME, Reason.BAD_METRIC}]


@pytest.mark.parametrize("topic", [REGISTERED, STRANGER])
@pytest.mark.parametrize("reason", UNREADABLE)
def test_an_alarm_that_cannot_be_read_is_an_alarm(topic: str, reason: Reason) -> None:
    lane = lane_of()
    block = lane.block_of(packet(topic, PAYLOADS[reason]))
    device = "/".join(topic.split("/")[2:4])
    flags = Flag.ALARM_LANE | Flag.TIME_FILLED | (Flag.UNREGISTERED if topic == STRANGER else Flag(0))
    assert lane.readings(block) == [Reading(device, "alarm", NOW_US, 1.0, flags)]
    assert block.quarantine.counts == {reason: 1}
    assert lane.counters.assumed_alarms == 1


@pytest.mark.parametrize(
    ("payload", "told"),
    [
        (b'{"smoke":0}', [("smoke", 0.0)]),
        (b'{"smoke":false,"gas":null}', [("smoke", 0.0), ("gas", None)]),
        (b'{"smoke":1}', [("smoke", 1.0)]),
        (b'{"smoke":1,"gas":0}', [("smoke", 1.0), ("gas", 0.0)]),
        (b'{"gas":1}', [("gas", 1.0), ("alarm", 1.0)]),
        (b'{"gas":-1,"smoke":0}', [("gas", -1.0), ("smoke", 0.0), ("alarm", 1.0)]),
        (b'{"gas":"on","smoke":0}', [("smoke", 0.0), ("alarm", 1.0)]),
        (b'{"smoke":"on","battery":88}', [("battery", 88.0), ("alarm", 1.0)]),
        (b'{"smoke":0,"gas":1e999}', [("smoke", 0.0), ("alarm", 1.0)]),
        (b'[{"smoke":0},5]', [("smoke", 0.0), ("alarm", 1.0)]),
        (b'{"":1,"smoke":0}', [("smoke", 0.0), ("alarm", 1.0)]),
        (b'{"":0,"smoke":0}', [("smoke", 0.0)]),
        (b'{"ts":5,"values":{"smoke":0}}', [("smoke", 0.0)]),
        (b'{"alarm":1}', [("alarm", 1.0)]),
        (b'{"alarm":true,"smoke":"on"}', [("alarm", 1.0)]),
        (b'{"alarm":0}', [("alarm", 0.0)]),
        (b'{"alarm":0,"gas":1}', [("alarm", 0.0), ("gas", 1.0), ("alarm", 1.0)]),
    ],
)
def test_what_a_profile_does_not_explain_is_an_alarm_of_a_registered_device(
    payload: bytes, told: list[tuple[str, float | None]]
) -> None:
    assert lane_of().told(packet(REGISTERED, payload)) == told


@pytest.mark.parametrize(
    ("payload", "told"),
    [
        (b'{"smoke":0}', [("smoke", 0.0)]),
        (b'{"smoke":0,"gas":null}', [("smoke", 0.0), ("gas", None)]),
        (b'{"smoke":1}', [("smoke", 1.0), ("alarm", 1.0)]),
        (b'{"smoke":0,"battery":88}', [("smoke", 0.0), ("battery", 88.0), ("alarm", 1.0)]),
        (b'{"alarm":1}', [("alarm", 1.0)]),
    ],
)
def test_any_value_but_0_is_an_alarm_of_an_unregistered_device(
    payload: bytes, told: list[tuple[str, float | None]]
) -> None:
    assert lane_of().told(packet(STRANGER, payload)) == told


def test_a_stranger_that_says_alarm_is_told_once() -> None:
    lane = lane_of()
    block = lane.block_of(packet(STRANGER, b'{"ts":%d,"values":{"alarm":1}}' % (NOW_MS - 1000)))
    assert [reading.time_us for reading in lane.readings(block)] == [NOW_US - 1_000_000]
    assert (lane.counters.assumed_alarms, lane.counters.duplicates) == (0, 0)


def test_a_bad_topic_on_the_alarm_lane_can_only_be_quarantined() -> None:
    block = lane_of().block_of(packet("vigil/v1/s/alarm", b'{"smoke":1}', 7))
    assert block.quarantine.counts == {Reason.BAD_TOPIC: 1}
    assert len(block.batch) == 0
    assert block.receipts == ()
    assert block.deliveries.acks[0][1].tolist() == [7]


def test_readings_are_not_taken_for_alarms() -> None:
    lane = LaneUnderTest()
    for payload in (b"{", b'{"gas":1}', b'{"smoke":"on"}', b'{"":1}'):
        assert ("alarm", 1.0) not in lane.told(packet("vigil/v1/s/a/readings", payload))
        assert ("alarm", 1.0) not in lane.told(packet("vigil/v1/s/nobody/readings", payload))


def test_too_many_metrics_hide_no_alarm() -> None:
    lane = lane_of(extra_metrics=1)
    assert lane.told(packet(REGISTERED, b'{"gas":0}')) == [("gas", 0.0)]
    assert lane.told(packet(REGISTERED, b'{"leak":0}')) == []
    assert lane.told(packet(REGISTERED, b'{"leak":1}')) == [("alarm", 1.0)]


@pytest.mark.parametrize("payload", [b'{"smoke":1}', b'{"alarm":1}', b"{", b'{"smoke":"on"}', b'{"smoke":0,"b":3}'])
def test_too_many_devices_hide_no_alarm(payload: bytes) -> None:
    lane = lane_of(unregistered_devices=0)
    block = lane.block_of(packet(STRANGER, payload, 7))
    flags = Flag.ALARM_LANE | Flag.UNREGISTERED | Flag.TIME_FILLED
    assert lane.readings(block) == [Reading("s/unregistered", "alarm", NOW_US, 1.0, flags)]
    assert block.quarantine.counts == {Reason.TOO_MANY_DEVICES: 1}
    assert [receipt.topic for receipt in block.receipts] == ["vigil/v1/s/nobody/ack"]
    assert block.deliveries.acks[0][1].tolist() == [7]


def test_one_device_stands_for_all_beyond_the_bound_of_a_site() -> None:
    lane = lane_of(unregistered_devices=0)
    lane.block_of(*(packet(f"vigil/v1/s/n{i}/alarm", b'{"smoke":1}') for i in range(50)))
    lane.block_of(*(packet(f"vigil/v1/nowhere{i}/n/alarm", b'{"smoke":1}') for i in range(50)))
    strange = [
        device.key for _, device in lane.registry.devices() if device.site != "s" or device.name == "unregistered"
    ]
    assert strange == ["s/unregistered", "unregistered/unregistered"]
    assert len(lane.heard.routes.cached) == 0


def test_no_alarm_of_too_many_devices_is_no_alarm() -> None:
    lane = lane_of(unregistered_devices=0)
    block = lane.block_of(packet(STRANGER, b'{"smoke":0}'))
    assert len(block.batch) == 0
    assert not block.discovered
    assert block.quarantine.counts == {Reason.TOO_MANY_DEVICES: 1}


def test_readings_beyond_the_bound_get_no_rows() -> None:
    lane = LaneUnderTest(limits=BatcherLimits(unregistered_devices=0))
    block = lane.block_of(packet("vigil/v1/s/nobody/readings", b'{"smoke":1}'))
    assert (len(block.batch), bool(block.discovered), block.receipts) == (0, False, ())
