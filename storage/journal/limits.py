"""How much a journal may take."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["JournalLimits"]


@dataclass(frozen=True, slots=True)
class JournalLimits:
    """Bounds of a journal, in bytes.

    telemetry_bytes: of live telemetry records; beyond it the oldest are shed, and a gap record says so
    control_bytes:   of live control records; from 90 % on `control_nearly_full` shows, and nothing is ever shed
    queued_bytes:    of entries that wait for their commit; beyond it `submit` raises JournalBusy
    tail_bytes:      of the newest records that are kept in memory too, so that a reader who keeps up reads no file
    """

    telemetry_bytes: int = 2 << 30
    control_bytes: int = 1 << 30
    queued_bytes: int = 256 << 20
    tail_bytes: int = 16 << 20

    def __post_init__(self) -> None:
        wrong = [name for name in ("telemetry_bytes", "control_bytes", "queued_bytes") if getattr(self, name) <= 0]
        if self.tail_bytes < 0:
            wrong.append("tail_bytes")
        if wrong:
            raise ValueError(f"{', '.join(wrong)}: wanted a size above zero (tail_bytes: zero or more)")
