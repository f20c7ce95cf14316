"""Named queries: `queries.sql`, read once.

A query begins with a line `-- name --`; the comment lines after it say what it does.
"""

from __future__ import annotations

import importlib.resources
import re

__all__ = ["parse_queries", "queries"]

_HEADING = re.compile(r"^-- ([a-z_]+) --\n(?:-- .*\n)*", re.MULTILINE)


def parse_queries(text: str) -> dict[str, bytes]:
    """Return the queries of `text` by name. Raises ValueError where two have the same name."""
    _, *parts = _HEADING.split(text)
    names = parts[0::2]
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"queries named twice: {repeated}")
    return {name: body.strip().encode() for name, body in zip(names, parts[1::2], strict=True)}


queries = parse_queries((importlib.resources.files("storage.sql") / "queries.sql").read_text("utf-8"))
