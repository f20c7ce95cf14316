"""How often a rule was in breach of late: the count of `Timing.count` within `Timing.count_within_s`.

Source: issue 3, "repeat count in a window"; for instance two samples of a pulse within 10 min, docs/standards.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rules.compiled import compiled

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["reached"]


@compiled
def reached(memory: NDArray[np.float64], at: int, count: int, within_us: int, time_us: int) -> bool:
    """Note a breach, and say whether it is one of `count` that lie within `within_us` of each other.

    memory:    (m,) float64  the `count` words from `at` on are written: the newest breaches, newest first, µs since the
               epoch, 0 where there were fewer
    count:     >= 0; for 0 and 1 one breach is enough, and nothing is written
    within_us: µs between the first and the last of them, both included, >= 0
    time_us:   event time of the breach, µs since the epoch, in any order; below 1 counts as 1

    A breach of a time that is kept already is the same one, sent again: it is not counted twice. The breach is looked
    at together with the newest `count` (by their own time) of those noted before it; of the group it may be the first,
    the last or in the middle. Not seen is a group of a late breach and one that is older than those `count`.
    """
    if count <= 1:
        return True
    time = float(max(time_us, 1))
    place = 0
    while place < count and memory[at + place] > time:
        place += 1
    newest: float = memory[at]
    second: float = memory[at + 1]
    oldest: float = memory[at + count - 1]
    if place < count and memory[at + place] == time:
        return oldest > 0.0 and newest - oldest <= within_us
    # There are up to count + 1 of them now, so two groups: without the oldest, and without the newest.
    for nth in range(count - 1, place, -1):
        memory[at + nth] = memory[at + nth - 1]
    if place < count:
        memory[at + place] = time
    first_of_all = min(oldest, time)
    if first_of_all > 0.0 and (second if place > 1 else time) - first_of_all <= within_us:
        return True
    newest, oldest = memory[at], memory[at + count - 1]
    return place < count and oldest > 0.0 and newest - oldest <= within_us
