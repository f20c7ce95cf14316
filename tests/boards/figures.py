"""How the truths of the boards reckon: places, orders, percentiles, days."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

import numpy as np

from tests.boards.facts import EPOCH

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from tests.boards.asking import Asked
    from tests.boards.facts import Row

SEVERITIES: Final = ("emergency", "alarm", "warning", "advisory")
STATES: Final = ("alarm", "offline", "fault", "supervisory", "unregistered", "maintenance", "normal")
CLASSES: Final = ("life-safety", "property", "supervisory", "trouble")
PLACE: Final = ("site", "grid", "building")
CLOCK_S: Final = 5.0
"""How much the database's clock when it was asked and ours when it had answered may differ, s."""
ALMOST: Final = 1e-6


def both(row: Row, name: str) -> str:
    """Return a text in both languages, as boards show it."""
    return f"{row[f'{name}_zh']} · {row[f'{name}_en']}"


def rule(row: Row) -> str:
    """Return the rule's name in both languages."""
    return both(row, "rule_name")


def graveness(row: Row, column: str = "severity") -> int:
    """Return 0 for the worst."""
    return SEVERITIES.index(row[column])


def epoch_s(at: datetime | None) -> float:
    """Return s since the epoch; the first of all for None."""
    return -1e18 if at is None else (at - EPOCH).total_seconds()


def percentile(values: Iterable[float | None], share: float) -> float | None:
    """Return a percentile between the values, as percentile_cont does; None of nothing."""
    known = [value for value in values if value is not None]
    return float(np.percentile(known, share * 100)) if known else None


def board_of(kind: str) -> str:
    """Return the uid of the board where devices of a kind are looked at."""
    if kind == "co":
        return "vigil-gas"
    return f"vigil-{kind}" if kind in {"smoke", "gas", "hydrant", "tank", "watch", "tilt"} else "vigil-devices"


def of_place(asked: Asked, rows: Iterable[Row], *names: str) -> list[Row]:
    """Return the rows whose site, grid, … is chosen."""
    return [row for row in rows if all(row[name] in asked[name] for name in names)]


def grouped(rows: Iterable[Row], key: Callable[[Row], Any]) -> dict[Any, list[Row]]:
    """Return the rows by what they have in common."""
    groups: defaultdict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return groups


def counted(rows: Sequence[Row], column: str, names: Iterable[str]) -> Row:
    """Return how many rows have each of `names` in a column."""
    return {name: sum(row[column] == name for row in rows) for name in names}


def midnight(at: datetime, zone: str) -> datetime:
    """Return where the day of `at` begins by a clock of `zone`."""
    return at.astimezone(ZoneInfo(zone)).replace(hour=0, minute=0, second=0, microsecond=0)
