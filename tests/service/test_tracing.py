"""Traces: told to a collector that speaks OTLP, by the service as it runs; and what they say, and do not say."""

from __future__ import annotations

import asyncio
import importlib.util
import subprocess
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from alerts.delivery import Attempt
from alerts.incident import Acceptance, EventKind, Exercise, Incident, IncidentEvent, NotificationEvent, Outcome
from alerts.incident import NotificationStatus as Status
from alerts.notification import Purpose
from alerts.response_event import ResponseEvent, ResponseKind
from alerts.tracing import is_sampled, span_id_of, trace_id_of
from devices.model import Kind
from rules.model import RuleKind, Severity
from service.core import open_core
from service.settings import SettingsFaults, load_settings
from service.tracing import TracingSection
from service.tracing.collector import Collector
from service.tracing.counters import Outcome as SpanOutcome
from service.tracing.counters import TracingCounters
from service.tracing.span import Span
from service.tracing.story import (
    LONGEST_TRANSIT_US,
    Owed,
    Taken,
    is_traced,
    of_attempt,
    of_incident,
    of_notification,
    of_response,
)
from service.tracing.tracing import Tracing
from tests.support.broker import free_port
from tests.support.collector import ToldSpan, TraceCollector
from tests.support.device import Device
from tests.support.incident import T0, S, incident, message
from tests.support.process import VigilProcess
from tests.support.receiver import Receiver

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from service.shard import Effects
    from tests.support.broker import Mosquitto

LEDGER = "site,device,kind,grid,building,floor,unit\nshuibei,smoke-1,smoke,3,5,2,502\nshuibei,gas-1,gas,3,5,2,502\n"
SMOKE = [("vigil/v1/shuibei/smoke-1/alarm", {"smoke": 1})]


# ── end to end ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
async def collector() -> AsyncIterator[TraceCollector]:
    async with TraceCollector() as collector:
        yield collector


@pytest.fixture
async def desk() -> AsyncIterator[Receiver]:
    async with Receiver() as desk:
        yield desk


@pytest.fixture
def vigil(tmp_path: Path, mosquitto: Mosquitto, desk: Receiver, collector: TraceCollector) -> Iterator[VigilProcess]:
    """Return the service, not started yet; there is no database."""
    (tmp_path / "ledger.csv").write_text(LEDGER, "utf-8")
    more = f"""
[devices]
ledger = "../ledger.csv"
[tracing]
endpoint = "{collector.endpoint}"
timeout_s = 1.0
[tracing.headers]
Authorization = "Bearer of-the-collector"
"""
    nowhere = f"host=127.0.0.1 port={free_port()}"
    process = VigilProcess(tmp_path / "vigil", mosquitto.port, nowhere, desk.url, more=more)
    yield process
    process.end()


@pytest.fixture
def device(mosquitto: Mosquitto) -> Device:
    return Device(mosquitto.host, mosquitto.port)


def named(spans: list[ToldSpan]) -> dict[str, ToldSpan]:
    return {span.name: span for span in spans}


