"""Whatever is published: it is a reading or it is counted, and it is acknowledged once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ingest import BatcherLimits, Lane
from ingest.topics import parse_topic
from tests.ingest.lane import NOW_MS, LaneUnderTest, packet
from tests.ingest.naive import NaiveLane

if TYPE_CHECKING:
    import mqtt5

METRICS = st.sampled_from(["smoke", "temperature", "extra"])
TIMES = st.sampled_from(
    [NOW_MS, NOW_MS - 1, NOW_MS - 1000, NOW_MS + 400_000, NOW_MS // 1000, NOW_MS - 0.5, 7, "noon", None]
)
VALUES = st.sampled_from([0, 1, 0.5, True, False, None, -0.0, 2**70, "x", [1], {"y": 1}])
FLAT = st.dictionaries(METRICS, VALUES, max_size=3)
STAMPED = st.fixed_dictionaries({"ts": TIMES, "values": FLAT})
NATIVE = st.one_of(FLAT, STAMPED, st.lists(st.one_of(FLAT, STAMPED, st.just(5)), max_size=4))
MESSAGES = st.lists(st.tuples(st.sampled_from("ab"), NATIVE), max_size=8)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
PAYLOADS = st.one_of(
    st.binary(max_size=60), JSON.map(lambda body: json.dumps(body).encode()), NATIVE.map(json.dumps).map(str.encode)
)
LEVELS = st.text(st.characters(codec="utf-8", exclude_characters="+#\0"), max_size=6)  # the codec takes no others
TOPICS = st.one_of(
    LEVELS.filter(bool),
    st.builds("vigil/v1/{}/{}/{}".format, LEVELS, LEVELS, st.sampled_from(["readings", "alarm", "status", "ack"])),
    st.sampled_from(
        [f"vigil/v1/s/{device}/{subject}" for device in "abc" for subject in ("readings", "alarm", "status")]
    ),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(MESSAGES, max_size=3))
def test_the_fast_lane_says_what_a_loop_over_values_says(blocks: list[list[tuple[str, Any]]]) -> None:
    lane, naive = LaneUnderTest(), NaiveLane()
    for block in blocks:
        lane.now_us += 50
        payloads = [(device, json.dumps(body).encode()) for device, body in block]
        arrival = max(lane.now_us, lane.heard.clock.last_us + 1)
        expected = naive.block(
            [(device, payload, arrival + i) for i, (device, payload) in enumerate(payloads)],
            BatcherLimits().future_us,
        )
        lane.feed(*(packet(f"vigil/v1/s/{device}/readings", payload) for device, payload in payloads))
        assert lane.readings(lane.take()) == expected
    assert lane.counters.duplicates == naive.memory.duplicates
    assert lane.counters.conflicting == naive.memory.conflicting


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(TOPICS, PAYLOADS, st.none() | st.integers(1, 65_535), st.booleans()), max_size=6),
    st.sampled_from(Lane),
)
def test_every_packet_is_a_reading_or_counted_and_acknowledged_once(
    packets: list[tuple[str, bytes, int | None, bool]], which: Lane
) -> None:
    lane = LaneUnderTest(which, limits=BatcherLimits(unregistered_devices=2, extra_metrics=2, payload_bytes=50))
    for topic, payload, packet_id, duplicate in packets:
        heard = outcome_of(lane, packet(topic, payload, packet_id, duplicate=duplicate and packet_id is not None))
        assert heard > 0


@settings(deadline=None)
@given(st.lists(st.tuples(TOPICS, PAYLOADS, st.none() | st.integers(1, 65_535)), max_size=10))
def test_acknowledgements_keep_the_order_of_receipt(packets: list[tuple[str, bytes, int | None]]) -> None:
    lane = LaneUnderTest()
    lane.feed(*(packet(topic, payload, packet_id) for topic, payload, packet_id in packets))
    block = lane.take()
    owed = [packet_id for _, _, packet_id in packets if packet_id is not None]
    assert [packet_id for _, ids in block.deliveries.acks for packet_id in ids.tolist()] == owed
    assert block.messages == len(packets)


@settings(deadline=None)
@given(st.sampled_from(["a", "new"]), PAYLOADS)
def test_an_alarm_message_pages_unless_all_of_it_is_quiet(device: str, payload: bytes) -> None:
    lane = LaneUnderTest(Lane.ALARM)
    told = lane.told(packet(f"vigil/v1/s/{device}/alarm", payload))
    pages = ("alarm", 1.0) in told if device == "new" else any(value for _, value in told)
    assert pages == (not is_quiet(payload))


def outcome_of(lane: LaneUnderTest, one: mqtt5.PublishPacket) -> int:
    """Feed one packet; return how many readings, faults, duplicates and redeliveries came of it."""
    before = lane.counters.duplicates + lane.counters.redelivered
    block = lane.block_of(one)
    acks = [packet_id for _, ids in block.deliveries.acks for packet_id in ids.tolist()]
    assert acks == ([] if one.packet_id is None else [one.packet_id])
    batch = block.batch
    assert len({*zip(batch.channel.tolist(), batch.time_us.tolist(), strict=True)}) == len(batch)
    assert lane.registry.channel_device[batch.channel].min(initial=0) >= 0
    address = parse_topic(one.topic)
    assert len(block.receipts) == (address is not None and address.subject == "alarm")
    dropped = lane.counters.duplicates + lane.counters.redelivered - before
    return len(batch) + sum(block.quarantine.counts.values()) + dropped


def is_quiet(payload: bytes) -> bool:
    """Say whether a native message can be read in full and all its values are 0 or null."""
    try:
        body = json.loads(payload.decode())
    except (ValueError, RecursionError):
        return False
    items = body if isinstance(body, list) else [body]
    return bool(items) and all(isinstance(item, dict) and is_quiet_item(item) for item in items)


def is_quiet_item(item: dict[str, Any]) -> bool:
    values = item.get("values")
    if isinstance(values, dict):
        if not item.keys() <= {"ts", "values"}:
            return False
    else:
        values = {metric: value for metric, value in item.items() if metric != "ts"}
    return bool(values) and all(
        value is None or (not isinstance(value, (str, list, dict)) and value == 0) for value in values.values()
    )
