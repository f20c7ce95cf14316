"""What a person asks the archive, for the command line and the tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg
from psycopg.rows import class_row

from storage.sql import queries

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["IncidentLine", "count_readings", "recent_incidents"]


@dataclass(frozen=True, slots=True)
class IncidentLine:
    """One incident, as a list shows it."""

    incident_id: str
    device: str
    place: str
    place_zh: str
    rule_name_en: str
    rule_name_zh: str
    severity: str
    state: str
    condition_holds: bool
    what_en: str
    what_zh: str
    raised: datetime
    accepted_by: str
    closed_by: str
    outcome: str | None
    rating: int | None
    exercise: str | None


def count_readings(dsn: str) -> int:
    """Return how many readings are stored. Raises psycopg.Error."""
    with psycopg.connect(dsn) as connection:
        row = connection.execute(queries["count_readings"]).fetchone()
    return int(row[0]) if row else 0


def recent_incidents(dsn: str, limit: int = 20) -> list[IncidentLine]:
    """Return the incidents last raised, newest first. Raises psycopg.Error."""
    with psycopg.connect(dsn) as connection, connection.cursor(row_factory=class_row(IncidentLine)) as cursor:
        return cursor.execute(queries["recent_incidents"], [limit]).fetchall()
