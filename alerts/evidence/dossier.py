"""The dossier of one incident: what it was, what was done when, and the lines that prove it; as JSON and as CSV."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import msgspec

from alerts.evidence.chain import first_fault
from alerts.evidence.recent import SignedLine
from alerts.incident import Incident

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Dossier", "as_csv", "as_json", "read_dossier", "verdict"]

FORMAT: Final = "vigil.dossier.1"
_COLUMNS: Final = (
    *("place", "time", "what", "kind", "who", "via", "text_en", "text_zh", "notification", "detail", "digest"),
)


class Dossier(msgspec.Struct, frozen=True, kw_only=True):
    """One incident and the lines of its timeline, oldest first.

    head:    digest of the newest line of the chain, "" where there is none
    made_us: when the dossier was made, µs since the epoch
    """

    incident: Incident
    lines: tuple[SignedLine, ...]
    head: str
    made_us: int
    format: str = FORMAT


def verdict(dossier: Dossier) -> str | None:
    """Say what is wrong with the chain of `dossier`, None where it is whole."""
    lines = [(one.line, one.digest) for one in dossier.lines]
    if not lines:
        return None if not dossier.head else "the lines are missing"
    fault = first_fault(lines)
    if fault is not None:
        return f"the line at place {fault + 1} was changed, or one before it is missing"
    if lines[-1][1] != dossier.head:
        return "lines are missing at the end"
    strange = next((one.line.incident for one in dossier.lines if one.line.incident != dossier.incident.id), None)
    return f"a line belongs to incident {strange}" if strange else None


def as_json(dossier: Dossier) -> bytes:
    """Return the dossier as UTF-8 JSON; `read_dossier` reads it."""
    return msgspec.json.format(msgspec.json.encode(dossier), indent=2) + b"\n"


def read_dossier(document: bytes) -> Dossier:
    """Read what `as_json` wrote. Raises msgspec.DecodeError where it is something else."""
    return msgspec.json.decode(document, type=Dossier)


def as_csv(dossier: Dossier) -> bytes:
    """Return the lines as CSV with a heading, in UTF-8 with a byte order mark, for spreadsheets; times are UTC."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(_COLUMNS)
    writer.writerows(_rows(dossier.lines))
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def _rows(lines: Iterable[SignedLine]) -> Iterable[tuple[str | int, ...]]:
    for one in lines:
        line = one.line
        time = datetime.fromtimestamp(line.time_us / 1e6, UTC).isoformat(timespec="milliseconds")
        texts = (_plain(line.text_en), _plain(line.text_zh), line.notification, _plain(line.detail))
        yield (line.place, time, line.what, line.kind, _plain(line.who), _plain(line.via), *texts, one.digest)


def _plain(text: str) -> str:
    """Return `text` so that no spreadsheet takes it for a formula."""
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t", "\r"} else text
