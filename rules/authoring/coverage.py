"""Coverage: no reading is withheld from a rule without somebody being told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rules.authoring.raw import can_be_withheld
from rules.authoring.variants import selections
from rules.model import RuleKind, RuleMode

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from devices.profile import Profile
    from rules.authoring.faults import Faults
    from rules.authoring.raw import RawRule
    from rules.model import Rule
    from rules.ruleset import Override, RuleSet

__all__ = ["check_coverage"]


def check_coverage(rules: RuleSet, raws: Iterable[RawRule], profiles: Mapping[str, Profile], faults: Faults) -> None:
    """Say where a metric has a range or error codes and a rule judges it, but no live fault rule tells of the rest.

    raws: also of rules that have a fault of their own, so that one fault is not said as two
    What overrides make of it is looked at once nothing else is wrong.
    """
    on_metric: dict[tuple[str, str], list[Rule]] = {}
    for rule in rules.rules:
        if rule.metric and can_be_withheld(profiles[rule.profile].metrics[rule.metric]):
            on_metric.setdefault((rule.profile, rule.metric), []).append(rule)
    told = {
        (raw.profile.name, raw.table.get("metric"))
        for raw in raws
        if raw.is_on and raw.table.get("kind") == RuleKind.FAULT and raw.table.get("mode", "live") == RuleMode.LIVE
    }
    for metric, its_rules in on_metric.items():
        judging = next((rule for rule in its_rules if _judges(rule)), None)
        if judging is not None and metric not in told:
            _say(judging, judging.origins.get("metric", profiles[judging.profile].origin), faults)
    if not faults:
        variant_of = {(variant.rule_id, variant.overrides): variant.rule for variant in rules.variants}
        for its_rules in on_metric.values():
            _check_variants(rules.overrides, variant_of, its_rules, faults)


def _check_variants(
    overrides: Sequence[Override],
    variant_of: Mapping[tuple[str, tuple[int, ...]], Rule | None],
    its_rules: list[Rule],
    faults: Faults,
) -> None:
    """Look at `its_rules`, those on one metric, wherever their overrides meet."""
    ids = {rule.id for rule in its_rules}
    rows = [row for row, override in enumerate(overrides) if not ids.isdisjoint(override.rules)]
    for chosen in selections(overrides, rows):
        found = (
            variant_of.get((rule.id, tuple(row for row in chosen if rule.id in overrides[row].rules)), rule)
            for rule in its_rules
        )
        there = [rule for rule in found if rule is not None]
        judging = next((rule for rule in there if _judges(rule)), None)
        if judging is not None and not any(rule.kind is RuleKind.FAULT and _is_live(rule) for rule in there):
            _say(judging, overrides[chosen[-1]].origin, faults)


def _judges(rule: Rule) -> bool:
    """Say whether somebody counts on `rule` to see what is dangerous."""
    return rule.kind not in (RuleKind.ALARM, RuleKind.FAULT) and rule.mode is not RuleMode.SHADOW


def _is_live(rule: Rule) -> bool:
    return rule.mode is RuleMode.LIVE


def _say(rule: Rule, place: str, faults: Faults) -> None:
    faults.say(
        place,
        f"rule {rule.id!r}",
        f"{rule.metric!r} has a range, and no fault rule tells when a reading lies outside",
        "a live rule of kind 'fault' on it",
    )
