"""What the response is bounded by, and the times that no chain and no step's limit says."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ResponseLimits"]


@dataclass(frozen=True, slots=True)
class ResponseLimits:
    """All times in s.

    deadline_s, life_safety_deadline_s: from when a message is made until there is no use in it any more
    handover_s:      whom an incident is handed over to has so long to accept it
    whistle_every_s: once a step is overdue, one level further after each; None: the step's limit again
    repeat_s:        a chain that says nothing begins anew after so long, for life safety that nobody has accepted
    code_rest_s:     a reply code is given to nobody for so long after the ask that had it
    people_a_step:   so many people of a step are asked, the first ones; that more are meant is said and counted
    messages_kept:   of one ask, the newest messages by which a person can still answer
    closed_kept:     closed incidents of which it is known how many lines they have, for when they are raised again
    """

    deadline_s: float = 3_600.0
    life_safety_deadline_s: float = 86_400.0
    handover_s: float = 120.0
    whistle_every_s: float | None = None
    repeat_s: float = 300.0
    code_rest_s: float = 86_400.0
    people_a_step: int = 100
    messages_kept: int = 256
    closed_kept: int = 20_000