@pytest.mark.real
async def test_one_trace_tells_the_way_from_the_message_to_the_end_and_goes_on_after_a_restart(
    vigil: VigilProcess, device: Device, desk: Receiver, collector: TraceCollector
) -> None:
    vigil.start()
    await vigil.ready()
    desk.status = 503  # the first attempt fails
    published_us = time.time_ns() // 1000
    await device.publish(SMOKE)
    await collector.wait_for(lambda spans: "notification.attempt" in named(spans))
    desk.status = 200
    await desk.wait_for(1)
    incident_id = desk.calls[0].incident["id"]
    await vigil.command("incidents", "accept", incident_id, "--by", "Li Wei")
    await collector.wait_for(lambda spans: {"incident.accept", "notification.deliver"} <= named(spans).keys())
    vigil.kill()

    vigil.start()
    await vigil.ready()
    await vigil.command("incidents", "arrive", incident_id, "--by", "Li Wei")
    await vigil.command("incidents", "resolve", incident_id, "true", "--by", "Li Wei", "--note", "a toaster in 502")
    assert await asyncio.to_thread(vigil.stop) == 0  # what waited is sent

    spans = collector.spans
    assert {span.trace for span in spans} == {trace_id_of(incident_id)}
    by_name = named(spans)
    assert by_name.keys() == {
        "incident",
        "reading.transit",
        "journal.commit",
        "rules.fold",
        "incident.raised",
        "notification.deliver",
        "notification.attempt",
        "incident.accept",
        "incident.arrive",
        "incident.resolve",
    }
    whole = by_name["incident"]
    assert whole.parent == ""
    delivery = by_name["notification.deliver"]
    assert {span.parent for span in spans if span.name != "notification.attempt"} == {"", whole.id}
    attempts = sorted((span for span in spans if span.name == "notification.attempt"), key=lambda span: span.start_us)
    assert {span.parent for span in attempts} == {delivery.id}
    assert len(attempts) >= 2
    assert [span.failed for span in attempts] == [True] * (len(attempts) - 1) + [False]
    assert Counter(span.id for span in spans).most_common(1)[0][1] == 1

    transit, commit, fold = (by_name[name] for name in ("reading.transit", "journal.commit", "rules.fold"))
    assert published_us <= whole.start_us == transit.start_us
    assert transit.end_us == commit.start_us <= commit.end_us == fold.start_us <= fold.end_us
    assert fold.end_us - published_us < 2 * S
    assert commit.start_us <= delivery.start_us <= attempts[0].start_us
    assert attempts[-1].end_us <= delivery.end_us <= whole.end_us
    assert by_name["incident.accept"].end_us == by_name["incident.arrive"].start_us
    assert by_name["incident.arrive"].end_us == by_name["incident.resolve"].start_us
    assert by_name["incident.resolve"].end_us == whole.end_us

    assert whole.service["service.name"] == "vigil"
    assert whole.service["service.instance.id"] == "vigil"
    assert {headers["authorization"] for headers in collector.headers} == {"Bearer of-the-collector"}
    told = " ".join(f"{value}" for span in spans for value in span.attributes.values())
    for private in ("Li Wei", "smoke-1", "502", "toaster", "Duty desk"):
        assert private not in told


@pytest.mark.real
async def test_a_collector_that_takes_a_request_and_never_answers_delays_nobody(
    vigil: VigilProcess, device: Device, desk: Receiver, collector: TraceCollector
) -> None:
    collector.hangs = True
    vigil.start()
    await vigil.ready()
    await device.publish(SMOKE)
    await desk.wait_for(1)
    await vigil.metric_reaches("vigil_tracing_spans_total", 1, outcome="failed", deadline_s=10)
    assert collector.requests
    began = time.monotonic()
    assert await asyncio.to_thread(vigil.stop) == 0
    assert time.monotonic() - began < 8
    assert len(vigil.events("tracing.collector_away")) == 1


def test_without_tracing_nothing_of_opentelemetry_is_imported() -> None:
    said = "import sys, service.cli, service.service; print([n for n in sys.modules if n.startswith('opentelemetry')])"
    done = subprocess.run([sys.executable, "-c", said], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


# ── the way to the collector ─────────────────────────────────────────────────────────────────────────────────────────


def a_span(number: int = 0) -> Span:
    return Span.make("incident", "A1B2C3D4", (number,), "", (T0, T0 + 1), {})


async def test_what_waits_is_bounded_and_what_finds_no_room_is_counted() -> None:
    async with TraceCollector(hangs=True) as far:
        counters = TracingCounters()
        section = TracingSection(endpoint=far.endpoint, queue=256, timeout_s=0.5)
        collector = Collector(section, "test", counters)
        for number in range(256):
            collector.send(a_span(number))
        async with asyncio.timeout(10):
            while not far.requests:
                await asyncio.sleep(0.01)
        began = time.monotonic()
        for number in range(1000):
            collector.send(a_span(number))
        assert time.monotonic() - began < 0.5
        assert counters.waiting == 256
        assert counters.ended[SpanOutcome.DROPPED] == 1000 - 256
        began = time.monotonic()
        await collector.close(0.1)
        assert time.monotonic() - began < 1


async def test_notes_are_bounded_and_hearing_makes_no_span_by_itself(tmp_path: Path) -> None:
    async with TraceCollector() as far, open_core(load_settings(None, data_dir=tmp_path / "data")) as core:
        counters = TracingCounters()
        section = TracingSection(endpoint=far.endpoint, queue=256)
        tracing = Tracing(core, section, Collector(section, "test", counters), counters)
        heard: list[Effects] = []
        core.listeners.append(heard.extend)
        await core.note("session_lost", 1)
        raising = next(effects for effects in heard if effects.events)
        tracing.hear([raising] * 300)
        assert counters.handed == 0
        assert counters.ended[SpanOutcome.DROPPED] == 300 * len(raising.events) - 256
        telling = asyncio.create_task(tracing.run())
        async with asyncio.timeout(10):
            while not counters.handed:
                await asyncio.sleep(0.01)
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)
        await tracing.close()
        assert len(far.spans) == counters.ended[SpanOutcome.SENT] == counters.handed


