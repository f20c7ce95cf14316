"""`Once`: a second tap, a reload or a repeated request gets the first one's answer, and does nothing again."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Hashable

__all__ = ["Once"]

T = TypeVar("T")


class Once(Generic[T]):
    """The last `kept` things done, by key, while the process lives; `forgotten` counts those beyond.

    for_s:  after so many s it is no repeat but something new; None: never
    steady: s of a clock that never steps
    After a restart a repeat is decided by the state of the incident alone.
    """

    def __init__(
        self, kept: int = 4096, for_s: float | None = None, steady: Callable[[], float] = time.monotonic
    ) -> None:
        self._kept = kept
        self._for_s = for_s
        self._steady = steady
        self._done: OrderedDict[Hashable, tuple[asyncio.Task[T], float]] = OrderedDict()
        self.forgotten = 0

    async def do(self, key: Hashable, act: Callable[[], Coroutine[None, None, T]]) -> tuple[T, bool]:
        """Return what `act` returns, and whether it was done before; a repeat meanwhile waits for the first.

        What raises was not done: it may be tried again. A caller that goes away stops nothing.
        """
        before = self._done.get(key)
        if before is not None and self._counts(*before):
            return await asyncio.shield(before[0]), True
        task = asyncio.create_task(act())
        self._done.pop(key, None)
        self._done[key] = (task, self._steady())
        if len(self._done) > self._kept:
            self._done.popitem(last=False)
            self.forgotten += 1
        return await asyncio.shield(task), False

    def _counts(self, task: asyncio.Task[T], since_s: float) -> bool:
        """Say whether what began at `since_s` makes the same again a repeat."""
        if task.done() and (task.cancelled() or task.exception() is not None):
            return False
        return self._for_s is None or self._steady() - since_s < self._for_s
