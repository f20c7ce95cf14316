"""The command line as a user meets it: the demo, exit codes, and commands without a service."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.broker import free_port
from tests.support.device import Device
from tests.support.process import VigilProcess
from tests.support.receiver import Receiver

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.broker import Mosquitto
    from tests.support.postgres import Database

VIGIL = (sys.executable, "-m", "service.cli")
SCRIPTED = ("gas.high", "smoke.alarm", "hydrant.pressure-critical", "tank.level-critical", "watch.sos")


async def vigil(*words: str) -> tuple[int, str]:
    """Run a command; return its exit code and all that it said."""
    process = await asyncio.create_subprocess_exec(
        *VIGIL, *words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={**os.environ, "COLUMNS": "200"}
    )
    assert process.stdout is not None
    said = (await process.stdout.read()).decode()
    return await process.wait(), said


class Demo:
    """A running `vigil demo`, and what it has said."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.said = ""

    async def says(self, *texts: str, deadline_s: float = 60) -> None:
        assert self.process.stdout is not None
        async with asyncio.timeout(deadline_s):
            while not all(text in self.said for text in texts):
                line = await self.process.stdout.readline()
                assert line, self.said
                self.said += line.decode()

    async def end(self) -> int:
        self.process.send_signal(signal.SIGINT)
        assert self.process.stdout is not None
        self.said += (await self.process.stdout.read()).decode()
        return await self.process.wait()


async def demo(data_dir: Path, port: int) -> Demo:
    words = ("demo", "--data-dir", str(data_dir), "--port", str(port))
    return Demo(await asyncio.create_subprocess_exec(*VIGIL, *words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT))


@pytest.mark.real
async def test_the_demo_shows_its_incidents_and_goes_on_with_its_data(open_directory: Path) -> None:
    port = free_port()
    first = await demo(open_directory / "demo", port)
    await first.says(*SCRIPTED, "told: duty-room by screen", "by console, ", "to answer at http://127.0.0.1:")
    await first.says("Step 2 of 3: not enough people answered in time.", "● blue:", "▲ red, whistle:")
    await first.says("readings/s")
    await Device("127.0.0.1", port).publish([("vigil/v1/shuibei/smoke-0042/alarm", {"smoke": 1})])
    await first.says("shuibei/smoke-0042")
    code, said = await vigil("incidents", "list", "--data-dir", str(open_directory / "demo"))
    assert code == 0
    assert "shuibei/smoke-0042" in said
    code, said = await vigil("who", "--device", "shuibei/smoke-0042", "--data-dir", str(open_directory / "demo"))
    assert (code, "chain danger" in said) == (0, True)
    code, said = await vigil(
        "drill", "start", "--device", "shuibei/tank-0001", "--data-dir", str(open_directory / "demo")
    )
    assert (code, "DRILL of tank." in said) == (0, True)
    await first.says("DRILL 演练")
    assert await first.end() == 0
    assert "Traceback" not in first.said
    second = await demo(open_directory / "demo", port)
    await second.says("going on with it", "still open: 烟雾报警 Smoke")
    assert await second.end() == 0


@pytest.mark.real
async def test_a_look_while_the_service_is_down_takes_no_page_from_its_recipient(
    tmp_path: Path, mosquitto: Mosquitto, database: Database
) -> None:
    async with Receiver(status=503) as receiver:
        process = VigilProcess(tmp_path / "vigil", mosquitto.port, database.dsn, receiver.url)
        process.start()
        try:
            await process.ready()
            await Device(mosquitto.host, mosquitto.port).publish([("vigil/v1/home/kitchen/alarm", {"smoke": 1})])
            await receiver.wait_for(1)
            process.kill()
            code, said = await vigil("incidents", "list", "--data-dir", str(process.data_dir))
            assert code == 0
            assert "home/kitchen" in said
            receiver.status = 200
            process.start()
            await process.metric_reaches_once_ready("vigil_alerts_notifications_settled_total", 1, status="received")
            assert {call.body["data"]["recipient"] for call in receiver.calls} == {"Duty desk"}
            assert len(receiver.by_key()) == 1
        finally:
            process.end()


async def test_every_fault_is_named_by_check_config(tmp_path: Path) -> None:
    (tmp_path / "l.csv").write_text("site,device,kind\ns,a,dragon\ns,b,unicorn\n", "utf-8")
    file = tmp_path / "vigil.toml"
    file.write_text('[devices]\nledger = "l.csv"\n[channels.x]\ntype = "apprise"\nurl = "nonsense"\n', "utf-8")
    code, said = await vigil("check-config", "--config", str(file))
    assert code == 2
    assert all(word in said for word in ("dragon", "unicorn", "channels.x", "3 faults"))
    code, said = await vigil("check-config", "--config", "deploy/vigil.example.toml")
    assert (code, said[:9]) == (0, "No faults")


@pytest.mark.parametrize(
    ("words", "code", "wanted"),
    [
        (("incidents", "list", "--data-dir", "{}/none"), 4, "no service is running"),
        (("run", "--config", "{}/none.toml"), 2, "cannot be read"),
        (("migrate", "--config", "{}/away.toml"), 4, "onnection"),
        (("run", "--config", "{}/rubbish.toml"), 2, "no PostgreSQL connection string"),
    ],
)
async def test_an_ending_says_what_was_wrong(tmp_path: Path, words: tuple[str, ...], code: int, wanted: str) -> None:
    (tmp_path / "away.toml").write_text(f'database.dsn = "postgresql://127.0.0.1:{free_port()}/x"\n', "utf-8")
    (tmp_path / "rubbish.toml").write_text('database.dsn = "rubbish"\n', "utf-8")
    found, said = await vigil(*(word.replace("{}", str(tmp_path)) for word in words))
    assert found == code
    assert wanted in said
    assert "Traceback" not in said


async def test_the_truth_is_printed_before_it_happens() -> None:
    code, said = await vigil("simulate", "--truth")
    assert code == 0
    assert all(rule in said for rule in SCRIPTED)
