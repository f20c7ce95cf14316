"""The state of silence as bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from rules.hearing import HIDDEN, LISTENER, UNHEARD_US

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rules.hearing import Records

__all__ = ["SilenceState", "fill", "state_of"]

_COLUMNS = ("newest_us", "spoke_us", "period_s", "usual_s", "began_s", "intervals", "doubt")


class SilenceState(msgspec.Struct, frozen=True, array_like=True):
    """All of it, for a snapshot; equal states are equal bytes. Columns are little-endian, by device row.

    second:                        the whole second of the last check, -1 before the first
    heard_us, newest_us, spoke_us: int64; as in `hearing.LISTENER`, and so are the next ones
    period_s, usual_s: float32  began_s: uint32  intervals, doubt: uint8
    silent_device, silent_rule:    (k,) int32 each: no-data rules that hold
    hidden_device:                 (j,) int32: devices hidden behind a gateway
    From `newest_us` to `doubt` they may be empty: nothing is learned then, and nothing was heard after `heard_us`.
    """

    second: int = -1
    heard_us: bytes = b""
    newest_us: bytes = b""
    spoke_us: bytes = b""
    period_s: bytes = b""
    usual_s: bytes = b""
    began_s: bytes = b""
    intervals: bytes = b""
    doubt: bytes = b""
    silent_device: bytes = b""
    silent_rule: bytes = b""
    hidden_device: bytes = b""


def state_of(
    second: int,
    of: Records,
    watched: NDArray[np.bool_],
    silent_device: NDArray[np.int32],
    silent_rule: NDArray[np.int32],
) -> SilenceState:
    """Return the state of the devices `of`, (n,) LISTENER, and of the rules that hold, (k,) int32 each.

    watched: (n,) bool  by any rule; of others it is not kept since when they are silent
    """
    columns = {name: of[name].tobytes() for name in _COLUMNS}
    columns["heard_us"] = np.where(watched, of["heard_us"], UNHEARD_US).tobytes()
    return SilenceState(
        second=second,
        **columns,
        silent_device=silent_device.tobytes(),
        silent_rule=silent_rule.tobytes(),
        hidden_device=np.flatnonzero(of["marks"] & HIDDEN).astype(np.int32).tobytes(),
    )


def fill(of: Records, state: SilenceState) -> None:
    """Fill `of`, LISTENER records of as many devices as `state` has, with its columns.

    The silence of a device that was not watched then begins as `of` says.
    """
    heard_us = np.frombuffer(state.heard_us, "<i8")
    of["heard_us"] = np.where(heard_us == UNHEARD_US, of["heard_us"], heard_us)
    of["newest_us"] = heard_us
    for name in _COLUMNS:
        column: bytes = getattr(state, name)
        if column:
            of[name] = np.frombuffer(column, LISTENER[name])
