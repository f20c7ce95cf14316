"""Memory after a start: what stays is taken out of the collector's way, what is unused is given back."""

from __future__ import annotations

import ctypes
import gc
import sys

__all__ = ["give_back", "settle"]

# Our data is arrays and plain records, which make no cycles: the collector has little to find, and each full run over a
# city's registry would hold up an alarm for as long as it takes.
THRESHOLDS = (50_000, 20, 50)
SWITCH_INTERVAL_S = 0.001
"""How long a thread may keep the interpreter from another; the journal's wants it after each fsync."""


def settle() -> None:
    """Collect once, and freeze what is left."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    give_back()


def give_back() -> None:
    """Return unused pages to the system, where its allocator can."""
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc has it, musl has not
        if trim is not None:
            trim(0)
