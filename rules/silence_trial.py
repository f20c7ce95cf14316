"""Two seconds of silence, played through once: all its kernels are compiled then, for what they are really given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from rules.model import AlarmClass, NoDataTerms, Rule, Severity
from rules.silence import Silence

__all__ = ["play_silence"]

_SECOND_US: Final = 1_000_000

_RULE: Final = Rule(
    id="trial.no-data",
    profile="trial",
    metric="",
    severity=Severity.ADVISORY,
    alarm_class=AlarmClass.TROUBLE,
    name_en="Silent",
    name_zh="失联",
    source="a trial",
    terms=NoDataTerms(after_s=1.0),
)


@dataclass(frozen=True, slots=True)
class _Plan:
    rules: tuple[Rule, ...] = (_RULE,)


def play_silence() -> None:
    """Let a gateway be silent for a device behind it, and be heard again."""
    silence = Silence(_Plan())
    silence.extend(2)
    gateway_and_device = np.arange(2, dtype=np.intp)
    silence.watch(gateway_and_device, (0,), 0)
    silence.place_behind(gateway_and_device, np.array([-1, 0], np.int32))
    silence.check(_SECOND_US)
    silence.hear(np.zeros(1, np.int32), np.array([2 * _SECOND_US], np.int64), np.zeros(1, np.uint8), 2 * _SECOND_US)
