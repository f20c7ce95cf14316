"""The report of a response: who was asked when and by what, what came of it, who answered first, and who never did.

It is made of the lines of one incident's timeline, so it serves drills and real incidents alike. Where an incident was
raised more than once, it is about the last time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from alerts.incident import (
    EventKind,
    Exercise,
    Incident,
    IncidentEvent,
    IncidentState,
    NotificationEvent,
    NotificationStatus,
)
from alerts.response_event import ResponseEvent, ResponseKind
from alerts.stages_taken import StageTaken, stages_taken

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from alerts.evidence.line import ChainedEvent
    from alerts.people.model import StepLimits

__all__ = [
    "CourseLine",
    "FirstAnswer",
    "PersonAsked",
    "RecipientTold",
    "ResponseReport",
    "TriedChannel",
    "report_of",
]

TAKES_UP: Final = frozenset(
    {
        EventKind.ACCEPTED,
        EventKind.HELP_WANTED,
        EventKind.HANDED_OVER,
        EventKind.DISPATCHED,
        EventKind.ARRIVED,
        EventKind.VERIFIED,
        EventKind.RESOLVED,
    }
)
"""By these a person is on it; by resolving a drill only who was asked: whoever leads it ends it so."""
ANSWERS: Final = TAKES_UP | {EventKind.REFUSED}
_RAISES: Final = frozenset({EventKind.RAISED, EventKind.REOPENED})
_ASKS: Final = frozenset({ResponseKind.ASKED, ResponseKind.CHANNEL_CHANGED})


class TriedChannel(msgspec.Struct, frozen=True, kw_only=True):
    """One message that asked a person. Times in µs since the epoch, None where it did not come so far.

    detail: the receipt, or why there is none
    """

    channel: str
    notification: str
    asked_us: int
    handed_us: int | None = None
    received_us: int | None = None
    answered_us: int | None = None
    status: NotificationStatus = NotificationStatus.QUEUED
    detail: str = ""


class PersonAsked(msgspec.Struct, frozen=True, kw_only=True):
    """One person who was asked, or who answered unasked: then `tries` is empty.

    asked_us: when they were asked first, None where they were not
    answer:   the first thing that they did, None where they did nothing; answered_us: when; via: from where
    after_s:  from when they were asked until they answered; where they did not, until somebody was on it, it ended, or
              now. None where they were not asked
    unreached: nothing was handed over for them, and none of their channels was left
    """

    person: str
    tries: tuple[TriedChannel, ...] = ()
    asked_us: int | None = None
    answer: EventKind | None = None
    answered_us: int | None = None
    via: str = ""
    after_s: float | None = None
    unreached: bool = False


class FirstAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Who was on it first. after_s: since it was raised."""

    person: str
    kind: EventKind
    time_us: int
    after_s: float
    via: str


class RecipientTold(msgspec.Struct, frozen=True, kw_only=True):
    """Who was told by a channel and not asked: systems, displays, people who need not answer.

    messages: those that came to an end, of which `arrived` were handed over or received
    """

    recipient: str
    channel: str
    messages: int
    arrived: int
    first_us: int


class CourseLine(msgspec.Struct, frozen=True, kw_only=True):
    """Something that people or Vigil did. after_s: since it was raised; step: as in `ResponseEvent`."""

    time_us: int
    after_s: float
    kind: str
    who: str
    text_en: str
    text_zh: str
    step: int | None = None


class ResponseReport(msgspec.Struct, frozen=True, kw_only=True):
    """What was done about one incident. Times in µs since the epoch.

    begun_by: who started the drill, "" for a real incident
    ended_us, ended_by: None and "" while it is open; by "" where it ended by itself
    silent:   names of those who were asked and never answered
    missing:  lines of the timeline that are no more at hand
    """

    incident: str
    exercise: Exercise | None
    device: str
    place: str
    rule: str
    rule_name_en: str
    rule_name_zh: str
    state: IncidentState
    raised_us: int
    begun_by: str
    ended_us: int | None
    ended_by: str
    made_us: int
    first: FirstAnswer | None
    people: tuple[PersonAsked, ...]
    silent: tuple[str, ...]
    told: tuple[RecipientTold, ...]
    stages: tuple[StageTaken, ...]
    course: tuple[CourseLine, ...]
    missing: int


