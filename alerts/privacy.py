"""What is seen of an elder, where they live and how they are: only while the incident is open, and each look noted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from devices.model import Kind

if TYPE_CHECKING:
    from alerts.incident import Incident

__all__ = ["VEIL_EN", "VEIL_ZH", "WHAT_IS_PROTECTED", "is_protected", "shown", "veiled"]

WHAT_IS_PROTECTED: Final = ("location", "health")
"""`Audit.what` of the two things that a look at such an incident shows."""
VEIL_EN: Final = "not shown any more: it is not open"
VEIL_ZH: Final = "事件已结束，不再显示"


def is_protected(incident: Incident) -> bool:
    """Say whether it tells where an elder is and how they are."""
    return incident.kind is Kind.WATCH


def shown(incident: Incident) -> Incident:
    """Return it as it may be told now: whole while it is open, veiled afterwards."""
    return incident if incident.state.is_open else veiled(incident)


def veiled(incident: Incident) -> Incident:
    """Return it without what is protected: the place, what was measured, and what people noted about it."""
    if not is_protected(incident):
        return incident
    return msgspec.structs.replace(
        incident,
        place=incident.site,
        place_zh=incident.site,
        latitude=None,
        longitude=None,
        building="",
        floor="",
        unit_name="",
        what_en=VEIL_EN,
        what_zh=VEIL_ZH,
        value=None,
        limit=None,
        measure=None,
        reference=None,
        low=None,
        high=None,
        note="",
    )
