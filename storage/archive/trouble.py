"""What an error of the database asks for: wait for it, try again, or put the data aside."""

from __future__ import annotations

from enum import StrEnum

import psycopg

__all__ = ["Trouble", "trouble_of"]


class Trouble(StrEnum):
    """What to do about an error."""

    OUTAGE = "outage"
    """The database is away, full, read-only or not migrated: wait, connect anew, read the position again."""
    CONTENTION = "contention"
    """Others were in the way: try the same again soon."""
    DATA = "data"
    """These very data will never be taken: set them aside."""


# Source: appendix A of the manual of PostgreSQL, "PostgreSQL Error Codes". A class is the first two characters.
_CONTENTION = frozenset({"40001", "40P01", "55P03", "57014"})  # serialisation, deadlock, lock, statement time-out
_DATA_CLASSES = frozenset({"22", "23", "54"})  # data exception, integrity violation, program limit


def trouble_of(error: psycopg.Error) -> Trouble:
    """Return what `error` asks for. What is not known to lie in the data counts as an outage: the journal keeps it."""
    code = error.sqlstate
    if code is None:
        # Without a code the error is the client's own: a value it cannot write down, or a link that broke.
        return Trouble.DATA if isinstance(error, psycopg.DataError) else Trouble.OUTAGE
    if code in _CONTENTION:
        return Trouble.CONTENTION
    return Trouble.DATA if code[:2] in _DATA_CLASSES else Trouble.OUTAGE
