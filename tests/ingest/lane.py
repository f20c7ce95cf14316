"""A batcher with a registry and a clock of its own, and its blocks as plain tuples."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import mqtt5

from devices import Device, Flag, Kind, Lifecycle, Metric, MetricType, Profile, Registry
from ingest import Batcher, BatcherLimits, Heard, IngestCounters, Lane, RedeliveryWindow

if TYPE_CHECKING:
    from ingest import Block

NOW_US = 1_732_243_200_000_000  # 2024-11-22 02:40 UTC
NOW_MS = NOW_US // 1000
SECOND_US = 1_000_000


class Reading(NamedTuple):
    device: str
    metric: str
    time_us: int
    value: float | None
    flags: Flag = Flag(0)


def profile(name: str, *metrics: str) -> Profile:
    kinds = {metric: Metric(metric, MetricType.GAUGE, "", metric, metric) for metric in metrics}
    return Profile(name, Kind.SMOKE, name, name, 60.0, kinds, (), name)


def smoke(name: str, site: str = "s", lifecycle: Lifecycle = Lifecycle.REGISTERED) -> Device:
    return Device(site, name, Kind.SMOKE, "smoke", lifecycle=lifecycle)


def packet(topic: str, payload: bytes, packet_id: int | None = None, *, duplicate: bool = False) -> mqtt5.PublishPacket:
    qos = mqtt5.QoS.AT_MOST_ONCE if packet_id is None else mqtt5.QoS.AT_LEAST_ONCE
    return mqtt5.PublishPacket(topic, payload, qos=qos, packet_id=packet_id, duplicate=duplicate)


@dataclass(slots=True)
class LaneUnderTest:
    """One lane; `known` are the names of registered smoke detectors of the site `s`."""

    lane: Lane = Lane.TELEMETRY
    known: tuple[str, ...] = ("a", "b")
    limits: BatcherLimits = field(default_factory=BatcherLimits)
    window: RedeliveryWindow = field(default_factory=lambda: RedeliveryWindow(100))
    now_us: int = NOW_US
    registry: Registry = field(init=False)
    counters: IngestCounters = field(init=False)
    heard: Heard = field(init=False)
    batcher: Batcher = field(init=False)

    def __post_init__(self) -> None:
        profiles = {
            "smoke": profile("smoke", "smoke", "temperature", "battery"),
            "unknown": profile("unknown", "alarm"),
        }
        self.registry = Registry(profiles)
        self.register(*self.known)
        self.counters = IngestCounters()
        self.heard = Heard(self.registry, lambda: self.now_us, self.limits, self.counters)
        self.batcher = self.other(self.lane)

    def other(self, lane: Lane) -> Batcher:
        """Return one more batcher of the same service."""
        return Batcher(
            lane, self.registry, lambda: self.now_us, self.limits, self.window, self.counters, heard=self.heard
        )

    def register(self, *names: str) -> None:
        self.registry.apply(self.registry.plan_registration(smoke(name) for name in names))

    def feed(self, *packets: mqtt5.PublishPacket, epoch: int = 1) -> None:
        self.batcher.feed(epoch, list(packets))

    def block_of(self, *packets: mqtt5.PublishPacket) -> Block:
        """Feed, take and apply, as the pipeline does once the block is in the journal."""
        self.feed(*packets)
        return self.take()

    def take(self) -> Block:
        block = self.batcher.take()
        self.registry.apply(block.discovered)
        return block

    def readings(self, block: Block) -> list[Reading]:
        """Return the readings of a block whose discoveries are applied."""
        batch = block.batch
        return [
            Reading(
                self.device_of(channel), self.registry.metric(channel), time_us, value if known else None, Flag(flags)
            )
            for channel, time_us, value, known, flags in zip(
                batch.channel.tolist(),
                batch.time_us.tolist(),
                batch.value.tolist(),
                batch.known.tolist(),
                batch.flags.tolist(),
                strict=True,
            )
        ]

    def device_of(self, channel: int) -> str:
        device = self.registry.device(int(self.registry.channel_device[channel]))
        assert device is not None
        return device.key

    def told(self, *packets: mqtt5.PublishPacket) -> list[tuple[str, float | None]]:
        """Feed `packets`; return metric and value of every reading that comes of them."""
        return [(reading.metric, reading.value) for reading in self.readings(self.block_of(*packets))]
