"""The upkeep: rolls up what is archived, and clears away what is expired, beside the archive and never in its way.

It has a connection and a thread of its own. No trouble of the database ends it: the views make on asking what was not
rolled up yet.
"""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from threading import Event
from typing import TYPE_CHECKING, Never

import psycopg
import structlog

from storage.archive.backoff import Backoff
from storage.archive.trouble import Trouble, trouble_of
from storage.upkeep.counters import UpkeepCounters
from storage.upkeep.refresh import close_hours, refresh_late
from storage.upkeep.rollup import close_minutes, forget_late, make_partitions, progress, roll_late, roll_up
from storage.upkeep.session import Session
from storage.upkeep.settings import UpkeepSettings
from storage.upkeep.status import count_late, read_rollups, read_status

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Upkeep"]

FIGURES_S = 300.0
"""Between looks at sizes: to add up those of many partitions takes the server some ms each."""
CUT_AFTER_S = 5.0

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_log = structlog.get_logger()


class Duty(StrEnum):
    """What a round sees to, in this order. One that fails does not keep the others from being done."""

    RETENTION = "retention"
    """Tell the database how long what is kept; once a connection."""
    CLOSING = "closing"
    ROLLUPS = "rollups"
    LATE = "late"
    PARTITIONS = "partitions"
    EXPIRED = "expired"
    FIGURES = "figures"


