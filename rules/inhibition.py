"""Inhibition: which rules hold on a device that others on it name in `unless`.

A rule holds by what the engine says of it, whether anybody is told or not: a part, one in shadow, one that is withheld
itself. It no longer holds where it ceased, nor where it does not watch the device as it did (retired, under
maintenance, other rules): the engine has begun it anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rules.compiler import key_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from rules.model import Change, Rule

__all__ = ["Inhibition"]


class Inhibition:
    """Says which rules are to raise nothing on a device. `rules` are all that may be in force somewhere."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._named = frozenset(named for rule in rules for named in rule.unless)
        self._holding: dict[int, dict[str, Rule]] = {}

    @property
    def is_needed(self) -> bool:
        """Whether any rule names another."""
        return bool(self._named)

    def hear(self, changes: Iterable[Change]) -> set[int]:
        """Take up the changes of one step, in order; return the device rows on which a rule ceased that is named."""
        eased: set[int] = set()
        for change in changes:
            if change.holds:
                self.hold(change.device_row, change.rule)
            elif change.rule.id in self._holding.get(change.device_row, ()):
                self._drop(change.device_row, change.rule.id)
                eased.add(change.device_row)
        return eased

    def inhibits(self, rule: Rule, row: int) -> bool:
        """Say whether one holds on the device of `row` that `rule` names; of a danger to life only if it is signed."""
        if not rule.unless or row not in self._holding or (rule.is_life_safety and not rule.signed_by):
            return False
        return not self._holding[row].keys().isdisjoint(rule.unless)

    # ── state ────────────────────────────────────────────────────────────────────────────────────────────────────

    def review(self, row: int, rules: Mapping[str, Rule]) -> None:
        """Forget what held on the device of `row` and is none of `rules` by id, those that watch it from now on."""
        for rule_id, rule in list(self._holding.get(row, {}).items()):
            now = rules.get(rule_id)
            if now is not None and (now is rule or key_of(now) == key_of(rule)):
                self._holding[row][rule_id] = now
            else:
                self._drop(row, rule_id)

    def holding(self) -> Iterator[tuple[int, Rule]]:
        """Yield device row and rule of what holds, by row and rule id."""
        for row in sorted(self._holding):
            for _, rule in sorted(self._holding[row].items()):
                yield row, rule

    def hold(self, row: int, rule: Rule) -> None:
        """Take up that `rule` holds on the device of `row`, where any rule names it."""
        if rule.id in self._named:
            self._holding.setdefault(row, {})[rule.id] = rule

    def _drop(self, row: int, rule_id: str) -> None:
        of_row = self._holding[row]
        del of_row[rule_id]
        if not of_row:
            del self._holding[row]
