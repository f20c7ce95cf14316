"""The state of `alerts.noise.Noise` as it is written down."""

from __future__ import annotations

import msgspec

from alerts.noise.danger import Danger
from alerts.noise.flapping import Course
from alerts.noise.silences import SilenceInForce

__all__ = ["Snapshot"]


class Snapshot(msgspec.Struct, frozen=True):
    """Everything that decides, and by which inhibition rules it was decided."""

    now_us: int
    number: int
    rules: str
    dangers: tuple[Danger, ...]
    agenda: tuple[tuple[str, int], ...]
    groups: tuple[tuple[int, str, int], ...]
    silences: tuple[SilenceInForce, ...]
    courses: tuple[Course, ...]
