"""Candidates: one rule with other figures, many times over, so that one pass over a history tries them all."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from itertools import product
from typing import TYPE_CHECKING, Final

import msgspec

from rules.model import RELATION_KINDS, RuleKind, RuleMode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rules.knobs import Knob
    from rules.model import Rule
    from rules.ruleset import RuleSet

__all__ = ["MOST_CANDIDATES", "Candidate", "candidates_of", "override_table", "parse_figures", "trial"]

MOST_CANDIDATES: Final = 200
COUNTED_PERIODS: Final = 3
"""A count that has no window is within so many reporting periods for each reading that it wants."""

_NO_HOLD: Final = frozenset({RuleKind.FAULT, RuleKind.NO_DATA, RuleKind.NEIGHBOURHOOD})
_NO_COUNT: Final = _NO_HOLD | {RuleKind.COMPOSITE}
_MARK: Final = "~"
_WANTED: Final = "wanted from:to:step, as 8:20:1, or figures with commas between"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A copy of a rule, under an id of its own and in shadow.

    value:   the figure of the knob; None where the rule has none
    changes: TOML key → figure, of what is otherwise than in the rule; empty for the rule as it is
    """

    rule: Rule
    value: float | None
    hold_s: float
    count: int
    changes: Mapping[str, float]


def parse_figures(text: str) -> list[float]:
    """Return the figures of `8:20:1` (from, to and step, both ends included) or of `8,10,12.5`.

    Raises ValueError where it is neither, or they are more than `MOST_CANDIDATES`.
    """
    try:
        parts = [Decimal(part) for part in text.split(":" if ":" in text else ",")]
    except InvalidOperation:
        raise ValueError(f"{text!r} are no figures; {_WANTED}") from None
    if not all(part.is_finite() for part in parts):
        raise ValueError(f"{text!r} are no finite figures; {_WANTED}")
    if ":" not in text:
        if len(parts) > MOST_CANDIDATES:
            raise ValueError(f"{len(parts)} figures; wanted {MOST_CANDIDATES} at most")
        return list(dict.fromkeys(float(part) for part in parts))
    if len(parts) != 3 or parts[2] <= 0 or parts[1] < parts[0]:  # noqa: PLR2004 - from, to, step
        raise ValueError(f"{text!r} is no rising sequence; {_WANTED}")
    first, last, step = parts
    number = int((last - first) / step) + 1
    if number > MOST_CANDIDATES:
        raise ValueError(f"{text!r} are {number} figures; wanted {MOST_CANDIDATES} at most")
    return [float(first + step * place) for place in range(number)]


def candidates_of(
    rule: Rule,
    knob: Knob | None,
    values: Sequence[float],
    *,
    holds_s: Sequence[float] = (),
    counts: Sequence[int] = (),
    reporting_s: float,
) -> list[Candidate]:
    """Return `rule` as it is, then every combination of figures that is otherwise.

    values:          of `knob`; the present one where empty
    holds_s, counts: of the timing; the rule's own where empty
    reporting_s:     the profile's, for a count that has no window yet
    Raises ValueError where they are too many, or a figure cannot be.
    """
    _check(rule, knob, values, holds_s, counts)
    timing = rule.timing
    # Readings are counted, or a breach is timed: no rule does both.
    timings = [
        (hold_s, count)
        for count in (counts or [timing.count])
        for hold_s in ((0.0,) if count > 1 else holds_s or [timing.hold_s])
    ]
    figures_of_knob: list[float | None] = [*values] or [None]
    tried = list(product(figures_of_knob, dict.fromkeys(timings)))
    if len(tried) > MOST_CANDIDATES:
        raise ValueError(f"{len(tried)} combinations; wanted {MOST_CANDIDATES} at most")
    found = [_candidate(rule, knob, None, (timing.hold_s, timing.count), reporting_s, 0)]
    for value, figures in tried:
        candidate = _candidate(rule, knob, value, figures, reporting_s, len(found))
        if candidate.changes:
            found.append(candidate)
    return found


