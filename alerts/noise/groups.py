"""Groups: incidents of one danger in one structure, told together with the first.

The first is told and leads; those that are raised within `within_s` of it, while it is open, are in its group: whoever
is asked about it learns of them by a digest. Once it has closed, the worst of the others that nobody has answered
leads, and of those the oldest; where all are answered, one of these.

| family | what is in it |
|---|---|
| fire, gas, carbon monoxide, water, structure, link | what smoke, gas, CO, water, tilt devices and gateways say |
| trouble | trouble of all of these: what loses power or network loses it together |
| none | watches (each is a person), Vigil's own troubles, and what nobody knows |

Life safety is in groups of its own, and property goes with what is supervised: a main that bursts, with its hydrants.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from alerts.noise.danger import NO_GROUP, Danger
from devices.model import Kind
from rules.model import AlarmClass

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["Family", "Group", "GroupLimits", "GroupPlace", "Groups"]


class Family(StrEnum):
    """What kind of danger it is."""

    FIRE = "fire"
    GAS = "gas"
    CO = "co"
    WATER = "water"
    STRUCTURE = "structure"
    LINK = "link"
    TROUBLE = "trouble"


class GroupPlace(StrEnum):
    """The structure that is told together."""

    BUILDING = "building"
    FLOOR = "floor"
    UNIT = "unit"


@dataclass(frozen=True, slots=True)
class GroupLimits:
    """How incidents are put together.

    place:        a device without a building is a structure of its own
    within_s:     s from the lead's being told until what comes is told by itself
    floors_apart: life safety on another floor is told by itself
    """

    place: GroupPlace = GroupPlace.BUILDING
    within_s: float = 60.0
    floors_apart: bool = False


@dataclass(slots=True)
class Group:
    """One group.

    number:  its name; the higher the newer
    lead:    id of the incident that leads, "" while it is not known who will
    told_us: when the lead was told
    members: (order, id) of the others, the oldest first
    """

    number: int
    key: tuple[str, ...]
    lead: str
    told_us: int
    members: list[tuple[int, str]] = field(default_factory=list)


_FAMILY: Final[Mapping[Kind, Family]] = {
    Kind.SMOKE: Family.FIRE,
    Kind.GAS: Family.GAS,
    Kind.CO: Family.CO,
    Kind.HYDRANT: Family.WATER,
    Kind.TANK: Family.WATER,
    Kind.TILT: Family.STRUCTURE,
    Kind.GATEWAY: Family.LINK,
}


class Groups:
    """Every group that has an open incident."""

    def __init__(self, limits: GroupLimits) -> None:
        self._limits = limits
        self._within_us = round(limits.within_s * 1e6)
        self._groups: dict[int, Group] = {}
        self._of_key: dict[tuple[str, ...], list[int]] = {}  # oldest first

    def get(self, number: int) -> Group | None:
        """Return the group of that number, None where there is none, as `NO_GROUP` is none."""
        return self._groups.get(number)

    def to_join(self, danger: Danger, now_us: int) -> Group | None:
        """Return the newest group of its danger and structure, where it is young enough and led; else None."""
        key = self._key(danger)
        numbers = self._of_key.get(key, ()) if key else ()
        for number in reversed(numbers):
            group = self._groups[number]
            if group.lead:
                return group if 0 <= now_us - group.told_us < self._within_us else None
        return None

    def lead(self, danger: Danger, now_us: int, number: int) -> None:
        """Begin a group that `danger`, which has just been told, leads; of what is never grouped there is none.

        number: higher than that of any group before
        """
        key = self._key(danger)
        if key:
            danger.group = number
            self._take(Group(number, key, danger.id, now_us))

    def leaderless(self, danger: Danger) -> Group | None:
        """Return the newest group of its danger and structure that has lost its lead, None where there is none."""
        key = self._key(danger)
        numbers = self._of_key.get(key, ()) if key else ()
        return next((self._groups[number] for number in reversed(numbers) if not self._groups[number].lead), None)

    def adopt(self, group: Group, danger: Danger, now_us: int) -> None:
        """Let `danger`, which has just been told and is in no group, lead one that has lost its lead."""
        danger.group = group.number
        group.lead, group.told_us = danger.id, now_us

    def is_led_by(self, danger: Danger, number: int) -> bool:
        """Say whether `danger` leads others of its danger and structure as the group of that number."""
        group = self._groups.get(number)
        return group is not None and group.lead == danger.id and bool(group.members) and group.key == self._key(danger)

    def join(self, danger: Danger, group: Group) -> None:
        """Put `danger` into a group."""
        danger.group = group.number
        insort(group.members, (danger.order, danger.id))

    def leave(self, danger: Danger) -> Group | None:
        """Take `danger` out of its group; return the group where it led it and others are left, without a lead now."""
        group = self._groups.get(danger.group)
        danger.group = NO_GROUP
        if group is None:
            return None
        if group.lead != danger.id:
            del group.members[bisect_left(group.members, (danger.order, danger.id))]
            if not group.lead and not group.members:
                self._drop(group)
            return None
        group.lead = ""
        if group.members:
            return group
        self._drop(group)
        return None

    def succeed(self, group: Group, danger: Danger) -> None:
        """Let a member lead."""
        del group.members[bisect_left(group.members, (danger.order, danger.id))]
        group.lead = danger.id

    def shift(self, step_us: int) -> None:
        """Move the time of every group."""
        for group in self._groups.values():
            group.told_us += step_us

    def saved(self) -> list[tuple[int, str, int]]:
        """Return number, lead and time of every group; `restore` takes them."""
        return [(group.number, group.lead, group.told_us) for group in self._groups.values()]

    def restore(self, saved: Iterable[tuple[int, str, int]], dangers: Mapping[str, Danger]) -> None:
        """Take groups in place of those here; their members are the `dangers` that say so."""
        self._groups, self._of_key = {}, {}
        by_number: dict[int, list[Danger]] = {}
        for danger in dangers.values():
            if danger.group != NO_GROUP:
                by_number.setdefault(danger.group, []).append(danger)
        for number, lead, told_us in saved:
            of_it = by_number[number]
            members = sorted((one.order, one.id) for one in of_it if one.id != lead)
            key = self._key(of_it[0])
            self._take(Group(number, key, lead, told_us, members))

    def _take(self, group: Group) -> None:
        self._groups[group.number] = group
        self._of_key.setdefault(group.key, []).append(group.number)

    def _drop(self, group: Group) -> None:
        del self._groups[group.number]
        numbers = self._of_key[group.key]
        numbers.remove(group.number)
        if not numbers:
            del self._of_key[group.key]

    def _key(self, danger: Danger) -> tuple[str, ...]:
        """Return what incidents of one group have in common; () where it is never grouped."""
        family = _FAMILY.get(danger.kind)
        if family is None:
            return ()
        stake = danger.alarm_class
        if stake is AlarmClass.TROUBLE:
            family = Family.TROUBLE
        elif stake is AlarmClass.PROPERTY:
            stake = AlarmClass.SUPERVISORY
        if not danger.building:
            return (family, stake, danger.device)
        key: tuple[str, ...] = (family, stake, danger.site, danger.building)
        if self._limits.place is not GroupPlace.BUILDING or (self._limits.floors_apart and danger.is_life_safety):
            key = (*key, danger.floor)
        if self._limits.place is GroupPlace.UNIT:
            key = (*key, danger.unit_name)
        return key
