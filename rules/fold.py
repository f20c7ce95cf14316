"""The fold of one block, compiled: each reading, in order of arrival, under each rule of its channel.

A reading that no rule can mind costs two comparisons: its value is quiet under every rule that judges the value
itself, none of these is busy, and no other rule measures. Any other makes instances of its rules; when all of a channel
are idle and remember nothing, they go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rules.compiled import compiled
from rules.evaluation import evaluate, say_ran_out
from rules.kernels import (
    HOLDS,
    IDLE,
    PENDING,
    runs_out,
)
from rules.layout import FOREVER_US, NEVER_US, NONE, Tally

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Records = NDArray[np.void]

__all__ = ["DRAFTS_A_PAIR", "begin", "ended_holds", "fold", "needs"]

_INSTANCES: Final = int(Tally.INSTANCES)
_ABANDONED: Final = int(Tally.ABANDONED)
_WORDS: Final = int(Tally.WORDS)
_WORDS_ABANDONED: Final = int(Tally.WORDS_ABANDONED)
_QUEUE: Final = int(Tally.QUEUE)
_DUE_US: Final = int(Tally.DUE_US)
_UNKNOWN: Final = int(Tally.UNKNOWN)
_LATE: Final = int(Tally.LATE)
_ATTENDED: Final = int(Tally.ATTENDED)
_EVALUATIONS: Final = int(Tally.EVALUATIONS)


WORDS_A_LINE: Final = 8
"""Of a cache."""
DRAFTS_A_PAIR: Final = 2
"""A reading can bring about two changes under one rule: a hold that ran out before it, and its own."""


@compiled
def needs(
    channel: NDArray[np.int32],
    value: NDArray[np.float64],
    known: NDArray[np.bool_],
    channels: Records,
    panels: Records,
    out: NDArray[np.int64],
) -> None:
    """Say how much room the fold of these readings may need.

    channel, value, known: (n,) of the block
    channels, panels:      as for `fold`
    out: (3,) int64        pairs of reading and instance; new instances; new words of memory: the latter may be too many
    """
    pairs = new = words = 0
    for i in range(channel.shape[0]):
        at = channels[channel[i]]
        panel = panels[at.panel]
        if not known[i] or panel.count == 0:
            continue
        pairs += panel.count
        if not panel.measuring and panel.quiet_low <= value[i] <= panel.quiet_high:
            continue
        if at.start == NONE or not panel.keeps:
            new += panel.count
        if at.start == NONE:
            words += panel.words
    out[0], out[1], out[2] = pairs, new, words


@compiled
def bring_in(
    channel: NDArray[np.int32], channels: Records, instances: Records, memory: NDArray[np.float64], panels: Records
) -> float:
    """Ask for all that the fold will look at, without waiting for any; what is returned means nothing.

    A city's state is in no cache. Asked for like this it comes in at the memory's bandwidth, not at its latency.
    """
    asked = 0.0
    for i in range(channel.shape[0]):
        at = channels[channel[i]]
        if at.start != NONE:
            for row in range(at.start, at.start + panels[at.panel].measuring):
                asked += instances[row].last_us
    for i in range(channel.shape[0]):
        at = channels[channel[i]]
        if at.start != NONE and panels[at.panel].measuring:
            first = instances[at.start].memory
            for word in range(first, first + panels[at.panel].words, WORDS_A_LINE):
                asked += memory[word]
    return asked


@compiled
def begin(
    channel: int,
    at: Any,
    panel: Any,
    instances: Records,
    panel_rule: NDArray[np.int32],
    rules: Records,
    memory: NDArray[np.float64],
    tally: NDArray[np.int64],
) -> None:
    """Give a channel the instances of its panel, all idle."""
    start = tally[_INSTANCES]
    at.start = start
    for nth in range(panel.count):
        one = instances[start + nth]
        rule = panel_rule[panel.start + nth]
        words = rules[rule].words
        one.channel = channel
        one.rule = rule
        one.state = IDLE
        one.queued = False
        one.since_us = 0
        one.due_us = 0
        one.last_us = NEVER_US
        one.memory = NONE
        if words:
            one.memory = tally[_WORDS]
            for word in range(words):
                memory[one.memory + word] = 0.0
            tally[_WORDS] += words
    tally[_INSTANCES] += panel.count


@compiled
def fold(
    channel: NDArray[np.int32],
    time_us: NDArray[np.int64],
    value: NDArray[np.float64],
    known: NDArray[np.bool_],
    is_late: NDArray[np.bool_],
    now_us: int,
    zone_us: int,
    channels: Records,
    instances: Records,
    memory: NDArray[np.float64],
    panels: Records,
    panel_rule: NDArray[np.int32],
    rules: Records,
    parameters: NDArray[np.float64],
    queue: NDArray[np.int32],
    tally: NDArray[np.int64],
    drafts: Records,
) -> int:
    """Fold the readings of one block into the state, and return how many drafts that made.

    channel … is_late:    (n,) of the block; times are brought within 0 … `now_us`
    zone_us:              UTC offset of the local time
    channels, instances:  records of `layout.CHANNEL`, `layout.INSTANCE`; written
    memory:               float64 words of all instances; written
    panels, panel_rule:   records of `layout.PANEL`; (k,) int32 rule rows
    rules, parameters:    records of `layout.RULE`; (r, PARAMETERS) float64
    queue:                int32 rows that wait, `tally[QUEUE]` of them; written
    tally:                (len(Tally),) int64; written
    drafts:               records of `layout.DRAFT`, in the order in which things happened; written
    There must be the room that `needs` says, and for DRAFTS_A_PAIR drafts a pair.
    """
    n_drafts = 0
    for i in range(channel.shape[0]):
        if not known[i]:
            tally[_UNKNOWN] += 1
            continue
        at = channels[channel[i]]
        panel = panels[at.panel]
        t = min(max(time_us[i], 0), now_us)
        newest_us = at.newest_us
        late = is_late[i] or t < newest_us
        at.newest_us = max(newest_us, t)
        if panel.count == 0:
            continue
        quiet = panel.quiet_low <= value[i] <= panel.quiet_high
        if at.start == NONE:
            if quiet and not panel.measuring:
                continue
            begin(channel[i], at, panel, instances, panel_rule, rules, memory, tally)
        asked = panel.measuring if quiet and at.busy == 0 else panel.count
        tally[_ATTENDED] += 1
        tally[_LATE] += late
        tally[_EVALUATIONS] += asked
        for nth in range(asked):
            row = at.start + nth
            one = instances[row]
            was_idle = one.state == IDLE
            n_drafts = evaluate(
                row,
                one,
                rules[one.rule],
                parameters[one.rule],
                t,
                value[i],
                quiet,
                late,
                newest_us,
                zone_us,
                memory,
                queue,
                tally,
                drafts,
                n_drafts,
            )
            if nth >= panel.measuring:
                at.busy += was_idle - (one.state == IDLE)
        if at.busy == 0 and not panel.keeps:
            for row in range(at.start, at.start + panel.count):
                instances[row].channel = NONE
            tally[_ABANDONED] += panel.count
            at.start = NONE
    return n_drafts


@compiled
def ended_holds(
    now_us: int, instances: Records, rules: Records, queue: NDArray[np.int32], tally: NDArray[np.int64], drafts: Records
) -> int:
    """Let the holds run out that are due by `now_us`, and return how many drafts that made, in the queue's order.

    `drafts` has room for the whole queue; the others are as for `fold`.
    """
    n_drafts = 0
    stay = 0
    tally[_DUE_US] = FOREVER_US
    for place in range(tally[_QUEUE]):
        row = queue[place]
        one = instances[row]
        if one.channel == NONE or one.state != PENDING:
            one.queued = False
            continue
        gap_us = rules[one.rule].gap_us
        if runs_out(one.due_us, one.last_us, gap_us, now_us):
            say_ran_out(row, one, drafts[n_drafts])
            n_drafts += 1
            one.state = HOLDS
            one.queued = False
            continue
        if gap_us == FOREVER_US or one.due_us - one.last_us <= gap_us:
            tally[_DUE_US] = min(tally[_DUE_US], one.due_us)
        queue[stay] = row
        stay += 1
    tally[_QUEUE] = stay
    return n_drafts
