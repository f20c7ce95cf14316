"""What the boards ask Prometheus: each metric is shown by the service or made by a recording rule, and PromQL it is."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
import yaml

from deploy.boards.alerting import ALIVE
from deploy.boards.every import BOARDS
from service.service import serve
from service.settings import load_settings
from tests.support.broker import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.real

PROMETHEUS = Path(__file__).parents[2] / "deploy" / "prometheus"
KNOWN = {"up", "ALERTS", "process_cpu_seconds_total", "process_resident_memory_bytes"}
KNOWN |= {"process_open_fds", "process_max_fds"}


def asked() -> Iterator[tuple[str, str]]:
    """Every PromQL of the boards and of the alert rules, and who asks it."""
    for board in BOARDS:
        for panel in json.loads(board.json())["panels"]:
            for one in (panel, *panel.get("panels", ())):
                for target in one.get("targets", ()):
                    if "expr" in target:
                        yield f"{board.uid}: {one['title']}", target["expr"]
    yield "alert rules", ALIVE


def recorded() -> set[str]:
    """Names that recording rules make."""
    files = [yaml.safe_load(file.read_text("utf-8")) for file in PROMETHEUS.glob("*.yml")]
    groups = [group for file in files for group in file.get("groups", ())]
    return {rule["record"] for group in groups for rule in group["rules"] if "record" in rule}


async def shown(tmp_path: Path) -> set[str]:
    """Names that the service shows, without a broker and a database, which metrics do not need."""
    sections = {"http": {"port": free_port()}, "console": {"port": 0}, "broker": {"port": free_port()}}
    settings = load_settings(None, data_dir=tmp_path, database={"dsn": "postgresql://127.0.0.1:1/none"}, **sections)
    stop = asyncio.Event()
    service = asyncio.create_task(serve(settings, stop))
    text = ""
    try:
        async with asyncio.timeout(30), httpx.AsyncClient() as client:
            while not text and not service.done():
                with contextlib.suppress(httpx.TransportError):
                    text = (await client.get(f"http://127.0.0.1:{settings.http.port}/metrics")).text
                await asyncio.sleep(0.02)
    finally:
        stop.set()
        await service
    return {name for pair in re.findall(r"^# TYPE (\S+)|^(\w+)", text, re.MULTILINE) for name in pair}


async def test_each_metric_of_a_panel_is_shown_by_the_service_or_made_by_a_recording_rule(tmp_path: Path) -> None:
    there = await shown(tmp_path) | recorded() | KNOWN
    for who, expression in asked():
        bare = re.sub(r'"[^"]*"', "", expression)
        named = set(re.findall(r"\b(?:vigil|process)[a-z0-9_:]+|\bup\b|\bALERTS\b", bare))
        assert named, f"{who}: no metric at all in {expression}"
        assert named <= there, f"{who}: nobody shows {sorted(named - there)}"


def test_promtool_reads_every_expression(tmp_path: Path) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        message = "promtool is not on the PATH: install it (apt install prometheus) to check the boards' PromQL"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    filled = [re.sub(r"\$__(rate_interval|range)", "5m", expression) for _, expression in asked()]
    rules = [{"record": f"board:{place}", "expr": expression} for place, expression in enumerate(filled)]
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "boards", "rules": rules}]}))
    done = subprocess.run(
        [promtool, "check", "rules", tmp_path / "rules.yml"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
