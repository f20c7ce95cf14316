"""What the archive decides and encodes, without a database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from storage.archive import Archive, ArchiveMetrics
from storage.archive.backoff import Backoff
from storage.archive.channels import ChannelIds
from storage.archive.haul import gather
from storage.archive.history import as_time
from storage.archive.names import NAME_CHARACTERS, storable_name
from storage.archive.rows import FIRST_STORABLE_US, LAST_STORABLE_US, encode_rows, is_storable
from storage.archive.trouble import Trouble, trouble_of
from storage.journal import Lane, Record, RecordKind
from tests.archive.conftest import batch, block, readings
from tests.archive.naive import copy_rows

if TYPE_CHECKING:
    from devices import Registry
    from storage.journal import Journal

ROWS = st.lists(
    st.tuples(
        st.integers(0, 2**31 - 1),
        st.integers(FIRST_STORABLE_US, LAST_STORABLE_US),
        st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False)),
        st.integers(0, 255),
    ),
    max_size=40,
)


@given(ROWS)
@settings(max_examples=60)
def test_rows_are_encoded_as_the_manual_says(rows: list[tuple[int, int, float | None, int]]) -> None:
    columns = batch([r[0] for r in rows], [r[1] for r in rows], [r[2] for r in rows], [r[3] for r in rows])
    encoded = encode_rows(columns.channel, columns.time_us, columns.value, columns.known, columns.flags)
    assert encoded == copy_rows(rows)


@given(st.lists(st.integers(-(2**63), 2**63 - 1), max_size=40))
@settings(max_examples=60)
def test_a_storable_time_is_one_that_a_calendar_has(times: list[int]) -> None:
    storable = is_storable(np.array(times, np.int64))
    assert storable.tolist() == [FIRST_STORABLE_US <= time <= LAST_STORABLE_US for time in times]
    for time, kept in zip(times, storable, strict=True):
        assert 1 <= as_time(time).year <= 9999
        if kept:
            assert round(as_time(time).timestamp() * 1e6) == pytest.approx(time, abs=64)


@given(st.dictionaries(st.integers(0, 5000), st.integers(1, 2**31 - 1)), st.lists(st.integers(0, 6000)))
@settings(max_examples=60)
def test_ids_are_those_that_were_learned(known: dict[int, int], asked: list[int]) -> None:
    ids = ChannelIds()
    for row, channel_id in known.items():
        ids.learn(np.array([row], np.int32), np.array([channel_id], np.int32))
    rows = np.array(asked, np.int32)
    unknown = sorted({row for row in asked if row not in known})
    assert ids.unknown(rows).tolist() == unknown
    if unknown:
        with pytest.raises(KeyError):
            ids.of(rows)
    else:
        assert ids.of(rows).tolist() == [known[row] for row in asked]
    ids.forget()
    assert ids.unknown(rows).tolist() == sorted(set(asked))


@given(st.text(max_size=300))
@settings(max_examples=100)
def test_a_name_is_kept_where_it_can_be(text: str) -> None:
    name = storable_name(text)
    assert "\0" not in name
    assert len(name) <= NAME_CHARACTERS
    assert storable_name(name) == name
    if len(text) <= NAME_CHARACTERS:
        assert name == text.replace("\0", "\N{REPLACEMENT CHARACTER}")


def records(*entries: tuple[RecordKind, bytes]) -> list[Record]:
    return [Record(i, i * 10, kind, Lane.CONTROL, body, 0) for i, (kind, body) in enumerate(entries, 1)]


@given(st.sampled_from(RecordKind), st.binary(max_size=60))
@settings(max_examples=200)
def test_a_body_of_any_bytes_is_taken_or_set_aside(kind: RecordKind, body: bytes) -> None:
    haul = gather(records((kind, body), (RecordKind.BLOCK, block(readings(3)).body)))
    assert (haul.offset, haul.time_us, haul.records) == (2, 20, 2)
    assert len(haul.readings) >= 3
    assert haul.set_aside in {0, 1}
    assert len(haul.samples) >= haul.set_aside


def test_ticks_and_commands_alone_are_nothing_to_store() -> None:
    assert gather(records((RecordKind.TICK, b""), (RecordKind.COMMAND, b"x"))).is_idle
    assert not gather(records((RecordKind.TICK, b""), (RecordKind.BLOCK, block(readings(1)).body))).is_idle


@pytest.mark.parametrize(
    ("sqlstate", "trouble"),
    [
        ("40P01", Trouble.CONTENTION),
        ("40001", Trouble.CONTENTION),
        ("55P03", Trouble.CONTENTION),
        ("57014", Trouble.CONTENTION),
        ("22008", Trouble.DATA),
        ("22P05", Trouble.DATA),
        ("23505", Trouble.DATA),
        ("23514", Trouble.DATA),
        ("54000", Trouble.DATA),
        ("57P01", Trouble.OUTAGE),
        ("57P03", Trouble.OUTAGE),
        ("53100", Trouble.OUTAGE),
        ("08006", Trouble.OUTAGE),
        ("25006", Trouble.OUTAGE),
        ("42P01", Trouble.OUTAGE),
        ("42501", Trouble.OUTAGE),
        ("XX001", Trouble.OUTAGE),
    ],
)
def test_only_what_lies_in_the_data_is_set_aside(sqlstate: str, trouble: Trouble) -> None:
    assert trouble_of(psycopg.errors.lookup(sqlstate)("what the server said")) is trouble


def test_a_broken_link_is_an_outage_and_an_unwritable_value_is_not() -> None:
    assert trouble_of(psycopg.OperationalError("the connection is lost")) is Trouble.OUTAGE
    assert trouble_of(psycopg.InterfaceError("the connection is closed")) is Trouble.OUTAGE
    assert trouble_of(psycopg.DataError("PostgreSQL text fields cannot contain NUL (0x00) bytes")) is Trouble.DATA


def test_waits_double_up_to_a_bound_and_begin_anew_after_a_success() -> None:
    backoff = Backoff(0.1, 1.0)
    waits = [backoff.next_s() for _ in range(6)]
    for wait, ceiling in zip(waits, [0.1, 0.2, 0.4, 0.8, 1.0, 1.0], strict=True):
        assert ceiling / 2 <= wait <= ceiling
    backoff.reset()
    assert backoff.next_s() <= 0.1


async def test_every_count_is_shown_from_the_start(journal: Journal, registry: Registry) -> None:
    shown = CollectorRegistry()
    archive = Archive(lambda: "", journal, registry)
    ArchiveMetrics(shown, archive)
    names = {sample.name for metric in shown.collect() for sample in metric.samples}
    for name in ("rows", "blocks", "transactions", "staged", "duplicates", "seconds", "connections", "failures"):
        assert f"vigil_archive_{name}_total" in names
        assert shown.get_sample_value(f"vigil_archive_{name}_total") == 0
    for name in ("position", "lag_records", "lag_seconds", "database_up"):
        assert shown.get_sample_value(f"vigil_archive_{name}") == 0
    archive.counters.rows += 5
    assert shown.get_sample_value("vigil_archive_rows_total") == 5
