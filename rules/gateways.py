"""Devices behind gateways: one dead gateway is one incident, not a hundred.

A gateway counts where a no-data rule watches it; one that none watches (unregistered, retired, under maintenance, no
such device) is passed over, and hides nobody. Of a chain of gateways each is behind the next.

Its *absence* is nobody's silence behind it: the time from when it was last heard to when it is heard again, if it was
said to be silent in between. So silence adds up over the time in which the path was alive, and a device that is dead
behind a gateway that comes and goes is found.

| the gateway that counts | of a device that is due |
|---|---|
| is away: a no-data rule of it holds, or it is itself hidden | its silence is hidden |
| was heard since the device was due | its silence is said |
| neither | waits: the gateway is heard, or becomes away when its own time is up |
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from rules.compiled import compiled
from rules.hearing import AWAY, HELD, HIDDEN, NEVER_US

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rules.hearing import Bools, Ints, Records, Rows

__all__ = ["DEEPEST", "chains", "decide", "due", "pass_over_absence", "silent_behind"]

DEEPEST: Final = 4
"""So many gateways may be one behind the other; beyond that, and in a circle, there is none."""


def chains(gateway: Rows) -> tuple[Rows, NDArray[np.uint8]]:
    """Follow gateways to the last one.

    gateway: (n,) int32  the device row of each device's gateway, -1 where none
    Returns (gateway, depth): the same with -1 where more than `DEEPEST` follow, or there is no last one, which the
    devices of a circle and those behind them have in common; and (n,) uint8, how many follow.
    """
    depth = np.zeros(len(gateway), np.uint8)
    follows = gateway
    for _ in range(DEEPEST):
        depth += follows >= 0
        follows = np.where(follows >= 0, gateway[follows], -1)
    endless = follows >= 0
    return np.where(endless, -1, gateway).astype(np.int32), np.where(endless, 0, depth).astype(np.uint8)


@compiled
def _counting(of: Records, rule: NDArray[np.int32], row: int) -> int:
    """Return the first gateway before `row` that a rule watches, -1 where there is none."""
    gateway = of["gateway"][row]
    while gateway >= 0 and rule[0, gateway] < 0:
        gateway = of["gateway"][gateway]
    return int(gateway)


@compiled
def _soonest_us(of: Records, row: int, wait_us: Ints, holds: Bools) -> int:
    """Return when the first rule of a device is due that does not hold yet, `NEVER_US` where there is none."""
    soonest_us = NEVER_US
    for level in range(len(wait_us)):
        if wait_us[level, row] != NEVER_US and not holds[level, row]:
            soonest_us = min(soonest_us, of["heard_us"][row] + wait_us[level, row])
    return int(soonest_us)


@compiled
def _waits_for(
    of: Records,
    row: int,
    since_us: int,
    now_us: int,
    rule: NDArray[np.int32],
    wait_us: Ints,
    holds: Bools,
    due_us: Ints,
) -> tuple[int, int]:
    """Return (gateway, since_us): which gateway must be heard or be due before a device can be decided, -1 for none.

    since_us: since when the device is due; returned is since when it and the gateways that wait with it all have waited
    """
    first_us = since_us
    while not of["marks"][row] & HIDDEN:
        gateway = _counting(of, rule, row)
        if gateway < 0 or of["marks"][gateway] & AWAY or of["heard_us"][gateway] >= since_us:
            break
        if due_us[gateway] > now_us:
            return gateway, first_us
        since_us = _soonest_us(of, gateway, wait_us, holds)
        if since_us > now_us:
            return gateway, first_us
        row, first_us = gateway, min(first_us, since_us)
    return -1, first_us


@compiled
def due(
    n_devices: int,
    now_us: int,
    of: Records,
    rule: NDArray[np.int32],
    wait_us: Ints,
    holds: Bools,
    due_us: Ints,
    awaited: Rows,
    rows: NDArray[np.intp],
) -> int:
    """Find who has been silent for too long under a rule that does not say so yet, and can be decided.

    of, rule, wait_us, holds, due_us, awaited: as in `Silence`; the last two are set where `due_us` had passed
    rows: at least as long as there are devices; filled with the device rows, rising
    Returns how many are filled.
    """
    n_due = 0
    for row in range(n_devices):
        if due_us[row] > now_us:
            continue
        gateway = awaited[row]
        if gateway >= 0 and due_us[gateway] > now_us and of["heard_us"][gateway] < due_us[row]:
            continue
        soonest_us = _soonest_us(of, row, wait_us, holds)
        due_us[row] = soonest_us
        awaited[row] = -1
        if soonest_us > now_us:
            continue
        gateway, since_us = _waits_for(of, row, soonest_us, now_us, rule, wait_us, holds, due_us)
        if gateway >= 0:
            awaited[row] = gateway
            due_us[row] = since_us
            continue
        rows[n_due] = row
        n_due += 1
    return n_due


@compiled
def _say(of: Records, row: int, heard_us: int, now_us: int, wait_us: Ints, holds: Bools, due_us: Ints) -> bool:
    """Let each rule of a device hold that is due, and was when its gateway was heard at `heard_us`; say if any was."""
    says = False
    due_us[row] = NEVER_US
    for level in range(len(wait_us)):
        if wait_us[level, row] == NEVER_US or holds[level, row]:
            continue
        at_us = of["heard_us"][row] + wait_us[level, row]
        if at_us <= min(now_us, heard_us):
            holds[level, row] = says = True
        else:
            due_us[row] = min(due_us[row], at_us)
    if says:
        of["marks"][row] |= HELD
    return says


@compiled
def decide(
    rows: NDArray[np.intp],
    now_us: int,
    of: Records,
    rule: NDArray[np.int32],
    wait_us: Ints,
    holds: Bools,
    due_us: Ints,
) -> bool:
    """Decide what becomes of each device of `rows`, (n,) intp, that are due: gateways before those behind them.

    of, rule, wait_us, holds, due_us: as in `Silence`; changed
    Returns whether the silence of any is said.
    A device that is hidden, and has no gateway that is away since it was put behind another one, starts afresh.
    """
    says = False
    for depth in range(DEEPEST + 1):
        for row in rows:
            if of["depth"][row] != depth:
                continue
            gateway = _counting(of, rule, row)
            if gateway >= 0 and of["marks"][gateway] & AWAY:
                of["marks"][row] |= HIDDEN
                due_us[row] = NEVER_US
                continue
            if of["marks"][row] & HIDDEN:
                of["marks"][row] &= ~HIDDEN
                if not of["marks"][row] & HELD:
                    of["heard_us"][row] = now_us
            heard_us = of["heard_us"][gateway] if gateway >= 0 else now_us
            says |= _say(of, row, heard_us, now_us, wait_us, holds, due_us)
    return says


@compiled
def pass_over_absence(n_devices: int, now_us: int, of: Records, before_us: Ints, due_us: Ints) -> None:
    """Let the absence of gateways that are heard be no silence of the devices behind them; what was said stays.

    of, due_us: as in `Silence`; changed
    before_us:  (n,) int64  of the gateways that are back, and of those that are heard by what is too old to end what
                holds: from where their silence counted before. `NEVER_US` of all others
    Behind the latter all stays hidden, and the absence goes on from the time for which they are heard: one that sends
    what it kept comes nearer step by step. Beyond one that holds and is not heard, nothing changes.
    """
    for row in range(n_devices):
        gateway = of["gateway"][row]
        while gateway >= 0 and before_us[gateway] == NEVER_US and not of["marks"][gateway] & HELD:
            gateway = of["gateway"][gateway]
        if gateway < 0 or before_us[gateway] == NEVER_US:
            continue
        until_us = of["heard_us"][gateway]
        if not of["marks"][gateway] & HELD:
            until_us = now_us
            of["marks"][row] &= ~HIDDEN
            due_us[row] = 0
        if not of["marks"][row] & HELD:
            heard_us = of["heard_us"][row]
            of["heard_us"][row] = max(heard_us, min(heard_us + until_us - before_us[gateway], until_us))


@compiled
def silent_behind(
    n_devices: int, now_us: int, of: Records, wait_us: Ints, said: Bools, device: Rows, gateway: Rows
) -> int:
    """Find the silent devices behind gateways of which silence is being said, hidden or not.

    of, wait_us: as in `Silence`
    said:        (n,) bool  these gateways
    device, gateway: at least as long as there are devices; filled with device rows, rising, and of each the nearest
                 gateway that is held
    Returns how many are filled.
    """
    n_silent = 0
    for row in range(n_devices):
        its_gateway = of["gateway"][row]
        while its_gateway >= 0 and not of["marks"][its_gateway] & HELD:
            its_gateway = of["gateway"][its_gateway]
        if its_gateway < 0 or not said[its_gateway]:
            continue
        for level in range(len(wait_us)):
            if wait_us[level, row] != NEVER_US and now_us - of["heard_us"][row] >= wait_us[level, row]:
                device[n_silent] = row
                gateway[n_silent] = its_gateway
                n_silent += 1
                break
    return n_silent
