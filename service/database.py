"""Where the history goes: a database of our own beside the journal, or one that somebody else runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import structlog

from storage.embedded import EmbeddedPostgres, EmbeddedPostgresError
from storage.sql import MigrationError, migrate

if TYPE_CHECKING:
    from service.sections import DatabaseSection
    from service.settings import Settings

__all__ = ["EMBEDDED", "Database", "embedded_server"]

EMBEDDED = "embedded"

_log = structlog.get_logger()


def embedded_server(settings: Settings) -> EmbeddedPostgres:
    """Return the server that lives beside the journal; it is not started."""
    section: DatabaseSection = settings.database
    return EmbeddedPostgres(settings.data_dir / "postgres", bin_dir=section.bin_dir, system_user=section.system_user)


class Database:
    """The database that the settings name, brought up whenever the archive connects."""

    def __init__(self, settings: Settings) -> None:
        self._dsn = settings.database.dsn
        self._server = embedded_server(settings) if self._dsn == EMBEDDED else None

    def reach(self) -> str:
        """Return how to connect; start a server of our own where it is not running, and bring the schema up to date.

        Blocks; the archive calls it on its own thread before every connection, so a database that will not come up
        keeps nobody else waiting. Raises psycopg.OperationalError where it is not to be had now.
        """
        try:
            if self._server is not None:
                self._server.start()
                self._dsn = self._server.dsn()
            applied = migrate(self._dsn)
        except (EmbeddedPostgresError, MigrationError) as error:
            raise psycopg.OperationalError(str(error)) from error
        if applied:
            _log.info("service.database_migrated", migrations=applied)
        return self._dsn

    def stop(self) -> None:
        """End a server of our own; leave another one alone. Blocks."""
        if self._server is not None:
            self._server.stop()
