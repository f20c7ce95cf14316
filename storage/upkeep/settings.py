"""How storage is kept up: how long history is kept, and the bounds of a round."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

__all__ = ["Retention", "UpkeepSettings"]

_DAY = timedelta(days=1)
_WEEK = timedelta(days=7)
_FOR_EVER = timedelta.max
_ROLLED = ("readings", "minutes", "hours", "days")


@dataclass(frozen=True, slots=True)
class Retention:
    """How long each class of history is kept; None for ever.

    readings:  every reading
    minutes, hours, days: rollups; hours as long as readings and minutes at least, and days as long as hours
    incidents: closed ones, with their timelines and notifications
    shadow:    what rules in shadow would have raised
    audit:     looks at what is protected that belong to no incident

    Raises ValueError, with all that is wrong, for less than a week of readings or rollups, less than a day of anything
    else, or rollups that go before what they are made of. The week is for what comes late: TimescaleDB's policies look
    back four days, and would delete the rollups of readings that are dropped by then.
    """

    readings: timedelta | None = timedelta(days=90)
    minutes: timedelta | None = timedelta(days=30)
    hours: timedelta | None = timedelta(days=1826)
    days: timedelta | None = None
    incidents: timedelta | None = None
    shadow: timedelta | None = timedelta(days=90)
    audit: timedelta | None = timedelta(days=1096)

    def __post_init__(self) -> None:
        kept = {name: _FOR_EVER if keep is None else keep for name, keep in self.classes().items()}
        faults = [
            f"{name}: wanted {least.days} days at least, or for ever"
            for name, least in {**dict.fromkeys(kept, _DAY), **dict.fromkeys(_ROLLED, _WEEK)}.items()
            if kept[name] < least
        ]
        faults += [
            f"{coarse}: wanted as long as {fine} at least"
            for coarse, fine in (("hours", "readings"), ("hours", "minutes"), ("days", "hours"))
            if kept[coarse] < kept[fine]
        ]
        if faults:
            raise ValueError("; ".join(faults))

    def classes(self) -> dict[str, timedelta | None]:
        """Return the classes by the name that `vigil.retention` has for them."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


@dataclass(frozen=True, slots=True)
class UpkeepSettings:
    """Bounds of the upkeep.

    retention:    what is kept, and for how long
    every_s:      s between rounds
    grace_s:      s by which rollups stay behind what is archived, so that few readings are late for them
    round_s:      s of rolling up after which a round looks after the rest; it goes on at once
    late_at_once: hours of channels that are rolled up anew in one transaction
    retention_s:  s between looks for what is expired
    backoff_first_s, backoff_max_s: s between attempts to reach the database, doubling, with jitter
    """

    retention: Retention = Retention()
    every_s: float = 60.0
    grace_s: float = 120.0
    round_s: float = 20.0
    late_at_once: int = 10_000
    retention_s: float = 3600.0
    backoff_first_s: float = 1.0
    backoff_max_s: float = 60.0
