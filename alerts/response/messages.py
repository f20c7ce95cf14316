"""Messages: a `Notification` for each thing that somebody is to hear."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alerts.identity import NOTIFICATION_CHARACTERS, identity
from alerts.notification import BOTH, Notification, Purpose
from alerts.text import NOTHING, Text
from alerts.wording import title

if TYPE_CHECKING:
    from alerts.incident import EventKind, Incident
    from alerts.people.model import Contact, Person
    from alerts.response.limits import ResponseLimits

__all__ = ["Messages"]

OTHERS_KEPT = 50


class Messages:
    """Makes notifications; each has the name of what caused it."""

    def __init__(self, limits: ResponseLimits) -> None:
        self._life_safety_us = round(limits.life_safety_deadline_s * 1e6)
        self._other_us = round(limits.deadline_s * 1e6)
        self._last: tuple[EventKind | None, Incident | None, Text] = (None, None, NOTHING)

    def to_recipient(
        self,
        incident: Incident,
        kind: EventKind,
        text: Text,
        recipient: str,
        channel: str,
        now_us: int,
        *causes: str | int,
        event: str,
        purpose: Purpose = Purpose.TELL,
    ) -> Notification:
        """Return a message to a system or a display. causes: besides the recipient and the channel, what names it."""
        head = self._title(kind, incident)
        return Notification(
            id=identity(*causes, recipient, channel, characters=NOTIFICATION_CHARACTERS),
            event=event,
            kind=kind,
            recipient=recipient,
            channel=channel,
            title_en=head.en,
            title_zh=head.zh,
            body_en=text.en,
            body_zh=text.zh,
            created_us=now_us,
            expires_us=now_us + self._useful_us(incident),
            incident=incident,
            drill=incident.exercise is not None,
            purpose=purpose,
        )

    def to_person(
        self,
        incident: Incident,
        kind: EventKind,
        text: Text,
        person: Person,
        place: int,
        now_us: int,
        *causes: str | int,
        event: str,
        purpose: Purpose,
        mark: Text = NOTHING,
        code: str | None = None,
        others: tuple[str, ...] = (),
    ) -> Notification:
        """Return a message to a person by their contact at `place`.

        mark: begins the title; code: None where no answer is waited for, "" where there is no code for it
        """
        contact: Contact = person.contacts[place]
        head = self._title(kind, incident)
        return Notification(
            id=identity(*causes, person.name, place, contact.channel, characters=NOTIFICATION_CHARACTERS),
            event=event,
            kind=kind,
            recipient=person.name,
            channel=contact.channel,
            address=contact.address,
            title_en=mark.en + head.en,
            title_zh=mark.zh + head.zh,
            body_en=text.en,
            body_zh=text.zh,
            created_us=now_us,
            expires_us=now_us + self._useful_us(incident),
            incident=incident,
            drill=incident.exercise is not None,
            purpose=purpose,
            wants_answer=code is not None,
            code=code or "",
            languages=person.languages or BOTH,
            others=others[:OTHERS_KEPT],
            others_count=len(others),
        )

    def _title(self, kind: EventKind, incident: Incident) -> Text:
        """Return the title; it is the same for everybody who hears of one event."""
        last_kind, last_incident, head = self._last
        if last_kind is not kind or last_incident is not incident:
            head = title(kind, incident)
            self._last = (kind, incident, head)
        return head

    def _useful_us(self, incident: Incident) -> int:
        return self._life_safety_us if incident.is_life_safety else self._other_us
