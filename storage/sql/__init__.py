"""SQL: the schema, its migrations, and every query by its name."""

from storage.sql.migration import MigrationError, migrate, migrations
from storage.sql.query import parse_queries, queries

__all__ = ["MigrationError", "migrate", "migrations", "parse_queries", "queries"]
