"""When the rehearsals play."""

from __future__ import annotations

BEGIN_US = 1_793_980_800_000_000
"""A midnight in China, in November 2026."""
SETTLING_DAYS = 1
QUIET_DAYS = 3
LEARNING_DAYS = 22
