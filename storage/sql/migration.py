"""Migrations: numbered files, each applied once, in order, in a transaction of its own, while others use the database.

Whoever waits for a lock makes all who come after it wait as well. So a migration waits for each lock a moment only,
lets go of all it has, and tries again.
"""

from __future__ import annotations

import importlib.resources
import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import psycopg
from psycopg.conninfo import conninfo_to_dict

from storage.sql.query import queries

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["MigrationError", "Standing", "migrate", "migrations", "standing_of"]

CONNECTION: Mapping[str, Any] = {"application_name": "vigil migrate", "connect_timeout": 5}
LOCK = 0x7661_6769_6C  # "vagil": any number that nobody else takes
OLDEST: Final = 16
PATIENCE_S: Final = 300.0
PAUSE_S: Final = (0.5, 1.5)

_IN_THE_WAY = (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected)


class MigrationError(Exception):
    """The database cannot be brought to this version; the message says why, and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How far a database is, and what its present user may do there.

    owner:            whose the schema is; empty where there is none yet
    may_change:       the user may do all that the owner may, or make the schema where there is none
    may_create_roles: the user may make `lacking_roles`
    has_boards:       the schema `board` is there, which roles are about
    is_granted:       our roles, as far as they are there, may use the schemas; they may not after some restores
    applied:          names of the migrations that made it
    """

    user: str
    owner: str
    may_change: bool
    may_create_roles: bool
    has_boards: bool
    is_granted: bool
    lacking_roles: tuple[str, ...]
    applied: frozenset[str]

    def fault(self, known: Mapping[str, str]) -> str:
        """Say why the database cannot be brought to the version whose migrations are `known`; empty where it can."""
        if newer := sorted(self.applied - known.keys()):
            return f"the database has migrations that this version does not know: {newer}"
        if self.applied >= known.keys() or self.may_change:
            return ""
        if self.owner:
            return f"the schema belongs to {self.owner}, and {self.user} may not change it: {_as_whom(self.owner)}"
        return f"there is no schema yet, and {self.user} may not make one in this database: {_as_whom('its owner')}"

    @property
    def owes_roles(self) -> bool:
        """Whether there are roles to be made or granted anew, and the user may do it."""
        if not (self.has_boards and self.may_change):
            return False
        return self.may_create_roles if self.lacking_roles else not self.is_granted

    @property
    def doubt(self) -> str:
        """What will be missing after a migration, and what to do about it; empty where nothing will."""
        if not self.lacking_roles or self.may_create_roles:
            return ""
        roles = " and ".join(self.lacking_roles)
        verb = "is" if len(self.lacking_roles) == 1 else "are"
        return (
            f"the role {roles} {verb} not there, and {self.user} may not make roles: have an administrator do it "
            f"(CREATE ROLE … NOLOGIN), then run `vigil migrate` again"
        )


def migrations() -> dict[str, str]:
    """Return the text of every migration by file name, in order."""
    files = (importlib.resources.files("storage.sql") / "migrations").iterdir()
    return {file.name: file.read_text("utf-8") for file in sorted(files, key=lambda file: file.name)}


def migrate(dsn: str, *, say: Callable[[str], None] = lambda _: None, patience_s: float = PATIENCE_S) -> list[str]:
    """Bring the database to the schema of this version and return the names of the migrations that it took.

    Where nothing is owed no lock is taken. Two at once wait for each other. A failed migration leaves those before it.
    say:        called with what whoever waits would like to know
    patience_s: s for which one migration tries to get its locks
    Raises MigrationError where the database was made by a newer version, is not PostgreSQL 16 or newer, belongs to
    another role, or is held by others for too long; psycopg.Error where a migration fails.
    """
    known = migrations()
    with psycopg.connect(**{**CONNECTION, **conninfo_to_dict(dsn)}, autocommit=True) as connection:
        check_server(connection)
        owed, is_role_owed = _owed(connection, known)
        if not owed and not is_role_owed:
            if doubt := standing_of(connection).doubt:
                say(doubt)
            return []
        connection.execute(queries["open_migration"])
        try:
            connection.execute(queries["lock_migrations"], [LOCK])
        except psycopg.errors.LockNotAvailable:
            raise MigrationError(
                "another migration of this database is under way; come again when it is done"
            ) from None
        try:
            owed, is_role_owed = _owed(connection, known)
            for name in owed:
                _apply(connection, name, known[name], say, patience_s)
            if owed or is_role_owed:
                _grant(connection, say)
        finally:
            if not connection.broken:
                connection.execute(queries["unlock_migrations"], [LOCK])
    return owed


