"""The upkeep of storage: rollups, retention, and how it stands."""

from storage.upkeep.counters import UpkeepCounters
from storage.upkeep.level import Level
from storage.upkeep.metrics import UpkeepMetrics
from storage.upkeep.settings import Retention, UpkeepSettings
from storage.upkeep.status import StorageStatus, read_status
from storage.upkeep.upkeep import Upkeep

__all__ = [
    "Level",
    "Retention",
    "StorageStatus",
    "Upkeep",
    "UpkeepCounters",
    "UpkeepMetrics",
    "UpkeepSettings",
    "read_status",
]
