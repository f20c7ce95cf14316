from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import msgspec
import psycopg
import pytest

from alerts.incident import (
    EventKind,
    IncidentEvent,
    IncidentState,
    NotificationEvent,
    NotificationStatus,
    encode_event,
)
from alerts.shadow import ShadowEvent
from devices import Device, Kind, Lifecycle, QuarantineReport, Reason, Registry, Sample
from rules.model import AlarmClass, RuleKind, Severity
from storage.archive import count_readings, recent_incidents
from storage.journal import Gap, GapReason, Lane, RecordKind
from tests.archive.conftest import (
    NOW_US,
    SETTINGS,
    Running,
    append,
    batch,
    becomes,
    block,
    control,
    readings,
    registered,
)
from tests.support.incident import gas

if TYPE_CHECKING:
    from alerts.incident import Incident
    from storage.journal import Journal
    from tests.support.postgres import Database

pytestmark = pytest.mark.real

YEAR_US = 365 * 86_400_000_000
JUDGED: Final = "SELECT rule_kind, measure, reference, low, high, members, members_count FROM vigil.incidents"
DAY_US = 86_400_000_000


def position(database: Database, journal: Journal) -> int | None:
    found = database.rows("SELECT position FROM vigil.journal_position WHERE journal_id = %s", journal.id)
    return found[0][0] if found else None


async def test_readings_are_stored_with_place_unit_and_time(
    database: Database, journal: Journal, registry: Registry
) -> None:
    await append(journal, block(batch([0, 1], [NOW_US, NOW_US + 1], [7.5, 21.0], [1, 8])))
    async with Running(database, journal, registry) as running:
        await running.catches_up()
    assert database.rows("SELECT * FROM vigil.measurements ORDER BY metric") == [
        ("shuibei", "gas-0000", "gas", "g1", "7", "gas_lel", "%LEL", datetime(2026, 11, 22, 4, tzinfo=UTC), 7.5, 1),
        (
            *("shuibei", "gas-0000", "gas", "g1", "7", "temp_c", "Cel"),
            datetime(2026, 11, 22, 4, microsecond=1, tzinfo=UTC),
            21.0,
            8,
        ),
    ]


async def test_a_metric_without_a_value_is_null(database: Database, journal: Journal, registry: Registry) -> None:
    await append(journal, block(batch([0, 2, 4, 6], [NOW_US] * 4, [1.0, None, -0.0, None])))
    async with Running(database, journal, registry) as running:
        await running.catches_up()
    assert database.rows("SELECT device, value FROM vigil.measurements ORDER BY device") == [
        ("gas-0000", 1.0),
        ("gas-0001", None),
        ("gas-0002", 0.0),
        ("gas-0003", None),
    ]


async def test_extreme_values_and_times_are_stored_as_they_are(
    database: Database, journal: Journal, registry: Registry
) -> None:
    values = [1.7976931348623157e308, -1.7976931348623157e308, 5e-324, 0.1]
    times = [0, -1, NOW_US + 74 * YEAR_US, NOW_US - 401 * DAY_US]
    await append(journal, block(batch([0, 2, 4, 6], times, values)))
    async with Running(database, journal, registry) as running:
        await running.catches_up()
    assert database.rows(
        "SELECT value, (extract(epoch FROM time) * 1000000)::bigint FROM vigil.measurements ORDER BY device"
    ) == list(zip(values, times, strict=True))
    assert database.value("SELECT count(*) FROM vigil.readings_default") == 4


async def test_a_day_gets_its_partition_when_its_first_reading_comes(
    database: Database, journal: Journal, registry: Registry
) -> None:
    midnight = NOW_US - NOW_US % DAY_US
    times = [midnight - 1, midnight, midnight + DAY_US, midnight - 400 * DAY_US, midnight + 8 * DAY_US]
    await append(journal, block(batch([0] * 5, times, [1.0] * 5)))
    async with Running(database, journal, registry) as running:
        await running.catches_up()
    assert database.rows("SELECT tableoid::regclass::text FROM vigil.readings ORDER BY time") == [
        ("readings_20251018",),
        ("readings_20261121",),
        ("readings_20261122",),
        ("readings_20261123",),
        ("readings_default",),
    ]


