"""A real Prometheus makes every alert fire, and clear: by the real service where seconds bring it into the condition.

Where they do not (a disk that fills, a clock that is off), what it scrapes has the families, types and labels that the
running service shows, with figures of the test's.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
import time
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.deploy.exposition import OPENMETRICS
from tests.deploy.stand import DEPLOY, Prometheus, Ramp, Target, hurried, program, rules
from tests.support.broker import free_port
from tests.support.device import Device
from tests.support.process import VigilProcess
from tests.support.receiver import Receiver

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from tests.support.broker import Mosquitto, StartMosquitto
    from tests.support.postgres import Database, Server

pytestmark = pytest.mark.real

DEADLINE_S = 88.0
LEDGER = "site,device,kind,grid,building,floor,unit\n" + "".join(
    f"shuibei,smoke-{n},smoke,3,5,2,50{n}\n" for n in range(20)
)
READING = ("vigil/v1/shuibei/smoke-0/readings", {"battery_pct": 90})
ALERTS, RECORDING = (DEPLOY / "prometheus" / f"vigil.{name}.yml" for name in ("alerts", "recording"))

Figures = dict[str, "float | Callable[[], float]"]

HEALTHY: Figures = {
    'vigil_ingest_session_connected{session="alarm"}': 1,
    'vigil_ingest_session_connected{session="telemetry"}': 1,
    "vigil_archive_database_up": 1,
    "vigil_archive_lag_seconds": 0,
    "vigil_clock_time_seconds": time.time,
    "vigil_disk_free_bytes": 60e9,
    "vigil_disk_size_bytes": 100e9,
    "vigil_registry_devices": 1000,
    "vigil_pipeline_folded_age_seconds": 0.5,
    'vigil_certificate_expiry_timestamp_seconds{certificate="authority"}': 4e9,
    'vigil_certificate_expiry_timestamp_seconds{certificate="broker"}': 4e9,
    'vigil_certificate_expiry_timestamp_seconds{certificate="client"}': 4e9,
}


def grows(series: str, per_s: float = 10.0) -> Figures:
    return {series: Ramp(per_s)}


def handed(name: str, le: str) -> tuple[str, str]:
    """Return the series of alarms that were late for a promise, and of those in time."""
    return (
        f'vigil_alerts_alarm_{name}_late_total{{class="property"}}',
        f'vigil_alerts_alarm_{name}_seconds_bucket{{class="life-safety",le="{le}"}}',
    )


PLAYED: dict[str, tuple[str, Figures, Figures]] = {
    # alert: the stand that it is played on, what makes it fire, what makes it clear; what grows then stops besides
    "VigilRestarts": (
        "one",
        {"vigil_start_time_seconds": lambda: time.monotonic() // 0.5},
        {"vigil_start_time_seconds": 9},
    ),
    "VigilPipelineStuck": ("one", {"vigil_pipeline_folded_age_seconds": 60}, {"vigil_pipeline_folded_age_seconds": 0}),
    "VigilSyntheticLost": (
        "one",
        {"vigil_synthetic_age_seconds": 700, 'vigil_synthetic_alarms_total{stage="through"}': 2},
        {"vigil_synthetic_age_seconds": 60},
    ),
    "VigilBoundReached": ("one", grows('vigil_noise_bounds_reached_total{bound="held"}'), {}),
    "VigilSessionFlaps": ("one", grows('vigil_ingest_session_connects_total{session="telemetry"}'), {}),
    "VigilJournalFailed": ("one", {"vigil_journal_failed": 1}, {"vigil_journal_failed": 0}),
    "VigilJournalControlNearlyFull": (
        "one",
        {"vigil_journal_control_nearly_full": 1},
        {"vigil_journal_control_nearly_full": 0},
    ),
    "VigilJournalGrowing": (
        "one",
        {'vigil_journal_live_bytes{lane="telemetry"}': 1.2e9},
        {'vigil_journal_live_bytes{lane="telemetry"}': 0},
    ),
    "VigilTelemetryShed": ("one", grows("vigil_journal_shed_readings_total"), {}),
    "VigilJournalDamaged": ("one", grows('vigil_journal_gaps_total{reason="corrupt"}'), {}),
    "VigilCommitsSlow": (
        "one",
        grows('vigil_journal_commit_seconds_bucket{lane="control",le="0.5"}')
        | grows('vigil_journal_commit_seconds_bucket{lane="control",le="1.0"}')
        | grows('vigil_journal_commit_seconds_bucket{lane="control",le="2.5"}')
        | grows('vigil_journal_commit_seconds_bucket{lane="control",le="+Inf"}'),
        {},
    ),
    "VigilDiskFilling": ("one", {"vigil_disk_free_bytes": Ramp(-1e6, 40e9)}, {"vigil_disk_free_bytes": 90e9}),
    "VigilDiskFull": ("two", {"vigil_disk_free_bytes": 1e9}, {"vigil_disk_free_bytes": 60e9}),
    "VigilClockOff": (
        "one",
        {"vigil_clock_time_seconds": lambda: time.time() - 10},
        {"vigil_clock_time_seconds": time.time},
    ),
    "VigilClockSet": ("one", grows('vigil_clock_steps_total{direction="back"}'), {}),
    "VigilClocksDisagree": ("one", {"vigil_ingest_skewed_devices": 600}, {"vigil_ingest_skewed_devices": 6}),
    "VigilArchiveBehind": ("one", {"vigil_archive_lag_seconds": 400}, {"vigil_archive_lag_seconds": 2}),
    "VigilArchiveSetAside": ("one", grows("vigil_archive_set_aside_total"), {}),
    "VigilRollupsLate": (
        "one",
        {'vigil_upkeep_rollup_lag_seconds{level="1m"}': 2000},
        {'vigil_upkeep_rollup_lag_seconds{level="1m"}': 100},
    ),
    "VigilUpkeepFailing": ("one", grows("vigil_upkeep_failures_total"), {}),
    "VigilNobodyAnswers": (
        "one",
        {'vigil_alerts_unanswered_seconds{class="life-safety"}': 400},
        {'vigil_alerts_unanswered_seconds{class="life-safety"}': 0},
    ),
    "VigilNobodyToTell": ("one", grows('vigil_alerts_route_fallbacks_total{fallback="console"}'), {}),
    "VigilStepEmpty": ("one", grows('vigil_alerts_response_total{kind="nobody"}'), {}),
    "VigilOutboxOld": (
        "one",
        {"vigil_alerts_notifications_oldest_seconds": 400},
        {"vigil_alerts_notifications_oldest_seconds": 0},
    ),
    "VigilOutboxFull": ("one", grows("vigil_alerts_notifications_shed_total"), {}),
    "VigilDeliverySlow": (
        "one",
        grows('vigil_alerts_delivery_seconds_bucket{le="60.0"}')
        | grows('vigil_alerts_delivery_seconds_bucket{le="300.0"}')
        | grows('vigil_alerts_delivery_seconds_bucket{le="1800.0"}')
        | grows('vigil_alerts_delivery_seconds_bucket{le="+Inf"}'),
        {},
    ),
}
PROMISES = {"Handover": handed("handed", "1.0"), "Acceptance": handed("accepted", "60.0")}


async def play(prometheus: Prometheus, alert: str) -> None:
    """Put a stand into the condition of an alert and out of it again."""
    instance, trouble, health = PLAYED[alert]
    target = prometheus.targets[instance]
    target.set({series: rising(target, series, figure) for series, figure in trouble.items()})
    await prometheus.fires(alert, instance)
    for series in trouble:
        target.set({series: target.value(series)})
    target.set(health)
    await prometheus.clears(alert, instance)


def rising(target: Target, series: str, figure: float | Callable[[], float]) -> float | Callable[[], float]:
    """Let a counter grow from where it is."""
    if isinstance(figure, Ramp) and not figure.base:
        return Ramp(figure.per_s, target.value(series))
    return figure


async def spend(prometheus: Prometheus, promise: str) -> None:
    """Have alarms late until both alerts of a promise fire, and then many in time."""
    late, kept = PROMISES[promise]
    target = prometheus.targets["one"]
    target.set({late: Ramp(10, target.value(late))})
    await prometheus.fires(f"Vigil{promise}BudgetBurnsFast")
    await prometheus.fires(f"Vigil{promise}BudgetBurns")
    target.set({late: target.value(late), kept: Ramp(1e7, target.value(kept))})
    await prometheus.clears(f"Vigil{promise}BudgetBurnsFast")
    await prometheus.clears(f"Vigil{promise}BudgetBurns")


# ── the real service ─────────────────────────────────────────────────────────────────────────────────────────────────


class Certificates:
    """An authority, and what it signs."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir()
        self.make("ca", "-addext", "keyUsage=critical,keyCertSign")
        self.sign("broker", 400)

    def make(self, name: str, *more: str, days: int = 400) -> None:
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
             "-days", str(days), "-subj", f"/CN={name}", "-out", f"{name}.pem", "-keyout", f"{name}.key", *more],
            check=True, capture_output=True, cwd=self.directory,
        )  # fmt: skip

    def sign(self, name: str, days: int) -> None:
        more = ["-CA", "ca.pem", "-CAkey", "ca.key", "-addext", "subjectAltName=IP:127.0.0.1"]
        self.make(name, *more, "-addext", "basicConstraints=critical,CA:FALSE", days=days)


