"""How far a run over a history is, and Ctrl-C."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from service.backtest.replay import Tally
from service.backtest.times import shown_time

__all__ = ["Watch"]

SHOWN_EVERY_S = 0.2


class Watch:
    """Shows how far a run is. Ctrl-C ends it, and what there is is still reported; a second one ends at once."""

    def __init__(self, zone: ZoneInfo, what: str) -> None:
        self._zone = zone
        self._stopped = ""
        self._console = Console(stderr=True)
        self._shown_at = 0.0
        self._began = time.perf_counter()
        self._progress = Progress(
            TextColumn(what),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[rate]:,.0f} readings/s  {task.fields[date]}  {task.fields[alarms]:,} alarms"),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        self._task = self._progress.add_task(what, total=1.0, rate=0.0, date="", alarms=0)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Show it, and listen to Ctrl-C."""
        before = signal.signal(signal.SIGINT, self._interrupt)
        try:
            with self._progress:
                yield
        finally:
            signal.signal(signal.SIGINT, before)

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        if self._stopped:
            raise KeyboardInterrupt
        self._stopped = "interrupted"

    def __call__(self, tally: Tally, alarms: int) -> str:
        """Take note of how far it is; return why it is to end, "" where it is not."""
        now = time.perf_counter()
        if now - self._shown_at >= SHOWN_EVERY_S:
            self._shown_at = now
            self._progress.update(
                self._task,
                completed=tally.share,
                rate=tally.readings / max(now - self._began, 1e-9),
                date="" if tally.last_us is None else shown_time(tally.last_us, self._zone),
                alarms=alarms,
            )
        return self._stopped
