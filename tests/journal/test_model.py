"""Any interleaving of what a journal is asked equals a plain list."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from storage.journal import Checkpoint, Entry, Journal, JournalLimits, Lane, Record, RecordKind

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")

ENTRIES = st.builds(
    Entry,
    st.sampled_from([kind for kind in RecordKind if kind is not RecordKind.GAP]),
    st.sampled_from(Lane),
    st.binary(max_size=40) | st.integers(100, 20_000).map(bytes),
    st.integers(0, 5),
)


class NaiveJournal(RuleBasedStateMachine):
    """The oracle: all records in a list, deletion forgotten, since only what nobody may ask for again is deleted."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.directory = Path(tempfile.mkdtemp())
        self.records: list[Record] = []
        self.cursors: dict[str, int] = {}
        self.saved: Checkpoint | None = None
        self.time_us = 1_000

    def run_(self, coroutine: Coroutine[object, object, T]) -> T:
        return self.runner.run(coroutine)

    @initialize(tail_bytes=st.sampled_from([0, 500, 1 << 20]))
    def open_it(self, tail_bytes: int) -> None:
        self.limits = JournalLimits(tail_bytes=tail_bytes)
        self.cursors = {"archive": 0}
        self.journal = self.run_(self.opened())

    async def opened(self) -> Journal:
        return await Journal.open(self.directory, self.limits, lambda: self.time_us, ("archive",))

    @rule(groups=st.lists(st.lists(ENTRIES, max_size=4), min_size=1, max_size=5), later_us=st.integers(-50, 50))
    def submit(self, groups: list[list[Entry]], later_us: int) -> None:
        self.time_us += later_us

        async def all_of_them() -> list[list[Record]]:
            return await asyncio.gather(*(self.journal.submit(group) for group in groups))

        answers = self.run_(all_of_them())
        for group, records in zip(groups, answers, strict=True):
            assert [(r.kind, r.lane, r.body, r.readings) for r in records] == [
                (e.kind, e.lane, e.body, e.readings) for e in group
            ]
        new = sorted((record for records in answers for record in records), key=lambda record: record.offset)
        offsets = [record.offset for record in self.records[-1:] + new]
        assert len(set(offsets)) == len(offsets)
        assert offsets == sorted(offsets)
        times = [record.time_us for record in self.records[-1:] + new]
        assert times == sorted(times)
        self.records += new
        assert not new or self.journal.head == new[-1].offset

    def place(self, data: st.DataObject, lowest: int) -> int:
        """Draw an offset that somebody may name: of a record, or one before all."""
        return data.draw(st.sampled_from([lowest, *(r.offset for r in self.records if r.offset >= lowest)]))

    @property
    def passed(self) -> int:
        return min(self.saved.offset if self.saved else 0, *self.cursors.values())

    @rule(data=st.data(), max_bytes=st.integers(1, 30_000), kinds=st.none() | st.sets(st.sampled_from(RecordKind)))
    def read(self, data: st.DataObject, max_bytes: int, kinds: set[RecordKind] | None) -> None:
        after = self.place(data, self.passed)
        wanted = [r for r in self.records if r.offset > after and (kinds is None or r.kind in kinds)]
        found = self.run_(self.journal.read(after, max_bytes, kinds))
        assert found == wanted[: len(found)]
        assert bool(found) == bool(wanted)
        assert len(found) == 1 or sum(len(r.body) for r in found) <= max_bytes

    @rule(data=st.data(), name=st.sampled_from(["archive", "mirror"]))
    def move_cursor(self, data: st.DataObject, name: str) -> None:
        offset = self.place(data, 0)
        self.run_(self.journal.move_cursor(name, offset))
        self.cursors[name] = max(offset, self.cursors.get(name, 0))

    @rule(data=st.data(), parts=st.dictionaries(st.sampled_from("abc"), st.binary(max_size=9)))
    def checkpoint(self, data: st.DataObject, parts: dict[str, bytes]) -> None:
        offset = self.place(data, self.saved.offset if self.saved else 0)
        self.run_(self.journal.checkpoint(offset, parts))
        self.saved = Checkpoint(offset, {**(self.saved.parts if self.saved else {}), **parts})

    @rule()
    def reopen(self) -> None:
        self.run_(self.journal.close())
        self.journal = self.run_(self.opened())

    @invariant()
    def what_it_says_is_so(self) -> None:
        if hasattr(self, "journal"):
            assert self.journal.cursors() == self.cursors
            assert self.run_(self.journal.last_checkpoint()) == self.saved
            live = [r for r in self.records if r.offset > self.passed]
            for lane in Lane:
                assert self.journal.counters.live_bytes[lane] >= sum(len(r.body) + 64 for r in live if r.lane is lane)

    def teardown(self) -> None:
        if hasattr(self, "journal"):
            self.run_(self.journal.close())
        self.runner.close()
        shutil.rmtree(self.directory)


TestJournalEqualsAList = NaiveJournal.TestCase
TestJournalEqualsAList.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)
