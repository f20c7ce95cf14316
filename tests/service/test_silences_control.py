"""Silences over the control interface and the command line, with a real journal behind them."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from typer.testing import CliRunner

from service.cli import silences
from service.control import control_socket
from service.control.silences import silence_routes
from service.core import open_core
from service.settings import load_settings
from tests.support.inbox import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from typer.testing import Result

    from service.core import Core

HOUR_US = 3_600_000_000


@pytest.fixture
async def core(tmp_path: Path) -> AsyncIterator[Core]:
    async with open_core(load_settings(None, data_dir=tmp_path / "d"), offline=True) as opened:
        yield opened


async def ask(core: Core, method: str, path: str, **how: Any) -> tuple[int, Any]:
    transport = httpx.ASGITransport(Starlette(routes=silence_routes(core)))
    async with httpx.AsyncClient(transport=transport, base_url="http://vigil") as client:
        answer = await client.request(method, path, **how)
        return answer.status_code, answer.json()


def wanted(**facts: Any) -> dict[str, Any]:
    ends_us = time.time_ns() // 1_000 + HOUR_US
    asked = {"matcher": {"site": "s"}, "ends_us": ends_us, "by": "wang", "origin": "test", "reason": "painting"}
    return asked | facts


async def test_a_silence_is_made_listed_changed_and_ended(core: Core) -> None:
    assert await ask(core, "GET", "/silences") == (200, [])
    code, made = await ask(core, "POST", "/silences", json=wanted(maintenance=True))
    assert code == 200
    assert (made["state"], made["by"], made["matcher"]["site"], made["maintenance"]) == ("in_force", "wang", "s", True)
    _, other = await ask(core, "POST", "/silences", json=wanted())
    assert other["id"] != made["id"], "two alike are two"
    code, changed = await ask(core, "POST", "/silences", json=wanted(id=made["id"].lower(), reason="plaster"))
    assert (code, changed["id"], changed["reason"]) == (200, made["id"], "plaster")
    code, ended = await ask(core, "POST", f"/silences/{made['id'].lower()}/end", json={"by": "chen", "origin": "test"})
    assert (code, ended["state"], ended["ended_by"]) == (200, "ended", "chen")
    _, listed = await ask(core, "GET", "/silences")
    assert {one["id"]: one["state"] for one in listed} == {made["id"]: "ended", other["id"]: "in_force"}


@pytest.mark.parametrize(
    ("path", "body", "code", "said"),
    [
        ("/silences", {}, 400, "matcher"),
        ("/silences", wanted(until=1), 400, "until"),
        ("/silences", wanted(reason=""), 409, "reason: there is none"),
        ("/silences", wanted(id="NONE"), 409, "no silence 'NONE'"),
        ("/silences/NONE/end", {"by": "x", "origin": "y"}, 409, "no silence 'NONE'"),
        ("/silences/NONE/end", {}, 400, "by"),
    ],
)
async def test_what_cannot_be_is_said(core: Core, path: str, body: dict[str, Any], code: int, said: str) -> None:
    answered, error = await ask(core, "POST", path, json=body)
    assert answered == code
    assert said in error["error"]


async def test_silences_survive_the_service(tmp_path: Path) -> None:
    settings = load_settings(None, data_dir=tmp_path / "d")
    async with open_core(settings) as core:
        _, made = await ask(core, "POST", "/silences", json=wanted())
        await core.checkpoint()
        _, later = await ask(core, "POST", "/silences", json=wanted())
    async with open_core(settings) as core:
        _, listed = await ask(core, "GET", "/silences")
    assert {one["id"] for one in listed} == {made["id"], later["id"]}


@pytest.fixture
async def data_dir(core: Core, tmp_path: Path) -> AsyncIterator[Path]:
    """Return the data folder of a core whose control socket answers."""
    directory = tmp_path / "d"
    path = control_socket(directory)
    path.parent.mkdir(parents=True, exist_ok=True)
    config = uvicorn.Config(Starlette(routes=silence_routes(core)), uds=str(path), log_level="critical", lifespan="off")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    await until(lambda: server.started)
    yield directory
    server.should_exit = True
    await serving


async def vigil(data_dir: Path, *words: str) -> Result:
    return await asyncio.to_thread(
        CliRunner().invoke, silences.app, [*words, "--data-dir", str(data_dir)], catch_exceptions=True
    )


async def test_the_command_line_adds_lists_changes_and_ends(data_dir: Path) -> None:
    assert "No silences." in (await vigil(data_dir, "list")).output
    words = ("--site", "s", "--building", "5", "--rule", "smoke.*", "--kind", "smoke", "--at-most", "warning")
    added = await vigil(data_dir, "add", "--for", "2 h", "--reason", "roof", "--by", "wang", "--maintenance", *words)
    assert added.exit_code == 0, added.output
    name = added.output.split(":")[0]
    assert "site s, building 5, kind smoke, rule smoke.*, at most warning silenced from" in added.output
    assert "Life safety is told all the same." in added.output
    listed = (await vigil(data_dir, "list")).output
    assert all(word in listed for word in (name, "in_force", "wang", "roof (maintenance)", "building 5"))
    changed = await vigil(
        data_dir, "add", "--change", name, "--until", "2999-01-01T00:00", "--reason", "roof", "--site", "s"
    )
    assert changed.exit_code != 0, "longer than is allowed"
    ended = await vigil(data_dir, "end", name.lower(), "--by", "chen")
    assert f"{name}: " in ended.output
    assert "ended by chen" in (await vigil(data_dir, "list")).output
    assert '"state": "ended"' in (await vigil(data_dir, "list", "--json")).output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--for", "2 weeks"), "no length of time"),
        ((), "one of --for and --until"),
        (("--for", "1 h", "--until", "2026-01-01"), "one of --for and --until"),
        (("--until", "tomorrow"), "no time"),
    ],
)
async def test_the_command_line_says_what_it_wants(data_dir: Path, words: tuple[str, ...], said: str) -> None:
    done = await vigil(data_dir, "add", "--reason", "roof", "--site", "s", *words)
    assert done.exit_code == 2
    assert said in " ".join(done.output.replace("│", " ").split())
