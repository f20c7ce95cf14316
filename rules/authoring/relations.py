"""The terms of rules about what other rules say, and whether those other rules can ever say it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rules.model import (
    RELATION_KINDS,
    CompositeTerms,
    NeighbourhoodTerms,
    Rule,
    RuleMode,
    Scope,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rules.authoring.faults import Faults
    from rules.authoring.names import Names
    from rules.authoring.table import Table

__all__ = ["check_relations", "composite", "heard_by", "neighbourhood"]

LEAST_IN_ORDER = 2
MOST_MEMBERS = 1_000_000
FURTHEST_M = 100_000.0


def neighbourhood(table: Table, own: str, names: Names) -> NeighbourhoodTerms | None:
    """Return the terms of the neighbourhood rule `own`; None where they are wrong."""
    rules = table.ids("rules", names, but=own)
    if "rules" not in table.values:
        table.say("", "no `rules`", "the ids of the rules that it counts, or patterns like '*.no-data'")
    scope = table.choice("scope", Scope)
    at_least = table.count("at_least", 2, MOST_MEMBERS)
    share = table.number("share", 0.0, 1.0, 0.0)
    within_s = table.duration("within", 0.0)
    radius_m = 0.0
    if scope is Scope.DEVICE:
        others = ", ".join(other for other in Scope if other is not Scope.DEVICE)
        table.say("scope", "one device is no neighbourhood", f"one of {others}")
    if scope is Scope.RADIUS:
        radius_m = table.number("radius_m", 1.0, FURTHEST_M) or 0.0
    elif "radius_m" in table.values:
        table.say("radius_m", "radius_m without scope = 'radius'", "none, or that scope")
    if scope is None or at_least is None or share is None or within_s is None or not rules:
        return None
    return NeighbourhoodTerms(rules, scope, at_least, within_s, share, radius_m)


def composite(table: Table, own: str, names: Names) -> CompositeTerms | None:
    """Return the terms of the composite rule `own`; None where they are wrong."""
    lists = {
        "all": table.ids("all", names, patterns=False),
        "any": table.ids("any", names, but=own),
        "none": table.ids("none", names, but=own),
        "then": table.ids("then", names, patterns=False),
    }
    scope = table.choice("scope", Scope, Scope.DEVICE)
    within_s = table.duration("within", 0.0)
    if not {"all", "any", "then"} & table.values.keys():
        table.say("", "nothing that must hold", "one of all, any, then")
    for key in ("all", "any", "then"):
        for name in lists[key]:
            if name in lists["none"]:
                table.say("none", f"{name!r} is in `{key}` as well: it could never hold", "it in one of them")
    _check_order(table, lists["then"], within_s)
    if scope is Scope.RADIUS:
        others = ", ".join(other for other in Scope if other is not Scope.RADIUS)
        table.say("scope", "scope = 'radius' is a neighbourhood's", f"one of {others}")
    if scope is None or within_s is None:
        return None
    return CompositeTerms(lists["all"], lists["any"], lists["none"], lists["then"], within_s, scope)


def _check_order(table: Table, then: tuple[str, ...], within_s: float | None) -> None:
    if "then" not in table.values:
        if table.has("within"):
            table.say(table.form("within"), "`within` without `then`", "none, or `then`")
        return
    if len(then) < LEAST_IN_ORDER:
        table.say("then", f"{table.shown('then')} has no order", "at least two ids, in the order they are raised")
    if within_s == 0:
        table.say(table.form("within"), "`then` without `within`", "the longest time from one to the next")


def check_relations(rules: Sequence[Rule], variants: Iterable[Rule], faults: Faults) -> None:
    """Check what can only be seen with all rules read: cycles, parts that nobody uses, devices that are of no kind.

    rules:    those in force without overrides; variants: the others
    """
    by_id = {rule.id: rule for rule in rules}
    _check_cycles(by_id, faults)
    every = (*rules, *variants)
    heard = {name for rule in every for name in (*heard_by(rule), *rule.unless)}
    for rule in every:
        if rule.mode is RuleMode.PART and rule.id not in heard:
            place = rule.origins.get("mode", rule.origins["id"])
            faults.say(
                place, f"rule {rule.id!r}", "it is a part, and no rule names it", "one that does, or another mode"
            )
    for rule in rules:
        if isinstance(rule.terms, CompositeTerms) and rule.terms.scope is Scope.DEVICE:
            strange = [name for name in heard_by(rule) if name in by_id and by_id[name].profile != rule.profile]
            if strange:
                faults.say(
                    rule.origins["id"],
                    f"rule {rule.id!r}",
                    f"no device of profile {rule.profile!r} has {', '.join(strange)}",
                    f"rules of that profile, or a scope wider than {Scope.DEVICE.value!r}",
                )


def heard_by(rule: Rule) -> tuple[str, ...]:
    """Return the ids of the rules that a relation rule looks at; none for others."""
    match rule.terms:
        case NeighbourhoodTerms(rules=rules):
            return rules
        case CompositeTerms() as terms:
            return (*terms.all_of, *terms.any_of, *terms.none_of, *terms.then)
        case _:
            return ()


def _check_cycles(by_id: Mapping[str, Rule], faults: Faults) -> None:
    """Say each cycle of relation rules once, at its first rule."""
    settled: set[str] = set()
    for start in by_id:
        trail: list[str] = []
        _walk(start, by_id, trail, settled, faults)


def _walk(name: str, by_id: Mapping[str, Rule], trail: list[str], settled: set[str], faults: Faults) -> None:
    rule = by_id.get(name)
    if rule is None or name in settled or rule.kind not in RELATION_KINDS:
        return
    if name in trail:
        round_trip = " → ".join([*trail[trail.index(name) :], name])
        faults.say(rule.origins["id"], f"rule {name!r}", f"it hears itself: {round_trip}", "no cycle")
        return
    trail.append(name)
    for other in heard_by(rule):
        _walk(other, by_id, trail, settled, faults)
    trail.pop()
    settled.add(name)
