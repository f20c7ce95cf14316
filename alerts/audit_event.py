"""Who looked at what is protected: an elder's location, health data, a person's number."""

from __future__ import annotations

import msgspec

__all__ = ["AuditEvent"]


class AuditEvent(msgspec.Struct, frozen=True, kw_only=True, tag="audit"):
    """One look, or one that was refused; fields as in `alerts.command.Audit`.

    id: made from its place in the journal, so that a replay says the same
    """

    id: str
    time_us: int
    by: str
    origin: str
    subject: str
    what: str
    incident: str
    allowed: bool
    place: int = 0
    digest: str = ""
