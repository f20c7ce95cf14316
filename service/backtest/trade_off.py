"""The trade-off: what every candidate came to, the one to take, and what to paste."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from rules.candidates import override_table
from rules.model import RuleKind
from service.backtest.ranking import Rank, rank_devices, rank_rules
from service.backtest.report import Frame
from service.backtest.scores import Score
from service.backtest.tables import NOTHING, Table, duration, number, share
from service.backtest.times import exact_time
from service.backtest.tuning import advise, score_candidates
from service.backtest.watched import Watched

if TYPE_CHECKING:
    from collections.abc import Sequence
    from zoneinfo import ZoneInfo

    from rules import Rule, RuleSet
    from rules.candidates import Candidate
    from rules.knobs import Knob
    from service.backtest.labels import Label
    from service.backtest.run import Run

__all__ = ["CandidateLine", "TradeOff", "make_trade_off", "rank_tables", "trade_off_notes", "trade_off_tables"]


class CandidateLine(msgspec.Struct, frozen=True, kw_only=True):
    """One candidate; `override` is what to paste for it, "" for the rule as it is."""

    value: float | None
    hold_s: float
    count: int
    is_present: bool
    is_advised: bool
    override: str
    score: Score


class TradeOff(msgspec.Struct, frozen=True, kw_only=True):
    """What tuning a rule came to.

    key, unit:       the figure that was turned; "" where only hold or count were
    labels, outside: labels about the rule that could be looked at, and those of other times or silent devices
    """

    frame: Frame
    rule: str
    kind: RuleKind
    key: str
    unit: str
    began: str
    ended: str
    watched: int
    labels: int
    outside: int
    candidates: tuple[CandidateLine, ...]
    reason: str
    cautions: tuple[str, ...]
    rules: tuple[Rank, ...]
    devices: tuple[Rank, ...]

    @property
    def advised(self) -> CandidateLine | None:
        """The candidate to take, None where nothing can be said."""
        return next((line for line in self.candidates if line.is_advised), None)


def make_trade_off(
    frame: Frame,
    rules: RuleSet,
    rule: Rule,
    knob: Knob | None,
    candidates: Sequence[Candidate],
    done: Run,
    labels: Sequence[Label],
    zone: ZoneInfo,
    site: str = "",
) -> TradeOff:
    """Judge `candidates` of `rule` by `labels`, and say which to take. A label about no one rule is about this one."""
    watched = Watched(rules, done.registry).by(rule)
    keys = set(watched.values())
    of_rule = [label for label in labels if label.is_about(rule.id)]
    about = [label for label in of_rule if label.device in keys and frame.reaches(label.from_us, label.to_us)]
    trials = score_candidates(
        rule,
        candidates,
        done.episodes,
        about,
        watched,
        span_s=frame.span_s,
        end_us=frame.to_us,
        tolerance_s=frame.tolerance_s,
        complete=frame.complete,
    )
    advice = advise(rule, trials)
    narrower = sum(rule.id in override.rules for override in rules.overrides)
    cautions = list(advice.cautions)
    if narrower:
        cautions.append(
            f"{narrower} overrides of sites, grids or devices change this rule: each candidate was tried the same "
            "everywhere, and where one of them gives this figure it stays as it is."
        )
    return TradeOff(
        frame=frame,
        rule=rule.id,
        kind=rule.kind,
        key=knob.key if knob is not None else "",
        unit=knob.unit if knob is not None else "",
        began=exact_time(frame.from_us, zone),
        ended=exact_time(frame.to_us, zone),
        watched=len(watched),
        labels=len(about),
        outside=len(of_rule) - len(about),
        candidates=tuple(
            CandidateLine(
                value=trial.candidate.value,
                hold_s=trial.candidate.hold_s,
                count=trial.candidate.count,
                is_present=not trial.candidate.changes,
                is_advised=trial is advice.trial,
                override=override_table(rule, trial.candidate, site) if trial.candidate.changes else "",
                score=trial.score,
            )
            for trial in sorted(
                trials, key=lambda one: (one.candidate.hold_s, one.candidate.count, one.candidate.value or 0)
            )
        ),
        reason=advice.reason,
        cautions=tuple(cautions),
        rules=tuple(rank_rules(labels)),
        devices=tuple(rank_devices(labels)),
    )


def trade_off_tables(trade_off: TradeOff) -> list[Table]:
    """Return the candidates as a table, and the ranks."""
    key = trade_off.key or "limit"
    unit = f", {trade_off.unit}" if trade_off.unit else ""
    columns = [
        "",
        f"{key}{unit}",
        "hold",
        "count",
        "alarms",
        "per 1,000 devices a month",
        "true",
        "false",
        "unverified",
    ]
    columns += ["precision", "found", "missed", "recall", "F1", "lead (median)", "false per 1,000 devices a month"]
    rows = []
    for line in trade_off.candidates:
        its = line.score
        marks = " ".join(mark for mark, is_so in (("now", line.is_present), ("→", line.is_advised)) if is_so)
        value = NOTHING if line.value is None else f"{line.value:g}"
        rows.append(
            [
                *(
                    marks,
                    value,
                    duration(line.hold_s),
                    str(line.count or 1),
                    f"{its.alarms:,}",
                    number(its.alarms_a_month),
                ),
                *(str(its.true), str(its.false), str(its.unverified), share(its.precision), str(its.found)),
                *(
                    str(its.missed),
                    share(its.recall),
                    share(its.f1),
                    duration(its.lead_s(0.5)),
                    number(its.false_a_month),
                ),
            ]
        )
    return [
        Table(f"candidates of {trade_off.rule}", columns, rows, len(rows)),
        *rank_tables(trade_off.rules, trade_off.devices),
    ]


def rank_tables(rules: Sequence[Rank], devices: Sequence[Rank]) -> list[Table]:
    """Return rules and devices by what people said of their alarms; nothing where nobody said anything."""
    tables = []
    for what, ranks in (("rule", rules), ("device", devices)):
        rows = [
            [rank.name, str(rank.true), str(rank.false), str(rank.tests), share(rank.precision), share(rank.sure)]
            for rank in ranks
        ]
        if rows:
            columns = [what, "true", "false", "test", "precision", "sure of"]
            tables.append(Table(f"{what}s by verified outcomes, the least precise first", columns, rows))
    return tables


def trade_off_notes(trade_off: TradeOff) -> list[str]:
    """Return the advice, and what whoever follows it must know."""
    frame = trade_off.frame
    said = [trade_off.reason, *trade_off.cautions]
    said.append(
        f"{trade_off.labels:,} labels, {trade_off.outside:,} more of other times or silent devices; "
        f"{frame.readings:,} readings from {frame.source}, {trade_off.began[:16]} to {trade_off.ended[:16]}, "
        f"{trade_off.watched:,} devices watched; {frame.readings_s:,.0f} readings/s with all candidates at once."
    )
    if frame.stopped:
        said.append(f"Ended early: {frame.stopped}. The figures are of the time up to there.")
    return said
