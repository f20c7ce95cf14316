"""What the control interface answers with."""

from __future__ import annotations

import msgspec
from starlette.responses import Response

__all__ = ["in_json", "no_incident"]


def in_json(content: object, status: int = 200) -> Response:
    """Return `content` as JSON."""
    return Response(msgspec.json.encode(content), status, media_type="application/json")


def no_incident(incident: str) -> Response:
    """Say that nothing is known of an incident of this id."""
    error = f"no incident {incident!r} among the open and the recent ones; the archive has the older ones"
    return in_json({"error": error}, 404)
