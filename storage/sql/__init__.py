"""SQL: the schema, its migrations, and every query by its name."""

from storage.sql.migration import MigrationError, migrate, migrations
from storage.sql.migration_plan import MigrationPlan, Step, Touched, plan
from storage.sql.query import parse_queries, queries

__all__ = [
    "MigrationError",
    "MigrationPlan",
    "Step",
    "Touched",
    "migrate",
    "migrations",
    "parse_queries",
    "plan",
    "queries",
]
