"""Every command there is, and where the API takes it; `ORDERS` is what routes, checks and OpenAPI are made of."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPMethod
from typing import TYPE_CHECKING, Final

from alerts.command import (
    Accept,
    Arrive,
    Audit,
    Close,
    Dispatch,
    EndSilence,
    External,
    HandOver,
    NeedHelp,
    Note,
    Refuse,
    Reopen,
    Resolve,
    Settle,
    Silence,
    StartDrill,
    Subscribe,
    Test,
    Unsubscribe,
    Verify,
)
from console.settings import May

if TYPE_CHECKING:
    from alerts.command import Command

__all__ = ["ORDERS", "Order"]


@dataclass(frozen=True, slots=True)
class Order:
    """One command of the API.

    path:    under /api/v1; the names in braces are fields of the command
    fixed:   fields that the path says without naming them
    summary: for the OpenAPI document
    """

    method: HTTPMethod
    path: str
    command: type[Command]
    may: May
    summary: str
    fixed: tuple[tuple[str, str], ...] = ()

    @property
    def of_incident(self) -> bool:
        """Whether it is about one incident, which the path names."""
        return "{incident}" in self.path

    @property
    def of_silence(self) -> bool:
        """Whether it is about a silence that there is, which the path names."""
        return "{id}" in self.path


def _decision(verb: str, command: type[Command], summary: str) -> Order:
    return Order(HTTPMethod.POST, f"/incidents/{{incident}}/{verb}", command, May.DECIDE, summary)


ORDERS: Final = (
    _decision("accept", Accept, "A person is on it."),
    _decision("refuse", Refuse, "A person cannot take it, or gives it back."),
    _decision("need-help", NeedHelp, "More people are needed: the next step of the chain at once."),
    _decision("hand-over", HandOver, "Ask another person to take it over."),
    _decision("dispatch", Dispatch, "A team or station is on its way."),
    _decision("arrive", Arrive, "Somebody is there."),
    _decision("verify", Verify, "A person has seen what it is."),
    _decision("resolve", Resolve, "It is dealt with."),
    _decision("close", Close, "Rate how it went; nothing is left to do."),
    _decision("reopen", Reopen, "Raise it again."),
    _decision("note", Note, "Add a remark."),
    Order(HTTPMethod.POST, "/silences", Silence, May.SILENCE, "Tell nothing of what matches.", (("id", ""),)),
    Order(HTTPMethod.PUT, "/silences/{id}", Silence, May.SILENCE, "Change a silence."),
    Order(HTTPMethod.DELETE, "/silences/{id}", EndSilence, May.SILENCE, "End a silence before its time."),
    Order(HTTPMethod.POST, "/drills", StartDrill, May.DRILL, "Start an exercise with real people."),
    Order(HTTPMethod.POST, "/contact-tests", Test, May.DRILL, "Send test messages, to be answered."),
    Order(HTTPMethod.POST, "/externals", External, May.ADMIN, "Report another system's alert."),
    Order(
        HTTPMethod.POST,
        "/notifications/{notification}/settle",
        Settle,
        May.ADMIN,
        "Report what became of a notification.",
    ),
    Order(HTTPMethod.POST, "/subscriptions", Subscribe, May.ADMIN, "A person's browser takes web push."),
    Order(HTTPMethod.POST, "/subscriptions/remove", Unsubscribe, May.ADMIN, "A browser takes no more web push."),
    Order(HTTPMethod.POST, "/audits", Audit, May.ADMIN, "Note that somebody looked at protected data."),
)
