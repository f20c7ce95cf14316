"""Devices and metrics that no ledger names."""

from __future__ import annotations

from devices import Device, Flag, Kind, Lifecycle, Reason
from ingest import BatcherLimits, Lane
from tests.ingest.lane import NOW_US, LaneUnderTest, Reading, packet, smoke

STRANGER = "vigil/v1/s/new/readings"
SAYS = b'{"smoke":1}'
FILLED = Flag.TIME_FILLED


def stranger(i: int) -> str:
    return f"vigil/v1/s/stranger{i}/readings"


def test_a_stranger_is_discovered_applied_registered_and_then_like_any_other() -> None:
    lane = LaneUnderTest()
    lane.feed(packet(STRANGER, SAYS))
    lane.feed(packet(STRANGER, SAYS))
    block = lane.batcher.take()
    (row,) = block.discovered.devices
    assert row.device == Device("s", "new", Kind.UNKNOWN, "unknown", lifecycle=Lifecycle.UNREGISTERED)
    assert [channel.metric for channel in block.discovered.channels] == ["alarm", "smoke"]
    assert block.batch.flags.tolist() == [FILLED | Flag.UNREGISTERED] * 2
    assert (lane.counters.discovered_devices, lane.counters.discovered_channels) == (1, 1)

    again = lane.batcher
    again.feed(1, [packet(STRANGER, SAYS)])  # heard again before the discovery is committed
    assert not (waiting := again.take()).discovered
    assert waiting.batch.channel.tolist() == block.batch.channel[:1].tolist()

    lane.registry.apply(block.discovered)
    assert lane.readings(lane.block_of(packet(STRANGER, SAYS)))[0].flags == FILLED | Flag.UNREGISTERED
    lane.register("new")
    after = lane.block_of(packet(STRANGER, SAYS))
    assert lane.readings(after)[0].flags == FILLED
    assert after.batch.channel[0] == block.batch.channel[0]
    assert not after.discovered


def test_what_is_discovered_goes_with_the_next_block_of_either_lane() -> None:
    lane = LaneUnderTest()
    alarms = lane.other(Lane.ALARM)
    alarms.feed(1, [packet("vigil/v1/s/new/alarm", SAYS)])
    lane.feed(packet(STRANGER, b'{"smoke":0}'))
    first, second = lane.batcher.take(), alarms.take()
    assert [row.device.name for row in first.discovered.devices] == ["new"]
    assert not second.discovered
    rows = {channel.row for channel in first.discovered.channels}
    assert rows >= {*first.batch.channel.tolist(), *second.batch.channel.tolist()}


def test_a_device_registered_while_its_discovery_waits_stays_registered() -> None:
    lane = LaneUnderTest()
    lane.feed(packet(STRANGER, SAYS))
    lane.register("new")
    block = lane.take()
    assert not block.discovered.devices
    row = lane.registry.device_row("s/new")
    assert row is not None
    device = lane.registry.device(row)
    assert device is not None
    assert device.lifecycle is Lifecycle.REGISTERED


def test_as_many_strangers_as_are_allowed_get_rows_and_not_one_more() -> None:
    lane = LaneUnderTest(limits=BatcherLimits(unregistered_devices=3))
    for i in range(3):
        assert len(lane.block_of(packet(stranger(i), SAYS)).batch) == 1
    for i in range(3, 6):
        assert lane.block_of(packet(stranger(i), SAYS)).quarantine.counts == {Reason.TOO_MANY_DEVICES: 1}
    assert len(lane.block_of(packet(stranger(0), SAYS)).batch) == 1


def test_the_bound_holds_within_one_block_and_while_a_discovery_is_being_committed() -> None:
    lane = LaneUnderTest(limits=BatcherLimits(unregistered_devices=3))
    lane.feed(*(packet(stranger(i), SAYS) for i in range(2)))
    waiting = lane.batcher.take()
    lane.register("a")
    lane.feed(*(packet(stranger(i), SAYS) for i in range(2, 6)))
    assert lane.take().quarantine.counts == {Reason.TOO_MANY_DEVICES: 3}
    lane.registry.apply(waiting.discovered)
    assert lane.block_of(packet(stranger(9), SAYS)).quarantine.counts == {Reason.TOO_MANY_DEVICES: 1}