def check_server(connection: psycopg.Connection) -> None:
    """Raise MigrationError where the server is too old."""
    major = connection.info.server_version // 10000
    if major < OLDEST:
        raise MigrationError(f"the server is PostgreSQL {major}; wanted {OLDEST} or newer")


def standing_of(connection: psycopg.Connection) -> Standing:
    """Return how far the database is. Raises MigrationError where the user may not read that."""
    row = connection.execute(queries["standing"]).fetchone()
    if row is None:
        raise LookupError("whoever is connected is a role")
    user, owner, may_change, may_create_roles, has_boards, is_granted, lacking_roles, is_made = row
    try:
        applied = [name for (name,) in connection.execute(queries["list_migrations"])] if is_made else []
    except psycopg.errors.InsufficientPrivilege:
        raise MigrationError(
            f"{user} may not even see how far the schema of {owner} is: {_as_whom(owner)}, or grant {user} the role "
            f"vigil_writer"
        ) from None
    return Standing(
        user=user,
        owner=owner,
        may_change=may_change,
        may_create_roles=may_create_roles,
        has_boards=has_boards,
        is_granted=is_granted,
        lacking_roles=tuple(lacking_roles),
        applied=frozenset(applied),
    )


def _owed(connection: psycopg.Connection, known: Mapping[str, str]) -> tuple[list[str], bool]:
    """Return the migrations that are owed, and whether roles are."""
    standing = standing_of(connection)
    if fault := standing.fault(known):
        raise MigrationError(fault)
    return [name for name in known if name not in standing.applied], standing.owes_roles


def _apply(connection: psycopg.Connection, name: str, text: str, say: Callable[[str], None], patience_s: float) -> None:
    """Apply one migration, letting others through for as long as they hold what it needs."""
    connection.execute(queries["be_patient"])
    deadline = time.monotonic() + patience_s
    owner = standing_of(connection).owner
    while True:
        try:
            with connection.transaction():
                if owner:
                    connection.execute(queries["act_as"], [owner])
                connection.execute(text.encode())
                connection.execute(queries["note_migration"], [name])
        except _IN_THE_WAY:
            holders = _holders(connection)
            if time.monotonic() >= deadline:
                raise MigrationError(
                    f"{name}: gave up after {patience_s:.0f} s, since others use what it changes: {holders}; end them, "
                    f"or run `vigil migrate` at a quieter time. Nothing of it was done"
                ) from None
            say(f"{name}: waits, since others use what it changes: {holders}")
            time.sleep(random.uniform(*PAUSE_S))  # noqa: S311 - so that two who wait do not meet again
        except psycopg.errors.InsufficientPrivilege as error:
            raise MigrationError(
                f"{name}: {owner or 'this user'} may not: {str(error).strip()}; have the database's owner grant it"
            ) from error
        else:
            return


def _holders(connection: psycopg.Connection) -> str:
    """Say who has been in a transaction on our tables for the longest."""
    rows = connection.execute(queries["lock_holders"]).fetchall()
    named = [f"{user} ({application}, process {pid}, for {seconds} s)" for pid, user, application, seconds in rows]
    return ", ".join(named) or "they have gone by now"


def _grant(connection: psycopg.Connection, say: Callable[[str], None]) -> None:
    """Make our roles where that may be, and grant them what they are for."""
    standing = standing_of(connection)
    if standing.doubt:
        say(standing.doubt)
    elif standing.has_boards:
        roles = (importlib.resources.files("storage.sql") / "roles.sql").read_bytes()
        with connection.transaction():
            connection.execute(roles)


def _as_whom(owner: str) -> str:
    return f"run `vigil migrate` as {owner} (--dsn, or database.owner_dsn in the settings)"
