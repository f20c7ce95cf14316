"""Overrides: what is otherwise for a profile, a site, a grid or a device."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import TYPE_CHECKING, Final

from rules.authoring.names import is_pattern
from rules.authoring.raw import place_in, say_if_silenced
from rules.authoring.reader import KEYS
from rules.authoring.table import Table
from rules.model import RELATION_KINDS, Scope
from rules.ruleset import Override

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from rules.authoring.faults import Faults
    from rules.authoring.names import Names
    from rules.authoring.raw import RawRule

__all__ = ["RawOverride", "apply_to_profiles", "read_override", "targets"]

_SELECTORS: Final = ("rules", "profile", "site", "grid", "device")
_FIXED: Final = frozenset({"id", "kind", "metric", "all", "any", "none", "then"})
_CHANGES: Final = frozenset[str]().union(*KEYS.values()) - _FIXED - {"rules"}

_WITHIN_GRID: Final = frozenset({Scope.DEVICE, Scope.UNIT, Scope.FLOOR, Scope.BUILDING, Scope.GRID})


@dataclass(frozen=True, slots=True)
class RawOverride:
    """One `[[overrides]]` table.

    patterns: what it says of rules: ids and patterns; all of its profiles where empty
    profiles, sites, grids, devices: whom it is about; any where empty
    changes:  the keys that it gives, at `places`
    """

    patterns: tuple[str, ...]
    profiles: tuple[str, ...]
    sites: tuple[str, ...]
    grids: tuple[str, ...]
    devices: tuple[str, ...]
    changes: Mapping[str, object]
    places: Mapping[str, str]

    @property
    def is_wide(self) -> bool:
        """Whether it is about every device of a profile."""
        return not (self.sites or self.grids or self.devices)

    def rows(self, rules: tuple[str, ...]) -> Iterator[Override]:
        """Yield an override for each site, grid and device that it names."""
        for site, grid, device in product(self.sites or ("",), self.grids or ("",), self.devices or ("",)):
            yield Override(site, grid, device, rules, self.places[""])


def read_override(
    values: Mapping[str, object], places: Mapping[str, str], profiles: Iterable[str], faults: Faults
) -> RawOverride | None:
    """Return an override; None where it has a fault. What it changes is read with the rules that it changes."""
    table = Table(values, partial(place_in, places), "override", faults)
    table.refuse_others((*_SELECTORS, *_CHANGES), "an override; what else differs is a rule of its own")
    patterns, of_profiles, sites, grids, devices = (table.texts(key) for key in _SELECTORS)
    changes = {key: value for key, value in values.items() if key in _CHANGES}
    if not patterns and not of_profiles:
        table.say("", "it names no rules", "rules = 'gas.high', a list, a pattern, or profile = 'gas'")
    if not values.keys() - set(_SELECTORS):
        table.say("", "it changes nothing", "some key of a rule besides whom it is about")
    for name in of_profiles:
        if name not in profiles:
            table.say("profile", f"no profile is {name!r}", f"one of {', '.join(profiles)}")
    if devices and not sites:
        table.say("device", "a device without its site", "`site` as well: a name is a device's only within its site")
    return RawOverride(patterns, of_profiles, sites, grids, devices, changes, places) if table.sound else None


def targets(override: RawOverride, names: Names, raws: Mapping[str, RawRule], faults: Faults) -> tuple[str, ...]:
    """Return the ids of the rules that `override` changes.

    A rule about a whole place is not otherwise for one device of it: that is a fault where it is named, and passed over
    where a pattern is about it.
    """
    table = Table({}, partial(place_in, override.places), "override", faults)
    found: dict[str, None] = {}
    for name in override.patterns or ("*",):
        ids = [
            one for one in names.named(name) if raws[one].profile.name in (override.profiles or raws[one].profile.name)
        ]
        if not ids:
            wrong, wanted = names.why_none(name)
            table.say("rules", wrong if not override.profiles else f"{wrong} of {', '.join(override.profiles)}", wanted)
        for one in ids:
            if not _too_narrow(override, raws[one]):
                found[one] = None
            elif not is_pattern(name):
                scope = raws[one].table.get("scope")
                wrong = f"{one!r} is about a whole {scope}, and this about a part of it"
                table.say(
                    "rules", wrong, "an override for its site" if scope != Scope.GRID else "one for its grid or site"
                )
    return tuple(found)


def _too_narrow(override: RawOverride, raw: RawRule) -> bool:
    scope = raw.table.get("scope", Scope.DEVICE)
    if raw.table.get("kind") not in RELATION_KINDS or scope == Scope.DEVICE:
        return False
    return bool(override.devices or (override.grids and scope not in _WITHIN_GRID))


def apply_to_profiles(overrides: Iterable[RawOverride], names: Names, raws: dict[str, RawRule], faults: Faults) -> None:
    """Change `raws`, by id, as those overrides that are about whole profiles say, in their order."""
    for override in overrides:
        if override.is_wide:
            for one in targets(override, names, raws, faults):
                before = raws[one]
                raws[one] = before.overridden(override.changes, override.places)
                say_if_silenced(raws[one], before, faults)
