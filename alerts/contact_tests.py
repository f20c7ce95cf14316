"""`ContactTests`: whether each way to each person works, tried every month and whenever somebody asks for it. Pure.

Each contact of each person gets one message that wants an answer. What came of it is told by delivery (`settled`) and
by the person (`answered`); after a day the test is over, and who gave no answer by any way has not been reached.
"""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

import msgspec

from alerts.contact_message import exercise, message
from alerts.identity import INCIDENT_CHARACTERS, NOTIFICATION_CHARACTERS, identity, normalised
from alerts.incident import NotificationStatus
from alerts.lifecycle import CommandRejected

if TYPE_CHECKING:
    from alerts.command import Test
    from alerts.incident import NotificationEvent
    from alerts.notification import Notification
    from alerts.people.model import Directory, Person

__all__ = [
    "ContactReport",
    "ContactTests",
    "PersonReport",
    "SelfTest",
    "TestReport",
    "Way",
]

SNAPSHOT_VERSION: Final = 1
CODE_DIGITS: Final = 6
LATE_US: Final = 3_600_000_000
"""A monthly test that could not begin within an hour of its time waits for that hour of the next day: people expect it
then, and not in the night in which the service came back."""


@dataclass(frozen=True, slots=True)
class SelfTest:
    """When the monthly test is, and how much is kept.

    day:            of the month, its last one where it is shorter; None: only when somebody asks
    hour, timezone: local time at which it begins
    answer_s:       after so long the test is over, s
    kept:           newest tests that are kept and reported
    messages:       of one test; who comes later in the directory is left out and counted
    """

    day: int | None = 1
    hour: int = 10
    timezone: str = "Asia/Shanghai"
    answer_s: float = 86_400.0
    kept: int = 4
    messages: int = 5_000


class Way(StrEnum):
    """What is known of one contact."""

    ANSWERED = "answered"
    """The person has answered this message."""
    RECEIVED = "received"
    """It is on their device, and they have not answered it."""
    HANDED = "handed"
    """It went out; no receipt has come."""
    WAITS = "waits"
    """It has not gone out yet."""
    FAILED = "failed"
    """It did not go out, or nobody knows."""


_WAY: Final = {
    NotificationStatus.QUEUED: Way.WAITS,
    NotificationStatus.HANDED: Way.HANDED,
    NotificationStatus.RECEIVED: Way.RECEIVED,
    NotificationStatus.ANSWERED: Way.ANSWERED,
    NotificationStatus.FAILED: Way.FAILED,
    NotificationStatus.UNKNOWN: Way.FAILED,
    NotificationStatus.EXPIRED: Way.FAILED,
    NotificationStatus.WITHDRAWN: Way.FAILED,
}


class ContactReport(msgspec.Struct, frozen=True, kw_only=True):
    """One contact in one test. had_receipt: it was on their device; answered_us: µs since the epoch, None: not yet."""

    channel: str
    way: Way
    had_receipt: bool = False
    answered_us: int | None = None
    detail: str = ""


class PersonReport(msgspec.Struct, frozen=True, kw_only=True):
    """One person in one test. reached: they answered by one way at least; no contacts: there is no way to them."""

    person: str
    reached: bool
    contacts: tuple[ContactReport, ...]


class TestReport(msgspec.Struct, frozen=True, kw_only=True):
    """One test. by: who asked for it, "" for the monthly one; left_out: contacts beyond what one test may send."""

    __test__ = False  # no test of pytest's

    id: str
    by: str
    started_us: int
    ends_us: int
    over: bool
    left_out: int
    unreached: tuple[str, ...]
    people: tuple[PersonReport, ...]


class _Tried(msgspec.Struct):
    """One message of a test, and what came of it."""

    person: str
    channel: str
    code: str
    status: NotificationStatus = NotificationStatus.QUEUED
    had_receipt: bool = False
    answered_us: int | None = None
    detail: str = ""


class _Test(msgspec.Struct):
    """One test. people: everybody who was meant, in the directory's order; tried: by notification id."""

    id: str
    by: str
    started_us: int
    ends_us: int
    people: list[str]
    tried: dict[str, _Tried]
    left_out: int = 0
    over: bool = False


class _Snapshot(msgspec.Struct, frozen=True):
    tests: list[_Test]
    due_us: int | None
    due_by: tuple[int, int, str] | None


