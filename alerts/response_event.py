"""What Vigil itself did to get an incident answered: who was asked, why others were, whose time ran out."""

from __future__ import annotations

from enum import StrEnum

import msgspec

__all__ = ["ResponseEvent", "ResponseKind"]


class ResponseKind(StrEnum):
    """What a line of the timeline tells of the response."""

    ASKED = "asked"
    """A person was asked to answer, or is asked again."""
    CHANNEL_CHANGED = "channel_changed"
    """No receipt, or no answer, in time: the person's next channel is tried."""
    UNREACHED = "unreached"
    """None of a person's channels is left."""
    NOBODY = "nobody"
    """A step of the chain has nobody on duty; the next is taken at once."""
    CROWDED = "crowded"
    """A step means more people than are asked at once: the last of them are left out."""
    ESCALATED = "escalated"
    """Nobody answered in time: the chain's next step is taken."""
    REPEATED = "repeated"
    """The chain has come to its end unanswered and begins anew."""
    REMINDED = "reminded"
    """Blue: half of a step's time is gone."""
    WARNED = "warned"
    """Yellow: a fifth of it is left."""
    OVERDUE = "overdue"
    """Red: it is over."""
    WHISTLED = "whistled"
    """It went one level up."""
    LAPSED = "lapsed"
    """Whom it was handed over to did not accept; who had it has it still."""
    GROUPED = "grouped"
    """It is told together with another of the same place."""
    INHIBITED = "inhibited"
    """Another explains it, and it is not told while that is open."""
    SILENCED = "silenced"
    """A silence of a person keeps it from being told."""
    FLAPPING = "flapping"
    """It comes and goes; it was said once, and is held until it is steady."""
    RELEASED = "released"
    """What kept it from being told is over."""
    DIGESTED = "digested"
    """A person was told of it in a digest."""
    HELD = "held"
    """A person's quiet hours or budget keep a message back; it comes in a digest."""


class ResponseEvent(msgspec.Struct, frozen=True, kw_only=True, tag="response"):
    """One line of an incident's timeline about the response.

    id:           incident id, "r" and a number, so that a replay says the same
    incident:     its id
    person:       name of whom it is about; "" for nobody
    notification: id of the message that goes with it; "" where none does
    step:         place of the step in its chain, from 0; None where none has a part in it
    detail:       a silence's id, the other incident's id, a level's name, a channel; "" where there is none
    place, digest: as in `alerts.evidence.chain`; 0 and "" before it is in the chain
    """

    id: str
    kind: ResponseKind
    incident: str
    time_us: int
    text_en: str
    text_zh: str
    person: str = ""
    notification: str = ""
    step: int | None = None
    detail: str = ""
    place: int = 0
    digest: str = ""
