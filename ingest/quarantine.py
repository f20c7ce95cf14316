"""The quarantine of one block: every fault counted, a few of each kind kept for a person to look at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from devices import QuarantineReport, Reason, Sample
from devices.quarantine import SAMPLE_BYTES

if TYPE_CHECKING:
    from ingest.counters import IngestCounters

__all__ = ["Quarantine"]

TOPIC_CHARACTERS: Final = 256
DETAIL_CHARACTERS: Final = 256


class Quarantine:
    """Collects what a block sets aside.

    samples: how many messages of each reason are kept in one block, so that one broken device cannot crowd out the
    others, and all of them not the journal
    """

    def __init__(self, samples: int, counters: IngestCounters) -> None:
        self._keep = samples
        self._counters = counters
        self._counts: dict[Reason, int] = {}
        self._samples: list[Sample] = []

    def add(self, reason: Reason, time_us: int, topic: str, payload: bytes, detail: str) -> None:
        """Set aside a message, or one value of it, that arrived at `time_us`."""
        self._counters.quarantined[reason] += 1
        n = self._counts.get(reason, 0)
        self._counts[reason] = n + 1
        if n < self._keep:
            self._samples.append(
                Sample(
                    reason,
                    time_us,
                    _shown(topic, TOPIC_CHARACTERS),
                    payload[:SAMPLE_BYTES],
                    len(payload),
                    _shown(detail, DETAIL_CHARACTERS),
                )
            )

    def take(self) -> QuarantineReport:
        """Return what was collected and start anew."""
        report = QuarantineReport(self._counts, tuple(self._samples))
        self._counts, self._samples = {}, []
        return report


def _shown(text: str, limit: int) -> str:
    """Return `text` cut at `limit`, with what is not printable escaped: U+0000 fits into no database column."""
    text = text[:limit]
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)[:limit]
