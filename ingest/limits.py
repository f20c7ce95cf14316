"""The bounds of ingest."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["BatcherLimits"]


@dataclass(frozen=True, slots=True)
class BatcherLimits:
    """How much one message, one device or a stranger may ask of us; what is beyond is quarantined and counted.

    payload_bytes:        a longer payload is not decoded
    future_us:            how far ahead of its arrival an event time may be, µs
    unregistered_devices: devices that no ledger names and that are kept apart, over all sites
    extra_metrics:        metrics of one device that its profile does not name
    samples:              messages kept per reason and block for a person to look at; all are counted
    """

    payload_bytes: int = 65_536
    future_us: int = 300_000_000
    unregistered_devices: int = 10_000
    extra_metrics: int = 32
    samples: int = 5

    def __post_init__(self) -> None:
        for name in self.__slots__:
            if getattr(self, name) < 0:
                raise ValueError(f"{name} is {getattr(self, name)}; wanted at least 0")
