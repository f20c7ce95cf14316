"""`vigil migrate`: the schema of the database brought up to date, or what that would mean."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer
from rich.filesize import decimal

from service.cli.client import ConfigOption, DataDirOption
from service.database import EMBEDDED, reached
from service.settings import load_settings
from storage.sql import migrate as migrate_database
from storage.sql import plan as plan_migration

if TYPE_CHECKING:
    from collections.abc import Mapping

    from service.settings import Settings
    from storage.sql import MigrationPlan, Step

__all__ = ["DsnOption", "add_to"]

DsnOption = Annotated[
    str | None,
    typer.Option(
        "--dsn",
        help="Connect so, instead of as the settings say. A password belongs into ~/.pgpass or PGPASSWORD.",
    ),
]


def add_to(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("migrate")(migrate)


def migrate(
    plan: Annotated[bool, typer.Option("--plan", help="Say what would be done, and change nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="With --plan: print JSON.")] = False,
    dsn: DsnOption = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Bring the database's schema up to date, while services go on; `vigil run` does so by itself."""
    if as_json and not plan:
        raise typer.BadParameter("--json goes with --plan")
    given: dict[str, Any] = {} if data_dir is None else {"data_dir": data_dir}
    settings = load_settings(config, **given)
    if plan and dsn is None and _is_unmade(settings):
        typer.echo("There is no database yet; the first start makes it, with all migrations.")
        return
    with nullcontext(dsn) if dsn else reached(settings, as_owner=True, make=True) as where:
        if not plan:
            applied = migrate_database(where, say=lambda text: typer.secho(text, err=True, fg=typer.colors.YELLOW))
            typer.echo("\n".join(applied) if applied else "The schema is up to date.")
            return
        found = plan_migration(where)
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(found)).decode())
    else:
        print_plan(found)


def print_plan(plan: MigrationPlan) -> None:
    """Print on the terminal what a migration would do."""
    timescale = f" with TimescaleDB {plan.timescaledb}" if plan.timescaledb else ""
    owner = f"; the schema belongs to {plan.owner}" if plan.owner else "; there is no schema yet"
    typer.echo(f"PostgreSQL {plan.server}{timescale}, as {plan.user}{owner}")
    if plan.steps:
        number = len(plan.steps)
        typer.secho(f"{number} migration{'s are' if number > 1 else ' is'} owed:", bold=True)
    else:
        typer.echo(f"Nothing is owed: all {len(plan.applied)} migrations are applied.")
    sizes = {table.name: table.bytes for table in plan.tables}
    for step in plan.steps:
        _print_step(step, sizes)
    if plan.steps:
        typer.echo(
            "Each is done whole or not at all. It waits for a lock 2 s at most, then lets others through and tries"
        )
        typer.echo("again; what comes in meanwhile is in the journal, and is archived afterwards.")
    if plan.fault:
        typer.secho(f"It cannot be done: {plan.fault}", fg=typer.colors.RED)
    if plan.doubt:
        typer.secho(plan.doubt, fg=typer.colors.YELLOW)


def _print_step(step: Step, sizes: Mapping[str, int]) -> None:
    typer.echo(f"  {step.name}  {step.does}")
    if step.costs:
        typer.echo(f"    {step.costs}")
    said = (
        ("neither read nor written meanwhile", step.changes),
        ("read, but not written, while an index is built", step.indexes),
        ("rows are changed", step.rows),
    )
    for what, tables in said:
        if tables:
            typer.echo(f"    {what}: {', '.join(f'{table} ({decimal(sizes[table])})' for table in tables)}")


def _is_unmade(settings: Settings) -> bool:
    return settings.database.dsn == EMBEDDED and not (settings.data_dir / "postgres").exists()