async def test_what_a_collector_refuses_is_counted_and_the_next_is_sent(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async with TraceCollector(status=400) as far:
        counters = TracingCounters()
        collector = Collector(TracingSection(endpoint=far.endpoint), "test", counters)
        collector.send(a_span(1))
        async with asyncio.timeout(10):
            while not counters.ended[SpanOutcome.FAILED]:
                await asyncio.sleep(0.01)
        far.status = 200
        collector.send(a_span(2))
        await collector.close(5)
        assert counters.ended == {SpanOutcome.SENT: 1, SpanOutcome.FAILED: 1, SpanOutcome.DROPPED: 0}
        assert [span.id for span in far.spans] == [span_id_of("A1B2C3D4", 2)]
    logged = capsys.readouterr().out
    assert logged.count("tracing.collector_away") == logged.count("tracing.collector_back") == 1


def test_an_address_without_a_path_is_that_of_traces() -> None:
    assert TracingSection(endpoint="http://10.0.0.1:4318/").endpoint == "http://10.0.0.1:4318/v1/traces"
    assert TracingSection(endpoint="https://collector/otlp/v1/traces").endpoint == "https://collector/otlp/v1/traces"


@pytest.mark.parametrize(
    "endpoint", ["127.0.0.1:4318", "grpc://collector:4317", "http://", "http://a:x/", "http://a?b=1"]
)
def test_what_is_no_address_is_a_fault(endpoint: str) -> None:
    with pytest.raises(SettingsFaults, match=r"tracing\.endpoint.*wanted one like"):
        load_settings(None, tracing={"endpoint": endpoint})


def test_a_password_in_the_address_is_a_fault_that_does_not_show_it() -> None:
    with pytest.raises(SettingsFaults, match="belong in the address") as caught:
        load_settings(None, tracing={"endpoint": "http://vigil:s3cret@collector:4318"})
    assert "s3cret" not in str(caught.value)


def test_tracing_without_opentelemetry_is_a_fault_that_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(SettingsFaults, match=r"vigil-monitor\[tracing\]"):
        load_settings(None, tracing={"endpoint": "http://127.0.0.1:4318"})
    assert load_settings(None).tracing is None


# ── ids and samples ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_ids_of_a_trace_are_made_from_the_incident_and_stay_the_same() -> None:
    assert trace_id_of("A1B2C3D4") == "0a0b2b023f724581c94e59ae55e4fd95"
    assert span_id_of("A1B2C3D4", "incident", 1) == "098a12a4ca2424e8"
    many = [f"{n:08}" for n in range(1000)]
    assert len({trace_id_of(name) for name in many}) == 1000
    assert len({span_id_of(name, part) for name in many for part in ("a", "b")}) == 2000


def test_of_many_incidents_the_part_asked_for_is_traced_and_it_grows_with_the_part() -> None:
    many = [f"{n:08}" for n in range(4000)]
    tenth = {name for name in many if is_sampled(name, 0.1)}
    half = {name for name in many if is_sampled(name, 0.5)}
    assert abs(len(tenth) - 400) < 80
    assert abs(len(half) - 2000) < 160
    assert tenth < half
    assert all(is_sampled(name, 1.0) for name in many)
    assert not any(is_sampled(name, 0.0) for name in many)


def test_alarms_are_always_traced_and_the_rest_by_the_sample() -> None:
    for severity in Severity:
        of_it = incident(severity=severity)
        assert is_traced(of_it, 0.0) is (severity in {Severity.ALARM, Severity.EMERGENCY})
        assert is_traced(of_it, 1.0)
    assert not is_traced(incident(exercise=Exercise.SYNTHETIC), 0.0)
    assert is_traced(incident(exercise=Exercise.DRILL), 0.0)


# ── what a trace says ────────────────────────────────────────────────────────────────────────────────────────────────

TAKEN = Taken(T0 + 2 * S, T0 + 3 * S)


def line(kind: EventKind, one: Incident, at_us: int = T0 + 4 * S) -> IncidentEvent:
    return IncidentEvent(
        id=f"{one.id}-{one.revision}-{kind}", kind=kind, time_us=at_us, by="PRIVATE", text_en="PRIVATE",
        text_zh="PRIVATE", incident=one, origin="PRIVATE",
    )  # fmt: skip


def raised(**changes: Any) -> Incident:
    return replace(incident(), **{"raised_us": T0 + 2 * S, "rule_kind": RuleKind.ALARM, **changes})


def told(event: IncidentEvent, taken: Taken | None = TAKEN) -> dict[str, tuple[int, int]]:
    """Return when each span of an event begins and ends, s after T0."""
    spans = of_incident(event, taken, T0 + 5 * S)
    return {span.name: ((span.start_us - T0) // S, (span.end_us - T0) // S) for span in spans}


def test_the_way_of_a_reading_is_told_stage_by_stage() -> None:
    assert told(line(EventKind.RAISED, raised())) == {
        "reading.transit": (0, 2),
        "journal.commit": (2, 3),
        "rules.fold": (3, 5),
        "incident.raised": (4, 4),
    }


def test_a_reading_from_a_devices_memory_does_not_stretch_the_trace() -> None:
    old = raised(event_us=T0 - LONGEST_TRANSIT_US)
    assert told(line(EventKind.RAISED, old)).keys() == {"journal.commit", "rules.fold", "incident.raised"}
    ended = replace(old, closed_us=T0 + 9 * S, outcome=Outcome.TRUE)
    assert told(line(EventKind.RESOLVED, ended, T0 + 9 * S), None)["incident"] == (2, 9)


def test_a_clock_that_is_ahead_gives_no_span_that_ends_before_it_begins() -> None:
    ahead = raised(event_us=T0 + 60 * S)
    assert "reading.transit" not in told(line(EventKind.RAISED, ahead))
    for span in of_incident(line(EventKind.RAISED, ahead), Taken(T0 + 9 * S, T0 + 8 * S), T0 + 5 * S):
        assert span.start_us <= span.end_us


def test_silence_is_told_without_a_message() -> None:
    silent = raised(rule_kind=RuleKind.NO_DATA)
    assert told(line(EventKind.RAISED, silent)).keys() == {"rules.fold", "incident.raised"}
    assert told(line(EventKind.RAISED, raised()), None).keys() == {"rules.fold", "incident.raised"}


def test_each_step_is_measured_from_the_one_before() -> None:
    one = raised(accepted_us=T0 + 10 * S, dispatched_us=T0 + 20 * S, arrived_us=T0 + 30 * S, closed_us=T0 + 50 * S)
    steps = {
        EventKind.ACCEPTED: ("incident.accept", 10, (2, 10)),
        EventKind.DISPATCHED: ("incident.dispatch", 20, (10, 20)),
        EventKind.ARRIVED: ("incident.arrive", 30, (20, 30)),
        EventKind.RESOLVED: ("incident.resolve", 50, (30, 50)),
        EventKind.CLEARED: ("incident.clear", 50, (30, 50)),
    }
    for kind, (name, at_s, expected) in steps.items():
        assert told(line(kind, one, T0 + at_s * S), None)[name] == expected
    assert told(line(EventKind.ACCEPTED, one, T0 + 40 * S), None) == {"incident.accept": (2, 40)}  # one more comes


def test_an_incident_that_is_raised_anew_goes_on_in_its_trace_as_another_whole() -> None:
    first = raised(closed_us=T0 + 9 * S)
    second = replace(first, raised_us=T0 + 20 * S, closed_us=T0 + 30 * S)
    wholes = [
        next(span for span in of_incident(line(EventKind.CLEARED, one, one.closed_us or 0), None, 0) if not span.parent)
        for one in (first, second)
    ]
    assert wholes[0].trace_id == wholes[1].trace_id
    assert wholes[0].id != wholes[1].id
    judged = line(
        EventKind.RESOLVED, replace(second, outcome=Outcome.TRUE), T0 + 90 * S
    )  # it had cleared: no second end
    assert all(span.parent for span in of_incident(judged, None, 0))


def report(status: Status, attempts: int, at_s: int, handed_s: int = 0) -> Span:
    event = NotificationEvent(
        notification="N1", incident="A1B2C3D4", recipient="PRIVATE", channel="sms", status=status,
        time_us=T0 + at_s * S, attempts=attempts, detail="PRIVATE",
    )  # fmt: skip
    owed = Owed(Purpose.ASK, T0 + S, T0 + handed_s * S if handed_s else 0)
    return of_notification(event, owed, incident())


@pytest.mark.parametrize(
    ("status", "attempts", "handed_s", "name", "start_s", "failed"),
    [
        (Status.HANDED, 1, 0, "deliver", 1, False),
        (Status.RECEIVED, 2, 9, "deliver", 1, False),
        (Status.FAILED, 1, 0, "deliver", 1, True),
        (Status.UNKNOWN, 1, 0, "deliver", 1, True),
        (Status.EXPIRED, 0, 0, "deliver", 1, True),
        (Status.RECEIVED, 0, 5, "receipt", 5, False),
        (Status.FAILED, 0, 5, "receipt", 5, True),
        (Status.ANSWERED, 0, 5, "answer", 5, False),
        (Status.ANSWERED, 0, 0, "answer", 1, False),
        (Status.WITHDRAWN, 0, 0, "withdrawn", 1, False),
    ],
)
def test_each_report_of_a_notification_is_told(
    status: Status, attempts: int, handed_s: int, name: str, start_s: int, failed: bool
) -> None:
    span = report(status, attempts, 9, handed_s)
    assert span.name == f"notification.{name}"
    assert (span.start_us, span.end_us, span.failed) == (T0 + start_s * S, T0 + 9 * S, failed)
    delivery = report(Status.HANDED, 1, 9)
    under_delivery = name in {"receipt", "answer"}
    assert (span.parent == delivery.id) is under_delivery


def test_nothing_private_leaves_in_a_trace() -> None:
    private = incident(
        id="A1B2C3D4", device="PRIVATE/PRIVATE", site="PRIVATE", grid="PRIVATE", place="PRIVATE", place_zh="PRIVATE",
        latitude=22.54321, longitude=114.54321, kind=Kind.WATCH, rule_id="PRIVATE", rule_name_en="PRIVATE",
        rule_name_zh="PRIVATE", what_en="PRIVATE", what_zh="PRIVATE", metric="PRIVATE", unit="PRIVATE", value=54321.0,
        limit=54321.0, source="PRIVATE", accepted_by="PRIVATE", closed_by="PRIVATE", note="PRIVATE",
        members=("PRIVATE",), building="PRIVATE", floor="PRIVATE", unit_name="PRIVATE", gateway="PRIVATE",
        acceptances=(Acceptance("PRIVATE", T0),), dispatched_to="PRIVATE", handed_to="PRIVATE", rated_by="PRIVATE",
        closed_us=T0 + 4 * S,
    )  # fmt: skip
    spans: list[Span] = []
    for kind in (Kind.WATCH, Kind.UNKNOWN, Kind.EXTERNAL):
        for happened in EventKind:
            spans += of_incident(line(happened, replace(private, kind=kind)), TAKEN, T0 + 5 * S)
    for said in ResponseKind:
        event = ResponseEvent(
            id="A1B2C3D4-r1", kind=said, incident="A1B2C3D4", time_us=T0, text_en="PRIVATE", text_zh="PRIVATE",
            person="PRIVATE", notification="N1", step=2, detail="PRIVATE",
        )  # fmt: skip
        spans += of_response(event, private)
    spans += [report(status, attempts, 9) for status in Status for attempts in (0, 1)]
    note = message(
        private, recipient="PRIVATE", address="PRIVATE", title_en="PRIVATE", body_en="PRIVATE", code="PRIVATE"
    )
    spans.append(of_attempt(Attempt(note, 1, T0, T0 + S, None)))
    assert len({span.name for span in spans}) > 25
    for span in spans:
        said_of_it = f"{span.name} {dict(span.attributes)}"
        assert "PRIVATE" not in said_of_it
        assert "54321" not in said_of_it


def test_whoever_sends_a_notification_again_and_again_makes_different_spans() -> None:
    note = message(incident())
    tries = [of_attempt(Attempt(note, number, T0 + number, T0 + S, None)) for number in (1, 2)]
    after_a_restart = of_attempt(Attempt(note, 1, T0 + 7, T0 + S, Status.HANDED))
    assert len({span.id for span in (*tries, after_a_restart)}) == 3
    assert [span.failed for span in (*tries, after_a_restart)] == [True, True, False]
