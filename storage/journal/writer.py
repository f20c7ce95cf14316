"""The journal's one thread: takes what was asked, does it in turns, and answers on the loop.

A turn commits everything that waits to be appended, then does one small piece of each other kind of work: one page of
one read, one step of a checkpoint, one deletion, one fold of a log. So appends wait for pieces only. Control records
and cursors are committed before telemetry, and those who wait for them are answered in between.
"""

from __future__ import annotations

import threading
from collections import deque
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

import apsw
import structlog

from storage.journal.batch import Group
from storage.journal.errors import JournalCorrupt, JournalFailed
from storage.journal.requests import Close, Load, Move, Read, Save

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from storage.journal.store import Batch, Store

__all__ = ["Answers", "Request", "Writer"]

Request = Group | Move | Read | Save | Load | Close
Answers = list[tuple["asyncio.Future[Any]", object]]
"""Futures and what each gets: a result, or an exception."""

BATCH_BYTES = 8 << 20
BATCH_GROUPS = 512

_log = structlog.get_logger()


class Writer(threading.Thread):
    """Runs a `Store` until told to close, or until something fails. Then it answers nobody any more: see `waiting`."""

    def __init__(
        self,
        open_store: Callable[[], Store],
        opened: asyncio.Future[Store],
        deliver: Callable[[Answers, Batch | None], None],
        ended: Callable[[JournalFailed | None], None],
        telemetry_bytes: int,
    ) -> None:
        """Take what to call, all but the first on the loop of the future `opened`.

        deliver: with answers, and with a batch once all of it is committed
        ended:   when the files are let go, with the failure if there was one
        """
        super().__init__(name="journal", daemon=True)  # dying in mid-commit is what the files are made for
        self._open_store = open_store
        self._loop = opened.get_loop()
        self._opened = opened
        self._deliver = deliver
        self._ended = ended
        self._batch_bytes = min(BATCH_BYTES, telemetry_bytes)
        self._inbox: SimpleQueue[Request] = SimpleQueue()
        self._groups: deque[Group] = deque()
        self._committing: list[Group] = []
        self._moves: deque[Move] = deque()
        self._reads: deque[Read] = deque()
        self._saves: deque[Save] = deque()
        self._loads: deque[Load] = deque()
        self._answers: Answers = []
        self._deleting = False
        self._closing = False

    # ── on the loop ──────────────────────────────────────────────────────────────────────────────────────────────

    def ask(self, request: Request) -> None:
        """Hand in a request."""
        self._inbox.put(request)

    def waiting(self) -> list[asyncio.Future[Any]]:
        """Return the answers that are still owed; only after the end."""
        with suppress(Empty):
            while True:
                self._sort(self._inbox.get_nowait())
        groups = [*self._committing, *self._groups]
        asked: list[Move | Read | Save | Load] = [*self._moves, *self._reads, *self._saves, *self._loads]
        answers = [group.committed for group in groups] + [request.answer for request in asked]
        answers += [answer for answer, _ in self._answers]
        return [answer for answer in dict.fromkeys(answers) if not answer.done()]

    # ── on the thread ────────────────────────────────────────────────────────────────────────────────────────────

    def run(self) -> None:
        """Open the files, take turns, let go of the files."""
        try:
            store = self._open_store()
        except Exception as error:  # noqa: BLE001 - whatever it is, `open` raises it
            failure = JournalFailed.of(error) if isinstance(error, apsw.Error) else error
            self._post(self._deliver, [(self._opened, failure)], None)
            return
        self._post(self._deliver, [(self._opened, store)], None)
        try:
            while self._receive(store):
                self._turn(store)
            store.close()
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait must hear of it; `closed` raises it
            self._give_up(store, error)
        else:
            self._post(self._ended, None)

    def _give_up(self, store: Store, error: Exception) -> None:
        failure = JournalFailed.of(error)
        failure.__cause__ = error
        _log.critical("storage.journal_failed", reason=failure.reason, detail=failure.detail)
        with suppress(apsw.Error, OSError):  # what failed once may fail again; the next open recovers
            store.abandon()
        self._post(self._ended, failure)

    def _receive(self, store: Store) -> bool:
        """Take everything that is asked, waiting only if there is nothing else to do; say whether to go on."""
        with suppress(Empty):
            busy = self._has_work(store) or self._closing
            self._sort(self._inbox.get(block=not busy))
            while True:
                self._sort(self._inbox.get_nowait())
        return self._has_work(store) or not self._closing

    def _has_work(self, store: Store) -> bool:
        asked = self._groups or self._moves or self._reads or self._saves or self._loads
        return bool(asked) or store.owes_gaps or (self._deleting and not self._closing)

    def _sort(self, request: Request) -> None:
        match request:
            case Group():
                self._groups.append(request)
            case Move():
                self._moves.append(request)
            case Read():
                self._reads.append(request)
            case Save():
                self._saves.append(request)
            case Load():
                self._loads.append(request)
            case Close():
                self._closing = True

    def _turn(self, store: Store) -> None:
        self._commit(store)
        self._read(store)
        self._save(store)
        self._load(store)
        self._answer(None)
        self._deleting = store.delete_passed()
        store.fold()

    def _commit(self, store: Store) -> None:
        self._committing = self._next_groups()
        moves = self._next_moves(store)
        if self._committing or moves or store.owes_gaps:
            batch = store.plan(self._committing, moves)
            store.commit_control(batch)
            self._answers += ((group.committed, records) for group, records in batch.early)
            if batch.late:
                self._answer(None)
            store.commit_telemetry(batch)
            self._answers += ((group.committed, records) for group, records in batch.late)
            self._committing = []
            self._answer(batch)

    def _next_groups(self) -> list[Group]:
        groups: list[Group] = []
        size = 0
        while self._groups and len(groups) < BATCH_GROUPS:
            size += self._groups[0].size
            if groups and size > self._batch_bytes:
                break
            groups.append(self._groups.popleft())
        return groups

    def _next_moves(self, store: Store) -> dict[str, int]:
        """Return where cursors go, and what those get who asked, once they have gone there."""
        moves: dict[str, int] = {}
        while self._moves:
            move = self._moves.popleft()
            if move.offset > store.end:
                message = f"cursor {move.name!r} to {move.offset}, while the journal ends at {store.end}"
                self._answers.append((move.answer, ValueError(message)))
                continue
            self._answers.append((move.answer, None))
            place = store.cursors.places.get(move.name)
            if place is None or move.offset > max(place.offset, moves.get(move.name, 0)):
                moves[move.name] = move.offset
        return moves

    def _read(self, store: Store) -> None:
        if not self._reads:
            return
        read = self._reads[0]
        try:
            page = store.read(read.after, read.max_bytes, read.kinds)
        except apsw.Error as error:  # the reader's trouble: an archive that cannot read must not stop an alarm
            self._reads.popleft()
            self._answers.append((read.answer, JournalFailed.of(error)))
            return
        if page.records or page.is_end:
            self._reads.popleft()
            self._answers.append((read.answer, page.records))
        else:
            read.after = page.after

    def _save(self, store: Store) -> None:
        if not self._saves:
            return
        save = self._saves[0]
        if save.steps is None:
            if not store.checkpoint_offset <= save.offset <= store.end:
                message = (
                    f"checkpoint at {save.offset}, while the last is at {store.checkpoint_offset} "
                    f"and the journal ends at {store.end}"
                )
                self._answers.append((save.answer, ValueError(message)))
                self._saves.popleft()
                return
            save.steps = store.save_checkpoint(save.offset, save.parts)
        durable = next(save.steps, None)
        if durable is None:
            self._saves.popleft()
        elif durable and not save.is_answered:
            save.is_answered = True
            self._answers.append((save.answer, None))

    def _load(self, store: Store) -> None:
        if not self._loads:
            return
        load = self._loads.popleft()
        try:
            self._answers.append((load.answer, store.load_checkpoint()))
        except JournalCorrupt as error:
            self._answers.append((load.answer, error))

    def _answer(self, batch: Batch | None) -> None:
        """Wake the loop once for all that has come up."""
        if self._answers or batch is not None:
            answers, self._answers = self._answers, []
            self._post(self._deliver, answers, batch)

    def _post(self, callback: Callable[..., None], *args: object) -> None:
        try:
            self._loop.call_soon_threadsafe(callback, *args)
        except RuntimeError:  # the loop is closed: nobody is left to answer to
            self._closing = True