def report_of(
    incident: Incident, events: Sequence[ChainedEvent], limits: StepLimits | None, now_us: int
) -> ResponseReport:
    """Return the report of `incident`, whose timeline is `events`, oldest first.

    limits: of its steps; now_us: µs since the epoch, for what goes on still
    """
    raised = [place for place, event in enumerate(events) if isinstance(event, IncidentEvent) and _raises(event)]
    lines = events[raised[-1] :] if raised else events
    head = lines[0] if raised else None
    until_us = now_us if incident.closed_us is None else incident.closed_us
    asked = _asked(lines)
    answers = _answers(lines, asked)
    first = next((answer for answer in answers if answer.kind in TAKES_UP), None)
    on_it_us = until_us if first is None else min(until_us, first.time_us)
    people = tuple(_people(asked, answers, _unreached(lines), on_it_us))
    return ResponseReport(
        incident=incident.id,
        exercise=incident.exercise,
        device=incident.device,
        place=incident.place,
        rule=incident.rule_id,
        rule_name_en=incident.rule_name_en,
        rule_name_zh=incident.rule_name_zh,
        state=incident.state,
        raised_us=incident.raised_us,
        begun_by=head.by if isinstance(head, IncidentEvent) and incident.exercise is Exercise.DRILL else "",
        ended_us=incident.closed_us,
        ended_by=incident.closed_by,
        made_us=now_us,
        first=None if first is None else _first(first, incident),
        people=people,
        silent=tuple(one.person for one in people if one.asked_us is not None and one.answer is None),
        told=tuple(_told(lines, asked)),
        stages=tuple(stages_taken(incident, limits, until_us, is_taken_up=first is not None)),
        course=tuple(_course(lines, incident.raised_us)),
        missing=max(0, events[0].place - 1) if events else 0,
    )


def _raises(event: IncidentEvent) -> bool:
    return event.kind in _RAISES


# ── who was asked ────────────────────────────────────────────────────────────────────────────────────────────────────


def _asked(lines: Iterable[ChainedEvent]) -> dict[str, dict[str, TriedChannel]]:
    """Return the messages that asked people: by person, in the order in which they were first asked, and by id.

    A digest does not say what it holds: until somebody is on it, it is taken to ask, after that to tell of that.
    """
    asked: dict[str, dict[str, TriedChannel]] = {}
    person_of: dict[str, str] = {}
    asks = _ASKS | {ResponseKind.DIGESTED}
    for line in lines:
        match line:
            case ResponseEvent(kind=kind, person=person, notification=name) if kind in asks and name:
                tried = TriedChannel(channel=line.detail, notification=name, asked_us=line.time_us)
                asked.setdefault(person, {})[name] = tried
                person_of[name] = person
            case NotificationEvent(notification=name) if name in person_of:
                tries = asked[person_of[name]]
                tries[name] = _settled(tries[name], line)
            case IncidentEvent(kind=kind, by=by) if kind in TAKES_UP and by:
                asks = _ASKS
            case _:
                pass
    return asked


def _settled(tried: TriedChannel, line: NotificationEvent) -> TriedChannel:
    facts: dict[str, object] = {"status": line.status, "detail": line.detail or tried.detail}
    match line.status:
        case NotificationStatus.HANDED:
            facts["handed_us"] = line.time_us
        case NotificationStatus.RECEIVED:
            facts |= {"received_us": line.time_us, "handed_us": tried.handed_us or line.time_us}
        case NotificationStatus.ANSWERED:
            facts["answered_us"] = line.time_us
        case _:
            pass
    return msgspec.structs.replace(tried, **facts)


