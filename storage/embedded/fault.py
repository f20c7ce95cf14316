"""What goes wrong with the embedded server."""

from __future__ import annotations

__all__ = ["EmbeddedPostgresError"]


class EmbeddedPostgresError(Exception):
    """The server could not be made, started or stopped; the message says why, and where the log is."""
