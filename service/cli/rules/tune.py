"""`vigil rules tune`: what other figures would have come to, judged by what people said the alarms were."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import msgspec
import typer

from devices import Profile, load_profiles
from rules import Rule, RuleSet
from rules.candidates import Candidate, candidates_of, parse_figures, trial
from rules.knobs import Knob, auto_values, knob_of
from service.backtest.extra import needing_extra
from service.backtest.labels import Label
from service.backtest.page import page
from service.backtest.ranking import rank_devices, rank_rules
from service.backtest.run import run
from service.backtest.trade_off import TradeOff, make_trade_off, rank_tables, trade_off_notes, trade_off_tables
from service.cli.client import ConfigOption, DataDirOption, settings_for
from service.cli.rules.backtest import frame_of, print_tables
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
from service.cli.rules.sources import Wanted, check_out, opened
from service.cli.rules.watch import Watch
from service.rules_in_force import read_rules

__all__ = ["add_to"]

AUTO = "auto"


def add_to(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("tune")(tune)


def tune(
    rule: Annotated[
        str | None, typer.Argument(help="The rule's id; without one, rules and devices are ranked by their precision.")
    ] = None,
    values: Annotated[
        str, typer.Option("--values", help="Limits to try: 8:20:1 (from, to, step), 8,10,12, or auto.")
    ] = AUTO,
    key: Annotated[str, typer.Option("--key", help="Which figure of a range: low or high.")] = "",
    holds: Annotated[str, typer.Option("--holds", help="Hold times to try as well, s: 0:120:30 or 0,60.")] = "",
    counts: Annotated[str, typer.Option("--counts", help="Counts of readings in breach to try as well: 1,2,3.")] = "",
    begin: FromOption = None,
    end: ToOption = None,
    site: SiteOption = "",
    file: FileOption = None,
    ledger: LedgerOption = None,
    profile: ProfileOption = None,
    labels: LabelsOption = None,
    complete: CompleteOption = False,
    tolerance: ToleranceOption = 300.0,
    step: StepOption = None,
    out: OutOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Try other limits of a rule on a history, in one pass, and propose one. Nothing is changed by it."""
    check_out(out)
    settings = settings_for(config, data_dir)
    profiles = load_profiles(settings.devices.profiles)
    rules = read_rules(settings)
    zone = ZoneInfo(rules.timezone)
    chosen = _chosen(rule, rules, profiles, values, key, holds, counts)
    with opened(Wanted(begin, end, site, file, ledger, labels), settings, profiles, zone) as source:
        if chosen is None:
            _rank(source.labels, as_json=as_json)
            return
        tuned, knob, candidates = chosen
        tried = trial(rules, tuned, candidates)
        watch = Watch(zone, f"tune {tuned.id}")
        with watch.running():
            done = run(
                source.history,
                tried,
                profiles,
                source.ledger,
                profile=profile,
                site=site,
                step_s=step,
                ignored={one.id for one in tried.rules} - {candidate.rule.id for candidate in candidates},
                watch=watch,
            )
    source.refuse_empty(done.tally.readings, zone)
    frame = frame_of(source, done, tolerance_s=tolerance, complete=complete)
    trade_off = make_trade_off(frame, rules, tuned, knob, candidates, done, source.labels, zone, site)
    if out is not None:
        _write(out, trade_off)
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(trade_off), indent=2).decode())
        return
    print_tables(trade_off_tables(trade_off))
    for note in trade_off_notes(trade_off):
        typer.echo(note)
    if trade_off.advised is not None and trade_off.advised.override:
        typer.secho("\nTo take it, put this into a rules file; nothing was changed:", bold=True)
        typer.echo(trade_off.advised.override)


def _chosen(
    rule_id: str | None,
    rules: RuleSet,
    profiles: Mapping[str, Profile],
    values: str,
    key: str,
    holds: str,
    counts: str,
) -> tuple[Rule, Knob | None, list[Candidate]] | None:
    """Return the rule, what is turned on it, and the candidates; None where no rule is named."""
    if rule_id is None:
        return None
    rule = rules.by_id.get(rule_id)
    if rule is None:
        near = get_close_matches(rule_id, rules.by_id) or sorted(rules.by_id)
        raise typer.BadParameter(f"no rule is {rule_id!r}; there are {', '.join(near)}")
    profile = profiles[rule.profile]
    try:
        knob = knob_of(rule, profile.metrics.get(rule.metric), key)
        figures = parse_figures(values) if values != AUTO else auto_values(knob) if knob is not None else []
        candidates = candidates_of(
            rule,
            knob,
            figures,
            holds_s=parse_figures(holds) if holds else (),
            counts=[int(count) for count in parse_figures(counts)] if counts else (),
            reporting_s=profile.reporting_s,
        )
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    if len(candidates) == 1:
        raise typer.BadParameter(
            f"nothing to try on {rule_id!r} of kind {rule.kind}; wanted --values, --holds or --counts"
        )
    return rule, knob, candidates


def _rank(labels: list[Label], *, as_json: bool) -> None:
    """Print rules and devices by their precision."""
    rules, devices = rank_rules(labels), rank_devices(labels)
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode({"rules": rules, "devices": devices}), indent=2).decode())
        return
    if not labels:
        typer.echo("Nobody has said yet what an alarm was: vigil incidents resolve, or --labels.")
        return
    print_tables(rank_tables(rules, devices))
    typer.echo("Sure of: the precision that so many outcomes make sure of (lower end of the 95 % interval).")


def _write(out: Path, trade_off: TradeOff) -> None:
    """Write the trade-off as a page or a plot."""
    body: bytes = needing_extra("curve").trade_off_plot(trade_off)
    if out.suffix == ".png":
        out.write_bytes(body)
    else:
        advised = trade_off.advised
        code = advised.override if advised is not None else ""
        title = f"Tuning of {trade_off.rule}"
        out.write_text(page(title, trade_off_notes(trade_off), body, trade_off_tables(trade_off), code), "utf-8")
    typer.echo(f"Written to {out}", err=True)
