"""The archive: reads the journal at its own pace and keeps its history in PostgreSQL or TimescaleDB."""

from storage.archive.archive import Archive, ArchiveSettings
from storage.archive.counters import ArchiveCounters
from storage.archive.metrics import ArchiveMetrics
from storage.archive.reports import IncidentLine, count_readings, recent_incidents

__all__ = [
    "Archive",
    "ArchiveCounters",
    "ArchiveMetrics",
    "ArchiveSettings",
    "IncidentLine",
    "count_readings",
    "recent_incidents",
]
