"""Notifications to people, for the tests of SMS and calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from alerts.incident import Exercise
from alerts.notification import Purpose
from alerts.people.model import Language
from tests.support.incident import T0, gas, message

if TYPE_CHECKING:
    from alerts.notification import Notification

__all__ = ["ASKED", "BOTH", "EN", "INCIDENT", "NUMBER", "T0", "ZH", "asked", "drill"]

NUMBER: Final = "+8613800138000"
ZH: Final = (Language.ZH,)
EN: Final = (Language.EN,)
BOTH: Final = (Language.ZH, Language.EN)

INCIDENT: Final = gas(id="7K2MQ4TX")
ASKED: Final = message(INCIDENT, purpose=Purpose.ASK, address=NUMBER, wants_answer=True, code="4821", languages=ZH)


def asked(**changes: Any) -> Notification:
    """Return a person's notification with these changes."""
    return replace(ASKED, **changes)


def drill(**changes: Any) -> Notification:
    """Return one of an exercise."""
    return asked(drill=True, incident=replace(INCIDENT, exercise=Exercise.DRILL), **changes)
