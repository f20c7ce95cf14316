"""What was set aside lately, for a person to look at: all of it counted, the newest samples of each reason kept."""

from __future__ import annotations

from collections import deque

import msgspec

from devices import QuarantineReport, Reason, Sample

__all__ = ["QuarantineLog"]

SNAPSHOT_VERSION = 1
KEPT_PER_REASON = 100


class _Snapshot(msgspec.Struct, array_like=True):
    version: int
    counts: dict[Reason, int]
    samples: list[Sample]


class QuarantineLog:
    """Counts by reason since the journal was made, and at most `KEPT_PER_REASON` newest samples of each reason."""

    def __init__(self) -> None:
        self.counts: dict[Reason, int] = dict.fromkeys(Reason, 0)
        self._samples: dict[Reason, deque[Sample]] = {reason: deque(maxlen=KEPT_PER_REASON) for reason in Reason}

    def add(self, report: QuarantineReport) -> None:
        """Count a block's report and keep its samples."""
        for reason, count in report.counts.items():
            self.counts[reason] += count
        for sample in report.samples:
            self._samples[sample.reason].append(sample)

    def samples(self, reason: Reason | None = None) -> list[Sample]:
        """Return the samples kept, of one reason or of all, newest first."""
        chosen = self._samples.values() if reason is None else [self._samples[reason]]
        return sorted((s for samples in chosen for s in samples), key=lambda s: s.time_us, reverse=True)

    def snapshot(self) -> bytes:
        """Return the log as bytes; `restore` takes them."""
        return msgspec.msgpack.encode(_Snapshot(SNAPSHOT_VERSION, self.counts, self.samples()[::-1]))

    def restore(self, snapshot: bytes) -> None:
        """Fill an empty log. Raises ValueError for a version that this program does not read."""
        stored = msgspec.msgpack.decode(snapshot, type=_Snapshot)
        if stored.version != SNAPSHOT_VERSION:
            raise ValueError(f"quarantine snapshot of version {stored.version}; wanted {SNAPSHOT_VERSION}")
        self.counts.update(stored.counts)
        for sample in stored.samples:
            self._samples[sample.reason].append(sample)