class ContactTests:
    """The newest tests, oldest first, and when the next monthly one is due."""

    def __init__(self, limits: SelfTest | None = None) -> None:
        self._limits = limits or SelfTest()
        self._zone = ZoneInfo(self._limits.timezone)
        self._tests: list[_Test] = []
        self._of: dict[str, _Test] = {}
        self._due_us: int | None = None
        self._due_by: tuple[int, int, str] | None = None

    # ── what happens ─────────────────────────────────────────────────────────────────────────────────────────────

    def start(self, command: Test, directory: Directory, now_us: int, offset: int) -> list[Notification]:
        """Begin the test that a person asks for; return its messages.

        offset: of the command in the journal, from which the test has its name
        Raises CommandRejected where nobody of that name is in the directory, or nobody has a contact.
        """
        by_name = {person.name: person for person in directory.people}
        if strange := [name for name in command.people if name not in by_name]:
            raise CommandRejected(f"nobody is called {', '.join(map(repr, strange))}")
        people = [by_name[name] for name in dict.fromkeys(command.people)] or list(directory.people)
        if not any(person.contacts for person in people):
            raise CommandRejected("nobody who was meant has a contact")
        return self._begin(people, ("asked", offset), command.by, now_us)

    def settled(self, event: NotificationEvent, now_us: int) -> None:
        """Take note of what became of a message; those of others are left quietly."""
        del now_us
        test = self._of.get(event.notification)
        if test is None:
            return
        tried = test.tried[event.notification]
        tried.had_receipt |= event.status is NotificationStatus.RECEIVED
        if tried.answered_us is None:
            tried.status, tried.detail = event.status, event.detail

    def answered(self, notification: str, now_us: int) -> bool:
        """Take note of an answer to a message; return whether it was one of a test. The first answer counts."""
        test = self._of.get(notification)
        if test is None:
            return False
        tried = test.tried[notification]
        if tried.answered_us is None:
            tried.answered_us = now_us
            tried.status, tried.detail = NotificationStatus.ANSWERED, ""
        return True

    def advance(self, now_us: int, directory: Directory) -> list[Notification]:
        """End what is over, and begin the monthly test where it is due; return its messages."""
        for test in self._tests:
            test.over |= now_us >= test.ends_us
        limits = self._limits
        if limits.day is None:
            self._due_us = None
            return []
        by = (limits.day, limits.hour, limits.timezone)
        if self._due_us is None or self._due_by != by:
            self._due_us, self._due_by = self._next(now_us), by
        if now_us < self._due_us:
            return []
        due_us = self._due_us
        if now_us - due_us > LATE_US:
            self._due_us = self._tomorrow(now_us)
            return []
        self._due_us = self._next(now_us)
        if not any(person.contacts for person in directory.people):
            return []
        return self._begin(list(directory.people), ("monthly", due_us), "", now_us)

    # ── what is known ────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def next_us(self) -> int | None:
        """When something is due without anybody's doing, µs since the epoch; None before the first `advance`."""
        times = [test.ends_us for test in self._tests if not test.over]
        if self._due_us is not None:
            times.append(self._due_us)
        return min(times, default=None)

    def by_code(self, code: str) -> str:
        """Return the id of the message that a reply by SMS answers, "" where it is none of a test that goes on."""
        wanted = normalised(code)
        for test in self._tests:
            for name, tried in test.tried.items():
                if tried.code == wanted and not test.over:
                    return name
        return ""

    def unreached(self) -> list[str]:
        """Return who was meant and not reached in the newest test that they were part of and that is over."""
        found: dict[str, bool] = {}
        for test in self._tests:
            if test.over:
                missing = set(_unreached(test))
                found.update({person: person in missing for person in test.people})
        return [person for person, is_unreached in found.items() if is_unreached]

    def report(self, test: str = "") -> TestReport | None:
        """Return what came of a test, the newest one where no id is given; None where there is none."""
        return next((_report(one) for one in reversed(self._tests) if test in {"", one.id}), None)

    def reports(self) -> list[TestReport]:
        """Return what came of every test that is kept, the newest first."""
        return [_report(test) for test in reversed(self._tests)]

    def snapshot(self) -> bytes:
        """Return the whole state; `restore` takes it."""
        return bytes([SNAPSHOT_VERSION]) + msgspec.msgpack.encode(_Snapshot(self._tests, self._due_us, self._due_by))

    def restore(self, snapshot: bytes) -> None:
        """Take the state of a snapshot in place of this one.

        Raises ValueError where it is of a version that this program does not read.
        """
        if not snapshot or snapshot[0] != SNAPSHOT_VERSION:
            raise ValueError(f"contact tests snapshot of version {snapshot[:1]!r}; wanted {SNAPSHOT_VERSION}")
        state = msgspec.msgpack.decode(memoryview(snapshot)[1:], type=_Snapshot)
        self._tests, self._due_us, self._due_by = state.tests, state.due_us, state.due_by
        self._of = {name: test for test in self._tests for name in test.tried}

    # ── how it is done ───────────────────────────────────────────────────────────────────────────────────────────

    def _begin(self, people: list[Person], cause: tuple[str, int], by: str, now_us: int) -> list[Notification]:
        limits = self._limits
        name = identity("contact-test", *cause, characters=INCIDENT_CHARACTERS, taken=[one.id for one in self._tests])
        ends_us = now_us + round(limits.answer_s * 1e6)
        test = _Test(name, by, now_us, ends_us, [person.name for person in people], {})
        taken = {tried.code for one in self._tests for tried in one.tried.values()}
        about = exercise(name, by, now_us)
        messages: list[Notification] = []
        for person in people:
            for place, contact in enumerate(person.contacts):
                if len(messages) >= limits.messages:
                    test.left_out += 1
                    continue
                code = _code(name, person.name, place, taken)
                taken.add(code)
                sent = message(about, person, contact, place, code, ends_us, self._zone)
                test.tried[sent.id] = _Tried(person.name, contact.channel, code)
                messages.append(sent)
        self._tests.append(test)
        self._tests = self._tests[-limits.kept :]
        self._of = {one: test for test in self._tests for one in test.tried}
        return messages

    def _next(self, now_us: int) -> int:
        """Return when the next monthly test is due after `now_us`."""
        now = datetime.fromtimestamp(now_us / 1e6, UTC).astimezone(self._zone)
        year, month = now.year, now.month
        while (at_us := self._at(year, month)) <= now_us:
            year, month = (year, month + 1) if month < 12 else (year + 1, 1)  # noqa: PLR2004 - months of a year
        return at_us

    def _at(self, year: int, month: int) -> int:
        day = min(self._limits.day or 1, calendar.monthrange(year, month)[1])
        return _us(datetime(year, month, day, self._limits.hour, tzinfo=self._zone))

    def _tomorrow(self, now_us: int) -> int:
        """Return the next time that it is the test's hour."""
        now = datetime.fromtimestamp(now_us / 1e6, UTC).astimezone(self._zone)
        at = datetime(now.year, now.month, now.day, self._limits.hour, tzinfo=self._zone)
        return _us(at) if _us(at) > now_us else _us(at + timedelta(days=1))


