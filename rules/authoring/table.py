"""One TOML table being read: each key as what it is to be, or a fault at its line."""

from __future__ import annotations

import math
from contextlib import suppress
from typing import TYPE_CHECKING, Final, TypeGuard, TypeVar

from devices.units import UnitFault, amount_in, duration_text, seconds_in
from rules.limits import physical_range

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from enum import StrEnum

    from devices.profile import Metric
    from rules.authoring.faults import Faults
    from rules.authoring.names import Names

__all__ = ["LONGEST_S", "Table"]

_Choice = TypeVar("_Choice", bound="StrEnum")

LONGEST_S: Final = 366 * 86_400.0
"""The longest time that a rule may wait for or look back on."""


class Table:
    """A table whose faults go to `faults`; `sound` says whether there was none.

    place: returns the `file:line` of a key, or of the table where the key ("" for none) is not given
    who:   how messages call it: "rule 'gas.high'"
    """

    def __init__(self, values: Mapping[str, object], place: Callable[[str], str], who: str, faults: Faults) -> None:
        self.values = values
        self.place = place
        self.who = who
        self.sound = True
        self.faults = faults

    def say(self, key: str, wrong: str, wanted: str) -> None:
        """Take up a fault of `key`; "" for the table."""
        self.faults.say(self.place(key), self.who, wrong, wanted)
        self.sound = False

    def shown(self, key: str) -> str:
        """Return `key = value` as it is given, under whichever of its two forms."""
        key = self.form(key)
        value = self.values.get(key)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return f"{key} = {value:g}" if is_number else f"{key} = {value!r}"

    def form(self, key: str) -> str:
        """Return the form of a duration's key that is given: `hold` or `hold_s`."""
        return f"{key}_s" if key not in self.values and f"{key}_s" in self.values else key

    def has(self, key: str) -> bool:
        """Say whether `key` is given, under either form."""
        return self.form(key) in self.values

    def refuse_others(self, wanted: Iterable[str], what: str) -> None:
        """Refuse keys that are not `wanted`."""
        known = frozenset(wanted)
        for key in self.values:
            if key not in known:
                self.say(key, f"{key!r} is no key of {what}", f"only {', '.join(sorted(known))}")

    # ── texts ────────────────────────────────────────────────────────────────────────────────────────────────────

    def text(self, key: str, wanted: str = "", *, default: str | None = None) -> str:
        """Return a text that is not empty. Where it is missing: `default`, or a fault if that is None."""
        value = self.values.get(key)
        if isinstance(value, str) and value.strip():
            return value
        if value is None and default is not None:
            return default
        self.say(key, self._wrong(key), wanted or "a text that is not empty")
        return ""

    def choice(self, key: str, choices: type[_Choice], default: _Choice | None = None) -> _Choice | None:
        """Return one of `choices`; None where there is none, and then that is said unless there is a default."""
        value = self.values.get(key)
        if value is None and default is not None:
            return default
        if isinstance(value, str):
            with suppress(ValueError):
                return choices(value)
        self.say(key, self._wrong(key), f"one of {', '.join(choices)}")
        return None

    def texts(self, key: str) -> tuple[str, ...]:
        """Return one text, or a list of texts, as a tuple; empty where it is missing."""
        match self.values.get(key):
            case None:
                return ()
            case str(one) if one.strip():
                return (one,)
            case [*several] if several and all(isinstance(one, str) and one.strip() for one in several):
                return tuple(str(one) for one in several)
        self.say(key, self._wrong(key), "a text or a list of texts, none empty")
        return ()

    def ids(self, key: str, names: Names, *, patterns: bool = True, but: str = "") -> tuple[str, ...]:
        """Return the ids that a list of ids, or patterns where those may stand, is about; all but `but`."""
        found: dict[str, None] = {}
        for nth, name in enumerate(self.texts(key)):
            ids = [one for one in names.named(name) if one != but or one == name]
            if not ids:
                self.say(f"{key}.{nth}", *names.why_none(name))
            elif not patterns and ids != [name]:
                self.say(f"{key}.{nth}", f"{name!r} stands for {', '.join(ids)}", "each by its id")
            found.update(dict.fromkeys(ids))
        return tuple(found)

    def flag(self, key: str, *, default: bool) -> bool:
        """Return true or false."""
        value = self.values.get(key, default)
        if not isinstance(value, bool):
            self.say(key, self._wrong(key), "true or false")
            return default
        return value

    # ── figures ──────────────────────────────────────────────────────────────────────────────────────────────────

    def number(self, key: str, low: float, high: float, default: float | None = None) -> float | None:
        """Return a number from `low` to `high`; None where it is wrong, or missing without a default."""
        value = self.values.get(key)
        if value is None and default is not None:
            return default
        if not _is_finite(value) or not low <= value <= high:
            self.say(key, self._wrong(key), f"a number from {low:g} to {high:g}")
            return None
        return float(value)

    def count(self, key: str, low: int, high: int, default: int | None = None) -> int | None:
        """Return a whole number from `low` to `high`; None where it is wrong, or missing without a default."""
        value = self.values.get(key)
        if value is None and default is not None:
            return default
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            self.say(key, self._wrong(key), f"a whole number from {low} to {high}")
            return None
        return value

    def amount(self, key: str, metric: Metric, *, wanted: str = "", difference: bool = False) -> float | None:
        """Return a figure in the unit of `metric`, given as a number in it or as a text with a unit.

        wanted:     what to ask for where it is missing; "" where it may be
        difference: it is a change of the metric, which must be above 0, not a level of it
        """
        value = self.values.get(key)
        if value is None:
            if wanted:
                self.say(key, f"no `{key}`", wanted)
            return None
        amount = self._in_unit(key, value, metric, difference=difference)
        if amount is None:
            return None
        if difference:
            low, high = physical_range(metric)
            if not 0 < amount <= high - low:
                reach = f"above 0, and at most {high - low:g} {metric.unit}".rstrip() if high < math.inf else "above 0"
                self.say(key, f"{self.shown(key)} is no change that the sensor can show", reach)
                return None
        return amount

    def _in_unit(self, key: str, value: object, metric: Metric, *, difference: bool) -> float | None:
        if isinstance(value, str) and metric.unit:
            try:
                return amount_in(metric.unit, value, difference=difference)
            except UnitFault as fault:
                self.say(key, f"{key} = {fault.wrong}", fault.wanted)
                return None
        if _is_finite(value):
            return float(value)
        text = f" in {metric.unit}, or a text with its unit" if metric.unit else ""
        self.say(key, self._wrong(key), f"a finite number{text}")
        return None

    def duration(
        self, key: str, default: float | None = None, *, wanted: str = "", above_s: float | None = None, why: str = ""
    ) -> float | None:
        """Return a duration in s, given as `key`, a text with its unit, or as `<key>_s`, a number.

        wanted:  what to ask for where it is missing; `default` stands for it where that is ""
        above_s: it must be longer than this, because of `why`
        """
        if not self.has(key):
            if wanted:
                self.say(key, f"no `{key}`", wanted)
            return default
        if key in self.values and f"{key}_s" in self.values:
            self.say(key, f"both {key} and {key}_s are given", "one of them")
            return None
        seconds = self._seconds(key)
        if seconds is None:
            return None
        if not 0 <= seconds <= LONGEST_S:
            self.say(self.form(key), self.shown(key), f"0 … {LONGEST_S:.0f} s")
            return None
        if above_s is not None and not seconds > above_s:
            self.say(
                self.form(key), f"{self.shown(key)} is no longer than {why}", f"more than {duration_text(above_s)}"
            )
            return None
        return seconds

    def _seconds(self, key: str) -> float | None:
        form = self.form(key)
        value = self.values[form]
        if form == key and isinstance(value, str):
            try:
                return seconds_in(value)
            except UnitFault as fault:
                self.say(form, f"{key} = {fault.wrong}", fault.wanted)
                return None
        if form != key and _is_finite(value):
            return float(value)
        self.say(form, self._wrong(form), f"a text like {key} = '5 min', or a finite number as {key}_s = 300")
        return None

    def _wrong(self, key: str) -> str:
        return f"no `{key}`" if self.values.get(key) is None else f"{key} = {self.values[key]!r}"


def _is_finite(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