def test_the_bound_counts_all_sites_together() -> None:
    lane = LaneUnderTest(limits=BatcherLimits(unregistered_devices=3))
    block = lane.block_of(*(packet(f"vigil/v1/site{i}/d/readings", SAYS) for i in range(5)))
    assert block.quarantine.counts == {Reason.TOO_MANY_DEVICES: 2}


def test_strangers_of_before_a_restart_count() -> None:
    lane = LaneUnderTest(limits=BatcherLimits(unregistered_devices=1))
    lane.registry.apply(lane.registry.plan_discovery("s", "old"))
    assert lane.block_of(packet(STRANGER, SAYS)).quarantine.counts == {Reason.TOO_MANY_DEVICES: 1}


def test_a_stranger_that_is_registered_makes_room_for_another() -> None:
    lane = LaneUnderTest(limits=BatcherLimits(unregistered_devices=1))
    lane.block_of(packet(stranger(0), SAYS))
    assert len(lane.block_of(packet(stranger(1), SAYS)).batch) == 0
    lane.register("stranger0")
    assert len(lane.block_of(packet(stranger(1), SAYS)).batch) == 1


def test_a_device_beyond_the_bound_is_heard_as_soon_as_it_is_registered() -> None:
    lane = LaneUnderTest(limits=BatcherLimits(unregistered_devices=0))
    assert len(lane.block_of(packet(STRANGER, SAYS)).batch) == 0
    lane.register("new")
    assert lane.readings(lane.block_of(packet(STRANGER, SAYS))) == [
        Reading("s/new", "smoke", NOW_US + 1, 1.0, Flag.TIME_FILLED)
    ]


def test_as_many_extra_metrics_as_are_allowed_get_rows_and_not_one_more() -> None:
    lane = LaneUnderTest(limits=BatcherLimits(extra_metrics=2))
    topic = "vigil/v1/s/a/readings"
    assert lane.told(packet(topic, b'{"x":1,"y":1,"z":1,"smoke":1}')) == [("x", 1.0), ("y", 1.0), ("smoke", 1.0)]
    assert lane.counters.quarantined[Reason.TOO_MANY_METRICS] == 1
    lane.now_us += 1000
    assert lane.told(packet(topic, b'{"x":1,"y":1,"z":1,"smoke":2}')) == [("x", 1.0), ("y", 1.0), ("smoke", 2.0)]
    assert lane.told(packet(topic, b'{"z":1}')) == []
    assert lane.told(packet(topic, b'{"y":2}')) == [("y", 2.0)]
    assert lane.told(packet("vigil/v1/s/a/status", b"online")) == [("online", 1.0)]
    assert lane.told(packet("vigil/v1/s/b/readings", b'{"z":1}')) == [("z", 1.0)]


def test_alarm_and_online_are_no_extra_metrics() -> None:
    lane = LaneUnderTest(limits=BatcherLimits(extra_metrics=1))
    lane.block_of(packet("vigil/v1/s/a/status", b"online"), packet("vigil/v1/s/a/alarm", b"{"))
    assert lane.told(packet("vigil/v1/s/a/readings", b'{"x":1}')) == [("x", 1.0)]


def test_a_device_of_a_profile_that_is_gone_is_still_heard() -> None:
    lane = LaneUnderTest(Lane.ALARM)
    profiles = dict(lane.registry.profiles)
    del profiles["smoke"]
    lane.registry.profiles = profiles
    assert lane.told(packet("vigil/v1/s/a/alarm", SAYS)) == [("smoke", 1.0), ("alarm", 1.0)]


def test_a_change_of_the_registry_is_seen_by_routes_in_use() -> None:
    lane = LaneUnderTest(Lane.ALARM)
    topic = "vigil/v1/s/a/alarm"
    assert lane.told(packet(topic, SAYS)) == [("smoke", 1.0)]
    lane.registry.apply(lane.registry.plan_registration([smoke("a", lifecycle=Lifecycle.UNREGISTERED)]))
    lane.now_us += 1000
    assert lane.told(packet(topic, SAYS)) == [("smoke", 1.0), ("alarm", 1.0)]
    cached = lane.heard.routes.cached[topic]
    lane.registry.apply(lane.registry.plan_registration([smoke("b")]))
    lane.feed(packet(topic, SAYS))
    assert lane.heard.routes.cached[topic] is cached