def test_a_new_partition_takes_over_what_waited_in_the_default(database: Database) -> None:
    database.execute(
        "INSERT INTO vigil.readings SELECT 1, t, 1.0, 0 FROM generate_series"
        "('2026-12-24 22:00+00'::timestamptz, '2026-12-26 02:00+00', '1 hour') t"
    )
    assert database.value("SELECT vigil.ensure_readings_day('2026-12-25')") is True
    assert database.value("SELECT vigil.ensure_readings_day('2026-12-25')") is False
    assert database.value("SELECT count(*) FROM vigil.readings_20261225") == 24
    assert database.value("SELECT count(*) FROM vigil.readings_default") == 5
    assert database.value("SELECT count(*) FROM vigil.readings") == 29


async def test_a_duplicate_goes_through_staging_and_the_first_is_kept(
    database: Database, journal: Journal, registry: Registry
) -> None:
    async with Running(database, journal, registry) as running:
        await append(journal, block(readings(1000)))
        await running.catches_up()
        assert running.archive.counters.staged == 0
        again = batch([0, 0, 2], [NOW_US, NOW_US + 20_000, NOW_US + 7], [99.0, 98.0, 97.0])
        await append(journal, block(again), block(readings(500, 1000)), block(again))
        await running.catches_up()
        counters = running.archive.counters
    assert counters.staged > 0
    assert counters.duplicates == 5
    assert counters.rows == count_readings(database.dsn) == 1501
    assert database.value("SELECT sum(value) FROM vigil.readings") == sum(range(1500)) + 97.0


async def test_a_clean_transaction_after_a_staged_one_goes_straight_again(
    database: Database, journal: Journal, registry: Registry
) -> None:
    async with Running(database, journal, registry) as running:
        for body in (readings(10), readings(10), readings(10, 10)):
            await append(journal, block(body))
            await running.catches_up()
        assert running.archive.counters.staged == 1
        assert running.archive.counters.duplicates == 10
    assert count_readings(database.dsn) == 20


async def test_many_records_are_merged_up_to_the_bound(
    database: Database, journal: Journal, registry: Registry
) -> None:
    await append(journal, *(block(readings(500, 500 * i)) for i in range(100)))
    async with Running(database, journal, registry) as running:
        await running.catches_up()
        counters = running.archive.counters
    assert counters.rows == count_readings(database.dsn) == 50_000
    assert counters.blocks == 100
    assert 3 <= counters.transactions <= 4
    assert database.value("SELECT sum(value) FROM vigil.readings") == sum(range(50_000))


async def test_the_position_moves_with_the_data_and_the_cursor_follows(
    database: Database, journal: Journal, registry: Registry
) -> None:
    await append(journal, *(block(readings(10, 10 * i)) for i in range(5)))
    async with Running(database, journal, registry) as running:
        await running.catches_up()
        assert position(database, journal) == journal.head
        await becomes(lambda: journal.cursors()["archive"] == journal.head)


async def test_ticks_alone_move_the_position_only_now_and_then(
    database: Database, journal: Journal, registry: Registry
) -> None:
    async with Running(database, journal, registry) as running:
        await append(journal, *(control(RecordKind.TICK, b"") for _ in range(50)))
        counters = running.archive.counters
        await becomes(lambda: counters.read_to == journal.head)
        assert running.archive.lag_records == 0
        assert counters.transactions < 10
        await asyncio.sleep(SETTINGS.idle_s)
        await append(journal, control(RecordKind.TICK, b""))
        await running.catches_up()
    assert position(database, journal) == journal.head


async def test_a_channel_that_is_told_with_its_readings_is_known(
    database: Database, journal: Journal, registry: Registry
) -> None:
    async with Running(database, journal, registry) as running:
        await running.catches_up()
        change = registry.plan_registration([Device("shuibei", "tank-01", Kind.TANK, "tank")])
        (level,) = change.channels
        await journal.append([registered(change), block(batch([level.row], [NOW_US], [2.4]))])
        await running.catches_up()
    assert database.rows("SELECT device, metric, unit, value FROM vigil.measurements") == [
        ("tank-01", "level_m", "m", 2.4)
    ]


