"""What ingest counts: plain numbers, so that the hot path knows no metrics backend."""

from __future__ import annotations

from dataclasses import dataclass, field

from devices import Reason
from ingest.topics import Lane

__all__ = ["IngestCounters"]


@dataclass(slots=True)
class IngestCounters:
    """Totals since the start of all lanes together; `skewed_devices` alone is a present state.

    messages:       PUBLISH packets taken, by lane, whatever became of them
    readings:       readings handed on
    unknown:        of these, without a value
    late:           of these, older than one of the same channel before them
    filled:         of these, with the arrival time for want of a usable one
    clamped:        of these, with the arrival time because the device's was too far ahead
    duplicates:     readings dropped: same channel, time and value
    conflicting:    readings moved on by 1 µs or more: same channel and time, other value
    redelivered:    messages that the broker sent again and that were taken before
    assumed_alarms: alarms raised for messages on the alarm topic that could not be read to say that there is none
    receipts:       receipts owed to devices
    quarantined:    messages, or single values of them, set aside, by reason
    discovered_devices, discovered_channels: rows given to what no ledger names
    clock_steps_back: times that this machine's clock was found to have stepped back
    skewed_devices: devices whose clock is off by more than 5 s now
    """

    messages: dict[Lane, int] = field(default_factory=lambda: dict.fromkeys(Lane, 0))
    readings: int = 0
    unknown: int = 0
    late: int = 0
    filled: int = 0
    clamped: int = 0
    duplicates: int = 0
    conflicting: int = 0
    redelivered: int = 0
    assumed_alarms: int = 0
    receipts: int = 0
    quarantined: dict[Reason, int] = field(default_factory=lambda: dict.fromkeys(Reason, 0))
    discovered_devices: int = 0
    discovered_channels: int = 0
    clock_steps_back: int = 0
    skewed_devices: int = 0
