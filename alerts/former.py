"""What earlier versions wrote down about incidents, under the names that it has now.

Version 0.1 had one step between raised and resolved, `acknowledged`, and one person who took it. The enums read the old
values of states and events themselves.
"""

from __future__ import annotations

from typing import Any, Final

__all__ = ["FORMER_FIELD", "renamed"]

FORMER_FIELD: Final = "acknowledged_us"
"""Every incident that was written then has it, and none that is written now."""


def renamed(incident: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of an incident, former or present, as they are called now."""
    if FORMER_FIELD not in incident:
        return incident
    fields = dict(incident)
    accepted_us, by = fields.pop(FORMER_FIELD), fields.pop("acknowledged_by", "")
    acceptances = [{"by": by, "time_us": accepted_us}] if accepted_us is not None else []
    return {**fields, "accepted_us": accepted_us, "accepted_by": by, "acceptances": acceptances}
