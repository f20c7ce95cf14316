"""Writing a suite: the labelled incidents of a fleet in a window of days."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from simulator.journey import uploads_daily
from simulator.noise import Noise
from simulator.suite.air import AIR
from simulator.suite.casting import Casting, Window
from simulator.suite.equipment import EQUIPMENT
from simulator.suite.label import LabelledIncident, Pace
from simulator.suite.labels import LABELS
from simulator.suite.people import PEOPLE
from simulator.suite.water import WATER

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from simulator.fleet import Fleet
    from simulator.suite.casting import Script

__all__ = ["SUITE_DAYS", "write_suite"]

SUITE_DAYS: Final = 3
"""So many days a window has; slow incidents begin before it."""

_SCRIPTS: Mapping[str, Script] = {**EQUIPMENT, **AIR, **WATER, **PEOPLE}
"""Those that want a whole building or gateway are cast first."""


def write_suite(
    fleet: Fleet, window_us: int, seed: int, paces: Collection[Pace] = frozenset(Pace)
) -> tuple[LabelledIncident, ...]:
    """Return the incidents of `paces` in a window that begins at `window_us`, in order of their beginning.

    window_us: midnight of the community's clock, µs since the epoch
    seed:      that of the history: who uploads once a day depends on it
    Raises NobodyLeft where the fleet is too small.
    """
    daily = frozenset(np.flatnonzero(uploads_daily(fleet, Noise(seed))).tolist())
    casting, window = Casting(fleet, daily), Window(window_us)
    incidents = []
    for name, script in _SCRIPTS.items():
        label = LABELS[name]
        if label.pace in paces:
            scene = script(casting, window)
            incidents.append(
                LabelledIncident(name, label, scene.rows, scene.begins_us, scene.ends_us, scene.deviations, scene.down)
            )
    return tuple(sorted(incidents, key=lambda incident: incident.begins_us))
