"""What could not be read, and why: the shape in which it is counted, kept and shown."""

from __future__ import annotations

from enum import StrEnum

import msgspec

__all__ = ["SAMPLE_BYTES", "QuarantineReport", "Reason", "Sample"]


SAMPLE_BYTES = 1024


class Reason(StrEnum):
    """Why a message, or one value of it, was set aside."""

    MALFORMED_PACKET = "malformed_packet"
    """Not MQTT 5, though framed as such."""
    BAD_TOPIC = "bad_topic"
    """Not `vigil/v1/<site>/<device>/<lane>`."""
    NOT_UTF8 = "not_utf8"
    NOT_JSON = "not_json"
    TOO_DEEP = "too_deep"
    TOO_LARGE = "too_large"
    WRONG_SHAPE = "wrong_shape"
    """JSON, but neither an object of values, nor one with `ts` and `values`, nor a list of those."""
    WRONG_TYPE = "wrong_type"
    """A value that is no number, boolean or null."""
    NOT_FINITE = "not_finite"
    """NaN, infinite, or a number beyond a double."""
    BAD_TIME = "bad_time"
    """A `ts` that is no time; the values are kept, with the arrival time."""
    BAD_METRIC = "bad_metric"
    """A metric name that is empty or too long."""
    TOO_MANY_DEVICES = "too_many_devices"
    """More unregistered devices than are kept apart."""
    TOO_MANY_METRICS = "too_many_metrics"
    """More metrics of one device than are kept apart."""


class Sample(msgspec.Struct, frozen=True):
    """One message set aside. `payload` is cut at `SAMPLE_BYTES`; `size` is its whole length."""

    reason: Reason
    time_us: int
    topic: str
    payload: bytes
    size: int
    detail: str


class QuarantineReport(msgspec.Struct, frozen=True):
    """What one block set aside: all of it counted, some of it kept."""

    counts: dict[Reason, int] = {}
    samples: tuple[Sample, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.counts)
