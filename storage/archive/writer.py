"""The writer: all that the archive says to the database, on one connection, in one thread.

Every method blocks; `Archive` calls them from the thread that it keeps for them.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections import Counter
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import psycopg
from psycopg.conninfo import conninfo_to_dict

from storage.archive.channels import ChannelIds
from storage.archive.history import (
    as_time,
    audit_values,
    gap_values,
    incident_event_values,
    incident_values,
    notification_values,
    response_values,
    sample_values,
    shadow_values,
)
from storage.archive.late import late_hours
from storage.archive.latest import AHEAD_US, ChannelReadings, Latest
from storage.archive.limits import rule_rows
from storage.archive.names import channel_columns, device_columns
from storage.archive.rows import encode_rows
from storage.sql import queries

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from numpy.typing import NDArray

    from devices import Profile, ReadingBatch
    from rules import RuleSet
    from storage.archive.haul import Haul
    from storage.archive.names import Names

__all__ = ["PositionMoved", "Stored", "Writer"]

SAMPLES_KEPT = 1000
DAY_US = 86_400_000_000
EPOCH = date(1970, 1, 1)
DAYS_BEHIND = 400
DAYS_AHEAD = 7
DAYS_MADE_EARLY = 2
EARLY_AGAIN_S = 60.0

# What the connection string says otherwise holds instead.
CONNECTION = {
    "application_name": "vigil archive",
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}


class Stored(NamedTuple):
    """What became of the readings of one haul. late_hours: hours of channels that are to be rolled up anew."""

    rows: int
    duplicates: int
    late_hours: int
    was_staged: bool


class PositionMoved(psycopg.OperationalError):
    """Another stored what we were about to store: a transaction of ours thought lost, or a second service."""


class Writer:
    """One connection to the database, made anew by `open` whenever it is lost.

    channels: the ids that the database gave to channel rows
    latest:   the newest reading of each channel, as far as it was stored since `forget`
    """

    def __init__(self, reach: Callable[[], str], journal_id: str, profiles: Mapping[str, Profile]) -> None:
        self._reach = reach
        self._journal_id = journal_id
        self._profiles = profiles
        self._connection: psycopg.Connection | None = None
        self._has_partitions = False
        self._days: set[int] = set()
        self._early_at = float("-inf")
        self._position = 0
        self.channels = ChannelIds()
        self.latest = Latest()

    # ── the connection ───────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def is_open(self) -> bool:
        """Whether there is a connection that is not known to be broken."""
        return self._connection is not None and not self._connection.closed

    def open(self) -> int:
        """Connect anew and return the position of our journal, 0 where the database has not met it."""
        self.close()
        parameters: Mapping[str, Any] = {**CONNECTION, **conninfo_to_dict(self._reach())}
        connection = psycopg.connect(**parameters, autocommit=True)
        try:
            connection.execute(queries["open_session"])
            for name in ("stage_readings", "stage_devices", "stage_channels"):
                connection.execute(queries[name])
            self._has_partitions = bool(_one(connection, "has_daily_partitions"))
            connection.execute(queries["begin_position"], [self._journal_id])
            self._position = _one(connection, "claim_position", [self._journal_id])
        except BaseException:
            connection.close()
            raise
        self._days.clear()
        self._early_at = float("-inf")
        self._connection = connection
        return self._position

    def forget(self) -> None:
        """Know nothing of what the database holds: it may be another one."""
        self.channels.forget()
        self.latest.forget()

    def close(self) -> None:
        """Drop the connection; what was not committed is rolled back."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def cut(self) -> None:
        """Break the connection from another thread, so that a call that waits for the database ends at once."""
        connection = self._connection
        if connection is not None and not connection.closed:
            with contextlib.suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(connection.fileno())) as link:
                link.shutdown(socket.SHUT_RDWR)

    # ── devices and channels ─────────────────────────────────────────────────────────────────────────────────────────

    def register(self, names: Names) -> None:
        """Make the database know `names`, in a transaction of its own, and learn the ids of their channels."""
        connection = self._connected()
        devices = {columns[:2]: columns for columns in map(device_columns, names.devices)}
        channels = {channel.row: channel_columns(channel, self._profiles) for channel in names.channels}
        with connection.transaction(), connection.cursor() as cursor:
            _copy_rows(cursor, "copy_devices", devices.values())
            _copy_rows(cursor, "copy_channels", channels.values())
            for name in ("analyze_devices", "analyze_channels", "insert_devices", "update_devices"):
                cursor.execute(queries[name])
            found = _find_channels(cursor)
            if len(found) < len(channels):
                cursor.execute(queries["insert_channels"])
                found = _find_channels(cursor)
            if found[:, 2].any():
                cursor.execute(queries["update_channels"])
        self.channels.learn(found[:, 0], found[:, 1])

    # ── hauls ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def write(self, haul: Haul, names: Names, now_us: int) -> Stored:
        """Store `haul` and move the position behind it, all or nothing; `names` are registered first.

        Raises psycopg.Error, after which nothing of the haul is stored. Where the link broke during the commit, nobody
        knows: `open` tells. PositionMoved where another has moved the position meanwhile.
        """
        if names:
            self.register(names)
        readings = self._by_channel(haul.readings)
        if not len(haul.readings):
            return self._commit(haul, readings, b"", staged=False)
        self._ensure_days(haul.readings.time_us, now_us)
        rows = encode_rows(*readings)
        try:
            stored = self._commit(haul, readings, rows, staged=False)
        except psycopg.errors.UniqueViolation:
            stored = self._commit(haul, readings, rows, staged=True)
        self.latest.note(readings, now_us)
        return stored

    def note_gap(self, first: int, last: int, reason: str, now_us: int, position: int) -> None:
        """Store a gap that the archive itself found, and where it reads on."""
        connection = self._connected()
        nothing = dict.fromkeys(("lane", "records", "readings", "first_time", "last_time"))
        values = {"journal_id": self._journal_id, "first_offset": first, "last_offset": last, "reason": reason}
        with connection.transaction(), connection.cursor() as cursor:
            self._claim(cursor)
            cursor.execute(queries["put_gap"], {**nothing, **values, "noted": as_time(now_us)})
            cursor.execute(queries["move_position"], [position, None, self._journal_id])
        self._position = position

    def _by_channel(self, readings: ReadingBatch) -> ChannelReadings:
        """Return `readings` by channel id, and of one channel as they came.

        The index begins with the channel: of 20,000 rows over 100,000 channels each costs the server 2.0 µs in its
        order and 3.3 in a random one, and the sort costs us 0.05.
        """
        channel_id = self.channels.of(readings.channel)
        order = np.argsort(channel_id, kind="stable")
        by_row = ChannelReadings(channel_id, readings.time_us, readings.value, readings.known, readings.flags)
        return by_row.select(order)

    def _commit(self, haul: Haul, readings: ChannelReadings, rows: bytes, *, staged: bool) -> Stored:
        connection = self._connected()
        n = len(haul.readings)
        with connection.transaction(), connection.cursor() as cursor:
            self._claim(cursor)
            inserted = n
            late = self._note_late(cursor, readings) if rows else 0
            if rows:
                with cursor.copy(queries["copy_staged_readings" if staged else "copy_readings"]) as copy:
                    copy.write(rows)
            if staged:
                inserted = cursor.execute(queries["insert_staged_readings"]).rowcount
            _put_history(cursor, haul, self._journal_id)
            if haul.rules is not None:
                self._put_rules(cursor, haul.rules)
            cursor.execute(queries["move_position"], [haul.offset, as_time(haul.time_us), self._journal_id])
        self._position = haul.offset
        return Stored(inserted, n - inserted, late, staged)

    def _note_late(self, cursor: psycopg.Cursor, readings: ChannelReadings) -> int:
        """Note the hours of the readings that come after their time was rolled up; return how many."""
        (closing_us,) = cursor.execute(queries["closing"]).fetchone() or (None,)
        late = None if closing_us is None else late_hours(readings.channel_id, readings.time_us, closing_us)
        if late is None:
            return 0
        cursor.execute(queries["note_late"], [late.channel_id.tolist(), late.hour.tolist()])
        return len(late.hour)

    def _claim(self, cursor: psycopg.Cursor) -> None:
        (found,) = cursor.execute(queries["claim_position"], [self._journal_id]).fetchone() or (None,)
        if found != self._position:
            raise PositionMoved(f"the position of journal {self._journal_id} is {found}, and was {self._position}")

    # ── rules in force ───────────────────────────────────────────────────────────────────────────────────────────────

    def put_rules(self, rules: RuleSet) -> None:
        """Replace the rules in force, in a transaction of its own."""
        with self._connected().transaction(), self._connected().cursor() as cursor:
            self._put_rules(cursor, rules)

    def _put_rules(self, cursor: psycopg.Cursor, rules: RuleSet) -> None:
        cursor.execute(queries["lock_rules"])
        cursor.execute(queries["clear_rules"])
        _copy_rows(cursor, "copy_rules", rule_rows(rules, self._profiles))

    # ── the newest readings ──────────────────────────────────────────────────────────────────────────────────────────

    def write_latest(self, now_us: int) -> int:
        """Write down what is pending of `latest`, in a transaction of its own; return how many channels that were.

        Where this fails it stays pending.
        """
        pending = self.latest.pending()
        with self._connected().transaction(), self._connected().cursor() as cursor:
            with cursor.copy(queries["copy_staged_readings"]) as copy:
                copy.write(encode_rows(*pending))
            cursor.execute(queries["put_staged_latest"], {"until": as_time(now_us + AHEAD_US)})
        self.latest.written()
        return len(pending.channel_id)

    def unfilled_latest(self, now_us: int) -> tuple[datetime, int]:
        """Return from when on to look for readings that are not in `latest` yet, and the highest channel id."""
        times = {"now": as_time(now_us), "until": as_time(now_us + AHEAD_US)}
        found = self._connected().execute(queries["latest_since"], times).fetchone()
        if found is None:
            raise LookupError("an aggregate has one row")
        return found

    def fill_latest(self, since: datetime, after: int, to: int, now_us: int) -> None:
        """Find the newest stored reading of the channels with ids above `after` and up to `to`."""
        bounds = {"since": since, "until": as_time(now_us + AHEAD_US), "after": after, "to": to}
        self._connected().execute(queries["fill_latest"], bounds)

    # ── partitions ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _ensure_days(self, time_us: NDArray[np.int64], now_us: int) -> None:
        """Make the partitions of the days of `time_us`; days too far off go to the default partition.

        And those of today and the next days: while the database is copied (pg_dump) none can be made. Those no reading
        waits for, and so they wait for nobody: where others are in the way they are made later.
        """
        if not self._has_partitions:
            return
        first, last = int(time_us.min()) // DAY_US, int(time_us.max()) // DAY_US
        days = {first} if first == last else set(np.unique(time_us // DAY_US).tolist())
        today = now_us // DAY_US
        for day in sorted(days - self._days):
            if -DAYS_BEHIND <= day - today <= DAYS_AHEAD:
                self._ensure_day(day)
        early = set(range(today, today + DAYS_MADE_EARLY + 1)) - self._days
        if early and time.monotonic() - self._early_at >= EARLY_AGAIN_S:
            self._early_at = time.monotonic()
            with contextlib.suppress(psycopg.errors.LockNotAvailable):
                for day in sorted(early):
                    with self._connected().transaction():
                        self._connected().execute(queries["wait_briefly"])
                        self._ensure_day(day)

    def _ensure_day(self, day: int) -> None:
        self._connected().execute(queries["ensure_readings_day"], [EPOCH + timedelta(days=day)])
        self._days.add(day)

    def _connected(self) -> psycopg.Connection:
        if self._connection is None:
            raise psycopg.OperationalError("not connected")
        return self._connection


def _put_history(cursor: psycopg.Cursor, haul: Haul, journal_id: str) -> None:
    """Write what is not readings."""
    _each(cursor, "put_incident", (incident_values(incident) for incident in haul.incidents.values()))
    _each(cursor, "put_incident_event", (incident_event_values(event) for event in haul.incident_events))
    notifications = [notification_values(event) for event in haul.notification_events]
    _each(cursor, "put_notification", notifications)
    _each(cursor, "put_notification_event", notifications)
    _each(cursor, "put_response_event", (response_values(event) for event in haul.response_events))
    _each(cursor, "put_audit_event", (audit_values(event) for event in haul.audit_events))
    _each(cursor, "put_rule_shadow", (shadow_values(event) for event in haul.shadow_events))
    _each(cursor, "put_sample", (sample_values(sample) for sample in haul.samples))
    reasons = Counter(sample.reason for sample in haul.samples)
    _each(cursor, "trim_samples", ({"reason": reason, "kept": SAMPLES_KEPT} for reason in sorted(reasons)))
    _each(
        cursor,
        "count_set_aside",
        (
            {"reason": reason, "count": number, "last": as_time(last_us)}
            for reason, (number, last_us) in sorted(haul.counts.items())
        ),
    )
    _each(cursor, "put_gap", (gap_values(gap, journal_id, noted_us) for gap, noted_us in haul.gaps))


def _each(cursor: psycopg.Cursor, name: str, values: Iterable[Mapping[str, Any]]) -> None:
    if rows := list(values):
        cursor.executemany(queries[name], rows)


def _find_channels(cursor: psycopg.Cursor) -> NDArray[np.int32]:
    """Return (n, 3) int32 of the staged channels that the database has: row, id, 1 where their units differ."""
    return np.array(cursor.execute(queries["find_channels"]).fetchall(), np.int32).reshape(-1, 3)


def _copy_rows(cursor: psycopg.Cursor, name: str, rows: Collection[tuple[object, ...]]) -> None:
    if rows:
        with cursor.copy(queries[name]) as copy:
            for row in rows:
                copy.write_row(row)


def _one(connection: psycopg.Connection, name: str, parameters: Sequence[object] = ()) -> Any:
    row = connection.execute(queries[name], parameters).fetchone()
    return row[0] if row else None