async def test_readings_wait_a_moment_for_the_name_of_their_channel(
    database: Database, journal: Journal, registry: Registry
) -> None:
    change = registry.plan_registration([Device("shuibei", "tank-01", Kind.TANK, "tank")])
    await append(journal, block(batch([change.channels[0].row], [NOW_US], [2.4])))
    async with Running(database, journal, registry) as running:
        await becomes(lambda: running.archive.counters.connections)
        registry.apply(change)
        await running.catches_up()
    assert database.rows("SELECT device, value FROM vigil.measurements") == [("tank-01", 2.4)]


async def test_readings_of_a_channel_that_nobody_names_are_set_aside(
    database: Database, journal: Journal, registry: Registry
) -> None:
    await append(journal, block(batch([0, 4711], [NOW_US, NOW_US], [1.0, 2.0])))
    async with Running(database, journal, registry) as running:
        await running.catches_up()
        assert running.archive.counters.set_aside == 1
    assert count_readings(database.dsn) == 1
    ((reason, detail),) = database.rows("SELECT reason, detail FROM vigil.quarantine")
    assert reason == "unknown_channel"
    assert "channel row 4711" in detail


async def test_an_unregistered_devices_readings_show_once_it_is_registered(
    database: Database, journal: Journal, registry: Registry
) -> None:
    found = registry.plan_discovery("shuibei", "stranger")
    device_row = found.devices[0].row
    channel = registry.plan_channel(device_row, "gas_lel")
    registry.apply(found)
    heard = type(found)(found.devices, (channel,))
    registry.apply(heard)
    async with Running(database, journal, registry) as running:
        await journal.append([registered(heard), block(batch([channel.row], [NOW_US], [3.0], [16]))])
        await running.catches_up()
        assert database.rows("SELECT device FROM vigil.measurements") == []
        assert database.rows("SELECT device, value FROM vigil.quarantined_measurements") == [("stranger", 3.0)]
        change = registry.plan_registration([Device("shuibei", "stranger", Kind.GAS, "gas", grid="g2")])
        await append(journal, registered(change))
        registry.apply(change)
        await running.catches_up()
    assert database.rows("SELECT device, grid, unit, value FROM vigil.measurements") == [("stranger", "g2", "", 3.0)]
    assert database.rows("SELECT * FROM vigil.quarantined_measurements") == []


async def test_every_registered_device_is_known_from_the_start(
    database: Database, journal: Journal, registry: Registry
) -> None:
    many = [Device("dense", f"d-{i:05}", Kind.TANK, "tank", lifecycle=Lifecycle.VERIFIED) for i in range(5000)]
    registry.apply(registry.plan_registration(many))
    async with Running(database, journal, registry) as running:
        await becomes(lambda: running.archive.counters.connections)
    assert database.value("SELECT count(*) FROM vigil.devices WHERE lifecycle = 'verified'") == 5000
    assert database.value("SELECT count(*) FROM vigil.channels") == 5020
    async with Running(database, journal, registry) as running:
        await becomes(lambda: running.archive.counters.connections)
    assert database.value("SELECT max(channel_id) FROM vigil.channels") == 5020, "a restart uses up no ids"


async def test_odd_names_are_stored_as_far_as_a_database_can(
    database: Database, journal: Journal, registry: Registry
) -> None:
    names = ["nul\0", "tab\tand\\n\n", "長" * 5000, "長" * 4999 + "短", "'; DROP TABLE readings; --"]
    change = registry.plan_registration([Device("shuibei", name, Kind.TANK, "tank") for name in names])
    rows = [channel.row for channel in change.channels]
    async with Running(database, journal, registry) as running:
        await journal.append([registered(change), block(batch(rows, [NOW_US] * 5, [1.0, 2.0, 3.0, 4.0, 5.0]))])
        await running.catches_up()
        assert running.archive.counters.set_aside == 0
    stored = dict(database.rows("SELECT value, device FROM vigil.measurements"))
    assert stored[1.0] == "nul\N{REPLACEMENT CHARACTER}"
    assert stored[2.0] == names[1]
    assert stored[3.0] != stored[4.0]
    assert stored[5.0] == names[4]


# ── what is not readings ─────────────────────────────────────────────────────────────────────────────────────────────


