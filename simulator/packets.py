"""Packets of the load mode: all PUBLISH packets of a fleet in one array, stamped in place and sent in slices.

To saturate a broker the generator must cost far less per message than the broker does. So each device's packet is
encoded once; a sending only overwrites its packet id, its time and the last digit of each value, with numpy, for a run
of devices at once.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import mqtt5
import msgspec
import numpy as np

from devices import MetricType
from simulator.signals import Signals

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from devices import Device, Profile
    from simulator.fleet import Fleet

__all__ = ["VALUES_PER_MESSAGE", "LoadPackets"]

VALUES_PER_MESSAGE = 4
ROOM = 0.1
"""Kept below a metric's maximum, since the last of two digits varies."""
TIME_DIGITS = 13
"""Of a time in ms since the epoch, until the year 2286."""
_TIME_MARK = b"0" * TIME_DIGITS
_POWERS = 10 ** np.arange(TIME_DIGITS - 1, -1, -1, dtype=np.int64)
_ZERO = ord("0")


class LoadPackets:
    """One readings packet (QoS 1, MQTT 5) for each of `n` devices.

    Each message has four values of the device's own profile: gauges first, at a healthy level that varies in its last
    digit, then flags that are not set. Every time is later than the one before of the same device, so that each
    (device, metric, time) is there once.
    Raises ValueError where a profile has fewer than four such metrics.
    """

    def __init__(self, fleet: Fleet, profiles: Mapping[str, Profile], seed: int = 0) -> None:
        healthy = Signals(fleet, seed).readings(np.arange(len(fleet)), 0.0)
        packets: list[bytes] = []
        packet_id_at: list[int] = []
        time_at: list[int] = []
        digit_at: list[list[int]] = []
        varies: list[list[bool]] = []
        offset = 0
        for device, reading in zip(fleet.devices, healthy, strict=True):
            topic = f"vigil/v1/{device.site}/{device.name}/readings"
            profile = profiles[device.profile]
            values = _four(device, profile, reading)
            payload = _payload(values)
            packet = mqtt5.PublishPacket(topic, payload, qos=mqtt5.QoS.AT_LEAST_ONCE, packet_id=1).write()
            start = offset + len(packet) - len(payload)
            packet_id_at.append(start - 3)  # then one byte: no properties
            time_at.append(start + payload.index(_TIME_MARK))
            digit_at.append([start + end - 1 for end in _value_ends(payload)])
            varies.append([profile.metrics[name].type is MetricType.GAUGE for name in values])
            packets.append(packet)
            offset += len(packet)
        self._bytes = np.frombuffer(bytearray(b"".join(packets)), np.uint8)
        self._start = np.cumsum([0, *map(len, packets)])
        self._packet_id_at = np.array(packet_id_at)
        self._time_at = np.array(time_at)[:, None] + np.arange(TIME_DIGITS)
        self._digit_at = np.array(digit_at)
        self._time_ms = np.zeros(len(packets), np.int64)
        self._varies = np.array(varies, np.uint8)
        digits = np.random.default_rng(seed).integers(0, 10, self._varies.shape, np.uint8)
        self._digits = _ZERO + digits * self._varies
        self._next = 0

    def __len__(self) -> int:
        return len(self._packet_id_at)

    @property
    def mean_bytes(self) -> float:
        """Mean length of a packet."""
        return len(self._bytes) / len(self)

    @property
    def last_time_ms(self) -> int:
        """The latest event time sent, ms since the epoch; 0 before the first."""
        return int(self._time_ms.max())

    def take(self, packet_ids: NDArray[np.uint16], now_ms: int) -> bytes:
        """Return the bytes of the next packets, one for each of `packet_ids` (m,) uint16; devices take turns.

        now_ms: ms since the epoch, the event time; where a device has had that time already, the next ms
        """
        slices = []
        while len(packet_ids):
            first, last = self._next, min(self._next + len(packet_ids), len(self))
            slices.append(self._stamped(slice(first, last), packet_ids[: last - first], now_ms))
            packet_ids = packet_ids[last - first :]
            self._next = last % len(self)
        return b"".join(slices)

    def _stamped(self, run: slice, packet_ids: NDArray[np.uint16], now_ms: int) -> bytes:
        time_ms = max(now_ms, int(self._time_ms[run].max()) + 1)
        self._time_ms[run] = time_ms
        self._bytes[self._time_at[run]] = (time_ms // _POWERS % 10 + _ZERO).astype(np.uint8)
        at = self._packet_id_at[run]
        self._bytes[at] = packet_ids >> 8
        self._bytes[at + 1] = packet_ids & 0xFF
        digits = self._digits[run]
        self._bytes[self._digit_at[run]] = digits
        self._digits[run] = _ZERO + (digits - _ZERO + self._varies[run]) % 10
        return self._bytes[self._start[run.start] : self._start[run.stop]].tobytes()


def _four(device: Device, profile: Profile, healthy: Mapping[str, float]) -> dict[str, str]:
    """Return four metrics of a device with their values as they stand in the payload."""
    gauges = {
        name: f"{min(value, (profile.metrics[name].maximum or math.inf) - ROOM):.3f}"
        for name, value in healthy.items()
        if profile.metrics[name].type is MetricType.GAUGE
    }
    flags = {name: "0" for name, metric in profile.metrics.items() if metric.type is MetricType.FLAG}
    values = dict([*gauges.items(), *flags.items()][:VALUES_PER_MESSAGE])
    if len(values) < VALUES_PER_MESSAGE:
        raise ValueError(f"profile {device.profile} has {len(values)} metrics that load can send; wanted 4")
    return values


def _payload(values: Mapping[str, str]) -> bytes:
    body = {name: msgspec.Raw(value.encode()) for name, value in values.items()}
    return msgspec.json.encode({"ts": msgspec.Raw(_TIME_MARK), "values": body})


def _value_ends(payload: bytes) -> list[int]:
    """Return where each value ends: before a comma or the closing braces."""
    body = payload.index(b'"values":{')
    return [at for at in range(body, len(payload)) if payload[at : at + 1] == b"," or payload[at:] == b"}}"]
