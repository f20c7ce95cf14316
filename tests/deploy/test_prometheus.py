"""Prometheus' own tools read the shipped rules, and play when they must fire; each metric that is named is there."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from alerts.objective import ACCEPTED_WITHIN_S, HANDED_WITHIN_S
from tests.deploy.exposition import OPENMETRICS, shown_by_the_service
from tests.deploy.stand import program, rules

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client.core import Metric

pytestmark = pytest.mark.real

ROOT = Path(__file__).parents[2]
PROMETHEUS = ROOT / "deploy" / "prometheus"
ALERTS, RECORDING = PROMETHEUS / "vigil.alerts.yml", PROMETHEUS / "vigil.recording.yml"
UNIT_TESTS = tuple(ROOT / "tests" / "deploy" / name for name in ("vigil.rules.test.yml", "vigil.slo.test.yml"))
ALERTMANAGER = ROOT / "deploy" / "alertmanager" / "alertmanager.yml"
OPERATIONS = ROOT / "docs" / "operations.md"

NAMING = (
    *(ROOT / "docs" / name for name in ("operations.md", "alerting.md", "channels.md", "api.md")),
    ALERTS,
    RECORDING,
    *UNIT_TESTS,
)


def said(*arguments: str) -> str:
    done = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "rules", "deploy/prometheus/vigil.alerts.yml", "deploy/prometheus/vigil.recording.yml"),
        ("check", "config", "deploy/prometheus/prometheus.yml"),
        ("test", "rules", "tests/deploy/vigil.rules.test.yml"),
        ("test", "rules", "tests/deploy/vigil.slo.test.yml"),
    ],
    ids=" ".join,
)
def test_promtool_is_content(arguments: tuple[str, ...]) -> None:
    said(program("promtool", "prometheus"), *arguments)


def test_each_alert_is_played_firing_and_not_and_each_recorded_series_is_played() -> None:
    fires, clears, recorded = set[str](), set[str](), set[str]()
    for test in (test for file in UNIT_TESTS for test in yaml.safe_load(file.read_text("utf-8"))["tests"]):
        expected = [str(one["exp_samples"]) for one in test.get("promql_expr_test", ())]
        recorded |= set(re.findall(r"\bvigil:[a-z_0-9:]+", "".join(expected)))
        firing = [set(re.findall(r'alertname="(\w+)"', one)) for one in expected]
        firing += [{one["alertname"]} for one in test.get("alert_rule_test", ()) if one["exp_alerts"]]
        quiet = {one["alertname"] for one in test.get("alert_rule_test", ()) if not one["exp_alerts"]}
        fires |= set().union(*firing)
        clears |= quiet | {name for one in firing for name in one if any(name not in other for other in firing)}
    alerts = {rule["alert"] for rule in rules(ALERTS)}
    assert fires == alerts
    assert clears >= alerts - {"VigilWatchdog"}
    assert recorded == {rule["record"] for rule in rules(RECORDING)}


def test_each_alert_says_what_it_means_what_to_do_and_where_that_is_written() -> None:
    anchors = set(re.findall(r'<a id="(\w+)">', OPERATIONS.read_text("utf-8")))
    for rule in rules(ALERTS):
        assert rule["labels"]["severity"] in {"critical", "warning", "none"}, rule["alert"]
        assert set(rule["annotations"]) == {"summary", "action", "runbook_url"}, rule["alert"]
        assert rule["annotations"]["runbook_url"] == f"docs/operations.md#{rule['alert'].lower()}"
        assert rule["alert"].lower() in anchors, f"docs/operations.md has no {rule['alert']}"


def test_the_promises_of_the_rules_are_those_of_the_code() -> None:
    bounds = {name: set(re.findall(rf'alarm_{name}_seconds_bucket{{[^}}]*le="([^"]+)"', RECORDING.read_text("utf-8")))
              for name in ("handed", "accepted")}  # fmt: skip
    assert bounds == {"handed": {str(HANDED_WITHIN_S)}, "accepted": {str(ACCEPTED_WITHIN_S)}}


def test_alertmanager_sends_what_is_said_of_vigil_past_vigil() -> None:
    amtool = program("amtool", "prometheus-alertmanager")
    file = str(ALERTMANAGER)
    assert "SUCCESS" in said(amtool, "check-config", file)
    receivers = {
        severity: said(
            amtool, "config", "routes", "test", f"--config.file={file}", f"alertname={name}", f"severity={severity}"
        )
        for name, severity in (("VigilWatchdog", "none"), ("VigilDown", "critical"), ("VigilDiskFilling", "warning"))
    }
    assert {severity: name.strip() for severity, name in receivers.items()} == {
        "none": "outside",
        "critical": "on-call",
        "warning": "operators",
    }
    named = set(re.findall(r"Vigil[A-Z]\w+", ALERTMANAGER.read_text("utf-8")))
    assert named <= {rule["alert"] for rule in rules(ALERTS)} | {"VigilHandoverBudget"}


async def test_the_service_shows_every_metric_that_docs_and_rules_name(tmp_path: Path) -> None:
    plain, modern = await shown_by_the_service(tmp_path, "*/*", OPENMETRICS)
    assert plain.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert modern.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert modern.text.endswith("# EOF\n")

    there = {"vigil_synthetic_round_trip_seconds"}  # once one came through, for which it takes a broker
    there |= {name for pair in re.findall(r"^# TYPE (\S+)|^(\w+)", plain.text, re.MULTILINE) for name in pair}
    for file in NAMING:
        assert set(re.findall(r"\bvigil_[a-z_]+", file.read_text("utf-8"))) <= there, file.name

    families: list[Metric] = list(text_string_to_metric_families(modern.text))  # type: ignore[no-untyped-call]
    check_names(one for one in families if one.name.startswith("vigil_"))
    assert {
        label: one.name for one in families for sample in one.samples for label in sample.labels if label in PRIVATE
    } == {}


PRIVATE = {"device", "incident", "person", "address", "topic", "rule", "site"}
"""What would grow with the community, or tell of somebody in it."""


def check_names(families: Iterable[Metric]) -> None:
    """Check that each name says its unit, and that nothing is shown twice."""
    seen: set[str] = set()
    for family in families:
        assert family.name not in seen, family.name
        seen.add(family.name)
        assert family.documentation, family.name
        assert family.type in {"counter", "gauge", "histogram"}, family.name
        if family.type == "histogram":
            assert family.name.endswith("_seconds"), family.name
        assert not re.search(r"_(ms|us|milliseconds|minutes|percent|mib|kib)(_|$)", family.name), family.name
        assert len(family.samples) < 500, f"{family.name}: {len(family.samples)} series"