def _us(at: datetime) -> int:
    return round(at.timestamp()) * 1_000_000


def _code(test: str, person: str, place: int, taken: set[str]) -> str:
    """Return what a reply begins with: a T, which no code of an alarm begins with, and digits."""
    salt = 0
    while True:
        number = int.from_bytes(identity(test, person, place, salt, characters=NOTIFICATION_CHARACTERS).encode(), "big")
        code = f"T{number % 10**CODE_DIGITS:0{CODE_DIGITS}}"
        if code not in taken:
            return code
        salt += 1


def _unreached(test: _Test) -> list[str]:
    answered = {tried.person for tried in test.tried.values() if tried.answered_us is not None}
    return [person for person in test.people if person not in answered]


def _report(test: _Test) -> TestReport:
    unreached = dict.fromkeys(_unreached(test))
    contacts: dict[str, list[ContactReport]] = {person: [] for person in test.people}
    for tried in test.tried.values():
        contacts[tried.person].append(
            ContactReport(
                channel=tried.channel,
                way=_WAY[tried.status],
                had_receipt=tried.had_receipt,
                answered_us=tried.answered_us,
                detail=tried.detail,
            )
        )
    return TestReport(
        id=test.id,
        by=test.by,
        started_us=test.started_us,
        ends_us=test.ends_us,
        over=test.over,
        left_out=test.left_out,
        unreached=tuple(unreached),
        people=tuple(
            PersonReport(person=person, reached=person not in unreached, contacts=tuple(theirs))
            for person, theirs in contacts.items()
        ),
    )
