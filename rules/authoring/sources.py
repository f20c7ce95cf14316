"""Sources: which rules there are, from profiles and from rules files, and what stands in for what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rules.authoring.raw import RawRule, one_per_metric, raw_rules, say_if_silenced

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from devices.profile import Profile
    from rules.authoring.faults import Faults
    from rules.authoring.files import RuleFile

__all__ = ["gather"]


def gather(profiles: Mapping[str, Profile], files: Iterable[RuleFile], faults: Faults) -> dict[str, RawRule]:
    """Return the rules of `profiles` and `files` by id; those of files stand in for shipped ones of the same id."""
    own: dict[str, RawRule] = {}
    for file in files:
        for table, places in file.tables("rules"):
            raw = _of_file(table, places, profiles, faults)
            if raw is not None and raw.id in own:
                _say_repeated(raw, own[raw.id], faults)
            elif raw is not None:
                own[raw.id] = raw
    shipped = [raw for _, profile in sorted(profiles.items()) for raw in raw_rules(profile)]
    found: dict[str, RawRule] = {}
    for raw in _standing_in(shipped, own, faults):
        for one in one_per_metric(raw):
            if one.id in found:
                _say_repeated(one, found[one.id], faults)
            else:
                found[one.id] = one
    return found


def _of_file(
    table: Mapping[str, object], places: Mapping[str, str], profiles: Mapping[str, Profile], faults: Faults
) -> RawRule | None:
    """Return a rule of a rules file; its profile is the longest that its id begins with."""
    name = table.get("id")
    if not isinstance(name, str) or not name:
        wrong = "no `id`" if name is None else f"id = {name!r}"
        faults.say(places.get("id", places[""]), "rule ?", wrong, "'<profile>.<what>'")
        return None
    profile = max((one for one in profiles if name.startswith(f"{one}.")), key=len, default=None)
    if profile is None:
        wanted = f"'<profile>.<what>', the profile one of {', '.join(profiles)}"
        faults.say(places["id"], f"rule {name!r}", "the id does not begin with a profile", wanted)
        return None
    return RawRule(profiles[profile], name, name, table, places)


def _standing_in(shipped: Iterable[RawRule], own: dict[str, RawRule], faults: Faults) -> Iterator[RawRule]:
    """Yield the shipped rules, each replaced whole where `own` has its id, then what else is of `own`."""
    left = dict(own)
    for before in shipped:
        raw = left.pop(before.id, None)
        if raw is None:
            yield before
        else:
            raw = raw.instead_of(before)
            say_if_silenced(raw, before, faults)
            yield raw
    yield from left.values()


def _say_repeated(raw: RawRule, first: RawRule, faults: Faults) -> None:
    wrong = f"the id is given more than once, first at {first.place('id')}"
    faults.say(raw.place("id"), raw.who, wrong, "one that no other rule has")
