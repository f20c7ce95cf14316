"""The two SQLite files: made, attached to one connection, and found to belong together."""

from __future__ import annotations

import os
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import apsw

from storage.journal.checkpoints import CHECKPOINT_SCHEMA
from storage.journal.cursors import CURSOR_SCHEMA
from storage.journal.errors import JournalCorrupt
from storage.journal.lane import SCHEMA_NAMES
from storage.journal.record import Lane

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["FILE_NAMES", "Files", "damage_advice", "open_files"]

FILE_NAMES: Final = {Lane.CONTROL: "control.db", Lane.TELEMETRY: "telemetry.db"}
# Measured on appends of 105 KB blocks and of 300-byte entries: docs/decisions/0002.
PAGE_BYTES: Final = {Lane.CONTROL: 4096, Lane.TELEMETRY: 16384}
# The store folds logs itself, after it has answered; SQLite does where a log yet grows so long.
BACKSTOP_PAGES: Final = 4096
APPLICATION_ID: Final = 0x5649474C  # "VIGL"
FORMAT_VERSION: Final = 1
# Before it, two connections could corrupt a file through the WAL reset bug; one more reason to have only one.
OLDEST_SQLITE: Final = (3, 51, 3)

_RECORD_SCHEMA = """
create table LANE.journal (id text not null) strict;
create table LANE.record (
  offset   integer primary key,
  time_us  integer not null,
  kind     integer not null,
  readings integer not null,
  total    integer not null,  -- bytes of this lane up to and with this record, ever: sizes without a scan
  checksum integer not null,  -- storage.journal.record.checksum
  body     blob not null      -- last, so that the rest is read without it
) strict"""


@dataclass(frozen=True, slots=True)
class Files:
    """An open connection with `main` (control) and `telemetry`.

    created:           both files are new
    telemetry_missing: the control file was there, the telemetry file was not, and has been made anew
    """

    connection: apsw.Connection
    journal_id: str
    created: bool
    telemetry_missing: bool


def open_files(directory: Path) -> Files:
    """Open, or make, the journal's files. The caller holds the directory's lock.

    Raises JournalCorrupt where a file is no journal's, or the two do not belong together; apsw.Error where the system
    does not let us.
    """
    version = tuple(int(part) for part in apsw.sqlite_lib_version().split("."))
    if version < OLDEST_SQLITE:
        raise RuntimeError(f"SQLite {apsw.sqlite_lib_version()}; wanted 3.51.3 or newer")
    connection = apsw.Connection(str(directory / FILE_NAMES[Lane.CONTROL]))
    try:
        return _prepare(connection, directory)
    except BaseException:
        connection.close()
        raise


def damage_advice(directory: Path, lane: Lane, detail: str) -> JournalCorrupt:
    """Return the exception that tells a person what to do about a damaged file."""
    if lane is Lane.TELEMETRY:
        advice = (
            "move telemetry.db and telemetry.db-wal away and start again: "
            "readings that the archive has not taken are lost and shown as a gap; alarms and commands are kept"
        )
    else:
        advice = "restore the directory from a copy, or move it away and start with an empty journal"
    return JournalCorrupt(directory / FILE_NAMES[lane], f"{detail}; {advice}")


def _prepare(connection: apsw.Connection, directory: Path) -> Files:
    connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)  # close() folds the logs itself, unless it failed
    connection.pragma("locking_mode", "exclusive")  # for both files; so a log's index is no mapped file, too
    connection.wal_autocheckpoint(BACKSTOP_PAGES)
    blank = {lane: _open_file(connection, directory, lane) for lane in Lane}
    if blank[Lane.CONTROL]:
        if not blank[Lane.TELEMETRY] and connection.execute("select exists (select 1 from telemetry.record)").get:
            raise damage_advice(directory, Lane.CONTROL, "missing or empty, though telemetry.db holds records")
        journal_id = uuid.uuid4().hex
        _create_file(connection, Lane.TELEMETRY, journal_id, blank=blank[Lane.TELEMETRY])
        _create_file(connection, Lane.CONTROL, journal_id, blank=True)
        _sync_directory(directory)
        return Files(connection, journal_id, created=True, telemetry_missing=False)
    journal_id = connection.execute("select id from main.journal").get
    if blank[Lane.TELEMETRY]:
        _create_file(connection, Lane.TELEMETRY, journal_id, blank=True)
        _sync_directory(directory)
        return Files(connection, journal_id, created=False, telemetry_missing=True)
    other_id = connection.execute("select id from telemetry.journal").get
    if other_id != journal_id:
        raise damage_advice(directory, Lane.TELEMETRY, f"of journal {other_id}, while control.db is of {journal_id}")
    return Files(connection, journal_id, created=False, telemetry_missing=False)


def _open_file(connection: apsw.Connection, directory: Path, lane: Lane) -> bool:
    """Set one file up for use and say whether it is blank."""
    schema = SCHEMA_NAMES[lane]
    try:
        if lane is Lane.TELEMETRY:
            connection.execute("attach ? as telemetry", (str(directory / FILE_NAMES[lane]),))
        connection.pragma("page_size", PAGE_BYTES[lane], schema=schema)
        connection.pragma("journal_mode", "wal", schema=schema)
        connection.pragma("synchronous", "full", schema=schema)
        connection.pragma("mmap_size", 0, schema=schema)
        # A new log each time: frames whose fsync once failed must not stand before new ones.
        connection.wal_checkpoint(schema, apsw.SQLITE_CHECKPOINT_TRUNCATE)
        blank = not connection.pragma("schema_version", schema=schema)
        application, version = (connection.pragma(name, schema=schema) for name in ("application_id", "user_version"))
    except (apsw.NotADBError, apsw.CorruptError) as error:
        raise damage_advice(directory, lane, str(error)) from error
    if not blank and application != APPLICATION_ID:
        raise damage_advice(directory, lane, "a database, but not a journal's")
    if not blank and version != FORMAT_VERSION:
        raise JournalCorrupt(directory / FILE_NAMES[lane], f"of format {version}; this program reads {FORMAT_VERSION}")
    return blank


def _create_file(connection: apsw.Connection, lane: Lane, journal_id: str, *, blank: bool) -> None:
    schema = SCHEMA_NAMES[lane]
    with connection:
        if blank:
            connection.execute(_RECORD_SCHEMA.replace("LANE", schema))
            if lane is Lane.CONTROL:
                connection.execute(CHECKPOINT_SCHEMA)
                connection.execute(CURSOR_SCHEMA)
            connection.pragma("application_id", APPLICATION_ID, schema=schema)
            connection.pragma("user_version", FORMAT_VERSION, schema=schema)
        connection.execute("delete from LANE.journal".replace("LANE", schema))
        connection.execute("insert into LANE.journal values (?)".replace("LANE", schema), (journal_id,))


def _sync_directory(directory: Path) -> None:
    """Make the new files' names durable, the directory's own included."""
    for path in (directory, directory.parent):
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
