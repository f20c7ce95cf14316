"""`vigil`: the commands put together, and how each kind of ending is told to the shell."""

from __future__ import annotations

import sys
import traceback
from importlib.metadata import version
from typing import Annotated

import psycopg
import typer

from alerts.people.settings import DirectoryFaults
from devices import LedgerFaults, ProfileFaults
from ingest import BrokerRefused, SessionTakenOver
from rules import RuleFaults
from service.backtest.history import HistoryFault
from service.backtest.labels import LabelFaults
from service.cli import (
    contacts,
    devices,
    drill,
    duty,
    evidence,
    incidents,
    migrate,
    quarantine,
    rules,
    run,
    silences,
    storage,
    who,
)
from service.cli.client import Unreachable
from service.embedded_broker import BrokerFailed
from service.http import CannotListen
from service.settings import SettingsFaults
from service.source import PipelineEnded
from storage.embedded import EmbeddedPostgresError
from storage.journal import JournalCorrupt, JournalFailed, JournalInUse
from storage.sql import MigrationError

__all__ = ["app", "main"]

EXIT_BUG = 1
EXIT_BAD_CONFIGURATION = 2
EXIT_REFUSED = 3
"""Starting again will not help: another took our place at the broker, or the broker will not have us."""
EXIT_OUTSIDE = 4

app = typer.Typer(
    name="vigil",
    help="Vigil (守望): a safety monitor for smart communities, from a sensor's message to a person's answer.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
run.add_to(app)
migrate.add_to(app)
who.add_to(app)
duty.add_to(app)
app.add_typer(contacts.app, name="contacts")
app.add_typer(devices.app, name="devices")
app.add_typer(drill.app, name="drill")
app.add_typer(evidence.app, name="evidence")
app.add_typer(incidents.app, name="incidents")
app.add_typer(quarantine.app, name="quarantine")
app.add_typer(rules.app, name="rules")
app.add_typer(silences.app, name="silences")
app.add_typer(storage.app, name="storage")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"vigil {version('vigil-monitor')}")
        raise typer.Exit


@app.callback()
def options(
    _version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Take the options that come before a command."""


def main() -> None:
    """Run the command line; exit 0, 1 (a bug), 2 (bad configuration), 3 (refused) or 4 (something outside failed)."""
    try:
        app()
    except BaseException as error:
        endings = [one for one in _leaves(error) if not isinstance(one, KeyboardInterrupt | SystemExit)]
        # Who waited for the pipeline only echoes what ended it.
        endings = [one for one in endings if not isinstance(one, PipelineEnded)] or endings
        if not endings:
            raise
        known = [(one, code) for one in endings for kinds, code in _ENDINGS if isinstance(one, kinds)]
        if len(known) < len(endings):
            traceback.print_exc()
            sys.exit(EXIT_BUG)
        for one, _ in known:
            typer.secho(str(one), err=True, fg=typer.colors.RED)
        sys.exit(known[0][1])


_ENDINGS: tuple[tuple[tuple[type[BaseException], ...], int], ...] = (
    ((SettingsFaults, DirectoryFaults, ProfileFaults, RuleFaults, LedgerFaults, LabelFaults), EXIT_BAD_CONFIGURATION),
    ((SessionTakenOver, BrokerRefused), EXIT_REFUSED),
    (
        (
            BrokerFailed,
            CannotListen,
            EmbeddedPostgresError,
            FileNotFoundError,
            HistoryFault,
            JournalCorrupt,
            JournalFailed,
            JournalInUse,
            MigrationError,
            PermissionError,
            Unreachable,
            psycopg.OperationalError,
        ),
        EXIT_OUTSIDE,
    ),
)


def _leaves(error: BaseException) -> list[BaseException]:
    """Return the exceptions at the leaves of an exception group, or the exception itself."""
    if isinstance(error, BaseExceptionGroup):
        return [leaf for one in error.exceptions for leaf in _leaves(one)]
    return [error]
