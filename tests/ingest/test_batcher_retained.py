"""What the broker kept or made itself is marked: silence must not take it for a sign of life."""

from __future__ import annotations

import mqtt5
import pytest

from devices import Flag, Reason
from ingest import BatcherLimits, Lane
from tests.ingest.lane import NOW_MS, NOW_US, LaneUnderTest, Reading, packet

READINGS = "vigil/v1/s/a/readings"
STATUS = "vigil/v1/s/a/status"


def retained(topic: str, payload: bytes) -> mqtt5.PublishPacket:
    return mqtt5.PublishPacket(topic, payload, retain=True)


def flags(lane: LaneUnderTest, *packets: mqtt5.PublishPacket) -> list[Flag]:
    return [reading.flags for reading in lane.readings(lane.block_of(*packets))]


@pytest.mark.parametrize(
    ("payload", "at_us", "filled"),
    [
        (b'{"smoke":0.5}', NOW_US, Flag.TIME_FILLED),
        (b'{"ts":%d,"values":{"smoke":0.5}}' % (NOW_MS - 1), NOW_US - 1000, Flag(0)),
        (b'[{"ts":%d,"values":{"smoke":0.5}}]' % (NOW_MS - 1), NOW_US - 1000, Flag(0)),
        (b'{"smoke":0.5,"":1}', NOW_US, Flag.TIME_FILLED),
    ],
)
@pytest.mark.parametrize("is_known", [False, True])
def test_a_retained_message_is_read_like_any_other_and_marked(
    payload: bytes, at_us: int, filled: Flag, *, is_known: bool
) -> None:
    lane = LaneUnderTest()
    if is_known:  # so that the fast way would take it
        for _ in range(2):
            lane.now_us -= 10_000_000
            lane.block_of(packet(READINGS, b'{"smoke":1}'))
        lane.now_us = NOW_US
    assert lane.readings(lane.block_of(retained(READINGS, payload))) == [
        Reading("s/a", "smoke", at_us, 0.5, Flag.RETAINED | filled)
    ]


def test_only_the_retained_one_of_a_block_is_marked() -> None:
    lane = LaneUnderTest()
    live = [packet(READINGS, b'{"ts":%d,"values":{"smoke":%d}}' % (NOW_MS + n, n)) for n in range(3)]
    kept = retained("vigil/v1/s/b/readings", b'{"ts":%d,"values":{"smoke":0}}' % NOW_MS)
    lane.block_of(*live)
    assert flags(lane, *live[:0], kept) == [Flag.RETAINED]
    assert flags(lane, packet(READINGS, b'{"ts":%d,"values":{"smoke":9}}' % (NOW_MS + 9))) == [Flag(0)]


def test_a_retained_alarm_that_cannot_be_read_still_pages_and_is_marked() -> None:
    lane = LaneUnderTest(Lane.ALARM)
    wanted = Flag.RETAINED | Flag.ALARM_LANE | Flag.TIME_FILLED
    assert flags(lane, retained("vigil/v1/s/a/alarm", b"{")) == [wanted]


def test_a_retained_alarm_beyond_the_bound_of_devices_is_marked_on_the_one_that_stands_for_it() -> None:
    lane = LaneUnderTest(Lane.ALARM, limits=BatcherLimits(unregistered_devices=0))
    block = lane.block_of(retained("vigil/v1/s/x/alarm", b'{"smoke":1}'))
    assert block.quarantine.counts == {Reason.TOO_MANY_DEVICES: 1}
    (reading,) = lane.readings(block)
    assert reading.flags == Flag.RETAINED | Flag.ALARM_LANE | Flag.TIME_FILLED | Flag.UNREGISTERED


@pytest.mark.parametrize(
    ("payload", "mark"),
    [
        (b"online", Flag(0)),
        (b"offline", Flag.OFFLINE),
        (b'{"status":"offline"}', Flag.OFFLINE),
    ],
)
def test_a_will_is_marked(payload: bytes, mark: Flag) -> None:
    lane = LaneUnderTest()
    assert flags(lane, packet(STATUS, payload)) == [Flag.TIME_FILLED | mark]
    assert flags(lane, retained(STATUS, payload)) == [Flag.TIME_FILLED | Flag.RETAINED | mark]


def test_what_a_device_says_itself_is_no_will() -> None:
    assert flags(LaneUnderTest(), packet(READINGS, b'{"online":0}')) == [Flag.TIME_FILLED]
