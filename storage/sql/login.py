"""Logins: who may connect as a reader, such as Grafana, or as a writer: Vigil, where it does not own the schema."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from storage.sql.query import queries

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Access", "grant_login", "login_statements"]

APPLICATION: Mapping[str, Any] = {"application_name": "vigil storage", "connect_timeout": 5}
READER_TIMEOUT_S = 30


class Access(StrEnum):
    """What a login may do; the value is the role that it is granted, see `roles.sql`."""

    READER = "vigil_reader"
    WRITER = "vigil_writer"


def login_statements(
    login: str, access: Access, database: str, *, timezone: str, is_new: bool, verifier: str = ""
) -> list[sql.Composed]:
    """Return what makes `login` a login of that kind in `database`.

    timezone: in which a reader's days begin
    is_new:   the role is to be made; one that is there keeps its password
    verifier: of its password, as the server keeps it; none where empty
    """
    name = sql.Identifier(login)
    found = []
    if is_new:
        made = sql.SQL("CREATE ROLE {} LOGIN").format(name)
        found.append(made + sql.SQL(" PASSWORD {}").format(sql.Literal(verifier)) if verifier else made)
    found.append(sql.SQL("GRANT {} TO {}").format(sql.Identifier(access), name))
    if access is Access.READER:
        # A board that asks for too much is told so, and keeps nobody waiting.
        settings = {
            "default_transaction_read_only": "on",
            "statement_timeout": f"{READER_TIMEOUT_S}s",
            "idle_in_transaction_session_timeout": "60s",
            "timezone": timezone,
        }
        found += [
            sql.SQL("ALTER ROLE {} IN DATABASE {} SET {} = {}").format(
                name, sql.Identifier(database), sql.Identifier(key), sql.Literal(value)
            )
            for key, value in settings.items()
        ]
    return found


def grant_login(dsn: str, login: str, access: Access, *, timezone: str, password: Callable[[], str]) -> bool:
    """Make `login` a login of that kind, all or nothing; return whether the role had to be made.

    dsn:      of somebody who may make and grant roles
    password: asked where the role is made; "" for none. Only a verifier of it leaves this process
    Raises psycopg.Error.
    """
    with psycopg.connect(**{**APPLICATION, **conninfo_to_dict(dsn)}) as connection:
        is_new = connection.execute(queries["has_role"], [login]).fetchone() is None
        verifier = ""
        if is_new and (given := password()):
            verifier = connection.pgconn.encrypt_password(given.encode(), login.encode(), b"scram-sha-256").decode()
        statements = login_statements(
            login, access, connection.info.dbname, timezone=timezone, is_new=is_new, verifier=verifier
        )
        for statement in statements:
            connection.execute(statement)
    return is_new