def incident(revision: int, state: IncidentState = IncidentState.RAISED, **facts: object) -> Incident:
    return gas(
        at_us=NOW_US,
        id="A1B2C3D4",
        device="shuibei/gas-0000",
        latitude=None,
        longitude=None,
        state=state,
        event_us=NOW_US - 1,
        since_us=NOW_US - 2,
        last_us=NOW_US + revision,
        revision=revision,
        **facts,
    )


def told(revision: int, kind: EventKind, after: Incident, text_en: str = "said") -> bytes:
    return encode_event(
        IncidentEvent(
            id=f"{after.id}-{revision}",
            kind=kind,
            time_us=NOW_US + revision,
            by="li",
            text_en=text_en,
            text_zh="说",
            incident=after,
        )
    )


async def test_an_incident_stands_as_its_newest_event_left_it_whatever_the_order(
    database: Database, journal: Journal, registry: Registry
) -> None:
    raised = incident(1)
    answered = incident(2, IncidentState.ACCEPTED, accepted_us=NOW_US + 5, accepted_by="li", note="on my way\0")
    async with Running(database, journal, registry) as running:
        await append(journal, control(RecordKind.EVENT, told(2, EventKind.ACCEPTED, answered)))
        await running.catches_up()
        await append(journal, *[control(RecordKind.EVENT, told(1, EventKind.RAISED, raised))] * 2)
        await running.catches_up()
    (line,) = recent_incidents(database.dsn)
    assert (line.incident_id, line.state, line.accepted_by) == ("A1B2C3D4", "accepted", "li")
    assert line.rule_name_zh == "燃气浓度高"
    ((note, accepted, outcome, severity, alarm_class),) = database.rows(
        "SELECT note, accepted, outcome, severity, alarm_class FROM vigil.incidents"
    )
    assert note == "on my way\N{REPLACEMENT CHARACTER}"
    assert accepted == datetime(2026, 11, 22, 4, microsecond=5, tzinfo=UTC)
    assert (outcome, severity, alarm_class) == (None, "alarm", "life-safety")
    assert database.rows("SELECT revision, kind, by FROM vigil.incident_events ORDER BY revision") == [
        (1, "raised", "li"),
        (2, "accepted", "li"),
    ]


async def test_an_incident_is_stored_with_what_was_judged_and_who_has_a_part_in_it(
    database: Database, journal: Journal, registry: Registry
) -> None:
    early = incident(1)  # as an earlier version told it
    later = incident(
        2,
        rule_kind=RuleKind.NEIGHBOURHOOD,
        measure=3.0,
        reference=5.0,
        low=1.0,
        high=9.0,
        members=("shuibei/a", "shuibei/b\0"),
        members_count=3,
    )
    async with Running(database, journal, registry) as running:
        await append(journal, control(RecordKind.EVENT, told(1, EventKind.RAISED, early)))
        await running.catches_up()
        assert database.rows(JUDGED) == [(None, None, None, None, None, [], 0)]
        await append(journal, control(RecordKind.EVENT, told(2, EventKind.REPEATED, later)))
        await running.catches_up()
    members = ["shuibei/a", "shuibei/b\N{REPLACEMENT CHARACTER}"]
    assert database.rows(JUDGED) == [("neighbourhood", 3.0, 5.0, 1.0, 9.0, members, 3)]


