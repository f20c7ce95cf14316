"""PostgreSQL of our own: its programs from a wheel, its server beside the service, its data where it is told."""

from storage.embedded.account import Account, account_for
from storage.embedded.fault import EmbeddedPostgresError
from storage.embedded.programs import find_programs
from storage.embedded.server import EmbeddedPostgres

__all__ = ["Account", "EmbeddedPostgres", "EmbeddedPostgresError", "account_for", "find_programs"]
