"""What `unless` may name: rules of the same devices that cease, and never in a ring."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devices.profile import MetricType
from rules.model import RELATION_KINDS, AlarmTerms

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from devices.profile import Profile
    from rules.authoring.faults import Faults
    from rules.authoring.names import Names
    from rules.authoring.table import Table
    from rules.model import Rule

__all__ = ["check_unless", "read_unless"]


def read_unless(table: Table, own: str, names: Names) -> tuple[str, ...]:
    """Return the ids that the rule `own` names; an empty list is none, so that an override can take them away."""
    if table.values.get("unless") == []:
        return ()
    ids = table.ids("unless", names, patterns=False)
    if own in ids:
        table.say(f"unless.{ids.index(own)}", f"{own!r} names itself", "other rules of its device")
    return ids


def check_unless(
    rules: Iterable[Rule], variants: Iterable[Rule], profiles: Mapping[str, Profile], faults: Faults
) -> None:
    """Check what can only be seen with all rules read: rules of other devices, that never cease, that wait in a ring.

    rules: those in force without overrides; variants: the others
    """
    forms: dict[str, list[Rule]] = {}
    for rule in (*rules, *variants):
        forms.setdefault(rule.id, []).append(rule)
    for rule in (one for every in forms.values() for one in every):
        for name in rule.unless:
            wrong = _wrong(rule, forms.get(name, ()), profiles)
            if wrong is not None:
                faults.say(rule.origins["unless"], f"rule {rule.id!r}", f"{name!r} {wrong[0]}", wrong[1])
    settled: set[str] = set()
    for start in forms:
        _walk(start, forms, [], settled, faults)


def _wrong(rule: Rule, named: Iterable[Rule], profiles: Mapping[str, Profile]) -> tuple[str, str] | None:
    """Return what is wrong with naming a rule of these forms, and what was wanted."""
    for other in named:
        if other.profile != rule.profile:
            return f"is of profile {other.profile!r}", f"rules of {rule.profile!r}: no device has both"
        if other.kind in RELATION_KINDS:
            return "looks at other rules", "a rule on readings, or on the device's silence"
        if isinstance(other.terms, AlarmTerms):
            is_event = profiles[other.profile].metrics[other.metric].type is MetricType.EVENT
            if is_event or other.terms.latched:
                return "never ceases by itself: this one would be silent for good", "a rule that ceases"
    return None


def _walk(name: str, forms: Mapping[str, list[Rule]], trail: list[str], settled: set[str], faults: Faults) -> None:
    """Say each ring once, at its first rule: in one, all could hold and none be raised."""
    if name in settled or name not in forms:
        return
    if name in trail:
        ring = [*trail[trail.index(name) :], name]
        if len(ring) > 2:  # noqa: PLR2004  # one that names itself has been told
            place = next(rule.origins["unless"] for rule in forms[name] if rule.unless)
            faults.say(place, f"rule {name!r}", f"it waits for itself: {' → '.join(ring)}", "no ring")
        return
    trail.append(name)
    for other in dict.fromkeys(other for rule in forms[name] for other in rule.unless):
        _walk(other, forms, trail, settled, faults)
    trail.pop()
    settled.add(name)
