"""`ConsoleMetrics`: the console on `/metrics`."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from prometheus_client import Counter

from alerts.answer import Answer

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

__all__ = ["Area", "ConsoleMetrics", "Refusal", "Way"]


class Area(StrEnum):
    """What a request was for."""

    PAGE = "page"
    PUSH = "push"
    API = "api"
    INBOUND = "inbound"
    CAP = "cap"
    ALERTMANAGER = "alertmanager"
    OTHER = "other"


class Way(StrEnum):
    """How a person answered."""

    LINK = "link"
    SMS = "sms"
    VOICE = "voice"


class Refusal(StrEnum):
    """Why something was refused."""

    BAD_LINK = "bad_link"
    EXPIRED_LINK = "expired_link"
    GONE = "gone"
    """The link is good, and what it is about is no longer at hand."""
    TOO_LATE = "too_late"
    """The incident's state does not allow the answer any more."""
    BAD_FORM = "bad_form"
    BAD_TOKEN = "bad_token"  # noqa: S105  # a reason, not a secret
    NOT_ALLOWED = "not_allowed"
    BAD_REQUEST = "bad_request"
    TOO_LARGE = "too_large"
    GUESSING = "guessing"
    """Too many wrong links, tokens or secrets from one address."""
    BAD_SECRET = "bad_secret"  # noqa: S105  # as above
    UNREADABLE = "unreadable"
    """A gateway's report that its parser makes nothing of."""
    UNKNOWN_REFERENCE = "unknown_reference"
    """A receipt of a message that nobody waits for."""
    UNKNOWN_CODE = "unknown_code"
    """A reply's code is not live."""
    WRONG_ADDRESS = "wrong_address"
    """A reply's code is live, and was given to another address."""
    NOT_UNDERSTOOD = "not_understood"
    """A reply that is plainly no answer."""


_STATUS_CLASSES: Final = ("2xx", "3xx", "4xx", "5xx")


class ConsoleMetrics:
    """Requests, answers and refusals, on `registry`; every label is there from the start."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = Counter("vigil_console_requests", "Requests.", ["area", "status"], registry=registry)
        self._answers = Counter("vigil_console_answers", "Answers of people.", ["answer", "way"], registry=registry)
        self._refused = Counter("vigil_console_refused", "What was refused.", ["reason"], registry=registry)
        self._receipts = Counter("vigil_console_receipts", "Receipts of gateways.", registry=registry)
        for area in Area:
            for status in _STATUS_CLASSES:
                self._requests.labels(area, status)
        for answer in Answer:
            for way in Way:
                self._answers.labels(answer, way)
        for reason in Refusal:
            self._refused.labels(reason)

    def request(self, area: Area, status: int) -> None:
        """Count a request and how it ended."""
        self._requests.labels(area, f"{status // 100}xx").inc()

    def answer(self, answer: Answer, way: Way) -> None:
        """Count an answer that was taken."""
        self._answers.labels(answer, way).inc()

    def refuse(self, reason: Refusal) -> None:
        """Count a refusal."""
        self._refused.labels(reason).inc()

    def receipt(self) -> None:
        """Count a receipt that was taken."""
        self._receipts.inc()
