"""What a person may decide about an incident over HTTP: one table from verb to command."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import msgspec

from alerts.command import (
    Accept,
    Arrive,
    Close,
    Dispatch,
    HandOver,
    IncidentCommand,
    NeedHelp,
    Note,
    Refuse,
    Reopen,
    Resolve,
    Verify,
)
from alerts.incident import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["VERBS", "Decision", "command_of"]

VERBS: Final[Mapping[str, type[IncidentCommand]]] = MappingProxyType(
    {
        "accept": Accept,
        "ack": Accept,
        "refuse": Refuse,
        "help-wanted": NeedHelp,
        "need-help": NeedHelp,
        "hand-over": HandOver,
        "dispatch": Dispatch,
        "arrive": Arrive,
        "verify": Verify,
        "resolve": Resolve,
        "close": Close,
        "reopen": Reopen,
        "note": Note,
    }
)
"""The last part of the path of a decision, and the command that it makes; `ack` is what accepting was called before."""


class Decision(msgspec.Struct, forbid_unknown_fields=True):
    """The words of a decision; fields as in the command of the verb, which takes no others."""

    by: str
    origin: str
    note: str = ""
    notification: str = ""
    outcome: Outcome | None = None
    to: str = ""
    rating: int | None = None


def command_of(verb: str, incident: str, decision: Decision) -> IncidentCommand:
    """Return the command that `decision` makes; raises ValueError or msgspec.ValidationError where it makes none."""
    kind = VERBS.get(verb)
    if kind is None:
        raise ValueError(f"{verb!r} is no decision; there are {', '.join(VERBS)}")
    if not decision.by.strip():
        raise ValueError("who decides? `by` is empty")
    given = {name: value for name, value in msgspec.structs.asdict(decision).items() if value not in {"", None}}
    if strange := sorted(given.keys() - set(kind.__struct_fields__)):
        raise ValueError(f"{verb} takes no {', '.join(strange)}")
    return msgspec.convert({"origin": "", **given, "incident": incident}, kind)
