"""The queries of the upkeep, by name."""

from __future__ import annotations

import importlib.resources

from storage.sql import parse_queries

__all__ = ["queries"]

queries = parse_queries((importlib.resources.files("storage.sql") / "upkeep.sql").read_text("utf-8"))
