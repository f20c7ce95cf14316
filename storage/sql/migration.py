"""Migrations: numbered files, each applied once, in order, in a transaction of its own."""

from __future__ import annotations

import importlib.resources
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from storage.sql.query import queries

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["MigrationError", "migrate", "migrations"]

CONNECTION: Mapping[str, Any] = {"application_name": "vigil migrate", "connect_timeout": 5}
LOCK = 0x7661_6769_6C  # "vagil": any number that nobody else takes


class MigrationError(Exception):
    """The database cannot be brought to this version; the message says why."""


def migrations() -> dict[str, str]:
    """Return the text of every migration by file name, in order."""
    files = (importlib.resources.files("storage.sql") / "migrations").iterdir()
    return {file.name: file.read_text("utf-8") for file in sorted(files, key=lambda file: file.name)}


def migrate(dsn: str) -> list[str]:
    """Bring the database to the schema of this version and return the names of the migrations that it took.

    Two at once wait for each other. A failed migration leaves the ones before it.
    Raises MigrationError where the database was made by a newer version, or is not PostgreSQL 16 or newer;
    psycopg.Error where a migration fails.
    """
    known = migrations()
    with psycopg.connect(**{**CONNECTION, **conninfo_to_dict(dsn)}, autocommit=True) as connection:
        if connection.info.server_version < 160000:  # noqa: PLR2004 - PostgreSQL's own way to write 16
            raise MigrationError(
                f"the server is PostgreSQL {connection.info.server_version // 10000}; wanted 16 or newer"
            )
        connection.execute(queries["open_migration"])
        connection.execute(queries["lock_migrations"], [LOCK])
        try:
            applied = _applied(connection)
            if newer := sorted(applied - known.keys()):
                raise MigrationError(f"the database has migrations that this version does not know: {newer}")
            owed = [name for name in known if name not in applied]
            for name in owed:
                with connection.transaction():
                    connection.execute(known[name].encode())
                    connection.execute(queries["note_migration"], [name])
        finally:
            connection.execute(queries["unlock_migrations"], [LOCK])
    return owed


def _applied(connection: psycopg.Connection) -> set[str]:
    (is_made,) = connection.execute(queries["has_migrations"]).fetchone() or (False,)
    return {name for (name,) in connection.execute(queries["list_migrations"])} if is_made else set()
