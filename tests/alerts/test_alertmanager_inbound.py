"""Alerts of real others: Prometheus, an Alertmanager and amtool send them to Vigil."""

from __future__ import annotations

import asyncio
import os
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from prometheus_client import CollectorRegistry

from alerts.channels.alertmanager import AlertmanagerChannel
from alerts.channels.http import HttpGateway
from alerts.foreign import ForeignLimits, Heard
from alerts.incident import IncidentState
from console.alertmanager import AlertmanagerDoor, DoorMetrics, PrometheusSection
from rules.model import Severity
from tests.alerts.door import ADMIN, READER, StandInDesk, bearer, reached, served, tokens
from tests.alerts.machines import incident, needed, notification, start_program
from tests.support.broker import free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from tests.alerts.machines import Running

IS_CI = os.environ.get("CI") == "true"


async def until(condition: Callable[[], object], seconds: float = 15.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


class Here:
    """A door, its desk and, where programs outside reach it, its address."""

    def __init__(self, desk: StandInDesk, limits: ForeignLimits | None = None, url: str = "") -> None:
        self.url = url
        self.desk = desk
        self.door = AlertmanagerDoor(desk, tokens(), limits, lambda: frozenset({"shuibei"}))

    def open(self) -> list[tuple[str, str, str]]:
        return [(one.rule_id, one.severity, one.what_en) for one in self.desk.incidents.open()]

    async def post(self, body: Any, path: str = "/api/v2/alerts", secret: str = ADMIN) -> httpx.Response:
        async with reached(self.door.routes()) as client:
            return await client.post(path, json=body, headers=bearer(secret))

    async def get(self, path: str) -> httpx.Response:
        async with reached(self.door.routes()) as client:
            return await client.get(path)


@pytest.fixture
def here() -> Here:
    return Here(StandInDesk())


@pytest.fixture
async def listening() -> AsyncIterator[Here]:
    made = Here(StandInDesk())
    async with served(made.door.routes()) as made.url:
        yield made


@pytest.fixture
def credentials(tmp_path: Path) -> Path:
    file = tmp_path / "token"
    file.write_text(ADMIN)
    return file


def alert(name: str = "PumpDown", ends: float | None = 300, **labels: str) -> dict[str, Any]:
    """Return an alert of just now that ends so many s from now."""
    return {
        "labels": {"alertname": name, "severity": "critical", **labels},
        "annotations": {"summary": "The pump of tank 2 is down"},
        "startsAt": written(-60),
        "endsAt": "0001-01-01T00:00:00Z" if ends is None else written(ends),
        "generatorURL": "http://prometheus/graph",
    }


def written(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.123456789Z", time.gmtime(time.time() + seconds))


# ── real others ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.real
async def test_prometheus_takes_vigil_for_an_alertmanager(listening: Here, credentials: Path, tmp_path: Path) -> None:
    program = needed("prometheus", "prometheus", is_ci=IS_CI)
    port = free_port()
    (tmp_path / "rules.yml").write_text(
        """
groups:
- name: test
  interval: 1s
  rules:
  - alert: DiskFull
    expr: vector(1) > 0
    labels: {severity: page, site: shuibei}
    annotations: {summary: "Disk {{ $value }} is full"}
  - alert: Watchdog
    expr: vector(1)
"""
    )
    (tmp_path / "prometheus.yml").write_text(
        f"""
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: [rules.yml]
alerting:
  alertmanagers:
  - authorization: {{credentials_file: {credentials}}}
    static_configs: [{{targets: ["{listening.url.removeprefix("http://")}"]}}]
"""
    )
    command = [
        program,
        f"--config.file={tmp_path / 'prometheus.yml'}",
        f"--storage.tsdb.path={tmp_path / 'data'}",
        "--rules.alert.resend-delay=1s",  # what it says before it has found its alertmanagers is lost
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    running = start_program(command, f"http://127.0.0.1:{port}/-/ready", tmp_path / "prometheus")
    try:
        await until(lambda: listening.desk.incidents.open() and listening.door.alerts.heard[Heard.ALIVE])
    finally:
        running.stop()
    (raised,) = listening.desk.incidents.open()
    assert (raised.rule_id, raised.severity, raised.site) == ("external.DiskFull", Severity.ALARM, "shuibei")
    assert "Disk 1 is full" in raised.what_en
    assert raised.raised_us - raised.since_us < 30e6


@pytest.fixture
def alertmanager(listening: Here, credentials: Path, tmp_path: Path) -> Iterator[Running]:
    program = needed("prometheus-alertmanager", "prometheus-alertmanager", is_ci=IS_CI)
    config = tmp_path / "am.yml"
    config.write_text(
        f"""
route: {{receiver: vigil, group_wait: 10ms, group_interval: 50ms, group_by: [alertname]}}
receivers:
- name: vigil
  webhook_configs:
  - url: {listening.url}/hooks/alertmanager
    http_config: {{authorization: {{credentials_file: {credentials}}}}}
"""
    )
    port = free_port()
    running = start_program(
        [
            program,
            f"--config.file={config}",
            f"--storage.path={tmp_path / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--cluster.listen-address=",
        ],
        f"http://127.0.0.1:{port}/-/ready",
        tmp_path / "am",
    )
    yield running
    running.stop()


@pytest.mark.real
async def test_an_alertmanagers_webhook_opens_and_clears_an_incident(listening: Here, alertmanager: Running) -> None:
    async with httpx.AsyncClient() as client:
        await client.post(f"{alertmanager.url}/api/v2/alerts", json=[alert(severity="warning")])
        await until(listening.desk.incidents.open)
        assert listening.open() == [
            ("external.PumpDown", Severity.WARNING, "alertmanager says: The pump of tank 2 is down")
        ]
        await client.post(f"{alertmanager.url}/api/v2/alerts", json=[alert(ends=-1, severity="warning")])
        await until(lambda: not listening.desk.incidents.open())
    assert listening.desk.incidents.recent(1)[0].state is IncidentState.CLEARED


@pytest.mark.real
async def test_what_vigil_told_an_alertmanager_is_not_taken_back(listening: Here, alertmanager: Running) -> None:
    about = incident(raised_us=listening.desk.now_us, since_us=listening.desk.now_us)
    way = AlertmanagerChannel([alertmanager.url], HttpGateway(idempotent=True), lambda _: about)
    await way.send(notification("am", about))
    await until(lambda: listening.door.alerts.heard[Heard.OURS])
    await way.close()
    assert listening.desk.commands == []


@pytest.mark.real
async def test_amtool_adds_an_alert_and_reads_the_status(listening: Here, credentials: Path, tmp_path: Path) -> None:
    program = needed("amtool", "prometheus-alertmanager", is_ci=IS_CI)
    http = tmp_path / "http.yml"
    http.write_text(f"authorization: {{credentials_file: {credentials}}}\n")
    for words in (("alert", "add", "PumpDown", "pump=2", "--annotation=summary=dry"), ("config", "show")):
        process = await asyncio.create_subprocess_exec(
            program,
            f"--alertmanager.url={listening.url}",
            f"--http.config.file={http}",
            *words,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await process.communicate()
        assert process.returncode == 0, said.decode()
    assert listening.open() == [("external.PumpDown", Severity.WARNING, "prometheus says: dry")]


# ── what is taken ────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_same_alert_said_again_is_one_incident_and_one_record(here: Here) -> None:
    for _ in range(3):
        assert (await here.post([alert()])).status_code == 200
    assert len(here.open()) == len(here.desk.commands) == 1
    assert (await here.post([alert(ends=-1)])).status_code == 200
    assert here.open() == []
    assert (await here.post([alert(ends=-1)])).status_code == 200  # Prometheus says the end for a quarter of an hour
    assert len(here.desk.commands) == 2


async def test_one_bad_alert_keeps_no_good_one_out(here: Here) -> None:
    nameless = alert()
    del nameless["labels"]["alertname"]
    answer = await here.post([nameless, alert("A"), alert("B") | {"endsAt": "tomorrow"}])
    assert answer.status_code == 400
    assert "alertname" in answer.text
    assert [rule for rule, *_ in here.open()] == ["external.A"]
    assert here.door.alerts.heard[Heard.INVALID] == 2


@pytest.mark.parametrize("body", [{}, "x", [1], [{"labels": {"a": 1}}], None])
async def test_what_is_no_list_of_alerts_is_refused(here: Here, body: Any) -> None:
    assert (await here.post(body)).status_code == 400
    assert (await here.post({"alerts": body}, "/hooks/alertmanager")).status_code == 400
    assert here.desk.commands == []


async def test_only_who_may_send_alerts_can(here: Here) -> None:
    assert (await here.post([alert()], secret="nobody's")).status_code == 401
    assert (await here.post([alert()], secret=READER)).status_code == 403
    assert (await here.post({"alerts": [alert()]}, "/hooks/alertmanager", READER)).status_code == 403
    assert (await here.get("/api/v2/status")).status_code == 401
    assert (await here.get("/-/healthy")).text == "OK"
    assert here.desk.commands == []


async def test_a_body_without_end_is_cut_off(here: Here) -> None:
    answer = await here.post([alert(note="x" * 5_000_000)])
    assert (answer.status_code, here.desk.commands) == (400, [])
    assert (await here.post([alert()] * 1_001)).status_code == 413


async def test_too_many_open_alerts_are_refused_and_taken_when_there_is_room() -> None:
    here = Here(StandInDesk(), PrometheusSection(alerts=2).limits())
    assert (await here.post([alert(name) for name in "ABC"])).status_code == 503
    assert len(here.open()) == 2
    assert here.door.alerts.heard[Heard.FULL] == 1
    await here.post([alert("A", ends=-1)])
    assert (await here.post([alert("C")])).status_code == 200
    assert sorted(rule for rule, *_ in here.open()) == ["external.B", "external.C"]


async def test_an_alert_that_the_fold_refuses_is_said_again_until_it_is_taken() -> None:
    here = Here(StandInDesk(external_open=1))
    await here.post([alert("A")])
    assert (await here.post([alert("B")])).status_code == 503
    assert (await here.post([alert("B")])).status_code == 503
    await here.post([alert("A", ends=-1)])
    assert (await here.post([alert("B")])).status_code == 200
    assert [rule for rule, *_ in here.open()] == ["external.B"]
    assert here.door.rejected == 2


async def test_alerts_that_an_alertmanager_left_out_are_counted(here: Here) -> None:
    body = {
        "version": "4",
        "status": "firing",
        "truncatedAlerts": 7,
        "alerts": [alert(ends=None) | {"status": "firing"}],
    }
    assert (await here.post(body, "/hooks/alertmanager")).status_code == 200
    registry = CollectorRegistry()
    DoorMetrics(registry, here.door)
    assert registry.get_sample_value("vigil_console_external_truncated_total") == 7
    assert registry.get_sample_value("vigil_console_external_alerts_total", {"heard": "news"}) == 1
    assert registry.get_sample_value("vigil_console_external_open") == 1


async def test_an_alert_that_is_not_said_again_ends_by_itself(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.alertmanager.LOOK_S", 0.01)
    await here.post([alert(ends=100)])
    running = asyncio.create_task(here.door.run())
    assert here.open()
    here.desk.at_us = here.desk.now_us + 200_000_000
    await until(lambda: not here.open())
    running.cancel()
    await asyncio.wait([running])
