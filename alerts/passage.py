"""The way of a notification from being owed to being answered, whole, as one table.

What is reported of it is the status that it would have: by delivery, by a receipt of the far end, by a person who
answers. A report that finds no line changes nothing and is counted: receipts come twice, late and in any order, and who
says FAILED after RECEIVED is not believed. A human's answer is always believed; so is a receipt for what nobody knew to
have arrived: an attempt without an answer, or one that was under way when it was withdrawn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from alerts.incident import NotificationStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["OPENING", "TABLE", "diagram", "passes"]

_QUEUED, _HANDED = NotificationStatus.QUEUED, NotificationStatus.HANDED
_RECEIVED, _ANSWERED = NotificationStatus.RECEIVED, NotificationStatus.ANSWERED
_FAILED, _UNKNOWN = NotificationStatus.FAILED, NotificationStatus.UNKNOWN
_EXPIRED, _WITHDRAWN = NotificationStatus.EXPIRED, NotificationStatus.WITHDRAWN

OPENING: Final = _QUEUED
"""How a notification begins: it is owed."""

TABLE: Final[Mapping[NotificationStatus, tuple[NotificationStatus, ...]]] = {
    _QUEUED: (
        _HANDED,
        _RECEIVED,  # where taking it is the receipt
        _ANSWERED,  # before delivery could say that it left
        _FAILED,
        _UNKNOWN,
        _EXPIRED,
        _WITHDRAWN,
    ),
    _HANDED: (_RECEIVED, _ANSWERED, _FAILED, _UNKNOWN, _EXPIRED),
    _RECEIVED: (_ANSWERED,),
    _ANSWERED: (),
    _FAILED: (_ANSWERED,),
    _UNKNOWN: (_HANDED, _RECEIVED, _ANSWERED, _FAILED),  # a gateway that was asked again knows
    _EXPIRED: (_RECEIVED, _ANSWERED),
    _WITHDRAWN: (_HANDED, _RECEIVED, _ANSWERED),  # it was under way
}
"""The reports that each status takes; the status reported is the one after it. What is not here does not happen."""


def passes(status: NotificationStatus, reported: NotificationStatus) -> bool:
    """Say whether a report brings a notification on; else it changes nothing."""
    return reported in TABLE[status]


def diagram() -> str:
    """Return the table as a Mermaid state diagram."""
    lines = ["stateDiagram-v2", f"    [*] --> {OPENING}"]
    lines += [f"    {status} --> {reported}" for status, reports in TABLE.items() for reported in reports]
    return "\n".join(lines)
