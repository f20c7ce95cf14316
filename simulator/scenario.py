"""Scenarios: incidents as scripts, so that what happened, where and when is known, and what should be said of it.

A script is data: for each device curves over the seconds since the beginning, and the moments at which the device
itself raises something. What should be found is worked out from the profiles' raw rule tables and the
readings that will be sent, without the rule engine, so that the engine can be held against it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulator.stories import STORIES, ScenarioKind
from simulator.truth import Truth, expected_rules

if TYPE_CHECKING:
    import random
    from collections.abc import Collection, Mapping

    from devices import Profile
    from simulator.fleet import Fleet
    from simulator.part import Part

__all__ = ["Incident", "write_incident"]


@dataclass(frozen=True, slots=True)
class Incident:
    """One incident: its parts, when it begins and when all devices are back to normal, and what should be found.

    starts_us, ends_us: µs since the epoch
    """

    parts: tuple[Part, ...]
    starts_us: int
    ends_us: int
    truth: Truth


def write_incident(
    kind: ScenarioKind,
    fleet: Fleet,
    profiles: Mapping[str, Profile],
    rng: random.Random,
    *,
    starts_us: int,
    taken: Collection[int] = (),
) -> Incident | None:
    """Write an incident of `kind` on devices that are not `taken`; None where the fleet has none left for it."""
    free = [row for row in range(len(fleet)) if row not in taken]
    story = STORIES[kind]
    parts = story.cast(fleet, free, rng)
    if not parts:
        return None
    devices = [fleet.devices[part.row] for part in parts]
    expected, relations = expected_rules(profiles, list(zip(devices, parts, strict=True)), story.lasts_s)
    truth = Truth(
        what=story.what,
        kind=kind.value,
        devices=tuple(device.key for device in devices),
        place=devices[0].place,
        starts_us=starts_us,
        expected=expected,
        relations=relations,
    )
    return Incident(parts, starts_us, starts_us + int(story.lasts_s * 1e6), truth)
