"""Tuning: the candidates of a rule against verified outcomes, and which of them to take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from rules.candidates import Candidate
from service.backtest.scores import Score, judge, score

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rules import Rule
    from rules.episodes import Episode
    from service.backtest.labels import Label

__all__ = ["Advice", "Trial", "advise", "score_candidates"]

FEW_DANGERS: Final = 10
"""With fewer verified dangers than this a share says little."""


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """A candidate, and what came of it."""

    candidate: Candidate
    score: Score

    @property
    def wrong(self) -> int:
        """Alarms that were false, or may have been: nobody has verified them."""
        return self.score.false + self.score.unverified


class Advice(msgspec.Struct, frozen=True, kw_only=True):
    """What to take; `trial` is None where nothing can be said."""

    trial: Trial | None
    reason: str
    cautions: tuple[str, ...] = ()


def score_candidates(
    rule: Rule,
    candidates: Sequence[Candidate],
    episodes: Iterable[Episode],
    labels: Sequence[Label],
    device_of: Mapping[int, str],
    *,
    span_s: float,
    end_us: int,
    tolerance_s: float,
    complete: bool,
) -> list[Trial]:
    """Return what came of each candidate, in their order.

    labels:    those that are about the rule, of the devices that it watches
    device_of: row → `site/name` of the devices that it watches
    """
    of_candidate: dict[str, list[Episode]] = {candidate.rule.id: [] for candidate in candidates}
    for episode in episodes:
        if episode.rule_id in of_candidate:
            of_candidate[episode.rule_id].append(msgspec.structs.replace(episode, rule_id=rule.id))
    return [
        Trial(
            candidate=candidate,
            score=score(
                judge(
                    of_candidate[candidate.rule.id],
                    labels,
                    device_of,
                    end_us=end_us,
                    tolerance_s=tolerance_s,
                    complete=complete,
                ),
                devices=len(device_of),
                span_s=span_s,
            ),
        )
        for candidate in candidates
    ]


def advise(rule: Rule, trials: Sequence[Trial]) -> Advice:
    """Say which of `trials`, the first of which is the rule as it is, to take.

    Where lives are at stake: the one that finds most dangers, of those the one with fewest wrong alarms. Elsewhere: the
    best balance (F1) of dangers found and alarms that were right. An alarm that nobody verified counts as wrong. Of
    equal ones the nearest to the rule as it is.
    """
    present = trials[0]
    if present.score.found + present.score.missed == 0:
        return Advice(
            trial=None,
            reason="No verified danger that this rule is about: nothing says what a limit would miss. "
            "Resolve incidents with their outcome (vigil incidents resolve), or give --labels.",
        )
    best = min(trials, key=lambda trial: (_cost(rule, trial), _distance(trial, present)))
    return Advice(trial=best, reason=_reason(rule, best, present), cautions=tuple(_cautions(rule, best, present)))


def _cost(rule: Rule, trial: Trial) -> tuple[float, ...]:
    """Return what is to be as small as can be, the weightiest first."""
    if rule.is_life_safety:
        return -trial.score.found, trial.wrong
    right = trial.score.true + trial.wrong
    precision = trial.score.true / right if right else 0.0
    recall = trial.score.recall or 0.0
    balance = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    return -round(balance, 9), trial.wrong


def _distance(trial: Trial, present: Trial) -> tuple[float, ...]:
    ours, theirs = trial.candidate, present.candidate
    value = abs((ours.value or 0.0) - (theirs.value or 0.0))
    return value, abs(ours.hold_s - theirs.hold_s), abs(ours.count - theirs.count)


def _reason(rule: Rule, best: Trial, present: Trial) -> str:
    aim = (
        "most dangers found, then fewest wrong alarms"
        if rule.is_life_safety
        else "best balance of found and wrong (F1)"
    )
    its = f"{_found(best)} and {_wrong(best)}"
    if best is present:
        return f"Stay: as it is it finds {its}, and no candidate does better by {aim}."
    return f"Take it: it finds {its}; as it is the rule finds {_found(present)} and {_wrong(present)}. Aim: {aim}."


def _found(trial: Trial) -> str:
    dangers = trial.score.found + trial.score.missed
    return f"{trial.score.found} of {dangers} dangers"


def _wrong(trial: Trial) -> str:
    verified = f" ({trial.score.unverified} of them unverified)" if trial.score.unverified else ""
    return f"raises {trial.wrong} wrong alarms{verified}"


def _cautions(rule: Rule, best: Trial, present: Trial) -> Iterable[str]:
    dangers = best.score.found + best.score.missed
    if dangers < FEW_DANGERS:
        yield f"{dangers} verified dangers are few: the next one may look different."
    if best is not present:
        yield f"The figure in force comes from: {rule.source}. What a standard demands is not to be tuned away."
    slower_s = (present.score.lead_s(0.5) or 0.0) - (best.score.lead_s(0.5) or 0.0)
    if best.score.leads_s and present.score.leads_s and slower_s > 0:
        yield f"It alarms {slower_s:g} s later than the rule as it is (median): weigh that against the wrong alarms."
    if best.score.missed:
        yield f"It misses {best.score.missed} verified dangers; `vigil rules backtest` lists them."