async def test_what_a_rule_in_shadow_would_have_raised_is_stored_once(
    database: Database, journal: Journal, registry: Registry
) -> None:
    event = ShadowEvent(
        id="S" * 20,
        device="shuibei/gas-0000",
        rule_id="gas.rise",
        rule_name_en="Gas rises fast",
        rule_name_zh="燃气浓度快速上升",
        rule_kind=RuleKind.RATE,
        severity=Severity.WARNING,
        alarm_class=AlarmClass.LIFE_SAFETY,
        holds=True,
        repeated=False,
        late=True,
        time_us=NOW_US,
        since_us=NOW_US - 2_000_000,
        noted_us=NOW_US + 3_000_000,
        metric="gas_lel",
        unit="%LEL",
        value=4.0,
        measure=3.5,
        text_en="rose\0",
        text_zh="上升",
    )
    silent = msgspec.structs.replace(event, id="T" * 20, value=None, measure=None, holds=False)
    async with Running(database, journal, registry) as running:
        for each in (event, silent, event):  # a replay tells it again
            await append(journal, control(RecordKind.EVENT, encode_event(each)))
        await running.catches_up()
        assert running.archive.counters.set_aside == 0
    ended, raised = database.rows("SELECT * FROM vigil.rule_shadow ORDER BY holds")
    at = datetime(2026, 11, 22, 4, tzinfo=UTC)
    assert raised == (
        *(
            "S" * 20,
            "shuibei/gas-0000",
            "gas.rise",
            "Gas rises fast",
            "燃气浓度快速上升",
            "rate",
            "warning",
            "life-safety",
        ),
        *(True, False, True, at, at - timedelta(seconds=2), at + timedelta(seconds=3), "gas_lel", "%LEL", 4.0, 3.5),
        *("rose\N{REPLACEMENT CHARACTER}", "上升"),
    )
    assert (ended[0], ended[8], ended[16], ended[17]) == ("T" * 20, False, None, None)


async def test_a_notification_keeps_its_last_status_and_its_history(
    database: Database, journal: Journal, registry: Registry
) -> None:
    def became(status: NotificationStatus, time_us: int, detail: str) -> bytes:
        return encode_event(
            NotificationEvent(
                notification="N" * 20,
                incident="A1B2C3D4",
                recipient="Duty desk",
                channel="desk",
                status=status,
                time_us=time_us,
                attempts=2,
                detail=detail,
            )
        )

    events = [
        became(NotificationStatus.EXPIRED, NOW_US, "no answer"),
        became(NotificationStatus.HANDED, NOW_US + 9, "receipt 17"),
    ]
    async with Running(database, journal, registry) as running:
        await append(journal, *(control(RecordKind.EVENT, event) for event in [*events, events[0]]))
        await running.catches_up()
    assert database.rows("SELECT status, detail, recipient FROM vigil.notifications") == [
        ("handed", "receipt 17", "Duty desk")
    ]
    assert database.rows("SELECT status FROM vigil.notification_events ORDER BY time") == [("expired",), ("handed",)]


async def test_what_ingest_set_aside_is_counted_whole_and_kept_up_to_a_bound(
    database: Database, journal: Journal, registry: Registry
) -> None:
    def report(i: int) -> QuarantineReport:
        sample = Sample(Reason.NOT_JSON, NOW_US + i, "vigil/v1/a/b/readings", b"{\0\xff", 3, f"number {i}\0")
        other = Sample(Reason.BAD_TOPIC, NOW_US + i, "x", b"", 0, "")
        samples = (sample,) * 3 + ((other,) if i == 0 else ())
        return QuarantineReport({Reason.NOT_JSON: 100, Reason.BAD_TOPIC: 1}, samples)

    async with Running(database, journal, registry) as running:
        await append(journal, *(control(RecordKind.QUARANTINE, report(i)) for i in range(400)))
        await running.catches_up()
    assert database.rows("SELECT reason, count FROM vigil.quarantine_counts ORDER BY reason") == [
        ("bad_topic", 400),
        ("not_json", 40_000),
    ]
    assert database.rows("SELECT reason, count(*) FROM vigil.quarantine GROUP BY reason ORDER BY reason") == [
        ("bad_topic", 1),
        ("not_json", 1000),
    ]
    ((payload, detail),) = database.rows("SELECT payload, detail FROM vigil.quarantine ORDER BY sample_id DESC LIMIT 1")
    assert payload == b"{\0\xff"
    assert detail == "number 399\N{REPLACEMENT CHARACTER}"


async def test_a_gap_of_the_journal_is_shown(database: Database, journal: Journal, registry: Registry) -> None:
    shed = Gap(GapReason.SHED, Lane.TELEMETRY, 10, 20, NOW_US, NOW_US + 1, 11, 5500)
    missing = Gap(GapReason.MISSING, Lane.TELEMETRY, 1, 9, 0, 0, 0, 0)
    async with Running(database, journal, registry) as running:
        await append(journal, control(RecordKind.GAP, shed), control(RecordKind.GAP, missing))
        await running.catches_up()
    assert database.rows(
        "SELECT reason, lane, first_offset, last_offset, records, readings, first_time FROM vigil.gaps ORDER BY gap_id"
    ) == [
        ("shed", "telemetry", 10, 20, 11, 5500, datetime(2026, 11, 22, 4, tzinfo=UTC)),
        ("missing", "telemetry", 1, 9, None, None, None),
    ]


