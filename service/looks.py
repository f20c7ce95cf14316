"""Looks at what is protected, taken from the command line: noted like those by the page and the API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alerts import Audit
from alerts.privacy import WHAT_IS_PROTECTED, is_protected

if TYPE_CHECKING:
    from starlette.requests import Request

    from alerts import Incident
    from service.core import Core

__all__ = ["noted_look"]

BY = "command line"


async def noted_look(core: Core, incident: Incident, request: Request) -> None:
    """Note who looks at an elder's incident; `by` and `origin` of the query say who, and from where."""
    if not is_protected(incident):
        return
    for what in WHAT_IS_PROTECTED:
        await core.source.command(
            Audit(
                by=request.query_params.get("by", BY),
                origin=request.query_params.get("origin", BY),
                subject=incident.device,
                what=what,
                incident=incident.id,
            )
        )
