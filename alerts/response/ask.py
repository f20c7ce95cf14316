"""`Ask`: one person who is asked, or told, about one incident."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from alerts.text import Text

__all__ = ["Ask", "AskState"]


class AskState(StrEnum):
    """How it stands with one person."""

    HELD = "held"
    """Their message waits for a digest."""
    WAITING = "waiting"
    """A message is on its way or there, and they have not answered."""
    UNREACHED = "unreached"
    """None of their channels is left, until the chain begins anew."""
    REFUSED = "refused"
    """They cannot take it, or gave it back."""
    ANSWERED = "answered"
    """They are on it."""
    OVER = "over"
    """Enough others are on it, or it is not asked about any more."""
    TOLD = "told"
    """They were told, and need not answer."""

    @property
    def is_live(self) -> bool:
        """Whether their answer is waited for."""
        return self in {AskState.HELD, AskState.WAITING}


class Ask(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One person and one incident, for as long as that is open.

    incident:     its id
    person:       name
    code:         what their reply by SMS begins with; "" where none was given out
    step, round:  the step of the chain as whose they are asked, None where they are of none, and in which round
    station:      name of the station as which they are asked, "" where it is none
    why_en, why_zh: such as "team north, on duty until 18:00"
    contact:      place of the contact that is tried, in their contacts
    notification: id of the newest message that asks them; "" where there is none
    is_there:     that message has arrived as far as can be known, and an answer is waited for
    asked_us, handed_us: journal times when that message was owed, and handed over
    due_us:       journal time when their next channel is tried, None where none is
    was_sent:     a message was owed to them, and not only held back
    reached:      place of the contact that last reached them, None where none did
    messages:     ids of the messages by which they can answer, oldest first
    """

    incident: str
    person: str
    state: AskState
    code: str = ""
    step: int | None = None
    round: int = 0
    station: str = ""
    why_en: str = ""
    why_zh: str = ""
    contact: int = 0
    notification: str = ""
    is_there: bool = False
    asked_us: int = 0
    handed_us: int | None = None
    due_us: int | None = None
    was_sent: bool = False
    reached: int | None = None
    messages: tuple[str, ...] = ()

    @property
    def why(self) -> Text:
        """Why they are asked."""
        return Text(self.why_en, self.why_zh)

    def shifted(self, step_us: int) -> Ask:
        """Return it with its times moved."""
        return msgspec.structs.replace(
            self,
            asked_us=self.asked_us + step_us,
            handed_us=None if self.handed_us is None else self.handed_us + step_us,
            due_us=None if self.due_us is None else self.due_us + step_us,
        )
