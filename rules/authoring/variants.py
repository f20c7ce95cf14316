"""Variants: each rule as it is wherever overrides of a site, a grid and a device can meet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rules.authoring.overrides import targets
from rules.authoring.raw import say_if_silenced
from rules.authoring.reader import read_rule
from rules.ruleset import Override, Variant

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rules.authoring.faults import Faults
    from rules.authoring.names import Names
    from rules.authoring.overrides import RawOverride
    from rules.authoring.raw import RawRule

__all__ = ["MOST_VARIANTS", "Narrow", "narrow_overrides", "selections", "variants_of"]

MOST_VARIANTS: Final = 20_000
"""So many rules that are otherwise somewhere: each is read, and compiled."""

Narrow = tuple[Override, "RawOverride"]
"""An override of a site, grid or device, and the table that it is from."""


def narrow_overrides(
    overrides: Iterable[RawOverride], names: Names, raws: Mapping[str, RawRule], faults: Faults
) -> list[Narrow]:
    """Return the overrides that are about less than a profile, one a site, grid and device, the widest first.

    Of two equally wide ones the later goes before.
    """
    found: list[Narrow] = []
    for override in overrides:
        if not override.is_wide:
            ids = targets(override, names, raws, faults)
            found += [(row, override) for row in override.rows(ids) if ids]
    return sorted(found, key=lambda one: (one[0].device != "", one[0].grid != "", one[0].site != ""))


def variants_of(narrow: Sequence[Narrow], names: Names, raws: Mapping[str, RawRule], faults: Faults) -> list[Variant]:
    """Return each rule of `raws` as it is under every set of its overrides that can meet on a device.

    More than `MOST_VARIANTS` is a fault, and so is whatever the overrides make of a rule.
    """
    rows_of: dict[str, list[int]] = {}
    for row, (override, _) in enumerate(narrow):
        for one in override.rules:
            rows_of.setdefault(one, []).append(row)
    rows = [override for override, _ in narrow]
    meeting: dict[tuple[int, ...], list[tuple[int, ...]]] = {}
    found: list[Variant] = []
    for one, its_rows in rows_of.items():
        if one not in raws:
            continue
        key = tuple(its_rows)
        if key not in meeting:
            meeting[key] = selections(rows, key)
        if len(found) + len(meeting[key]) > MOST_VARIANTS:
            raw = narrow[its_rows[-1]][1]
            wrong = f"with {len(its_rows)} overrides of {one!r} there are more than {MOST_VARIANTS} variants of rules"
            faults.say(raw.places[""], "override", wrong, "fewer overrides that can meet on a device")
            break
        found += [_variant(raws[one], chosen, narrow, names, faults) for chosen in meeting[key]]
    return found


def _variant(base: RawRule, chosen: tuple[int, ...], narrow: Sequence[Narrow], names: Names, faults: Faults) -> Variant:
    raw = base
    for row in chosen:
        raw = raw.overridden(narrow[row][1].changes, narrow[row][1].places)
    say_if_silenced(raw, base, faults)
    rule = read_rule(raw, names, faults)
    return Variant(base.id, chosen, rule if raw.is_on else None)


def selections(overrides: Sequence[Override], rows: Sequence[int]) -> list[tuple[int, ...]]:
    """Return every set of `rows` of `overrides` that is about some device, none of them empty; rows keep their order.

    A device is in one site, in one grid or none, and has one name; at most `MOST_VARIANTS` + 1 sets are looked for.
    """
    found: dict[tuple[int, ...], None] = {}
    for site in sorted({overrides[row].site for row in rows} | {""}):
        here = [row for row in rows if overrides[row].site in ("", site)]
        by_device: dict[str, list[int]] = {"": []}
        for row in here:
            by_device.setdefault(overrides[row].device, []).append(row)
        for grid in sorted({overrides[row].grid for row in here} | {""}):
            of_all = [row for row in by_device[""] if overrides[row].grid in ("", grid)]
            for device, its_rows in by_device.items():
                own = [row for row in its_rows if overrides[row].grid in ("", grid)] if device else []
                found[tuple(sorted(of_all + own))] = None
                if len(found) > MOST_VARIANTS:
                    return list(found)
    found.pop((), None)
    return list(found)
