"""`Span`: one thing that took its time in the course of an incident, as it is told to a collector."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from alerts.tracing import span_id_of, trace_id_of

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Span"]


@dataclass(frozen=True, slots=True)
class Span:
    """One span.

    name:             one of few: no id and no name is part of it
    trace_id, id:     hexadecimal, as `alerts.tracing` makes them
    parent:           id of the span that it is part of; "" for the whole incident
    start_us, end_us: µs since the epoch, start_us <= end_us; equal where it took no time of its own
    attributes:       nothing private: no names, numbers, places, texts or readings
    failed:           what it was for was not reached
    """

    name: str
    trace_id: str
    id: str
    parent: str
    start_us: int
    end_us: int
    attributes: Mapping[str, str | int | bool] = field(default_factory=dict)
    failed: bool = False

    @classmethod
    def make(
        cls,
        name: str,
        incident: str,
        causes: tuple[str | int, ...],
        parent: str,
        times_us: tuple[int, int],
        attributes: Mapping[str, str | int | bool],
        *,
        failed: bool = False,
    ) -> Span:
        """Return a span in the trace of `incident`, whose id is made from `causes`; none begins after its end."""
        start_us, end_us = times_us
        span_id = span_id_of(incident, *causes)
        return cls(name, trace_id_of(incident), span_id, parent, min(start_us, end_us), end_us, attributes, failed)
