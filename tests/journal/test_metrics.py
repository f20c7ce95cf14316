from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry

from storage.journal import JournalLimits, JournalMetrics
from tests.journal.entries import control, telemetry

if TYPE_CHECKING:
    from tests.journal.conftest import OpenJournal


async def test_everything_is_shown_from_zero_on(open_journal: OpenJournal) -> None:
    journal = await open_journal(limits=JournalLimits(telemetry_bytes=1_000), cursors=("archive",))
    registry = CollectorRegistry()
    JournalMetrics(registry, journal)

    def value(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(f"vigil_journal_{name}", labels)

    assert value("records_total", lane="control") == 0
    assert value("gaps_total", reason="shed") == 0
    assert value("gaps_total", reason="corrupt") == 0
    assert value("commit_seconds_count", lane="telemetry") == 0
    assert value("failed") == 0
    assert value("cursor_lag_seconds", cursor="archive") == 0
    assert value("quota_bytes", lane="telemetry") == 1_000
    await journal.append([control(b"abc")])
    await journal.append([telemetry(bytes(600), 9)])
    await journal.append([telemetry(bytes(600), 8)])
    assert value("records_total", lane="control") == 2, "the gap is one"
    assert value("records_total", lane="telemetry") == 2
    assert value("appended_bytes_total", lane="telemetry") == 1_200
    assert value("live_bytes", lane="telemetry") == 664
    assert value("commit_seconds_count", lane="telemetry") == 2
    assert value("commit_seconds_bucket", lane="telemetry", le="+Inf") == 2
    assert value("gaps_total", reason="shed") == 1
    assert value("sheds_total") == 1
    assert value("shed_records_total") == 1
    assert value("shed_readings_total") == 9
    assert value("control_nearly_full") == 0
