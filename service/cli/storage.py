"""`vigil storage`: how the history is stored, and who may connect to it."""

from __future__ import annotations

import os
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import msgspec
import psycopg
import typer
from psycopg.conninfo import conninfo_to_dict
from rich.filesize import decimal

from alerts.text import span
from service.cli.client import ConfigOption, DataDirOption, Unreachable, settings_for
from service.cli.migrate import DsnOption
from service.cli.screen import new_table, screen
from service.database import EMBEDDED, reached
from storage.sql import plan
from storage.sql.login import Access, grant_login, login_statements
from storage.upkeep import read_status

if TYPE_CHECKING:
    from datetime import timedelta

    from storage.upkeep import StorageStatus
    from storage.upkeep.status import RelationStatus

__all__ = ["app", "print_status"]

PASSWORD = "VIGIL_STORAGE_PASSWORD"  # noqa: S105 - the name of the variable that holds it

app = typer.Typer(help="Look at the history's storage, and let others read it.", no_args_is_help=True)


@app.command()
def status(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
    dsn: DsnOption = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Show sizes, compression, how far rollups are, the oldest data, and how long what is kept."""
    with nullcontext(dsn) if dsn else reached(settings_for(config, data_dir)) as where:
        owed = plan(where).steps
        if owed:
            raise Unreachable(f"the schema lacks {len(owed)} migrations of this version; see `vigil migrate --plan`")
        try:
            with psycopg.connect(where) as connection:
                connection.read_only = True
                found = read_status(connection, datetime.now(UTC))
        except psycopg.errors.InsufficientPrivilege as error:
            raise Unreachable(f"{_said(error)}: wanted the owner of the schema or a vigil_writer") from None
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(found)).decode())
    else:
        print_status(found, datetime.now(UTC))


@app.command()
def grant(
    login: Annotated[str, typer.Argument(help="Name of the role to connect as; made where it is not there.")],
    reader: Annotated[bool, typer.Option("--reader", help="Sees the boards' views alone: for Grafana.")] = False,
    writer: Annotated[bool, typer.Option("--writer", help="What Vigil needs, short of migrations.")] = False,
    as_sql: Annotated[bool, typer.Option("--sql", help="Print the statements and do nothing.")] = False,
    dsn: DsnOption = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Let somebody connect; a new login's password is asked for, or taken from VIGIL_STORAGE_PASSWORD."""
    if reader == writer:
        raise typer.BadParameter("wanted one of --reader and --writer")
    access = Access.READER if reader else Access.WRITER
    settings = settings_for(config, data_dir)
    timezone = settings.rules.timezone
    where = dsn or settings.database.owner_dsn or settings.database.dsn
    if as_sql:
        database = "vigil" if where == EMBEDDED else str(conninfo_to_dict(where).get("dbname") or "vigil")
        for statement in login_statements(login, access, database, timezone=timezone, is_new=True):
            typer.echo(f"{statement.as_string()};")
        typer.echo(f"-- Then give it a password, with psql: \\password {login}")
        return
    if where == EMBEDDED:
        raise Unreachable(
            "the embedded database takes no connections but those of its own system user; "
            "for Grafana run a PostgreSQL of your own, and name it in database.dsn"
        )
    try:
        is_new = grant_login(where, login, access, timezone=timezone, password=_password)
    except psycopg.errors.InsufficientPrivilege as error:
        raise Unreachable(f"{_said(error)}: wanted somebody who may make roles; see --dsn and --sql") from None
    except psycopg.errors.UndefinedObject as error:
        raise Unreachable(f"{_said(error)}: run `vigil migrate` first") from None
    typer.echo(f"{login} {'was made' if is_new else 'was there, and keeps its password'}; it is a {access} now.")


def print_status(found: StorageStatus, now: datetime) -> None:
    """Print how storage stands on the terminal. now: with a time zone."""
    timescale = f" with TimescaleDB {found.timescaledb}" if found.timescaledb else ", partitions of our own"
    typer.echo(f"PostgreSQL {found.server_version}{timescale}; {len(found.migrations)} migrations")
    missing = [name for name, is_there in found.roles.items() if not is_there]
    if missing:
        typer.secho(f"roles that are not there: {', '.join(missing)} (vigil migrate)", fg=typer.colors.YELLOW)

    table = new_table("history", "size", "parts", "compressed", "oldest", "kept")
    for one in found.relations:
        parts = f"{one.parts} {'chunks' if one.compressed or found.timescaledb else 'partitions'}" if one.parts else ""
        table.add_row(one.name, decimal(one.bytes), parts, _compressed(one), _time(one.oldest), _kept(one.keep))
    screen().print(table)

    table = new_table("rollup", "stored up to", "behind")
    for level in found.rollups:
        table.add_row(level.level, _time(level.watermark), span(level.lag_s).en)
    screen().print(table)
    if found.late_hours:
        typer.echo(f"{found.late_hours:,} hours of channels wait to be rolled up anew, since readings came late")

    if not found.journals:
        typer.echo("no journal was archived here yet")
        return
    table = new_table("journal", "archived up to", "behind", "last stored")
    for journal in found.journals:
        behind = "" if journal.read_to is None else span(max(0.0, (now - journal.read_to).total_seconds())).en
        table.add_row(journal.journal_id, _time(journal.read_to), behind, _time(journal.updated))
    screen().print(table)


def _compressed(one: RelationStatus) -> str:
    if not one.compressed or not one.before_bytes or not one.after_bytes:
        return ""
    share = one.after_bytes / one.before_bytes
    return f"{one.compressed} of {one.parts}: {decimal(one.before_bytes)} in {decimal(one.after_bytes)} ({share:.0%})"


def _kept(keep: timedelta | None) -> str:
    return "for ever" if keep is None else f"{keep.days:,} days"


def _time(at: datetime | None) -> str:
    return "" if at is None else at.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _password() -> str:
    given = os.environ.get(PASSWORD)
    if given is not None:
        return given
    said: str = typer.prompt("Password of the new login", hide_input=True, confirmation_prompt=True)
    return said


def _said(error: psycopg.Error) -> str:
    return error.diag.message_primary or str(error).strip()
