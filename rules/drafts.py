"""What a step finds, as arrays, until it is put in order and said."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np

from rules.model import Change

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rules.compiler import Plan

__all__ = ["Draft", "Phase", "changes_of"]


class Phase(IntEnum):
    """What comes first where one reading brings about two changes of one instance."""

    RAN_OUT = 0
    """The hold that ran out before the reading."""
    READ = 1
    """What the reading itself does."""


@dataclass(frozen=True, slots=True)
class Draft:
    """Changes of some instances; each array is (n,).

    slot:    intp   place of the deciding reading in the order of evaluation
    row:     intp   instance row
    phase:   uint8  of `Phase`
    channel, rule: rows
    the others are as in `Change`
    """

    slot: NDArray[np.intp]
    row: NDArray[np.intp]
    phase: NDArray[np.uint8]
    channel: NDArray[np.int32]
    rule: NDArray[np.int32]
    holds: NDArray[np.bool_]
    repeated: NDArray[np.bool_]
    late: NDArray[np.bool_]
    time_us: NDArray[np.int64]
    since_us: NDArray[np.int64]
    value: NDArray[np.float64]


_COLUMNS = tuple(field.name for field in fields(Draft))


def changes_of(drafts: list[Draft], plan: Plan, channel_device: NDArray[np.int32]) -> list[Change]:
    """Return the changes by slot, then in the order of the channel's rules, a hold that ran out first.

    channel_device: device row by channel row
    """
    if not drafts:
        return []
    whole = Draft(*(np.concatenate([getattr(draft, name) for draft in drafts]) for name in _COLUMNS))
    order = np.lexsort((whole.phase, whole.row, whole.slot))
    columns = (
        channel_device[whole.channel],
        whole.channel,
        whole.rule,
        whole.holds,
        whole.repeated,
        whole.late,
        whole.time_us,
        whole.since_us,
        whole.value,
    )
    return [
        Change(device, channel, plan.rules[rule].id, *rest)
        for device, channel, rule, *rest in zip(*(column[order].tolist() for column in columns), strict=True)
    ]
