"""The upkeep's connection, made anew by `open` whenever it is lost. Every method but `cut` blocks."""

from __future__ import annotations

import contextlib
import os
import socket
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from storage.upkeep.sql import queries

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from storage.upkeep.settings import Retention

__all__ = ["Session"]

# What the connection string says otherwise holds instead.
CONNECTION: Mapping[str, Any] = {
    "application_name": "vigil upkeep",
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
CANCEL_S = 2.0


class Session:
    """One connection to the database. reach: as in `Upkeep`."""

    def __init__(self, reach: Callable[[], str]) -> None:
        self._reach = reach
        self._connection: psycopg.Connection | None = None
        self.has_timescale = False

    @property
    def is_open(self) -> bool:
        """Whether there is a connection that is not known to be broken."""
        return self._connection is not None and not self._connection.closed

    @property
    def connection(self) -> psycopg.Connection:
        """The connection, in autocommit mode. Raises psycopg.OperationalError where there is none."""
        if self._connection is None:
            raise psycopg.OperationalError("not connected")
        return self._connection

    def open(self) -> None:
        """Connect anew."""
        self.close()
        parameters: Mapping[str, Any] = {**CONNECTION, **conninfo_to_dict(self._reach())}
        connection = psycopg.connect(**parameters, autocommit=True)
        try:
            connection.execute(queries["open_upkeep"])
            (kind,) = connection.execute(queries["storage_kind"]).fetchone() or ("",)
        except BaseException:
            connection.close()
            raise
        self.has_timescale = kind == "timescaledb"
        self._connection = connection

    def close(self) -> None:
        """Drop the connection, and the lock with it; what was not committed is rolled back."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def cut(self) -> None:
        """End what the database does for us, from another thread: it is asked to, and then the link is broken."""
        connection = self._connection
        if connection is None or connection.closed:
            return
        with contextlib.suppress(psycopg.Error):
            connection.cancel_safe(timeout=CANCEL_S)
        with contextlib.suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(connection.fileno())) as link:
            link.shutdown(socket.SHUT_RDWR)

    def take_lock(self) -> bool:
        """Return whether it is we from now on who keep up this database, until the connection ends."""
        (is_ours,) = self.connection.execute(queries["take_upkeep"]).fetchone() or (False,)
        return bool(is_ours)

    def tell_retention(self, retention: Retention) -> list[str]:
        """Write down how long what is kept; return what that changed."""
        connection = self.connection
        changed = [
            f"{name} kept for {'ever' if keep is None else f'{keep.days} days'}"
            for name, keep in retention.classes().items()
            if connection.execute(queries["set_retention"], {"class": name, "keep": keep}).rowcount
        ]
        if self.has_timescale:
            changed += [f"policy: {said}" for (said,) in connection.execute(queries["apply_policies"])]
        return changed

    def drop_expired(self, now: datetime) -> list[str]:
        """Remove what is not to be kept any more; return what that was."""
        return [name for (name,) in self.connection.execute(queries["drop_expired"], [now])]
