"""The loader of rules: of every profile and of a community's rules files, and every fault of all of them at once."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from rules.authoring.calendar import read_schedule, read_window
from rules.authoring.coverage import check_coverage
from rules.authoring.faults import Faults, RuleFaults
from rules.authoring.files import read_files
from rules.authoring.names import Names
from rules.authoring.overrides import apply_to_profiles, read_override
from rules.authoring.reader import read_rule
from rules.authoring.relations import check_relations
from rules.authoring.sources import gather
from rules.authoring.unless import check_unless
from rules.authoring.variants import narrow_overrides, variants_of
from rules.ruleset import RuleSet, Schedule

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from devices.profile import Profile
    from rules.authoring.files import RuleFile
    from rules.model import Rule

__all__ = ["TIMEZONE", "RuleFaults", "is_timezone", "load_rules"]

TIMEZONE = "Asia/Shanghai"
"""Of schedules and of the hours of the week, where nothing else is said."""


def load_rules(profiles: Mapping[str, Profile], files: Sequence[Path] = (), timezone: str = TIMEZONE) -> RuleSet:
    """Return the rules of all profiles, with what `files` (rules files, or folders of them) add and change.

    timezone: an IANA name; one that a file gives goes before it
    A rule of a file replaces the shipped one of its id whole. A fault rule without `metric` stands for one rule on each
    metric that has a range or error codes: its id gains `.<metric>`. Overrides of whole profiles are in the rules; of
    those that are narrower come `overrides` and `variants`. A rule that is switched off is checked, and left out.
    Raises RuleFaults with every fault of every profile and file.
    """
    faults = Faults()
    found = read_files(files, faults)
    raws = gather(profiles, found, faults)
    overrides = [
        override
        for file in found
        for table, places in file.tables("overrides")
        if (override := read_override(table, places, profiles, faults)) is not None
    ]
    apply_to_profiles(overrides, Names(raws.values()), raws, faults)
    names = Names(raws.values())
    rules = {one: rule for one, raw in raws.items() if (rule := read_rule(raw, names, faults)) is not None}
    sound = {one: raws[one] for one in rules if raws[one].is_on}
    rules = {one: rules[one] for one in sound}
    narrow = narrow_overrides(overrides, names, raws, faults)
    variants = variants_of(narrow, names, sound, faults)
    schedules = _schedules(found, faults)
    windows = [
        window
        for file in found
        for table, places in file.tables("windows")
        if (window := read_window(table, places, names, rules, faults)) is not None
    ]
    otherwise = [variant.rule for variant in variants if variant.rule is not None]
    _check_schedules([*rules.values(), *otherwise], schedules, faults)
    check_relations(list(rules.values()), otherwise, faults)
    check_unless(rules.values(), otherwise, profiles, faults)
    rows = tuple(override for override, _ in narrow)
    made = RuleSet(
        rules=tuple(sorted(rules.values(), key=lambda rule: rule.profile)),
        overrides=rows,
        variants=tuple(variants),
        schedules=tuple(schedules.values()),
        windows=tuple(windows),
        timezone=_timezone(found, timezone, faults),
    )
    check_coverage(made, raws.values(), profiles, faults)
    faults.end()
    return made


def _schedules(files: Iterable[RuleFile], faults: Faults) -> dict[str, Schedule]:
    """Return the schedules by name."""
    found: dict[str, Schedule] = {}
    for file in files:
        for table, places in file.tables("schedules"):
            schedule = read_schedule(table, places, faults)
            if schedule is not None and schedule.name in found:
                wrong = f"the name is given more than once, first at {found[schedule.name].origin}"
                faults.say(places["name"], f"schedule {schedule.name!r}", wrong, "one that no other schedule has")
            elif schedule is not None:
                found[schedule.name] = schedule
    return found


def _check_schedules(rules: Iterable[Rule], schedules: Mapping[str, Schedule], faults: Faults) -> None:
    for rule in rules:
        if rule.schedule and rule.schedule not in schedules:
            wanted = f"one of {', '.join(schedules)}" if schedules else "a [[schedules]] table of that name"
            faults.say(rule.origins["schedule"], f"rule {rule.id!r}", f"no schedule is {rule.schedule!r}", wanted)


def _timezone(files: Iterable[RuleFile], default: str, faults: Faults) -> str:
    """Return the time zone that a file gives, or `default`."""
    given: dict[str, str] = {}
    for file in files:
        name = file.values.get("timezone")
        if name is None:
            continue
        place = file.place("timezone")
        if not isinstance(name, str) or not is_timezone(name):
            faults.say(place, "", f"timezone = {name!r}", f"the name of a time zone, like {TIMEZONE!r}")
        elif given.setdefault(name, place) is place and len(given) > 1:
            first, first_place = next(iter(given.items()))
            faults.say(place, "", f"timezone = {name!r}, and {first!r} at {first_place}", "one for all")
    return next(iter(given), default)


def is_timezone(name: str) -> bool:
    """Say whether `name` is that of a time zone which this machine knows."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
