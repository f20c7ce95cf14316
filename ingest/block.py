"""`Block`: what a batcher gives away, for the journal first and everybody else after it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from devices import QuarantineReport, ReadingBatch, RegistryChange
    from ingest.topics import Lane

__all__ = ["Block", "Deliveries", "Receipt"]


@dataclass(frozen=True, slots=True)
class Deliveries:
    """Which packets a block holds.

    acks:      per connection (epoch) the packet ids to acknowledge once the block is committed, (k,) uint16, in order
               of receipt, each received packet once
    packet_id: (m,) uint16  the same of all connections, in order; journalled with the block
    digest:    (m,) uint32  crc32 of topic and payload of each, by which a redelivery is known
    """

    acks: tuple[tuple[int, NDArray[np.uint16]], ...]
    packet_id: NDArray[np.uint16]
    digest: NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a device is told once its alarm is in the journal."""

    topic: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Block:
    """Everything that waited on one lane.

    discovered: registry rows planned for what was heard, by this lane or the other; to be journalled before the batch
    messages:   PUBLISH packets in it, whatever became of them
    """

    lane: Lane
    batch: ReadingBatch
    discovered: RegistryChange
    quarantine: QuarantineReport
    deliveries: Deliveries
    receipts: tuple[Receipt, ...]
    messages: int
