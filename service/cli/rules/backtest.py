"""`vigil rules backtest`: what rules would have said of a history."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import msgspec
import typer

from devices import load_profiles
from rules import load_rules
from service.backtest.extra import needing_extra
from service.backtest.history import Chunk
from service.backtest.labels import write_labels
from service.backtest.page import page
from service.backtest.replay import Tally
from service.backtest.report import Frame, Report, make_report
from service.backtest.run import Run, run
from service.backtest.tables import Table, notes, report_tables
from service.backtest.times import DAY_US, SECOND_US
from service.cli.client import ConfigOption, DataDirOption, settings_for
from service.cli.rules.options import (
    CompleteOption,
    FileOption,
    FromOption,
    LabelsOption,
    LedgerOption,
    OutOption,
    ProfileOption,
    SiteOption,
    StepOption,
    ToleranceOption,
    ToOption,
)
from service.cli.rules.sources import Opened, Wanted, check_out, opened
from service.cli.rules.watch import Watch
from service.cli.screen import new_table, screen
from service.rules_in_force import read_rules

__all__ = ["add_to", "print_tables"]


def add_to(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("backtest")(backtest)


def backtest(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Rules files, or folders of them, to try besides the profiles' own rules; without any, the rules in "
            "force by the settings.",
            metavar="RULES",
            exists=True,
        ),
    ] = None,
    begin: FromOption = None,
    end: ToOption = None,
    site: SiteOption = "",
    file: FileOption = None,
    ledger: LedgerOption = None,
    profile: ProfileOption = None,
    labels: LabelsOption = None,
    complete: CompleteOption = False,
    tolerance: ToleranceOption = 300.0,
    warm_up: Annotated[
        float, typer.Option("--warm-up", min=0, help="Days before --from that are read, for rules that learn.")
    ] = 0.0,
    step: StepOption = None,
    out: OutOption = None,
    save: Annotated[
        Path | None,
        typer.Option("--save", help="Try nothing: write the history to this .parquet file, for later.", dir_okay=False),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Run rules over the archive's history, or a file, and report what they would have said. Nobody is told."""
    check_out(out)
    settings = settings_for(config, data_dir)
    profiles = load_profiles(settings.devices.profiles)
    rules = read_rules(settings) if not files else load_rules(profiles, tuple(files), settings.rules.timezone)
    zone = ZoneInfo(rules.timezone)
    wanted = Wanted(begin, end, site, file, ledger, labels)
    with opened(wanted, settings, profiles, zone, lead_in_s=warm_up * DAY_US / SECOND_US) as source:
        if save is not None:
            _save(source, save, zone)
            return
        watch = Watch(zone, "backtest")
        with watch.running():
            done = run(
                source.history,
                rules,
                profiles,
                source.ledger,
                profile=profile,
                site=site,
                step_s=step,
                watch=watch,
            )
    source.refuse_empty(done.tally.readings, zone)
    report = make_report(
        frame_of(source, done, tolerance_s=tolerance, complete=complete),
        rules,
        done.registry,
        done.episodes,
        source.labels,
    )
    if out is not None:
        _write(out, report, zone)
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(report), indent=2).decode())
        return
    print_tables(report_tables(report))
    if not report.rules:
        typer.echo("No alarms.")
    for note in notes(report, zone):
        typer.echo(note)


def frame_of(source: Opened, done: Run, *, tolerance_s: float, complete: bool) -> Frame:
    """Return what was looked at; the time reported begins with the first reading, the warm-up left out."""
    tally = done.tally
    first_us, last_us = tally.first_us or 0, tally.last_us or 0
    from_us = first_us if source.from_us is None else max(source.from_us, first_us)
    return Frame(
        source=source.source,
        from_us=min(from_us, last_us),
        to_us=last_us,
        devices=done.n_devices,
        readings=tally.readings,
        unknown=tally.unknown,
        repeats=tally.repeats,
        seconds=done.seconds,
        step_s=done.step_s,
        stopped=done.stopped,
        holes=tuple(tally.holes),
        tolerance_s=tolerance_s,
        complete=complete,
    )


def print_tables(tables: list[Table]) -> None:
    """Print tables one below the other."""
    for table in tables:
        shown = new_table(*table.columns)
        for row in table.rows:
            shown.add_row(*row)
        typer.secho(table.title, bold=True)
        screen().print(shown)
        if table.left:
            typer.echo(f"… and {table.left:,} more (--json has all)")
        typer.echo()


def _write(out: Path, report: Report, zone: ZoneInfo) -> None:
    """Write the report as a page or a plot."""
    plot = needing_extra("plot")
    labels = plot.Labels()
    body: bytes = plot.report_plot(report, labels)
    if out.suffix == ".png":
        out.write_bytes(body)
    else:
        legend = [f"{number} in the plot is {text}." for number, text in labels.legend.items()]
        out.write_text(
            page("Backtest of rules", [*notes(report, zone), *legend], body, report_tables(report, most=200)), "utf-8"
        )
    if labels.legend:
        shown = ", ".join(f"{number} is {text}" for number, text in labels.legend.items())
        typer.secho(f"No font here draws Chinese, so in the plot {shown}.", err=True, fg=typer.colors.YELLOW)
    typer.echo(f"Written to {out}", err=True)


def _save(source: Opened, path: Path, zone: ZoneInfo) -> None:
    """Write the history, and beside it what people said of its incidents."""
    if path.suffix != ".parquet":
        raise typer.BadParameter(f"--save {path} is no .parquet")
    watch = Watch(zone, "saving")
    tally = Tally()

    def go_on(chunk: Chunk) -> bool:
        tally.readings += len(chunk)
        tally.share = chunk.share
        tally.last_us = int(chunk.arrival_us[-1])
        return not watch(tally, 0)

    with watch.running():
        readings, devices = needing_extra("save").save_history(source.history, path, source.ledger, go_on, source.site)
    source.refuse_empty(readings, zone)
    typer.echo(f"{readings:,} readings of {devices:,} devices written to {path}")
    if source.labels:
        beside = path.with_suffix(".labels.csv")
        write_labels(beside, source.labels, zone)
        typer.echo(f"{len(source.labels):,} outcomes of incidents written to {beside}")
