"""Which history is tried, and what is known of it: the archive and its incidents, or files."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import typer

from devices import Device, Profile, read_ledger
from service.backtest.archive import ArchiveHistory, labels_of, open_archive
from service.backtest.extra import needing_extra
from service.backtest.history import History, HistoryFault
from service.backtest.labels import Label, read_labels
from service.backtest.times import DAY_US, SECOND_US, parse_time, shown_time
from service.settings import Settings

__all__ = ["Opened", "Wanted", "opened"]

DEFAULT_DAYS = 30


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the options say; times as they were typed."""

    begin: str | None = None
    end: str | None = None
    site: str = ""
    file: Path | None = None
    ledger: Path | None = None
    labels: Path | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """A history at hand.

    source:         what it is, as a person would say it
    ledger:         devices by `site/name`
    labels:         None where nobody has said anything, nor could have
    from_us, to_us: what was asked for; None where all of a file
    """

    history: History
    source: str
    ledger: dict[str, Device]
    labels: list[Label]
    from_us: int | None
    to_us: int | None
    site: str

    def refuse_empty(self, readings: int, zone: ZoneInfo) -> None:
        """Raise HistoryFault where nothing was read."""
        if readings:
            return
        times = (("from", self.from_us), ("to", self.to_us))
        span = "".join(f" {word} {shown_time(us, zone)}" for word, us in times if us is not None)
        raise HistoryFault(f"{self.source} holds no readings{f' of site {self.site}' if self.site else ''}{span}")


@contextmanager
def opened(
    wanted: Wanted, settings: Settings, profiles: dict[str, Profile], zone: ZoneInfo, *, lead_in_s: float = 0.0
) -> Iterator[Opened]:
    """Open what is wanted, from `lead_in_s` before its time on.

    Raises HistoryFault, LabelFaults, LedgerFaults; typer.BadParameter where a time is none.
    """
    now_us = time.time_ns() // 1000
    try:
        begin_us = None if wanted.begin is None else parse_time(wanted.begin, zone, now_us)
        end_us = None if wanted.end is None else parse_time(wanted.end, zone, now_us)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    if wanted.file is None:
        end_us = now_us if end_us is None else end_us
        begin_us = end_us - DEFAULT_DAYS * DAY_US if begin_us is None else begin_us
    if begin_us is not None and end_us is not None and begin_us >= end_us:
        raise typer.BadParameter(f"--from {wanted.begin} is not before --to {wanted.end or 'now'}")
    first_us = None if begin_us is None else begin_us - round(lead_in_s * SECOND_US)
    said = read_labels(wanted.labels, zone) if wanted.labels is not None else None
    ledger_file = wanted.ledger or (settings.devices.ledger if wanted.file is not None else None)
    ledger = {one.key: one for one in read_ledger(ledger_file, profiles)} if ledger_file is not None else {}
    if wanted.file is not None:
        history: History = needing_extra("files").open_file(wanted.file, zone.key, first_us, end_us)
        yield Opened(history, wanted.file.name, {**history.ledger, **ledger}, said or [], begin_us, end_us, wanted.site)
        return
    if first_us is None or begin_us is None or end_us is None:
        raise AssertionError("the archive's times are set above")
    with open_archive(settings) as past:
        archive = ArchiveHistory(past, first_us, end_us, wanted.site)
        labels = labels_of(past, begin_us, end_us, wanted.site) if said is None else said
        yield Opened(archive, "the archive", {**archive.ledger, **ledger}, labels, begin_us, end_us, wanted.site)


def check_out(out: Path | None) -> None:
    """Raise typer.BadParameter where nothing can be written to `out`, and HistoryFault where plots cannot be drawn."""
    if out is None:
        return
    if out.suffix not in {".html", ".png"}:
        raise typer.BadParameter(f"--out {out} is neither .html nor .png")
    if not out.absolute().parent.is_dir():
        raise typer.BadParameter(f"--out {out}: no such folder")
    needing_extra("plot")