def _answers(lines: Iterable[ChainedEvent], asked: dict[str, dict[str, TriedChannel]]) -> list[IncidentEvent]:
    """Return what people answered, oldest first."""
    return [
        line
        for line in lines
        if isinstance(line, IncidentEvent)
        and line.kind in ANSWERS
        and line.by
        and (line.kind is not EventKind.RESOLVED or line.by in asked or line.incident.exercise is None)
    ]


def _unreached(lines: Iterable[ChainedEvent]) -> dict[str, bool]:
    """Return whether the last that was tried of a person failed with none left, by person."""
    unreached: dict[str, bool] = {}
    for line in lines:
        if isinstance(line, ResponseEvent) and line.person:
            if line.kind is ResponseKind.UNREACHED:
                unreached[line.person] = True
            elif line.kind in _ASKS:
                unreached[line.person] = False
    return unreached


def _people(
    asked: dict[str, dict[str, TriedChannel]],
    answers: list[IncidentEvent],
    unreached: dict[str, bool],
    on_it_us: int,
) -> Iterable[PersonAsked]:
    answer_of: dict[str, IncidentEvent] = {}
    for answer in answers:
        answer_of.setdefault(answer.by, answer)
    for person in dict.fromkeys((*asked, *unreached, *answer_of)):
        tries = tuple(asked.get(person, {}).values())
        asked_us = tries[0].asked_us if tries else None
        answer_line = answer_of.get(person)
        until_us = on_it_us if answer_line is None else answer_line.time_us
        yield PersonAsked(
            person=person,
            tries=tries,
            asked_us=asked_us,
            answer=None if answer_line is None else answer_line.kind,
            answered_us=None if answer_line is None else answer_line.time_us,
            via="" if answer_line is None else answer_line.origin,
            after_s=None if asked_us is None else max(0, until_us - asked_us) / 1e6,
            unreached=unreached.get(person, False) and all(tried.handed_us is None for tried in tries),
        )


def _first(answer: IncidentEvent, incident: Incident) -> FirstAnswer:
    return FirstAnswer(
        person=answer.by,
        kind=answer.kind,
        time_us=answer.time_us,
        after_s=(answer.time_us - incident.raised_us) / 1e6,
        via=answer.origin,
    )


def _told(lines: Iterable[ChainedEvent], asked: dict[str, dict[str, TriedChannel]]) -> Iterable[RecipientTold]:
    """Yield who else was told, in the order in which they were."""
    messages: dict[tuple[str, str], dict[str, NotificationEvent]] = {}
    first_us: dict[tuple[str, str], int] = {}
    for line in lines:
        if isinstance(line, NotificationEvent) and line.recipient not in asked:
            key = line.recipient, line.channel
            messages.setdefault(key, {})[line.notification] = line
            first_us.setdefault(key, line.time_us)
    arrived = {NotificationStatus.HANDED, NotificationStatus.RECEIVED, NotificationStatus.ANSWERED}
    for (recipient, channel), by_id in messages.items():
        yield RecipientTold(
            recipient=recipient,
            channel=channel,
            messages=len(by_id),
            arrived=sum(one.status in arrived for one in by_id.values()),
            first_us=first_us[recipient, channel],
        )


# ── what was done ────────────────────────────────────────────────────────────────────────────────────────────────────


def _course(lines: Iterable[ChainedEvent], raised_us: int) -> Iterable[CourseLine]:
    """Yield what people and Vigil did; who was asked by what is said per person."""
    for line in lines:
        match line:
            case IncidentEvent(kind=kind, by=who):
                step: int | None = None
            case ResponseEvent(kind=ResponseKind.ASKED | ResponseKind.CHANNEL_CHANGED):
                continue
            case ResponseEvent(kind=kind, person=who):
                step = line.step
            case _:
                continue
        yield CourseLine(
            time_us=line.time_us,
            after_s=(line.time_us - raised_us) / 1e6,
            kind=kind,
            who=who,
            text_en=line.text_en,
            text_zh=line.text_zh,
            step=step,
        )
