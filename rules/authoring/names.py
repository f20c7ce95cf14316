"""Names: the ids that a relation, an override or a window may name a rule by."""

from __future__ import annotations

from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rules.authoring.raw import RawRule

__all__ = ["Names"]


class Names:
    """The rules of `raws` that are on, by id, by the id of a fault rule that stands for several, or by pattern."""

    def __init__(self, raws: Iterable[RawRule]) -> None:
        self._ids: dict[str, RawRule] = {}
        self._off: dict[str, str] = {}
        self._families: dict[str, list[str]] = {}
        for raw in raws:
            if raw.is_on:
                self._ids[raw.id] = raw
                self._families.setdefault(raw.family, []).append(raw.id)
            else:
                self._off[raw.id] = self._off[raw.family] = raw.place("enabled")

    def named(self, name: str) -> tuple[str, ...]:
        """Return the ids that `name`, an id or a pattern ("gas.*", "*.no-data"), is about; none where it is wrong."""
        if name in self._ids:
            return (name,)
        if name in self._families:
            return tuple(self._families[name])
        if is_pattern(name):
            return tuple(one for one in self._ids if fnmatchcase(one, name))
        return ()

    def why_none(self, name: str) -> tuple[str, str]:
        """Say what is wrong with a name that is about no rule, and what was wanted."""
        if name in self._off:
            return f"{name!r} is switched off at {self._off[name]}", "a rule that is on"
        profile = name.partition(".")[0]
        near = get_close_matches(name, self._ids, n=3) or [one for one in self._ids if one.startswith(f"{profile}.")]
        profiles = dict.fromkeys(raw.profile.name for raw in self._ids.values())
        wanted = f"one of {', '.join(near)}" if near else f"the id of a rule of {', '.join(profiles) or 'some profile'}"
        return f"no rule is {name!r}", wanted


def is_pattern(name: str) -> bool:
    """Say whether `name` may be about more than one rule."""
    return any(mark in name for mark in "*?[")
