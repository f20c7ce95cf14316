"""Prometheus' own tool reads the shipped rules, and plays when they must fire; each metric that is named is there."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import subprocess
from pathlib import Path

import httpx
import pytest

from service.service import serve
from service.settings import load_settings
from tests.support.broker import free_port

pytestmark = pytest.mark.real

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def promtool() -> str:
    program = shutil.which("promtool")
    if program is None:
        message = "promtool is not on the PATH: install it (apt install prometheus) to check the alert rules"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return program


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "rules", "deploy/prometheus/vigil.rules.yml"),
        ("check", "config", "deploy/prometheus/prometheus.yml"),
        ("test", "rules", "tests/deploy/vigil.rules.test.yml"),
    ],
    ids=" ".join,
)
def test_promtool_is_content(promtool: str, arguments: tuple[str, ...]) -> None:
    done = subprocess.run([promtool, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


NAMING = (
    *(ROOT / "docs" / name for name in ("operations.md", "alerting.md", "channels.md", "api.md")),
    ROOT / "deploy" / "prometheus" / "vigil.rules.yml",
    ROOT / "tests" / "deploy" / "vigil.rules.test.yml",
)


async def test_the_service_shows_every_metric_that_docs_and_rules_name(tmp_path: Path) -> None:
    sections = {"http": {"port": free_port()}, "console": {"port": 0}, "broker": {"port": free_port()}}
    settings = load_settings(None, data_dir=tmp_path, database={"dsn": "postgresql://127.0.0.1:1/none"}, **sections)
    stop = asyncio.Event()
    service = asyncio.create_task(serve(settings, stop))  # without a broker and a database, which metrics do not need
    try:
        async with asyncio.timeout(30), httpx.AsyncClient() as client:
            shown = ""
            while not shown and not service.done():
                with contextlib.suppress(httpx.TransportError):
                    shown = (await client.get(f"http://127.0.0.1:{settings.http.port}/metrics")).text
                await asyncio.sleep(0.02)
    finally:
        stop.set()
        await service
    there = {"vigil_synthetic_round_trip_seconds"}  # once one came through, for which it takes a broker
    there |= {name for pair in re.findall(r"^# TYPE (\S+)|^(\w+)", shown, re.MULTILINE) for name in pair}
    for file in NAMING:
        assert set(re.findall(r"\bvigil_[a-z_]+", file.read_text("utf-8"))) <= there, file.name
