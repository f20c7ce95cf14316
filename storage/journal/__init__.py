"""The journal: the point of durability. What it has committed is acknowledged; what it has not never was."""

from storage.journal.block import BLOCK_VERSION, StoredBlock, decode_block, encode_block
from storage.journal.counters import JournalCounters
from storage.journal.errors import FailureReason, JournalBusy, JournalCorrupt, JournalFailed, JournalInUse
from storage.journal.journal import Journal
from storage.journal.limits import JournalLimits
from storage.journal.metrics import JournalMetrics
from storage.journal.record import Checkpoint, Entry, Gap, GapReason, Lane, Record, RecordKind

__all__ = [
    "BLOCK_VERSION",
    "Checkpoint",
    "Entry",
    "FailureReason",
    "Gap",
    "GapReason",
    "Journal",
    "JournalBusy",
    "JournalCorrupt",
    "JournalCounters",
    "JournalFailed",
    "JournalInUse",
    "JournalLimits",
    "JournalMetrics",
    "Lane",
    "Record",
    "RecordKind",
    "StoredBlock",
    "decode_block",
    "encode_block",
]
