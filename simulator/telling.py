"""What will happen, told beforehand to people and programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from devices.profile_loader import load_profiles
from simulator.director import Director, ScenarioPlan

if TYPE_CHECKING:
    from collections.abc import Iterable

    from simulator.fleet import Fleet
    from simulator.truth import Truth

__all__ = ["script", "truth_json", "truth_table"]

TABLE_COLUMNS = 150


def script(fleet: Fleet, seed: int = 0, *, begin_us: int = 0, seconds: float = 600.0) -> list[Truth]:
    """Return what `simulate` with the default plan and this seed plays within so many s after its start."""
    director = Director(fleet, load_profiles(), ScenarioPlan(), seed, begin_us)
    return [incident.truth for incident in director.due(begin_us + int(seconds * 1e6))]


def truth_table(fleet: Fleet, seed: int = 0, *, seconds: float = 600.0) -> str:
    """Return the script as a table; times are s after the start."""
    table = Table(box=SIMPLE_HEAD)
    table.add_column("after", justify="right")
    for name in ("what", "where", "devices", "rules that must find it"):
        table.add_column(name)
    for truth in script(fleet, seed, seconds=seconds):
        rules = "\n".join(truth.expected_rule_ids)
        table.add_row(f"{truth.starts_us / 1e6:.1f} s", truth.kind, truth.place, "\n".join(truth.devices), rules)
    console = Console(width=TABLE_COLUMNS, color_system=None)
    with console.capture() as captured:
        console.print(table)
    return "\n".join(line.rstrip() for line in captured.get().strip("\n").splitlines())


def truth_json(truths: Iterable[Truth]) -> str:
    """Return the truths as JSON, one object a line."""
    return "\n".join(msgspec.json.encode(truth).decode() for truth in truths)