class Scene:
    """The service, its broker, its receiver and its database."""

    def __init__(
        self,
        directory: Path,
        start_mosquitto: StartMosquitto,
        database: Database,
        receiver: Receiver,
    ) -> None:
        self.certificates = Certificates(directory / "certificates")
        self.certificates.sign("client", days=2)
        at = self.certificates.directory
        self.plain = free_port()
        self.broker: Mosquitto = start_mosquitto(
            f"listener {self.plain} 127.0.0.1",
            "listener {port} 127.0.0.1",
            f"cafile {at / 'ca.pem'}",
            f"certfile {at / 'broker.pem'}",
            f"keyfile {at / 'broker.key'}",
            "require_certificate true",
            "max_queued_messages 100000",
        )
        self.receiver = receiver
        (directory / "ledger.csv").write_text(LEDGER, "utf-8")
        self.console = free_port()
        self.vigil = VigilProcess(
            directory / "vigil",
            self.broker.port,
            database.dsn,
            receiver.url,
            more=f"""
[devices]
ledger = "../ledger.csv"
[console]
port = {self.console}
[broker.tls]
ca_file = "{at / "ca.pem"}"
certificate_file = "{at / "client.pem"}"
key_file = "{at / "client.key"}"
""",
        )
        self._smoke = iter(range(20))

    async def say(self, *messages: tuple[str, dict[str, int] | bytes]) -> None:
        await Device("127.0.0.1", self.plain).publish(messages)

    async def alarms(self, n: int) -> None:
        await self.say(*((f"vigil/v1/shuibei/smoke-{next(self._smoke)}/alarm", {"smoke": 1}) for _ in range(n)))

    # ── one trouble after another ────────────────────────────────────────────────────────────────────────────────────

    async def messages(self, prometheus: Prometheus) -> None:
        """Messages that cannot be read; then none at all; then no broker, and one that has forgotten us."""
        await self.readings(prometheus)
        await prometheus.fires("VigilIngestSilent", "service")
        async with asyncio.TaskGroup() as group:
            garbage = group.create_task(self.garbage())
            await prometheus.fires("VigilQuarantineGrows", "service")
            await prometheus.clears("VigilIngestSilent", "service")
            garbage.cancel()
        await prometheus.clears("VigilQuarantineGrows", "service")
        self.broker.stop()
        await prometheus.fires("VigilBrokerLost", "service")
        self.broker.start()
        await prometheus.clears("VigilBrokerLost", "service")
        await prometheus.fires("VigilSessionForgotten", "service")
        await prometheus.clears("VigilSessionForgotten", "service")

    async def readings(self, prometheus: Prometheus) -> None:
        """Send so many, and for so long, that silence would be news."""
        came = 'vigil_ingest_session_messages_total{instance="service",session="telemetry"}'
        usual = f"{came} >= 1500 and changes({came}[5m]) > count_over_time({came}[5m]) / 2"
        while not await prometheus.query(usual):
            await self.say(*[READING] * 50)

    async def garbage(self) -> None:
        while True:
            await self.say((READING[0], b"no JSON"))
            await asyncio.sleep(0.2)

    async def deliveries(self, prometheus: Prometheus) -> None:
        """A receiver that refuses, and then one that does not answer."""
        await self.alarms(1)
        await self.receiver.wait_for(1)
        self.receiver.status = 400
        await self.alarms(1)
        await asyncio.gather(
            prometheus.fires("VigilDeliveryFailing", "service"),
            prometheus.fires("VigilUndelivered", "service"),
        )
        await prometheus.clears("VigilDeliveryFailing", "service")
        await prometheus.clears("VigilUndelivered", "service")
        self.receiver.status = 500
        await self.alarms(8)
        await prometheus.fires("VigilChannelBroken", "service")
        self.receiver.status = 200
        await prometheus.clears("VigilChannelBroken", "service")
        exemplars = await prometheus.exemplars("vigil_alerts_alarm_handed_seconds_bucket")
        told = {call.incident["id"] for call in self.receiver.calls}
        assert exemplars
        assert {one["incident_id"] for one in exemplars} <= told
        assert all(re.fullmatch("[0-9a-f]{32}", one["trace_id"]) for one in exemplars)

    async def guesses(self, prometheus: Prometheus) -> None:
        async with httpx.AsyncClient() as client:
            while ("VigilGuessing", "service") not in prometheus.firing:
                await client.get(f"http://127.0.0.1:{self.console}/a/guessed")
        await prometheus.fires("VigilGuessing", "service")
        await prometheus.clears("VigilGuessing", "service")

    async def certificate(self, prometheus: Prometheus) -> None:
        await prometheus.fires("VigilCertificateEnding", "service")
        await prometheus.fires("VigilCertificateEnds", "service")
        self.certificates.sign("client", days=400)
        await prometheus.clears("VigilCertificateEnding", "service")
        await prometheus.clears("VigilCertificateEnds", "service")

    async def history(self, prometheus: Prometheus, server: Server) -> None:
        await prometheus.fires("VigilDatabaseDown", "service")
        await asyncio.to_thread(server.start)
        await prometheus.clears("VigilDatabaseDown", "service")


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as receiver:
        yield receiver


