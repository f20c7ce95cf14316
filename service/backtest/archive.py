"""The archive as a history, and what people said of its incidents as labels."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import psycopg

from alerts import Outcome
from service.backtest.history import Chunk, HistoryFault, Names, Oddities
from service.backtest.labels import Label
from service.database import EMBEDDED, embedded_server
from storage.archive.past import open_past
from storage.sql import migrate

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from numpy.typing import NDArray

    from devices import Device
    from service.settings import Settings
    from storage.archive.past import Past

__all__ = ["ArchiveHistory", "labels_of", "open_archive"]


@contextmanager
def open_archive(settings: Settings) -> Iterator[Past]:
    """Reach the database that the settings name, for as long as it is read.

    One of our own is started where it is not running, and stopped again then.
    Raises HistoryFault where there never was one; psycopg.Error, EmbeddedPostgresError, MigrationError.
    """
    if settings.database.dsn != EMBEDDED:
        with _past(settings.database.dsn) as past:
            yield past
        return
    server = embedded_server(settings)
    if not (server.data_dir / "PG_VERSION").exists():
        raise HistoryFault(
            f"there is no history in {settings.data_dir}: nothing was ever archived there; "
            "say where it is with --config or --data-dir, or give a file with --file"
        )
    server.start()
    try:
        with _past(server.dsn()) as past:
            yield past
    finally:
        if not server.attached:  # else a service is using it
            server.stop()


@contextmanager
def _past(dsn: str) -> Iterator[Past]:
    migrate(dsn)
    with open_past(dsn) as past:
        yield past


class ArchiveHistory:
    """The readings of `past` from `from_us` on and before `to_us`, µs since the epoch, in order of time.

    The archive does not know when a reading came. So each is folded as though it had come when it was measured, and
    none is late.
    """

    arrives = False

    def __init__(self, past: Past, from_us: int, to_us: int, site: str = "") -> None:
        self.devices = Names()
        self.metrics = Names()
        self.oddities = Oddities()
        self.ledger: Mapping[str, Device] = {device.key: device for device in past.devices(site)}
        self._past = past
        self._from_us = from_us
        self._to_us = to_us
        self._site = site

    def chunks(self) -> Iterator[Chunk]:
        """Read from the beginning. Raises HistoryFault."""
        try:
            device_of, metric_of = self._codes()
            for read in self._past.readings(self._from_us, self._to_us, self._site):
                device, metric = device_of[read.channel_id], metric_of[read.channel_id]
                share = (int(read.time_us[-1]) - self._from_us) / (self._to_us - self._from_us)
                yield Chunk(device, metric, read.time_us, read.time_us, read.value, read.known, share)
        except psycopg.Error as error:
            raise HistoryFault(f"the database stopped answering: {error}") from error

    def _codes(self) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Return the device code and the metric code of each channel id."""
        channels = self._past.channels(self._site)
        size = max((channel.channel_id for channel in channels), default=-1) + 1
        device_of, metric_of = np.zeros(size, np.int32), np.zeros(size, np.int32)
        for channel in channels:
            device_of[channel.channel_id] = self.devices.code(channel.device)
            metric_of[channel.channel_id] = self.metrics.code(channel.metric)
        return device_of, metric_of


def labels_of(past: Past, from_us: int, to_us: int, site: str = "") -> list[Label]:
    """Return what people said of the incidents of a time. Raises psycopg.Error."""
    return [
        Label(
            device=incident.device,
            from_us=_us(incident.began),
            to_us=_us(incident.ended),
            outcome=Outcome(incident.outcome),
            rule=incident.rule_id,
        )
        for incident in past.verified(from_us, to_us, site)
    ]


def _us(time: datetime) -> int:
    return round(time.timestamp() * 1e6)
