"""`vigil evidence`: the dossier of an incident, as JSON, CSV or a printed page, and whether one is whole."""

from __future__ import annotations

import asyncio
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from alerts.evidence.dossier import Dossier, as_csv, as_json, read_dossier, verdict
from service.backtest.archive import open_archive
from service.cli.client import ConfigOption, DataDirOption, ask, origin, settings_for, whoami

if TYPE_CHECKING:
    from service.settings import Settings

__all__ = ["app"]

app = typer.Typer(help="Export what was done about an incident, and verify an export.", no_args_is_help=True)


class Format(StrEnum):
    """What an export is written as."""

    JSON = "json"
    CSV = "csv"
    PDF = "pdf"


@app.command()
def export(
    incident: Annotated[str, typer.Argument(help="The incident's id, as `vigil incidents list` shows it.")],
    format_: Annotated[
        Format | None,
        typer.Option("--format", "-f", help="What to write; by the file's ending unless given, else JSON."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The file; standard output unless given.")
    ] = None,
    timezone: Annotated[
        str | None, typer.Option("--timezone", help="Of the times on the page; the rules' unless given.")
    ] = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Write an incident with its whole timeline, each line chained to the one before by its digest.

    JSON is what `vigil evidence verify` checks; the page shows the last digest, so the two belong together.
    """
    settings = settings_for(config, data_dir)
    path = f"/incidents/{incident.upper()}/dossier"
    answer = asyncio.run(ask(settings, "GET", path, by=whoami(), origin=origin()))
    dossier = msgspec.convert(answer, Dossier)
    wanted = format_ or _by_ending(output)
    if dossier.head and (not dossier.lines or dossier.lines[0].line.place > 1):
        dossier = _with_older_lines(dossier, settings)
    written = _written(dossier, wanted, timezone or settings.rules.timezone)
    if output is None:
        sys.stdout.buffer.write(written)
    else:
        output.write_bytes(written)
        typer.echo(f"{output}: incident {dossier.incident.id}, {len(dossier.lines)} lines, digest {dossier.head}")


@app.command()
def verify(
    file: Annotated[Path, typer.Argument(help="A JSON export.", exists=True, dir_okay=False)],
    digest: Annotated[
        str | None, typer.Option("--digest", help="The digest printed on the page, to compare with.")
    ] = None,
) -> None:
    """Say whether any line of an export was changed, left out or put in."""
    try:
        dossier = read_dossier(file.read_bytes())
    except msgspec.DecodeError as error:
        typer.secho(f"{file} is no JSON export of `vigil evidence export`: {error}", fg=typer.colors.RED, err=True)
        raise typer.Exit(2) from None
    wrong = verdict(dossier)
    if wrong is None and digest is not None and digest.lower() != dossier.head:
        wrong = f"its digest is {dossier.head}, not the one given"
    if wrong is not None:
        typer.secho(f"{file}: NOT whole: {wrong}", fg=typer.colors.RED, err=True)
        raise typer.Exit(1)
    typer.echo(f"{file}: whole: incident {dossier.incident.id}, {len(dossier.lines)} lines, digest {dossier.head}")


def _with_older_lines(dossier: Dossier, settings: Settings) -> Dossier:
    """Return the dossier with the lines that only the database has any more."""
    at_hand = {one.line.place for one in dossier.lines}
    with open_archive(settings) as past:
        older = [one for one in past.timeline(dossier.incident.id) if one.line.place not in at_hand]
    return msgspec.structs.replace(dossier, lines=(*older, *dossier.lines))


def _by_ending(output: Path | None) -> Format:
    ending = output.suffix.removeprefix(".").lower() if output is not None else ""
    return Format(ending) if ending in set(Format) else Format.JSON


def _written(dossier: Dossier, wanted: Format, timezone: str) -> bytes:
    match wanted:
        case Format.JSON:
            return as_json(dossier)
        case Format.CSV:
            return as_csv(dossier)
        case Format.PDF:
            from alerts.evidence.sheet import as_pdf  # noqa: PLC0415  # a printer's library, for those who print

            return as_pdf(dossier, timezone)
