"""`Post`: what each person is sent at once, and what waits for a digest.

| asked in this order | waits until | exempt |
|---|---|---|
| their quiet hours | they end | life safety, what they accepted, `quiet_below` and worse |
| told with another incident | the digest's time | |
| a storm: more than `burst` in `burst_s`, or others wait for that | the digest's time | what is worse than these |
| their budget | there is room in it | life safety |

Life safety and the rest are counted apart, so no trouble delays a fire. A test, and the synthetic alarm, always go.
A digest takes along what else waits for that person by that channel, but for what waits for the morning. Every message
that waits is in exactly one digest, or was dropped by whoever owed it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from alerts.incident import Exercise
from alerts.noise.agenda import Agenda
from alerts.noise.budget import Budget
from alerts.noise.counters import Bound, Hold, NoiseCounters
from alerts.noise.danger import RANK
from alerts.noise.digest import make_digest
from alerts.noise.storm import Burst
from alerts.notification import Notification, Purpose
from rules.model import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from alerts.incident import Incident
    from alerts.people.model import Person

__all__ = ["Digest", "Post", "PostLimits"]

SNAPSHOT_VERSION: Final = 1
ACCOUNTS_SWEPT: Final = 1_000
"""From so many on, those of people who had nothing lately are forgotten now and then."""

_Way = tuple[str, str, str, bool, bool]
"""Person, channel, address, life safety, drill: what may be one digest."""


@dataclass(frozen=True, slots=True)
class PostLimits:
    """How many messages a person gets, and what waits.

    burst, burst_s: so many messages go at once within so many s
    digest_s, life_safety_digest_s: s from the first message that waits to its digest
    quiet_below:    quiet hours hold what is less severe than this, and no life safety
    held:           messages that wait; where there are more, digests go early, and with twice as many nothing waits
    """

    burst: int = 5
    burst_s: float = 10.0
    digest_s: float = 30.0
    life_safety_digest_s: float = 2.0
    quiet_below: Severity = Severity.ALARM
    held: int = 20_000


class Digest(NamedTuple):
    """A message in place of those that it covers; one that covers one is that message itself."""

    notification: Notification
    covers: tuple[Notification, ...]


class _Held(msgspec.Struct, frozen=True):
    """A message that waits. from_us: when it may be told."""

    notification: Notification
    hold: Hold
    from_us: int


class _Pile(msgspec.Struct):
    """What waits for one digest, the oldest first. storms: how many by a storm; worst: rank of the worst ever in it."""

    held: dict[str, _Held]
    storms: int = 0
    worst: int = -1

    @property
    def from_us(self) -> int:
        """When the first of it may be told."""
        return min(held.from_us for held in self.held.values())


@dataclass(slots=True)
class _Account:
    """What one person had lately."""

    life_safety: Burst
    rest: Burst
    budget: Budget


class _SavedAccount(msgspec.Struct, frozen=True):
    person: str
    life_safety: tuple[tuple[int, int], ...]
    rest: tuple[tuple[int, int], ...]
    per_hour: int | None
    full_us: int


class _Snapshot(msgspec.Struct, frozen=True):
    now_us: int
    sweep_at: int
    piles: tuple[tuple[_Way, _Pile], ...]
    agenda: tuple[tuple[_Way, int], ...]
    accounts: tuple[_SavedAccount, ...]


class Post:
    """Every message that waits, and what each person had lately; a fold."""

    def __init__(self, limits: PostLimits | None = None, counters: NoiseCounters | None = None) -> None:
        self._limits = limits or PostLimits()
        self._counters = counters or NoiseCounters()
        self._burst_us = round(self._limits.burst_s * 1e6)
        self._digest_us = {
            True: round(self._limits.life_safety_digest_s * 1e6),
            False: round(self._limits.digest_s * 1e6),
        }
        self._now_us = 0
        self._sweep_at = ACCOUNTS_SWEPT
        self._accounts: dict[str, _Account] = {}
        self._piles: dict[_Way, _Pile] = {}
        self._way_of: dict[str, _Way] = {}
        self._agenda = Agenda[_Way]()

    # ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────

    def __len__(self) -> int:
        """Messages that wait."""
        return len(self._way_of)

    @property
    def next_us(self) -> int | None:
        """When the next digest is due, None where none is."""
        return self._agenda.next_us

    def hold_of(self, notification: str) -> Hold | None:
        """Return why a message waits, None where it does not."""
        way = self._way_of.get(notification)
        return None if way is None else self._piles[way].held[notification].hold

    # ── folding ──────────────────────────────────────────────────────────────────────────────────────────────────

    def offer(
        self,
        notification: Notification,
        person: Person,
        now_us: int,
        quiet_until_us: int | None,
        *,
        grouped: bool = False,
    ) -> Notification | None:
        """Return the message where it is to be sent now, None where it waits for a digest.

        quiet_until_us: when the quiet hours end that the person is in, None where it is not
        grouped:        it is about an incident that is told together with another, and comes in a digest in any case
        """
        self._look_at(now_us)
        if notification.id in self._way_of:
            return None
        if notification.purpose is Purpose.TEST or notification.incident.exercise is Exercise.SYNTHETIC:
            return notification
        account = self._account(person)
        way = _way(notification)
        held = self._hold(notification, person, account, self._piles.get(way), quiet_until_us, grouped=grouped)
        if held is not None and len(self._way_of) >= 2 * self._limits.held:
            self._counters.full[Bound.HELD] += 1
            held = None
        if held is None:
            self._count(account, notification)
            self._counters.passed += 1
            return notification
        self._counters.held[held.hold] += 1
        self._put(way, held)
        return None

    def advance(self, now_us: int) -> list[Digest]:
        """Return the digests that are due by `now_us`."""
        self._look_at(now_us)
        digests: list[Digest] = []
        for way in list(self._agenda.take(now_us)):
            covers = self._ready(way)
            if covers:
                digest = make_digest(covers, now_us)
                self._count(self._accounts[digest.recipient], digest)
                digests.append(Digest(digest, covers))
                self._counters.digests += 1
                self._counters.digested += len(covers)
        return digests

    def drop(self, notifications: Iterable[str]) -> None:
        """Take messages out of what waits: they are not wanted any more. Those that do not wait are passed over."""
        for name in notifications:
            way = self._way_of.get(name)
            if way is not None:
                self._counters.dropped += 1
                self._remove(way, [self._piles[way].held[name]])

    def shift(self, step_us: int) -> None:
        """Move what was to be done after a time by `step_us`: our clock was stepped. Quiet ends by the new clock."""
        for account in self._accounts.values():
            account.life_safety.shift(step_us)
            account.rest.shift(step_us)
            account.budget.full_us += step_us
        for way, pile in self._piles.items():
            for name, held in pile.held.items():
                if held.hold is not Hold.QUIET:
                    pile.held[name] = msgspec.structs.replace(held, from_us=held.from_us + step_us)
            self._agenda.set(way, pile.from_us)
        # A step forward is told before a record has the new time; a step back may be found only by such a record.
        self._now_us += min(step_us, 0)

    # ── state ────────────────────────────────────────────────────────────────────────────────────────────────────

    def snapshot(self) -> bytes:
        """Return the whole state; `restore` takes it."""
        state = _Snapshot(
            now_us=self._now_us,
            sweep_at=self._sweep_at,
            piles=tuple(self._piles.items()),
            agenda=tuple(self._agenda.items()),
            accounts=tuple(
                _SavedAccount(
                    person, one.life_safety.saved(), one.rest.saved(), one.budget.per_hour, one.budget.full_us
                )
                for person, one in self._accounts.items()
            ),
        )
        return bytes([SNAPSHOT_VERSION]) + msgspec.msgpack.encode(state)

    def restore(self, snapshot: bytes) -> None:
        """Take the state of a snapshot in place of this one.

        Raises ValueError where it is of a version that this program does not read.
        """
        if not snapshot or snapshot[0] != SNAPSHOT_VERSION:
            raise ValueError(f"post snapshot of version {snapshot[:1]!r}; wanted {SNAPSHOT_VERSION}")
        state = msgspec.msgpack.decode(memoryview(snapshot)[1:], type=_Snapshot)
        self._now_us, self._sweep_at = state.now_us, state.sweep_at
        self._piles = dict(state.piles)
        self._way_of = {name: way for way, pile in state.piles for name in pile.held}
        self._agenda = Agenda()
        for way, due_us in state.agenda:
            self._agenda.set(way, due_us)
        self._accounts = {
            one.person: _Account(self._burst(one.life_safety), self._burst(one.rest), Budget(one.per_hour, one.full_us))
            for one in state.accounts
        }

    # ── deciding ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _hold(
        self,
        notification: Notification,
        person: Person,
        account: _Account,
        pile: _Pile | None,
        quiet_until_us: int | None,
        *,
        grouped: bool,
    ) -> _Held | None:
        """Return how the message waits, by the first line of the table above that holds; None where it does not."""
        incident, now_us = notification.incident, self._now_us
        is_life_safety, rank = incident.is_life_safety, RANK[incident.severity]
        if quiet_until_us is not None and quiet_until_us > now_us and self._is_quieted(incident, person):
            return _Held(notification, Hold.QUIET, quiet_until_us)
        if grouped:
            return _Held(notification, Hold.GROUP, now_us + self._digest_us[is_life_safety])
        burst = account.life_safety if is_life_safety else account.rest
        waits = pile is not None and pile.storms > 0 and rank <= pile.worst
        if waits or not burst.has_room(rank, now_us):
            return _Held(notification, Hold.STORM, now_us + self._digest_us[is_life_safety])
        room_us = now_us if is_life_safety else account.budget.room_us(now_us)
        return _Held(notification, Hold.BUDGET, room_us) if room_us > now_us else None

    def _is_quieted(self, incident: Incident, person: Person) -> bool:
        is_theirs = any(acceptance.by == person.name for acceptance in incident.acceptances)
        is_mild = RANK[incident.severity] < RANK[self._limits.quiet_below]
        return is_mild and not is_theirs and not incident.is_life_safety

    def _put(self, way: _Way, held: _Held) -> None:
        pile = self._piles.setdefault(way, _Pile({}))
        pile.held[held.notification.id] = held
        pile.storms += held.hold is Hold.STORM
        pile.worst = max(pile.worst, RANK[held.notification.incident.severity])
        self._way_of[held.notification.id] = way
        self._agenda.bring_forward(way, self._now_us if self._is_full else held.from_us)

    def _ready(self, way: _Way) -> tuple[Notification, ...]:
        """Take out of a pile whose time has come what goes into a digest now; the rest gets a time again."""
        pile, now_us = self._piles[way], self._now_us
        person, _, _, is_life_safety, _ = way
        room_us = now_us if is_life_safety else self._accounts[person].budget.room_us(now_us)
        if room_us > now_us:
            self._agenda.set(way, room_us)
            return ()
        is_due = self._is_full or pile.from_us <= now_us
        ready = [
            held for held in pile.held.values() if is_due and (held.hold is not Hold.QUIET or held.from_us <= now_us)
        ]
        self._remove(way, ready)
        if way in self._piles:
            self._agenda.set(way, pile.from_us)
        return tuple(held.notification for held in ready)

    def _remove(self, way: _Way, held: Iterable[_Held]) -> None:
        pile = self._piles[way]
        for one in held:
            del pile.held[one.notification.id], self._way_of[one.notification.id]
            pile.storms -= one.hold is Hold.STORM
        if not pile.held:
            del self._piles[way]
            self._agenda.drop(way)

    @property
    def _is_full(self) -> bool:
        return len(self._way_of) > self._limits.held

    def _count(self, account: _Account, notification: Notification) -> None:
        """Count a message that goes now."""
        incident = notification.incident
        burst = account.life_safety if incident.is_life_safety else account.rest
        burst.add(RANK[incident.severity], self._now_us)
        if not incident.is_life_safety:
            account.budget.spend(self._now_us)

    def _account(self, person: Person) -> _Account:
        account = self._accounts.get(person.name)
        if account is None:
            self._sweep()
            account = _Account(self._burst(), self._burst(), Budget(person.budget_per_hour))
            self._accounts[person.name] = account
        elif account.budget.per_hour != person.budget_per_hour:
            account.budget = Budget(person.budget_per_hour, self._now_us)
        return account

    def _burst(self, sent: Iterable[tuple[int, int]] = ()) -> Burst:
        return Burst(self._limits.burst, self._burst_us, sent)

    def _sweep(self) -> None:
        """Forget people who had nothing lately: the directory that they were in may be another by now."""
        if len(self._accounts) < self._sweep_at:
            return
        waiting = {person for person, *_ in self._piles}
        self._accounts = {
            name: account
            for name, account in self._accounts.items()
            if name in waiting
            or not account.life_safety.is_over(self._now_us)
            or not account.rest.is_over(self._now_us)
            or not account.budget.is_full(self._now_us)
        }
        self._sweep_at = max(ACCOUNTS_SWEPT, 2 * len(self._accounts))

    def _look_at(self, now_us: int) -> None:
        """Follow a clock that went back: what was due in a minute still is."""
        if now_us < self._now_us:
            self.shift(now_us - self._now_us)
        self._now_us = now_us


def _way(notification: Notification) -> _Way:
    incident = notification.incident
    drill = notification.drill or incident.exercise is Exercise.DRILL
    return notification.recipient, notification.channel, notification.address, incident.is_life_safety, drill
