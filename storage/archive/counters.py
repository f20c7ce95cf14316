"""What the archive counts; `ArchiveMetrics` shows it."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ArchiveCounters"]


@dataclass(slots=True)
class ArchiveCounters:
    """Plain counts since the start.

    rows:          readings stored
    duplicates:    readings left out since their (channel, time) was there
    records:       journal records archived
    blocks:        of them, blocks of readings
    transactions:  commits
    staged:        transactions that went through the staging table, for a duplicate key
    late_hours:    hours of channels that are to be rolled up anew, since readings of them came late
    latest:        newest readings of channels written down
    set_aside:     records and readings that no database would take, put under quarantine
    retries:       transactions tried again after a deadlock, a lock or a time-out
    connections:   connections made
    failures:      connections lost or not made
    seconds:       s spent in transactions, waiting for the database included
    position:      offset of the newest record that is archived
    read_to:       offset of the newest record that was looked at; ticks alone are not worth a transaction
    read_to_us:    journal time of that record
    database_up:   whether the last attempt reached the database
    """

    rows: int = 0
    duplicates: int = 0
    records: int = 0
    blocks: int = 0
    transactions: int = 0
    staged: int = 0
    late_hours: int = 0
    latest: int = 0
    set_aside: int = 0
    retries: int = 0
    connections: int = 0
    failures: int = 0
    seconds: float = 0.0
    position: int = 0
    read_to: int = 0
    read_to_us: int = 0
    database_up: bool = False
