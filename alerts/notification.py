"""`Notification`: one message owed to one person by one channel, with all that a channel needs to say it."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import msgspec

from alerts.incident import EventKind, Exercise, Incident
from alerts.people.model import Language

__all__ = ["CONSOLE", "Notification", "Purpose"]

BOTH = (Language.ZH, Language.EN)
CONSOLE: Final = "console"
"""The channel, and the recipient, of last resort; delivery always has it. It writes to the log, which wakes nobody."""


class Purpose(StrEnum):
    """What a message is for."""

    TELL = "tell"
    """A system, or a post that need not answer, learns of an event."""
    ASK = "ask"
    """A person is asked to answer."""
    INFORM = "inform"
    """A person who was asked learns what became of it."""
    REMIND = "remind"
    """The time of a step runs out, or has."""
    WHISTLE = "whistle"
    """A level above learns that those below did not act in time."""
    DIGEST = "digest"
    """Several things in one message."""
    TEST = "test"
    """A test of the way to a person, to be answered."""


class Notification(msgspec.Struct, frozen=True, kw_only=True):
    """One message.

    id:         made from the event, the recipient and the channel: receivers use it to know a repeat
    event:      id of the event that it tells; `kind` is that event's kind, or that of the last of an incident's
    recipient:  name of the person, or of the recipient of the settings
    address:    where the channel is to send it; "" where the channel knows
    created_us: journal time of the event; expires_us: when there is no use in it any more
    incident:   the incident after the event; of a digest the worst one
    others:     ids of further incidents that a digest is about, up to 50 of `others_count`
    wants_answer: a person's answer is waited for: by link, code or button
    code:       what a reply by SMS begins with; "" where none was given out
    languages:  what it is said in, in order
    drill:      an exercise: every channel says so
    """

    id: str
    event: str
    kind: EventKind
    recipient: str
    channel: str
    title_en: str
    title_zh: str
    body_en: str
    body_zh: str
    created_us: int
    expires_us: int
    incident: Incident
    drill: bool = False
    purpose: Purpose = Purpose.TELL
    address: str = ""
    wants_answer: bool = False
    code: str = ""
    languages: tuple[Language, ...] = BOTH
    others: tuple[str, ...] = ()
    others_count: int = 0

    @property
    def title(self) -> str:
        """One line, in each language."""
        mark = "[DRILL 演练] " if self.drill or self.incident.exercise is Exercise.DRILL else ""
        return mark + " / ".join(self.title_zh if one is Language.ZH else self.title_en for one in self.languages)

    @property
    def body(self) -> str:
        """A paragraph in each language."""
        return "\n\n".join(self.body_zh if one is Language.ZH else self.body_en for one in self.languages)

    @property
    def urgency(self) -> tuple[int, bool, int, str]:
        """Sorts the more urgent first: by severity, then life safety, then age."""
        return (-self.incident.severity.rank, not self.incident.is_life_safety, self.created_us, self.id)
