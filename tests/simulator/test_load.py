"""Load mode on a real mosquitto: what it says it sent is what the broker took and a subscriber got."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import aiomqtt
import mqtt5
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices import MetricType
from devices.profile_loader import load_profiles
from simulator import BrokerAddress, synthetic_fleet
from simulator.load import LoadFailed, LoadPlan, load
from simulator.packets import LoadPackets
from simulator.sender import Sender
from tests.simulator.findings import found, parsed

if TYPE_CHECKING:
    from tests.support.broker import Mosquitto, StartMosquitto

PROFILES = load_profiles()
DEADLINE_S = 20


def address(broker: Mosquitto) -> BrokerAddress:
    return BrokerAddress(broker.host, broker.port)


# ── packets ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@settings(max_examples=30, deadline=None)
@given(devices=st.integers(1, 40), runs=st.lists(st.integers(1, 60), min_size=1, max_size=8), still=st.booleans())
def test_packets_are_whole_bear_their_ids_and_never_repeat_a_time(devices: int, runs: list[int], still: bool) -> None:
    fleet = synthetic_fleet(devices)
    packets = LoadPackets(fleet, PROFILES, seed=1)
    now_ms, next_id, sent = 1_793_980_800_000, 1, []
    for run in runs:
        wire = memoryview(packets.take(np.arange(next_id, next_id + run).astype(np.uint16), now_ms))
        for packet_id in range(next_id, next_id + run):
            packet, size = mqtt5.read(wire)
            assert isinstance(packet, mqtt5.PublishPacket)
            assert packet.packet_id == packet_id
            assert packet.qos is mqtt5.QoS.AT_LEAST_ONCE
            sent.append((packet.topic, packet.payload))
            wire = wire[size:]
        assert len(wire) == 0
        next_id += run
        now_ms += 0 if still else 3
    readings = parsed(sent)
    assert [topic.split("/")[3] for topic, _ in sent] == [fleet.devices[i % devices].name for i in range(len(sent))]
    keys = [(device, metric, time_s) for device, metric, time_s, _ in readings]
    assert len(keys) == len(set(keys)) == 4 * len(sent)


def test_load_is_four_healthy_values_of_the_devices_own_profile() -> None:
    fleet = synthetic_fleet(500)
    packets = LoadPackets(fleet, PROFILES, seed=1)
    wire, sent = memoryview(packets.take(np.arange(1, 5001).astype(np.uint16), 1_793_980_800_000)), []
    while wire:
        packet, size = mqtt5.read(wire)
        assert isinstance(packet, mqtt5.PublishPacket)
        assert 60 <= len(packet.payload) <= 150
        sent.append((packet.topic, packet.payload))
        wire = wire[size:]
    profile_of = {device.key: PROFILES[device.profile] for device in fleet.devices}
    readings = parsed(sent)
    for device, metric, _, value in readings:
        known = profile_of[device].metrics[metric]
        if known.type is MetricType.GAUGE:
            assert known.minimum is None or value >= known.minimum
            assert known.maximum is None or value <= known.maximum
        else:
            assert value == 0
    assert found(readings, profile_of) == set()


# ── the sender ───────────────────────────────────────────────────────────────────────────────────────────────────────


def puback(packet_id: int, reason: int | None = None) -> bytes:
    """Return a PUBACK; brokers leave the reason out where it is success."""
    body = packet_id.to_bytes(2, "big") + (b"" if reason is None else bytes([reason]))
    return bytes([0x40, len(body)]) + body


@settings(max_examples=60, deadline=None)
@given(
    reasons=st.lists(st.sampled_from([None, 0, 16, 151]), min_size=1, max_size=60),
    cuts=st.lists(st.integers(0, 400), max_size=10),
)
async def test_acknowledgements_count_however_they_are_cut_and_mixed(
    reasons: list[int | None], cuts: list[int]
) -> None:
    sender = Sender(window=100)
    ids = sender.packet_ids(len(reasons))
    wire = b"".join(puback(int(packet_id), reason) for packet_id, reason in zip(ids, reasons, strict=True))
    edges = [0, *sorted(min(cut, len(wire)) for cut in cuts), len(wire)]
    for first, last in pairwise(edges):
        if first < last:
            sender.data_received(wire[first:last])
    assert sender.under_way == 0
    assert sender.refused == reasons.count(151)
    assert sender.acknowledged == len(reasons) - sender.refused


async def test_packet_ids_go_round_without_zero() -> None:
    sender = Sender(window=70_000)
    assert sender.window == 65_535
    seen = []
    for _ in range(3):
        ids = sender.packet_ids(40_000)
        seen.append(ids)
        sender.data_received(b"".join(puback(int(i)) for i in ids))
    everything = np.concatenate(seen)
    assert everything.min() == 1
    assert (np.diff(everything[:65_535].astype(int)) == 1).all()
    assert everything[65_535] == 1


async def test_an_acknowledgement_of_what_was_not_sent_ends_the_run() -> None:
    sender = Sender(window=10)
    sender.packet_ids(2)
    sender.data_received(puback(9))
    with pytest.raises(LoadFailed, match="not under way"):
        await sender.moved(0)


# ── on a real broker ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.real
async def test_everything_sent_is_acknowledged_and_reaches_a_subscriber_once(mosquitto: Mosquitto) -> None:
    heard: list[tuple[str, bytes]] = []
    told: list[tuple[int, int]] = []
    count = 6000
    async with aiomqtt.Client(mosquitto.host, mosquitto.port) as subscriber, asyncio.timeout(DEADLINE_S):
        await subscriber.subscribe("vigil/v1/load/+/readings", qos=1)
        plan = LoadPlan(devices=300, count=count)
        running = asyncio.create_task(load(address(mosquitto), plan, progress=lambda *done: told.append(done)))
        async for message in subscriber.messages:
            assert isinstance(message.payload, bytes)
            heard.append((str(message.topic), message.payload))
            if len(heard) == count:
                break
        report = await running
    assert report.sent == report.acknowledged == count
    assert report.refused == 0
    assert told[-1] == (count, count)
    readings = parsed(heard)
    keys = {(device, metric, time_s) for device, metric, time_s, _ in readings}
    assert len(keys) == len(readings) == 4 * count
    times_ms = [round(time_s * 1000) for _, _, time_s, _ in readings]
    assert report.first_time_ms <= min(times_ms)
    assert max(times_ms) == report.last_time_ms


@pytest.mark.real
async def test_it_keeps_the_rate_and_ends_after_its_seconds(mosquitto: Mosquitto) -> None:
    report = await load(address(mosquitto), LoadPlan(devices=100, rate=3000, seconds=1.0))
    assert report.sent == report.acknowledged
    assert 2800 <= report.sent <= 3001
    assert 0.9 <= report.seconds <= 1.5


@pytest.mark.real
async def test_a_brokers_small_window_slows_it_and_loses_nothing(start_mosquitto: StartMosquitto) -> None:
    broker = start_mosquitto("max_inflight_messages 7")
    report = await load(address(broker), LoadPlan(devices=10, count=2000))
    assert report.sent == report.acknowledged == 2000


@pytest.mark.real
async def test_a_broker_that_refuses_is_named(start_mosquitto: StartMosquitto) -> None:
    broker = start_mosquitto("allow_anonymous false")
    with pytest.raises(LoadFailed, match="NOT_AUTHORIZED"):
        await load(address(broker), LoadPlan(devices=10, count=10))


@pytest.mark.real
async def test_a_broker_that_dies_ends_the_run(mosquitto: Mosquitto) -> None:
    running = asyncio.Event()
    task = asyncio.create_task(
        load(address(mosquitto), LoadPlan(devices=10, rate=500, seconds=60), progress=lambda *_: running.set())
    )
    await asyncio.wait_for(running.wait(), DEADLINE_S)
    await asyncio.to_thread(mosquitto.kill)
    with pytest.raises(LoadFailed, match="ended the connection"):
        await asyncio.wait_for(task, DEADLINE_S)


async def test_no_broker_is_said_at_once() -> None:
    with pytest.raises(LoadFailed, match="no MQTT 5 broker answers"):
        await load(BrokerAddress("127.0.0.1", 1), LoadPlan(devices=10, count=10))


@pytest.mark.parametrize(
    "figures", [{}, {"count": 0}, {"seconds": -1.0}, {"count": 1, "rate": 0.0}, {"count": 1, "devices": 0}]
)
def test_a_plan_without_an_end_or_with_nothing_to_do_is_refused(figures: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="wanted"):
        LoadPlan(**figures)


@pytest.mark.real
async def test_as_a_program_it_prints_one_line_of_json(mosquitto: Mosquitto) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "simulator.load",
        "--port", str(mosquitto.port), "--devices", "50", "--count", "500", "--json",
        stdout=asyncio.subprocess.PIPE, env=os.environ | {"PYTHONWARNINGS": "error"},
    )  # fmt: skip
    out, _ = await asyncio.wait_for(process.communicate(), DEADLINE_S)
    assert process.returncode == 0
    report = json.loads(out)
    assert report["sent"] == report["acknowledged"] == 500
    assert abs(report["last_time_ms"] / 1000 - time.time()) < DEADLINE_S