class Upkeep:
    """Keeps up the database of an archive.

    reach:    returns the DSN of the migrated database; called on our thread before every connection, and raises
              psycopg.OperationalError where the database is not to be had now. With TimescaleDB its role must own the
              schema, or be a member of the role that does: only an owner may refresh an aggregate
    clock_us: µs since the epoch
    """

    def __init__(
        self,
        reach: Callable[[], str],
        *,
        settings: UpkeepSettings | None = None,
        counters: UpkeepCounters | None = None,
        clock_us: Callable[[], int] = lambda: time.time_ns() // 1000,
    ) -> None:
        self._settings = settings or UpkeepSettings()
        self.counters = counters or UpkeepCounters()
        self._clock_us = clock_us
        self._session = Session(reach)
        self._stopping = Event()
        self._is_told = False
        self._expired_at = self._counted_at = self._logged_at = float("-inf")
        self._troubles: dict[Duty | None, str] = {}
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="vigil-upkeep")
        self._backoff = Backoff(self._settings.backoff_first_s, self._settings.backoff_max_s)

    async def run(self) -> Never:
        """Keep up the database until cancelled; then the transaction under way is finished, or cut and rolled back.

        Raises what is a bug of ours; no trouble of the database ends it.
        """
        loop = asyncio.get_running_loop()
        try:
            while True:
                going = loop.run_in_executor(self._thread, self.round)
                try:
                    pause_s = await asyncio.shield(going)
                except asyncio.CancelledError:
                    self._stopping.set()
                    done, _ = await asyncio.wait({going}, timeout=CUT_AFTER_S)
                    if not done:
                        self._session.cut()
                        await asyncio.wait({going})
                    going.exception()
                    raise
                await asyncio.sleep(pause_s)
        finally:
            await loop.run_in_executor(self._thread, self.close)
            self._thread.shutdown()

    def close(self) -> None:
        """Let go of the connection, and so of the database's upkeep. Blocks."""
        self.counters.has_lock = False
        self._session.close()

    def round(self) -> float:
        """Do what there is to do now; return after how many s to come again. Blocks."""
        began = time.monotonic()
        try:
            pause_s = self._round()
        except psycopg.Error as error:
            self._fail(None, error)
            self.close()
            pause_s = self._backoff.next_s()
        self.counters.seconds += time.monotonic() - began
        return pause_s

    # ── the round ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _round(self) -> float:
        if not self._session.is_open:
            self._session.open()
            self._is_told = self.counters.has_lock = False
            self._counted_at = float("-inf")
            self._troubles.pop(None, None)
        self.counters.has_lock = self.counters.has_lock or self._session.take_lock()
        if not self.counters.has_lock:
            return self._settings.every_s  # another service keeps up this database
        return self._see_to_all()

    def _see_to_all(self) -> float:
        """See to every duty; return after how many s to come again."""
        connection = self._session.connection
        now = _EPOCH + timedelta(microseconds=self._clock_us())
        deadline = time.monotonic() + self._settings.round_s

        def is_over() -> bool:
            return self._stopping.is_set() or time.monotonic() >= deadline

        duties: dict[Duty, Callable[[], bool]] = {
            Duty.RETENTION: self._tell_retention,
            Duty.CLOSING: lambda: self._close_time(connection, now),
            Duty.ROLLUPS: lambda: self._roll_up(connection, is_over),
            Duty.LATE: lambda: self._roll_late(connection, now, is_over),
            Duty.PARTITIONS: lambda: self._make_partitions(connection, now),
            Duty.EXPIRED: lambda: self._clear(now),
            Duty.FIGURES: lambda: self._count(connection, now),
        }
        is_all, failed, contended = True, False, False
        for duty, see_to in duties.items():
            if self._stopping.is_set():
                break
            try:
                is_all &= see_to()
                self._troubles.pop(duty, None)
            except psycopg.Error as error:
                if not self._session.is_open:
                    raise
                failed = True
                contended |= self._fail(duty, error) is Trouble.CONTENTION
        self.counters.rounds += 1
        if contended:
            return min(self._backoff.next_s(), self._settings.every_s)
        self._backoff.reset()
        if not failed:
            self.counters.last_success_s = self._clock_us() / 1e6
        return self._settings.every_s if is_all or failed else 0.0

    def _fail(self, duty: Duty | None, error: psycopg.Error) -> Trouble:
        """Count the trouble, and say so where it is news. duty: None where there is no connection."""
        trouble = trouble_of(error)
        if trouble is Trouble.CONTENTION:
            self.counters.retries += 1
            _log.info("upkeep.retried", duty=duty, sqlstate=error.sqlstate)
            return trouble
        self.counters.failures += 1
        what = error.sqlstate or type(error).__name__
        if self._troubles.get(duty) != what:
            self._troubles[duty] = what
            _log.warning("upkeep.failed", duty=duty, reason=str(error).strip(), sqlstate=error.sqlstate)
        return trouble

    # ── its duties: each returns whether that was all there is to do now ──────────────────────────────────────────────

    def _tell_retention(self) -> bool:
        if not self._is_told:
            changed = self._session.tell_retention(self._settings.retention)
            if changed:
                _log.info("upkeep.retention_changed", changed=changed)
            self._is_told = True
        return True

    def _close_time(self, connection: psycopg.Connection, now: datetime) -> bool:
        if self._session.has_timescale:
            close_hours(connection, now)
        else:
            close_minutes(connection, now, self._settings.grace_s)
        return True

    def _roll_up(self, connection: psycopg.Connection, is_over: Callable[[], bool]) -> bool:
        if self._session.has_timescale:
            return True  # its policies do that
        is_all = roll_up(connection, is_over)
        if is_all:
            self._logged_at = float("-inf")
        elif time.monotonic() - self._logged_at >= self._settings.every_s:
            self._logged_at = time.monotonic()
            watermark, closing = progress(connection)
            shown = {level.value: str(at) for level, at in watermark.items()}
            _log.info("upkeep.rolling_up", up_to=shown, wanted=str(closing))
        return is_all

    def _roll_late(self, connection: psycopg.Connection, now: datetime, is_over: Callable[[], bool]) -> bool:
        if forgotten := forget_late(connection, now):
            self.counters.forgotten_late += forgotten
            _log.info("upkeep.late_forgotten", hours=forgotten)
        # What is noted meanwhile is for the next round: else a device that is always late would keep us at it for ever.
        owed = count_late(connection)
        while owed > 0 and (
            rolled := (
                refresh_late(connection, now)
                if self._session.has_timescale
                else roll_late(connection, self._settings.late_at_once)
            )
        ):
            self.counters.rolled_late += rolled
            owed -= rolled
            if is_over():
                return False
        return True

    def _make_partitions(self, connection: psycopg.Connection, now: datetime) -> bool:
        if not self._session.has_timescale:
            make_partitions(connection, now)
        return True

    def _clear(self, now: datetime) -> bool:
        if time.monotonic() - self._expired_at >= self._settings.retention_s:
            dropped = self._session.drop_expired(now)
            self._expired_at = time.monotonic()
            self.counters.dropped += len(dropped)
            if dropped:
                _log.info("upkeep.dropped", expired=dropped)
        return True

    def _count(self, connection: psycopg.Connection, now: datetime) -> bool:
        """Take the figures for /metrics."""
        if time.monotonic() - self._counted_at >= FIGURES_S:
            self.counters.relations = read_status(connection, now).relations
            self._counted_at = time.monotonic()
        self.counters.note_rollups(read_rollups(connection, now), count_late(connection))
        return True