async def shown(vigil: VigilProcess) -> str:
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"http://127.0.0.1:{vigil.http_port}/metrics", headers={"accept": OPENMETRICS})
    return answer.text


@pytest.mark.timeout(150)
async def test_each_alert_fires_and_clears(
    tmp_path: Path, start_mosquitto: StartMosquitto, server: Server, database: Database, receiver: Receiver
) -> None:
    scene = Scene(tmp_path, start_mosquitto, database, receiver)
    stand = Prometheus(program("prometheus", "prometheus"), tmp_path, scene.vigil.http_port)
    await asyncio.to_thread(server.stop)
    try:
        async with asyncio.timeout(DEADLINE_S), stand.running(("one", "two")) as prometheus:
            await prometheus.fires("VigilDown", "service")
            scene.vigil.start()
            await scene.vigil.ready()
            await prometheus.clears("VigilDown", "service")
            await prometheus.fires("VigilWatchdog")
            text = await shown(scene.vigil)
            named = set(re.findall(r"\bvigil_\w+", ALERTS.read_text("utf-8") + RECORDING.read_text("utf-8")))
            for name in ("one", "two"):
                target = prometheus.targets[name] = Target(text, named)
                target.set(HEALTHY)
            await prometheus.quiet(("one", "two"))
            async with asyncio.TaskGroup() as group:
                for alert in PLAYED:
                    group.create_task(play(prometheus, alert), name=alert)
                for promise in PROMISES:
                    group.create_task(spend(prometheus, promise), name=promise)
                group.create_task(scene.messages(prometheus))
                group.create_task(scene.deliveries(prometheus))
                group.create_task(scene.guesses(prometheus))
                group.create_task(scene.certificate(prometheus))
                group.create_task(scene.history(prometheus, server))
            await prometheus.fires("VigilWatchdog")
            alerts = {rule["alert"] for rule in rules(ALERTS)}
            assert prometheus.fired == alerts
            assert prometheus.cleared == alerts - {"VigilWatchdog"}
    finally:
        scene.vigil.end()
        await asyncio.to_thread(server.start)


def test_hurried_rules_differ_in_their_durations_alone() -> None:
    rule = (
        "  - expr: rate(x[10m]) > 300 and predict_linear(y[6h], 4 * 86400) < 0 and z offset 1h\n"
        "    for: 2m\n    summary: 10m [x]\n"
    )
    less = (
        "  - expr: rate(x[2000ms]) > 300 and predict_linear(y[72000ms], 4 * 86400) < 0 and z offset 12000ms\n"
        "    for: 400ms\n    summary: 10m [x]\n"
    )
    assert hurried(rule, 300) == less
