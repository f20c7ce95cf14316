"""The plan: who would be asked about an incident, when and by what, if nobody answered.

It looks at each step as of the step's own time: whoever has come on duty by then is asked. What is decided as it
happens (storms, groups, silences, who is on something already) is not in it; `alerts.response` decides that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from alerts.people.model import Language
from rules.model import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from alerts.incident import Incident
    from alerts.people.model import Chain, StepLimits
    from alerts.people.who import Asked, Who

__all__ = ["Plan", "PlannedAsk", "PlannedLevel", "PlannedLimit", "PlannedStep", "PlannedTry", "make_plan"]

_SECOND_US: Final = 1_000_000
_COLOURS: Final = (0.5, 0.8, 1.0)
"""Blue, yellow and red: shares of the time that a step of the response may take."""
_LIMITS: Final = ("accept", "dispatch", "arrive", "verify", "resolve")


class PlannedTry(msgspec.Struct, frozen=True):
    """One channel of a person.

    at_s:         s after the alarm, if those before it gave no receipt
    unanswered_s: s after the alarm, if they gave one, and nobody answered
    """

    channel: str
    at_s: float
    unanswered_s: float


class PlannedAsk(msgspec.Struct, frozen=True, kw_only=True):
    """One person of a step.

    is_again:        an earlier step asks them already, so that they are not asked anew; `tries` is empty then
    quiet_until_us:  end of the quiet hours that hold the message back, None where none do
    budget_per_hour: messages an hour before the rest waits; None where it does not count
    """

    person: str
    label: str
    why_en: str
    why_zh: str
    tries: tuple[PlannedTry, ...]
    languages: tuple[Language, ...]
    is_again: bool = False
    quiet_until_us: int | None = None
    budget_per_hour: int | None = None


class PlannedStep(msgspec.Struct, frozen=True, kw_only=True):
    """A step of the chain. at_s: s after the alarm; recipients: systems and displays that are told."""

    at_s: float
    to: tuple[str, ...]
    need: int
    inform: bool
    asked: tuple[PlannedAsk, ...]
    recipients: tuple[str, ...]


class PlannedLimit(msgspec.Struct, frozen=True):
    """A step of the response: s from the step before it until it is blue, yellow and red."""

    step: str
    blue_s: float
    yellow_s: float
    red_s: float


class PlannedLevel(msgspec.Struct, frozen=True, kw_only=True):
    """A level of supervision. at_s: s after the alarm, None where nothing is watched; people, recipients: by name."""

    name: str
    label: str
    at_s: float | None
    people: tuple[str, ...]
    recipients: tuple[str, ...]


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What would follow from an incident. chain: "" where nobody is asked; repeat_s, rounds: as in `Chain`."""

    grid: str
    chain: str
    steps: tuple[PlannedStep, ...] = ()
    repeat_s: float | None = None
    rounds: int | None = None
    limits: tuple[PlannedLimit, ...] = ()
    levels: tuple[PlannedLevel, ...] = ()


def make_plan(
    who: Who,
    incident: Incident,
    *,
    otherwise: Chain | None = None,
    quiet_below: Severity = Severity.ALARM,
    whistle_every_s: float | None = None,
) -> Plan:
    """Return what would follow from `incident` if nobody answered, from its `raised_us` on.

    otherwise:       the chain of what no route matches
    quiet_below:     quiet hours hold what is less severe
    whistle_every_s: from one level to the next once it is overdue; None: the limit again
    """
    chain = who.chain_for(incident) or otherwise
    found = who.limits_for(incident)
    limits = tuple(_limits(found)) if found else ()
    is_quieted = not incident.is_life_safety and incident.severity.rank < quiet_below.rank
    return Plan(
        grid=who.grid_of(incident),
        chain=chain.name if chain else "",
        steps=tuple(_steps(who, chain, incident, is_quieted=is_quieted)) if chain else (),
        repeat_s=chain.repeat_s if chain else None,
        rounds=chain.rounds if chain else None,
        limits=limits,
        levels=tuple(_levels(who, incident, limits, whistle_every_s)),
    )


def _steps(who: Who, chain: Chain, incident: Incident, *, is_quieted: bool) -> Iterator[PlannedStep]:
    at_s = 0.0
    is_reached = True
    before: set[str] = set()
    for step in chain.steps:
        at_s += step.after_s if is_reached else 0.0  # after a step that reaches nobody the next is taken at once
        now_us = incident.raised_us + round(at_s * _SECOND_US)
        asked = who.select(step.to, incident, now_us)
        recipients = tuple(who.recipients(step.to))
        is_reached = bool(asked or recipients)
        asks = tuple(
            _ask(who, chain, one, now_us, at_s, is_quieted=is_quieted, is_budgeted=not incident.is_life_safety)
            if one.person.name not in before
            else _again(one)
            for one in asked
        )
        if not step.inform:
            before.update(one.person.name for one in asked)
        yield PlannedStep(at_s=at_s, to=step.to, need=step.need, inform=step.inform, asked=asks, recipients=recipients)


def _ask(
    who: Who, chain: Chain, asked: Asked, now_us: int, at_s: float, *, is_quieted: bool, is_budgeted: bool
) -> PlannedAsk:
    person = asked.person
    return msgspec.structs.replace(
        _again(asked),
        is_again=False,
        tries=tuple(
            PlannedTry(contact.channel, at_s + nth * chain.receipt_s, at_s + nth * chain.answer_s)
            for nth, contact in enumerate(person.contacts)
        ),
        quiet_until_us=who.quiet_until_us(person, now_us) if is_quieted else None,
        budget_per_hour=person.budget_per_hour if is_budgeted else None,
    )


def _again(asked: Asked) -> PlannedAsk:
    person, why = asked.person, asked.why
    return PlannedAsk(
        person=person.name,
        label=person.called,
        why_en=why.en,
        why_zh=why.zh,
        tries=(),
        languages=person.languages,
        is_again=True,
    )


def _limits(limits: StepLimits) -> Iterator[PlannedLimit]:
    for step in _LIMITS:
        whole_s = getattr(limits, f"{step}_s")
        if whole_s is not None:
            yield PlannedLimit(step, *(share * whole_s for share in _COLOURS))


def _levels(
    who: Who, incident: Incident, limits: Sequence[PlannedLimit], whistle_every_s: float | None
) -> Iterator[PlannedLevel]:
    """Yield the levels: the first is told when the first limit is yellow, the others one after the other from red."""
    for nth, level in enumerate(who.directory.levels):
        at_s = None
        if limits:
            every_s = limits[0].red_s if whistle_every_s is None else whistle_every_s
            at_s = limits[0].yellow_s if nth == 0 else limits[0].red_s + (nth - 1) * every_s
        now_us = incident.raised_us + round((at_s or 0.0) * _SECOND_US)
        yield PlannedLevel(
            name=level.name,
            label=level.label or level.name,
            at_s=at_s,
            people=tuple(one.person.name for one in who.select(level.to, incident, now_us)),
            recipients=tuple(who.recipients(level.to)),
        )
