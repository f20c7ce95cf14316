"""Units: a quantity given in one unit, in another, by exact factors."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from math import isfinite

__all__ = ["UnitFault", "amount_in", "duration_text", "seconds_in", "units_beside"]


class UnitFault(ValueError):
    """A quantity that cannot be had in the unit that was asked for.

    wrong, wanted: for a message that says both
    """

    def __init__(self, wrong: str, wanted: str) -> None:
        super().__init__(f"{wrong}; wanted {wanted}")
        self.wrong = wrong
        self.wanted = wanted


@dataclass(frozen=True, slots=True)
class _Unit:
    """A unit as `factor` times the first of its dimension, plus `offset` of those."""

    dimension: str
    factor: Fraction
    offset: Fraction = Fraction(0)


def _unit(dimension: str, factor: str, offset: str = "0") -> _Unit:
    return _Unit(dimension, Fraction(factor), Fraction(offset))


_G = "9.80665"  # standard gravity, m/s²
_UNITS = {
    "Pa": _unit("pressure", "1"),
    "hPa": _unit("pressure", "100"),
    "kPa": _unit("pressure", "1e3"),
    "MPa": _unit("pressure", "1e6"),
    "mbar": _unit("pressure", "100"),
    "bar": _unit("pressure", "1e5"),
    "mH2O": _unit("pressure", "9806.65"),
    "kgf/cm2": _unit("pressure", "98066.5"),
    "mmHg": _unit("pressure", "133.322387415"),
    "K": _unit("temperature", "1"),
    "°C": _unit("temperature", "1", "273.15"),
    "°F": _Unit("temperature", Fraction(5, 9), Fraction("459.67") * Fraction(5, 9)),
    "%": _unit("share", "1"),
    "‰": _unit("share", "0.1"),
    "%LEL": _unit("explosive concentration", "1"),
    "ppm": _unit("concentration", "1"),
    "ppb": _unit("concentration", "1e-3"),
    "%vol": _unit("concentration", "1e4"),
    "dB/m": _unit("obscuration", "1"),
    "m": _unit("length", "1"),
    "cm": _unit("length", "0.01"),
    "mm": _unit("length", "1e-3"),
    "km": _unit("length", "1e3"),
    "A": _unit("current", "1"),
    "mA": _unit("current", "1e-3"),
    "µA": _unit("current", "1e-6"),
    "V": _unit("voltage", "1"),
    "mV": _unit("voltage", "1e-3"),
    "kV": _unit("voltage", "1e3"),
    "W": _unit("power", "1"),
    "kW": _unit("power", "1e3"),
    "°": _unit("angle", "1"),
    "′": _Unit("angle", Fraction(1, 60)),
    "″": _Unit("angle", Fraction(1, 3600)),
    "m/s2": _unit("acceleration", "1"),
    "g": _unit("acceleration", _G),
    "mg": _Unit("acceleration", Fraction(_G) / 1000),
    "m/s": _unit("speed", "1"),
    "mm/s": _unit("speed", "1e-3"),
    "km/h": _Unit("speed", Fraction(5, 18)),
    "bpm": _unit("frequency", "1"),
    "1/min": _unit("frequency", "1"),
    "Hz": _unit("frequency", "60"),
    "m3": _unit("volume", "1"),
    "L": _unit("volume", "1e-3"),
    "m3/h": _unit("flow", "1"),
    "L/s": _unit("flow", "3.6"),
    "L/min": _unit("flow", "0.06"),
    "s": _unit("time", "1"),
    "ms": _unit("time", "1e-3"),
    "min": _unit("time", "60"),
    "h": _unit("time", "3600"),
    "d": _unit("time", "86400"),
}
"""Sources: the SI brochure, 9th edition; CGPM 1901 for standard gravity; ISO 80000-4 for mmHg and mH2O."""

_SPELLINGS = {
    "℃": "°C",
    "℉": "°F",
    "％": "%",
    "μA": "µA",  # the Greek letter for the micro sign
    "uA": "µA",
    "deg": "°",
    "m³": "m3",
    "m³/h": "m3/h",
    "m/s²": "m/s2",
    "kgf/cm²": "kgf/cm2",
    "mH₂O": "mH2O",
    "/min": "1/min",
}

_QUANTITY = re.compile(
    r"\s*([+-]?(?:\d{1,30}\.?\d{0,30}|\.\d{1,30})(?:[eE][+-]?\d{1,3})?)(?:\s+|(?=[^\d\s.,]))(\S.*?)\s*"
)


def amount_in(unit: str, text: str, *, difference: bool = False) -> float:
    """Return the quantity `text`, a number and its unit ("140 kPa"), in `unit`.

    difference: it is a change, not a level: 18 °F of rise are 10 °C, and no zero is shifted
    The result is the float nearest to the exact figure. A unit that we do not know is only ever itself.
    Raises UnitFault where `text` is no quantity, or one of another kind.
    """
    found = _QUANTITY.fullmatch(text)
    if found is None:
        raise UnitFault(
            f"{text!r} is no number with its unit", f"a number in {unit}, or a text like {_example(unit)!r}"
        )
    number, given = Fraction(found[1]), _SPELLINGS.get(found[2], found[2])
    wanted = _SPELLINGS.get(unit, unit)
    if given != wanted:
        one, other = _UNITS.get(given), _UNITS.get(wanted)
        if one is None or other is None or one.dimension != other.dimension:
            raise UnitFault(f"{text!r} cannot be had in {unit}", f"one of {', '.join(units_beside(unit))}")
        number *= one.factor
        if not difference:
            number += one.offset - other.offset
        number /= other.factor
    try:
        amount = float(number)
    except OverflowError:
        amount = float("inf")
    if not isfinite(amount):
        raise UnitFault(f"{text!r} is beyond all measure", f"a finite number in {unit}")
    return amount


def seconds_in(text: str) -> float:
    """Return the duration `text` ("5 min", "1.5 h") in s. Raises UnitFault where it is none."""
    return amount_in("s", text)


def units_beside(unit: str) -> list[str]:
    """Return the units that can be had in `unit`: itself first, then those of its dimension."""
    known = _UNITS.get(_SPELLINGS.get(unit, unit))
    beside = [] if known is None else [name for name, other in _UNITS.items() if other.dimension == known.dimension]
    return [unit, *(name for name in beside if name != _SPELLINGS.get(unit, unit))]


def _example(unit: str) -> str:
    return "5 min" if unit == "s" else f"10 {unit}"


def duration_text(seconds: float) -> str:
    """Return a duration as a person would say it, in the largest unit that leaves no fraction: "5 min", "90 s"."""
    for name in ("d", "h", "min"):
        length = int(_UNITS[name].factor)
        if seconds and seconds % length == 0:
            return f"{seconds / length:g} {name}"
    return f"{seconds:g} s"
