"""What silence knows of each device, and the loop that takes in who is heard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from devices.batch import Flag
from rules.compiled import compiled
from rules.model import NoDataTerms
from rules.periods import BURST_US, is_learned, next_period

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rules.model import Rule

    Bools = NDArray[np.bool_]
    Ints = NDArray[np.int64]
    Records = NDArray[np.void]
    Rows = NDArray[np.int32]

__all__ = [
    "AWAY",
    "HELD",
    "HIDDEN",
    "LISTENER",
    "NEVER_US",
    "NEW",
    "TERMS",
    "UNHEARD_US",
    "settle",
    "take_in",
    "terms_of",
]

NEVER_US: Final = int(np.iinfo(np.int64).max)
"""The silence to wait for where there is no rule, and when a device is due that waits for nothing."""
UNHEARD_US: Final = -1

HELD: Final = 1
"""Some no-data rule of the device holds."""
HIDDEN: Final = 2
"""It is silent for too long, and its gateway is said to be silent instead."""
_BACK: Final = 4
"""It is being heard again, in this step."""
AWAY: Final = HELD | HIDDEN

LISTENER: Final = np.dtype(
    [
        ("heard_us", "<i8"),  # from here its silence counts; of no meaning where nothing watches it
        ("newest_us", "<i8"),  # event time of the newest sign of life of its own, `UNHEARD_US` where none
        ("spoke_us", "<i8"),  # the fold's time when its last report began, `UNHEARD_US` where none
        ("period_s", "<f4"),  # as `periods.next_period` has it
        ("usual_s", "<f4"),  # the learned period, 0 where there is none; it follows `period_s` in steps
        ("began_s", "<u4"),  # the fold's time, s, when learning began
        ("gateway", "<i4"),  # the device row behind which it is, -1 where none
        ("depth", "u1"),  # so many gateways one behind the other
        ("intervals", "u1"),
        ("doubt", "u1"),
        ("marks", "u1"),  # of `HELD`, `HIDDEN`, `_BACK`
    ],
    align=True,
)
"""One device: 48 bytes, of which 22 are for the learned period."""

NEW: Final = np.array((UNHEARD_US, UNHEARD_US, UNHEARD_US, 0.0, 0.0, 0, -1, 0, 0, 0, 0), LISTENER)
"""A device of which nothing is known."""

TERMS: Final = np.dtype([("after_us", "<i8"), ("periods", "<f8"), ("least_us", "<i8")])
"""`NoDataTerms` of one rule; `periods` is NaN where it has none."""

_STEP: Final = 0.1
"""The learned period is another where it differs by more than a tenth: what hangs on it is then worked out again."""

_NO_SIGN_OF_LIFE: Final = int(Flag.RETAINED | Flag.OFFLINE)


def terms_of(rule: Rule) -> tuple[int, float, int]:
    """Return the record of TERMS of `rule`; nothing ever holds by one that is not about silence."""
    if not isinstance(rule.terms, NoDataTerms):
        return NEVER_US, np.nan, 0
    terms = rule.terms
    periods = np.nan if terms.periods is None else terms.periods
    return round(terms.after_s * 1e6), periods, round(terms.at_least_s * 1e6)


@compiled
def _settle(of: Records, row: int, rule: NDArray[np.int32], terms: Records, wait_us: Ints, due_us: Ints) -> None:
    """Set how long the silence of one device may last, by its rules and its period."""
    for level in range(len(rule)):
        its_rule = rule[level, row]
        if its_rule < 0:
            wait_us[level, row] = NEVER_US
            continue
        wait = terms["after_us"][its_rule]
        learned_us = terms["periods"][its_rule] * of["usual_s"][row] * 1e6
        if 0.0 < learned_us < wait:
            wait = min(wait, max(terms["least_us"][its_rule], int(learned_us + 0.5)))
        wait_us[level, row] = wait
        if not of["marks"][row] & HIDDEN:
            due_us[row] = min(due_us[row], of["heard_us"][row] + wait)


@compiled
def settle(
    of: Records, rows: NDArray[np.intp], rule: NDArray[np.int32], terms: Records, wait_us: Ints, due_us: Ints
) -> None:
    """Set `wait_us` of `rows` by their rules and learned periods, and lower `due_us` to it. Arrays as in `Silence`."""
    for nth in range(len(rows)):
        _settle(of, rows[nth], rule, terms, wait_us, due_us)


@compiled
def _report(of: Records, row: int, now_us: int) -> bool:
    """Note that a device reports now, and say whether its learned period is another since."""
    spoke_us = of["spoke_us"][row]
    if spoke_us == UNHEARD_US:
        of["spoke_us"][row] = now_us
        return False
    if now_us - spoke_us < BURST_US:
        return False
    period_s, intervals, doubt, starts = next_period(
        float(of["period_s"][row]), int(of["intervals"][row]), int(of["doubt"][row]), (now_us - spoke_us) / 1e6
    )
    if starts:
        of["began_s"][row] = spoke_us // 1_000_000
    of["period_s"][row] = period_s
    of["intervals"][row] = intervals
    of["doubt"][row] = doubt
    of["spoke_us"][row] = now_us
    learned = is_learned(intervals, doubt, now_us // 1_000_000 - of["began_s"][row])
    usual_s = of["usual_s"][row]
    if abs(period_s - usual_s) <= _STEP * usual_s if learned else usual_s == 0.0:
        return False
    of["usual_s"][row] = period_s if learned else 0.0
    return True


@compiled
def take_in(
    device: Rows,
    time_us: Ints,
    flags: NDArray[np.uint8],
    now_us: int,
    of: Records,
    rule: NDArray[np.int32],
    terms: Records,
    wait_us: Ints,
    due_us: Ints,
    back: Rows,
    before_us: Ints,
) -> int:
    """Take in the readings of one block as signs of life.

    device:  (n,) int32  device row of each reading
    time_us: (n,) int64  event time, µs; one beyond `now_us` counts as it
    flags:   (n,) uint8  of `Flag`
    of, rule, terms, wait_us, due_us: as in `Silence`; changed
    back, before_us: at least as long as there are devices; filled with the rows of those that were away and gave a sign
             of life, each once, and with `heard_us` before it
    Returns how many of `back` are filled.

    A sign of life is a reading newer than any of its device before, that the broker neither kept from earlier nor made
    itself. It moves the beginning of the silence to its time, of its device and of the gateways that forwarded it, and
    never back. One block is one report, however many readings it has of a device.
    """
    n_back = 0
    for nth in range(len(device)):
        row = device[nth]
        at_us = min(time_us[nth], now_us)
        if flags[nth] & _NO_SIGN_OF_LIFE or at_us <= of["newest_us"][row]:
            continue
        of["newest_us"][row] = at_us
        is_other = _report(of, row, now_us)
        heard = row
        while heard >= 0:
            if of["marks"][heard] & AWAY and not of["marks"][heard] & _BACK:
                of["marks"][heard] |= _BACK
                back[n_back] = heard
                before_us[n_back] = of["heard_us"][heard]
                n_back += 1
            of["heard_us"][heard] = max(of["heard_us"][heard], at_us)
            heard = of["gateway"][heard]
        if is_other:
            _settle(of, row, rule, terms, wait_us, due_us)
    return n_back