def _check(
    rule: Rule, knob: Knob | None, values: Sequence[float], holds_s: Sequence[float], counts: Sequence[int]
) -> None:
    """Raise ValueError for figures that no override could give the rule."""
    if values and knob is None:
        raise ValueError(f"rule {rule.id!r} of kind {rule.kind} has no limit to tune; wanted --holds or --counts")
    for value in values:
        if knob is not None and not knob.least < value < knob.most:
            raise ValueError(f"{knob.key} = {value:g}; wanted above {knob.least:g} and below {knob.most:g}")
        if knob is not None and knob.is_whole and value != int(value):
            raise ValueError(f"{knob.key} = {value:g}; wanted a whole number")
    if holds_s and (rule.kind in _NO_HOLD or rule.timing.count > 1 or min(holds_s) < 0):
        raise ValueError(
            f"holds of {min(holds_s):g} s and more for {rule.id!r}; wanted 0 s or more, and a rule that neither counts "
            f"readings nor is of kind {', '.join(sorted(_NO_HOLD))}"
        )
    least = 2 if rule.timing.count > 1 else 0
    if counts and (rule.kind in _NO_COUNT or min(counts) < least):
        raise ValueError(
            f"counts of {min(counts)} and more for {rule.id!r}; wanted {least} or more, and a rule that is not of kind "
            f"{', '.join(sorted(_NO_COUNT))}"
        )


def _candidate(
    rule: Rule,
    knob: Knob | None,
    value: float | None,
    figures: tuple[float, int],
    reporting_s: float,
    number: int,
) -> Candidate:
    hold_s, count = figures
    terms, timing = rule.terms, rule.timing
    changes: dict[str, float] = {}
    if knob is not None and value is not None and value != knob.present:
        terms, said = knob.turn(value)
        changes = {key: figure for key, figure in said.items() if key == knob.key or figure != getattr(rule.terms, key)}
    if hold_s != timing.hold_s:
        timing = msgspec.structs.replace(timing, hold_s=hold_s)
        changes["hold_s"] = hold_s
    if max(count, 1) != max(timing.count, 1):
        within_s = max(timing.count_within_s, float(COUNTED_PERIODS * count * reporting_s))
        timing = msgspec.structs.replace(timing, count=count, count_within_s=within_s)
        changes |= {"count": count, "count_within_s": within_s}
    present = knob.present if knob is not None else None
    copy = msgspec.structs.replace(
        rule, id=f"{rule.id}{_MARK}{number}", terms=terms, timing=timing, mode=RuleMode.SHADOW
    )
    return Candidate(copy, present if value is None else value, hold_s, count, changes)


def trial(rules: RuleSet, rule: Rule, candidates: Sequence[Candidate]) -> RuleSet:
    """Return the rules with which `candidates` of `rule` are tried: they alone, and what they are about.

    Overrides of some sites or devices are left out: every candidate is the same everywhere. Windows that are about the
    rule are about its candidates.
    """
    copies = [candidate.rule for candidate in candidates]
    names = tuple(copy.id for copy in copies)
    kept = rules.rules if rule.kind in RELATION_KINDS else ()
    return msgspec.structs.replace(
        rules,
        rules=tuple(sorted([*kept, *copies], key=lambda one: one.profile)),
        overrides=rules.overrides if kept else (),
        variants=rules.variants if kept else (),
        windows=tuple(
            msgspec.structs.replace(window, rules=(*window.rules, *names)) if rule.id in window.rules else window
            for window in rules.windows
        ),
    )


def override_table(rule: Rule, candidate: Candidate, site: str = "") -> str:
    """Return the `[[overrides]]` table that makes `rule` what the candidate is, for a rules file."""
    lines = ["[[overrides]]", f'rules = "{rule.id}"', *([f'site = "{site}"'] if site else [])]
    lines += [f"{key} = {_toml(figure)}" for key, figure in candidate.changes.items()]
    return "\n".join(lines) + "\n"


def _toml(figure: float) -> str:
    return str(figure) if isinstance(figure, int) else repr(float(figure))