# ── what no database takes ───────────────────────────────────────────────────────────────────────────────────────────


async def test_a_record_that_cannot_be_read_is_set_aside_whole(
    database: Database, journal: Journal, registry: Registry
) -> None:
    broken = bytearray(block(readings(5, 1000)).body)
    broken[-1] ^= 1
    await append(journal, block(readings(10)))
    await append(journal, control(RecordKind.BLOCK, bytes(broken)), control(RecordKind.EVENT, b"\xc1"))
    await append(journal, block(readings(10, 10)))
    async with Running(database, journal, registry) as running:
        await running.catches_up()
        assert running.archive.counters.set_aside == 2
    assert count_readings(database.dsn) == 20
    assert database.rows("SELECT reason, payload FROM vigil.quarantine ORDER BY sample_id") == [
        ("unreadable_record", bytes(broken)),
        ("unreadable_record", b"\xc1"),
    ]
    assert database.value("SELECT count FROM vigil.quarantine_counts WHERE reason = 'unreadable_record'") == 2


async def test_a_time_that_no_calendar_has_is_set_aside_alone(
    database: Database, journal: Journal, registry: Registry
) -> None:
    times = [NOW_US, -(2**63), 2**63 - 1, NOW_US + 1]
    await append(journal, block(batch([0, 2, 4, 6], times, [1.0, 2.0, 3.0, None])))
    async with Running(database, journal, registry) as running:
        await running.catches_up()
    assert database.rows("SELECT value FROM vigil.measurements ORDER BY device") == [(1.0,), (None,)]
    assert database.rows("SELECT reason, size FROM vigil.quarantine") == [("unstorable_time", 2)]


async def test_a_record_that_the_database_refuses_is_found_among_many_and_set_aside(
    database: Database, journal: Journal, registry: Registry
) -> None:
    database.execute("ALTER TABLE vigil.readings ADD CONSTRAINT refused CHECK (value <> 777)")
    await append(journal, *(block(readings(100, 100 * i)) for i in range(20)))
    async with Running(database, journal, registry) as running:
        await running.catches_up()
        assert running.archive.counters.set_aside == 1
        assert running.archive.counters.failures == 0
    assert count_readings(database.dsn) == 1900
    assert position(database, journal) == journal.head
    ((reason, topic, payload, detail),) = database.rows("SELECT reason, topic, payload, detail FROM vigil.quarantine")
    assert reason == "refused_record"
    assert topic == "journal record 8, BLOCK"
    assert payload == block(readings(100, 700)).body
    assert "refused" in detail


async def test_a_database_that_is_not_migrated_loses_nothing(
    empty_database: Database, journal: Journal, registry: Registry
) -> None:
    from storage.sql import migrate  # noqa: PLC0415 - used here alone

    await append(journal, block(readings(10)))
    async with Running(empty_database, journal, registry) as running:
        await becomes(lambda: running.archive.counters.failures > 1)
        assert not running.archive.counters.database_up
        migrate(empty_database.dsn)
        await running.catches_up()
        await becomes(lambda: running.archive.counters.database_up)
    assert count_readings(empty_database.dsn) == 10


async def test_locks_of_others_are_waited_for(database: Database, journal: Journal, registry: Registry) -> None:
    async with Running(database, journal, registry) as running:
        await append(journal, block(readings(10)))
        await running.catches_up()
        await becomes(lambda: running.archive.counters.database_up)
        running.archive._writer._connected().execute("SET lock_timeout = '50ms'")
        with psycopg.connect(database.dsn) as other:
            other.execute("LOCK TABLE vigil.readings IN ACCESS EXCLUSIVE MODE")
            await append(journal, block(readings(10, 10)))
            await becomes(lambda: running.archive.counters.retries > 1)
        await running.catches_up()
        assert running.archive.counters.failures == 0
    assert count_readings(database.dsn) == 20
