"""Where the history goes: a database of our own beside the journal, or one that somebody else runs."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

import psycopg
import structlog

from storage.embedded import EmbeddedPostgres, EmbeddedPostgresError
from storage.sql import MigrationError, migrate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.sections import DatabaseSection
    from service.settings import Settings

__all__ = ["EMBEDDED", "Database", "embedded_server", "reached"]

EMBEDDED = "embedded"

_log = structlog.get_logger()


def embedded_server(settings: Settings) -> EmbeddedPostgres:
    """Return the server that lives beside the journal; it is not started."""
    section: DatabaseSection = settings.database
    return EmbeddedPostgres(settings.data_dir / "postgres", bin_dir=section.bin_dir, system_user=section.system_user)


@contextlib.contextmanager
def reached(settings: Settings, *, as_owner: bool = False, make: bool = False) -> Iterator[str]:
    """Yield how to connect to the database of the settings, as it is, for a command.

    as_owner: as the one who migrates
    make:     make the cluster of an embedded server that was never started
    An embedded server that does not run is started, and ended again. Raises EmbeddedPostgresError.
    """
    section = settings.database
    if section.dsn != EMBEDDED:
        yield section.owner_dsn if as_owner and section.owner_dsn else section.dsn
        return
    server = embedded_server(settings)
    if not make and not server.data_dir.exists():
        raise EmbeddedPostgresError(f"there is no database in {settings.data_dir} yet; `vigil run` makes one")
    server.start()
    try:
        yield server.dsn()
    finally:
        if not server.attached:  # else a service is using it
            server.stop()


class Database:
    """The database that the settings name, brought up whenever the archive or the upkeep connects."""

    def __init__(self, settings: Settings) -> None:
        section = settings.database
        self._dsn = section.dsn
        self._server = embedded_server(settings) if self._dsn == EMBEDDED else None
        self._owner_dsn = None if self._server is not None else section.owner_dsn
        self._lock = threading.Lock()

    def reach(self) -> str:
        """Return how to connect; start a server of our own where it is not running, and bring the schema up to date.

        Blocks; archive and upkeep call it on their own threads before every connection, so a database that will not
        come up keeps nobody else waiting. Raises psycopg.OperationalError where it is not to be had now.
        """
        with self._lock:
            try:
                if self._server is not None:
                    self._server.start()
                    self._dsn = self._server.dsn()
                applied = migrate(self._owner_dsn or self._dsn, say=_note)
            except (EmbeddedPostgresError, MigrationError) as error:
                raise psycopg.OperationalError(str(error)) from error
            if applied:
                _log.info("service.database_migrated", migrations=applied)
            return self._dsn

    def reach_as_owner(self) -> str:
        """Do as `reach`, and return how the schema's owner connects, where the settings say so."""
        dsn = self.reach()
        return self._owner_dsn or dsn

    def stop(self) -> None:
        """End a server of our own; leave another one alone. Blocks."""
        if self._server is not None:
            self._server.stop()


def _note(text: str) -> None:
    _log.info("service.database_migration", note=text)
