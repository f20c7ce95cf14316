"""Silences: what people want not to be told of, why, and until when.

A silence ends by itself, whatever the clock does afterwards: one that has ended never comes back. Life safety is told
all the same, unless whoever made the silence said `life_safety` and so answers for it by name.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

import msgspec

from alerts.command import EndSilence, Matcher, Silence
from alerts.identity import identity, normalised
from alerts.lifecycle import CommandRejected
from alerts.noise.danger import RANK
from alerts.text import span
from devices.model import Kind
from rules.model import Severity

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterable

    from alerts.noise.danger import Danger

__all__ = ["SilenceInForce", "SilenceLimits", "SilenceState", "Silences"]

CHARACTERS: Final = 6
DAY_S: Final = 86_400.0
_ANYWHERE: Final = ("", "")


class SilenceState(StrEnum):
    """Where a silence is in its life."""

    PLANNED = "planned"
    IN_FORCE = "in_force"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class SilenceLimits:
    """What silences are bounded by.

    longest_s: s from its start, or from now where it has begun, to its end
    ahead_s:   s from now to its start
    kept_s:    s for which an ended one is still in lists
    most:      that have not ended; lists keep as many ended ones
    """

    longest_s: float = 30 * DAY_S
    ahead_s: float = 366 * DAY_S
    kept_s: float = DAY_S
    most: int = 500


class SilenceInForce(msgspec.Struct, frozen=True, kw_only=True):
    """A silence as lists show it.

    made_us:  journal time of the command that made it
    ended_us: when it ended, None where it has not; ended_by: who ended it before its time, else ""
    keeps:    open incidents that it keeps from being told now
    """

    id: str
    matcher: Matcher
    starts_us: int
    ends_us: int
    by: str
    origin: str
    reason: str
    maintenance: bool
    life_safety: bool
    made_us: int
    ended_us: int | None = None
    ended_by: str = ""
    state: SilenceState = SilenceState.PLANNED
    keeps: int = 0

    def is_in_force(self, now_us: int) -> bool:
        """Say whether it counts at `now_us`."""
        return self.ended_us is None and self.starts_us <= now_us < self.ends_us

    def matches(self, danger: Danger) -> bool:
        """Say whether the incident is meant."""
        meant = self.matcher
        return (
            (self.life_safety or not danger.is_life_safety)
            and meant.site in {"", danger.site}
            and meant.grid in {"", danger.grid}
            and meant.building in {"", danger.building}
            and meant.device in {"", danger.device}
            and meant.kind in {"", danger.kind}
            and (not meant.severity_at_most or RANK[danger.severity] <= RANK[Severity(meant.severity_at_most)])
            and (not meant.rule or fnmatchcase(danger.rule_id, meant.rule))
        )


class Silences:
    """The silences that have not ended, and those that ended lately."""

    def __init__(self, limits: SilenceLimits) -> None:
        self._limits = limits
        self._live: dict[str, SilenceInForce] = {}
        self._ended: dict[str, SilenceInForce] = {}
        self._of_place: dict[tuple[str, str], list[str]] = {}  # where they matter → ids of the live ones
        self._next_us: int | None = None

    @property
    def next_us(self) -> int | None:
        """When the next one ends, or is forgotten."""
        return self._next_us

    @property
    def is_full(self) -> bool:
        """Whether no further one is taken."""
        return len(self._live) >= self._limits.most

    def match(self, danger: Danger, now_us: int) -> SilenceInForce | None:
        """Return the silence that keeps `danger` from being told for the longest, None where none does."""
        if not self._live:
            return None
        found: SilenceInForce | None = None
        for place in (_ANYWHERE, *_places(danger.site, danger.grid, danger.building, danger.device)):
            for name in self._of_place.get(place, ()):
                one = self._live[name]
                if one.is_in_force(now_us) and one.matches(danger) and (found is None or _lasts(one) > _lasts(found)):
                    found = one
        return found

    def all(self, now_us: int, keeps: Counter[str]) -> list[SilenceInForce]:
        """Return every silence, the newest first. keeps: id → incidents that it keeps."""
        known = sorted((*self._live.values(), *self._ended.values()), key=lambda one: (one.made_us, one.id))
        return [msgspec.structs.replace(one, state=_state(one, now_us), keeps=keeps[one.id]) for one in reversed(known)]

    # ── folding ──────────────────────────────────────────────────────────────────────────────────────────────────

    def make(self, command: Silence, now_us: int, offset: int) -> str:
        """Begin a silence, or change one, and return its id. Raises CommandRejected, with nothing changed."""
        name = normalised(command.id)
        before = self._live.get(name)
        if command.id and before is None:
            raise CommandRejected(f"no silence {command.id!r} is planned or in force")
        if before is None and self.is_full:
            raise CommandRejected(f"{self._limits.most} silences are planned or in force already; end some")
        self._check(command, now_us)
        if before is None:
            known = {**self._live, **self._ended}
            name = identity("silence", offset, command.by, characters=CHARACTERS, taken=known)
        self._live[name] = SilenceInForce(
            id=name,
            matcher=command.matcher,
            starts_us=command.starts_us or (now_us if before is None else before.starts_us),
            ends_us=command.ends_us,
            by=command.by.strip(),
            origin=command.origin,
            reason=command.reason.strip(),
            maintenance=command.maintenance,
            life_safety=command.life_safety,
            made_us=now_us if before is None else before.made_us,
        )
        self._index()
        return name

    def end(self, command: EndSilence, now_us: int) -> str:
        """End a silence and return its id. Raises CommandRejected where there is none that has not ended."""
        name = normalised(command.id)
        if name not in self._live:
            raise CommandRejected(f"no silence {command.id!r} is planned or in force")
        self._retire(name, now_us, command.by)
        self._index()
        return name

    def advance(self, now_us: int) -> list[str]:
        """Return the ids of those whose time is over; forget those that ended long ago."""
        if self._next_us is None or now_us < self._next_us:
            return []
        over = [name for name, one in self._live.items() if one.ends_us <= now_us]
        for name in over:
            self._retire(name, self._live[name].ends_us, "")
        for name, one in list(self._ended.items()):
            if self._forgotten_us(one) <= now_us:
                del self._ended[name]
        self._index()
        return over

    def restore(self, silences: Iterable[SilenceInForce]) -> None:
        """Take silences in place of those here, as `saved` gave them."""
        self._live, self._ended = {}, {}
        for one in silences:
            (self._live if one.ended_us is None else self._ended)[one.id] = one
        self._index()

    def saved(self) -> tuple[SilenceInForce, ...]:
        """Return every silence, for `restore`."""
        return (*self._live.values(), *self._ended.values())

    # ── deciding ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _check(self, command: Silence, now_us: int) -> None:
        wrong = [
            said
            for said, is_so in (
                ("by: nobody answers for it; wanted a name", not command.by.strip()),
                ("reason: there is none", not command.reason.strip()),
                ("matcher: it would silence everything; wanted a site, grid, building, device, kind or rule",
                 command.matcher == Matcher(severity_at_most=command.matcher.severity_at_most)),
                (f"kind: {command.matcher.kind!r} is none; there are {', '.join(Kind)}",
                 command.matcher.kind not in {"", *Kind}),
                (f"severity_at_most: {command.matcher.severity_at_most!r} is none; there are {', '.join(Severity)}",
                 command.matcher.severity_at_most not in {"", *Severity}),
                *self._wrong_times(command, now_us),
            )
            if is_so
        ]  # fmt: skip
        if wrong:
            raise CommandRejected("no such silence can be made: " + "; ".join(wrong))

    def _wrong_times(self, command: Silence, now_us: int) -> tuple[tuple[str, bool], ...]:
        limits = self._limits
        starts_us = max(command.starts_us, now_us)
        longest, ahead = span(limits.longest_s).en, span(limits.ahead_s).en
        return (
            ("ends: it would have ended already", command.ends_us <= now_us),
            ("ends: it would end before it starts", now_us < command.ends_us <= starts_us),
            (f"ends: it would last longer than {longest}", command.ends_us - starts_us > limits.longest_s * 1e6),
            (f"starts: that is more than {ahead} ahead", starts_us - now_us > limits.ahead_s * 1e6),
        )

    def _retire(self, name: str, ended_us: int, by: str) -> None:
        self._ended[name] = msgspec.structs.replace(self._live.pop(name), ended_us=ended_us, ended_by=by)
        while len(self._ended) > self._limits.most:
            del self._ended[next(iter(self._ended))]

    def _forgotten_us(self, one: SilenceInForce) -> int:
        return (one.ended_us or 0) + round(self._limits.kept_s * 1e6)

    def _index(self) -> None:
        self._of_place = {}
        for name, one in self._live.items():
            meant = one.matcher
            *_, place = (_ANYWHERE, *_places(meant.site, meant.grid, meant.building, meant.device))
            self._of_place.setdefault(place, []).append(name)
        ends = [one.ends_us for one in self._live.values()]
        self._next_us = min((*ends, *map(self._forgotten_us, self._ended.values())), default=None)


def _places(site: str, grid: str, building: str, device: str) -> list[tuple[str, str]]:
    """Return the names under which a silence of these, or an incident there, is found; the narrowest last."""
    named = (("site", site), ("grid", grid), ("building", building), ("device", device))
    return [(field, value) for field, value in named if value]


def _lasts(one: SilenceInForce) -> tuple[int, str]:
    return one.ends_us, one.id


def _state(one: SilenceInForce, now_us: int) -> SilenceState:
    if one.is_in_force(now_us):
        return SilenceState.IN_FORCE
    return SilenceState.PLANNED if one.ended_us is None and now_us < one.starts_us else SilenceState.ENDED
