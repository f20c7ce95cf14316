"""Drills on a real core, through the control interface and the command line."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np
import pytest
import uvicorn
from typer.testing import CliRunner

from alerts import Notification, NotificationStatus, Settle
from devices import Device, Flag, Kind, Lifecycle, ReadingBatch
from service.cli.app import app
from service.control import control_app, control_socket
from service.core import Core, open_core
from service.settings import Settings, load_settings
from tests.support.inbox import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from typer.testing import Result

SETTINGS = """
data_dir = "data"
[alerts]
drill_s = {drill_s}
[channels.sms]
type = "console"
[channels.voice]
type = "console"
[channels.wall]
type = "console"
[[recipients]]
name = "wall"
channels = ["wall"]
updates = true
[[people]]
name = "li"
contacts = ["sms:+8613800000001", "voice:+8613800000001"]
[[people]]
name = "wang"
contacts = ["sms:+8613800000002"]
[[chains]]
name = "all"
receipt = "60 s"
answer = "{answer}"
[[chains.steps]]
to = "person:li"
[[chains.steps]]
to = "person:wang"
after = "1 h"
[[routes]]
chain = "all"
[[limits]]
accept = "2 min"
resolve = "1 h"
[[levels]]
name = "street"
to = "person:wang"
"""
KITCHEN = Device("town", "smoke-1", Kind.SMOKE, "smoke", "1", "7", "2", "201", lifecycle=Lifecycle.VERIFIED)
WATCH = Device("town", "watch-1", Kind.WATCH, "watch", "1", "7", "2", "202", lifecycle=Lifecycle.VERIFIED)
START = {"device": KITCHEN.key, "by": "chief", "origin": "test"}
END = {"by": "chief", "origin": "test"}


def settings_of(folder: Path, drill_s: float = 7200, answer: str = "60 s") -> Settings:
    file = folder / "vigil.toml"
    file.write_text(SETTINGS.format(drill_s=drill_s, answer=answer), "utf-8")
    return load_settings(file)


@asynccontextmanager
async def opened(folder: Path, **how: Any) -> AsyncIterator[Core]:
    """Open a core whose messages go nowhere; `owed` of the test is what delivery would have got."""
    async with open_core(settings_of(folder, **how)) as core:
        await core.register([KITCHEN, WATCH])
        yield core


@pytest.fixture
async def core(tmp_path: Path) -> AsyncIterator[Core]:
    async with opened(tmp_path) as core:
        yield core


@pytest.fixture
def owed(core: Core) -> list[Notification]:
    """Return everything that is owed from now on."""
    messages: list[Notification] = []
    core.deliver = messages.extend
    return messages


async def ask(core: Core, method: str, path: str, **how: Any) -> tuple[int, Any]:
    transport = httpx.ASGITransport(control_app(core, dict))
    async with httpx.AsyncClient(transport=transport, base_url="http://vigil") as client:
        answer = await client.request(method, path, **how)
        return answer.status_code, answer.json()


async def start(core: Core, **facts: str) -> dict[str, Any]:
    code, begun = await ask(core, "POST", "/drills", json=START | facts)
    assert code == 200, begun
    return dict(begun)


async def smoke(core: Core) -> None:
    """Let the kitchen's detector alarm for real."""
    registry = core.shard.registry
    row = registry.device_row(KITCHEN.key)
    assert row is not None
    now_us = core.clock.time_us()
    channel = np.array([registry.channels_of(row)["smoke"]], np.int32)
    time_us, flags = np.array([now_us], np.int64), np.array([Flag.ALARM_LANE], np.uint8)
    await core.source.report(ReadingBatch(channel, time_us, np.array([1.0]), np.array([True]), flags, now_us))


async def settle(core: Core, message: Notification, status: NotificationStatus) -> None:
    await core.settle(Settle(notification=message.id, status=status, detail="gateway", attempts=1, reference="r"))


async def test_a_drill_asks_people_and_its_report_says_who_answered_when(core: Core, owed: list[Notification]) -> None:
    begun = await start(core, note="spring exercise")
    assert (begun["exercise"], begun["rule_id"], begun["state"]) == ("drill", "smoke.alarm", "raised")
    message = next(one for one in owed if one.recipient == "li")
    await settle(core, message, NotificationStatus.HANDED)
    await settle(core, message, NotificationStatus.RECEIVED)
    decision = {"by": "li", "origin": "link 10.0.0.1", "notification": message.id}
    assert (await ask(core, "POST", f"/incidents/{begun['id']}/accept", json=decision))[0] == 200
    assert (await ask(core, "POST", f"/drills/{begun['id'].lower()}/end", json=END))[0] == 200
    code, report = await ask(core, "GET", f"/incidents/{begun['id']}/report")
    assert code == 200
    (li,) = report["people"]
    (tried,) = li["tries"]
    assert (report["begun_by"], report["ended_by"], report["state"]) == ("chief", "chief", "resolved")
    assert (li["person"], li["answer"], li["via"]) == ("li", "accepted", "link 10.0.0.1")
    assert tried["asked_us"] <= tried["handed_us"] <= tried["received_us"] <= tried["answered_us"]
    assert (report["first"]["person"], report["silent"], report["missing"]) == ("li", [], 0)
    assert [(one["stage"], one["limit_s"]) for one in report["stages"]] == [("accept", 120), ("resolve", 3600)]
    assert {(one["recipient"], one["channel"]) for one in report["told"]} == set(), "nothing of the wall came to an end"


async def test_every_message_of_a_drill_says_that_it_is_one(core: Core, owed: list[Notification]) -> None:
    begun = await start(core)
    await settle(core, next(one for one in owed if one.recipient == "li"), NotificationStatus.FAILED)
    for verb in ("help-wanted", "arrive"):
        await ask(core, "POST", f"/incidents/{begun['id']}/{verb}", json={"by": "wang", "origin": "test"})
    await ask(core, "POST", f"/drills/{begun['id']}/end", json=END)
    assert {(one.recipient, one.channel) for one in owed} >= {("li", "sms"), ("li", "voice"), ("wall", "wall")}
    assert len(owed) >= 5
    for one in owed:
        assert one.drill
        assert one.title.startswith("[DRILL 演练] ")
        assert "DRILL" in one.title_en
        assert "演练" in one.title_zh
        assert "THIS IS A DRILL, not a real alarm." in one.body_en
        assert "【演练，非真实警情】" in one.body_zh


async def test_a_real_alarm_during_a_drill_is_an_incident_of_its_own_and_asks_people(
    core: Core, owed: list[Notification]
) -> None:
    begun = await start(core)
    await ask(core, "POST", f"/incidents/{begun['id']}/accept", json={"by": "li", "origin": "test"})
    owed.clear()
    await smoke(core)
    await until(lambda: any(one.recipient == "li" for one in owed))
    asked = next(one for one in owed if one.recipient == "li")
    assert asked.incident.id != begun["id"]
    assert (asked.drill, asked.incident.exercise, asked.wants_answer) == (False, None, True)
    assert "DRILL" not in asked.title + asked.body
    await ask(core, "POST", f"/drills/{begun['id']}/end", json=END)
    assert [one.id for one in core.shard.incidents.open()] == [asked.incident.id], "the drill's end is not its end"


async def test_a_drill_beside_a_real_alarm_is_still_a_drill(core: Core, owed: list[Notification]) -> None:
    await smoke(core)
    await until(lambda: bool(owed))
    real = owed[0].incident.id
    owed.clear()
    begun = await start(core)
    assert begun["id"] != real
    assert {one.incident.id for one in owed} == {begun["id"]}
    assert all(one.drill for one in owed)


async def test_the_figures_leave_a_drill_out(core: Core, owed: list[Notification]) -> None:
    counters = core.alerts_counters
    begun = await start(core)
    assert owed
    await ask(core, "POST", f"/incidents/{begun['id']}/accept", json={"by": "li", "origin": "test"})
    await ask(core, "POST", f"/drills/{begun['id']}/end", json=END)
    assert sum(counters.raised.values()) == sum(counters.closed.values()) == 0
    assert sum(counters.response.accept.counts) == sum(counters.response.resolve.counts) == 0
    assert sum(counters.exercises.values()) == 1
    await smoke(core)
    await until(lambda: sum(counters.raised.values()) == 1)


async def test_a_drill_that_nobody_ends_is_over_by_itself(tmp_path: Path) -> None:
    async with opened(tmp_path, drill_s=1) as core:
        begun = await start(core)
        await until(lambda: not len(core.shard.incidents))
        _, report = await ask(core, "GET", f"/incidents/{begun['id']}/report")
    assert (report["state"], report["ended_by"], report["silent"]) == ("resolved", "", ["li"])
    assert 1 <= (report["ended_us"] - report["raised_us"]) / 1e6 < 3
    assert report["first"] is None


async def test_who_was_reached_and_does_not_answer_was_told_all_the_same(tmp_path: Path) -> None:
    async with opened(tmp_path, answer="1 s") as core:
        owed: list[Notification] = []
        core.deliver = owed.extend
        await start(core)
        for channel, status in (("sms", NotificationStatus.RECEIVED), ("voice", NotificationStatus.FAILED)):
            await until(lambda channel=channel: any(one.channel == channel for one in owed))  # type: ignore[misc]
            await settle(core, next(one for one in owed if one.channel == channel), status)
        assert core.alerts_counters.untold == 0
        await start(core, device=WATCH.key)
        for channel in ("sms", "voice"):
            await settle(core, [one for one in owed if one.channel == channel][-1], NotificationStatus.FAILED)
        assert core.alerts_counters.untold == 1


async def test_a_drill_and_its_report_survive_the_service(tmp_path: Path) -> None:
    async with opened(tmp_path) as core:
        begun = await start(core)
        await core.checkpoint()
        await ask(core, "POST", f"/incidents/{begun['id']}/accept", json={"by": "li", "origin": "test"})
        _, before = await ask(core, "GET", f"/incidents/{begun['id']}/report")
    async with opened(tmp_path) as core:
        _, after = await ask(core, "GET", f"/incidents/{begun['id']}/report")
        assert [one.id for one in core.shard.incidents.open()] == [begun["id"]]
    for name in ("people", "first", "course", "begun_by"):
        assert after[name] == before[name]


async def test_the_device_own_alarm_is_drilled_unless_another_rule_is_named(core: Core) -> None:
    watch = await start(core, device=WATCH.key)
    assert watch["rule_id"] == "watch.sos"
    battery = await start(core, rule="smoke.battery-low")
    assert (battery["rule_id"], battery["alarm_class"]) == ("smoke.battery-low", "trouble")
    _, listed = await ask(core, "GET", "/drills")
    assert [one["id"] for one in listed] == [battery["id"], watch["id"]]


@pytest.mark.parametrize(
    ("path", "body", "code", "said"),
    [
        ("/drills", {}, 400, "device"),
        ("/drills", START | {"people": 1}, 400, "people"),
        ("/drills", START | {"by": " "}, 400, "who starts it?"),
        ("/drills", START | {"device": "town/none"}, 409, "no device 'town/none'"),
        ("/drills", START | {"rule": "tank.low"}, 409, "no rule 'tank.low' for a smoke"),
        ("/drills/NONE/end", END, 404, "no incident 'NONE'"),
    ],
)
async def test_what_cannot_be_is_said(core: Core, path: str, body: dict[str, Any], code: int, said: str) -> None:
    answered, error = await ask(core, "POST", path, json=body)
    assert answered == code
    assert said in error["error"]
    assert (await ask(core, "GET", "/incidents/NONE/report"))[0] == 404
    assert not len(core.shard.incidents)


async def test_what_is_no_drill_is_not_ended_as_one_and_what_is_over_not_twice(
    core: Core, owed: list[Notification]
) -> None:
    await smoke(core)
    await until(lambda: bool(owed))
    code, error = await ask(core, "POST", f"/drills/{owed[0].incident.id}/end", json=END)
    assert (code, "is no drill" in error["error"]) == (409, True)
    begun = await start(core)
    code, error = await ask(core, "POST", "/drills", json=START)
    assert (code, begun["id"] in error["error"]) == (409, True)
    assert (await ask(core, "POST", f"/drills/{begun['id']}/end", json=END | {"by": ""}))[0] == 400
    assert (await ask(core, "POST", f"/drills/{begun['id']}/end", json=END))[0] == 200
    assert (await ask(core, "POST", f"/drills/{begun['id']}/end", json=END))[0] == 409


# ── the command line ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
async def data_dir(core: Core, tmp_path: Path) -> AsyncIterator[Path]:
    """Return the data folder of a core whose control socket answers."""
    path = control_socket(tmp_path / "data")
    path.parent.mkdir(parents=True, exist_ok=True)
    config = uvicorn.Config(control_app(core, dict), uds=str(path), log_level="critical", lifespan="off")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    await until(lambda: server.started)
    yield tmp_path / "data"
    server.should_exit = True
    await serving


async def vigil(data_dir: Path, *words: str) -> Result:
    return await asyncio.to_thread(CliRunner().invoke, app, [*words, "--data-dir", str(data_dir)])


async def test_a_drill_from_the_command_line(data_dir: Path, owed: list[Notification], core: Core) -> None:
    assert "No drills." in (await vigil(data_dir, "drill", "list")).output
    assert "no drill" in str((await vigil(data_dir, "drill", "report")).exception)
    begun = await vigil(data_dir, "drill", "start", "--device", KITCHEN.key, "--by", "chief", "--note", "exercise")
    assert begun.exit_code == 0, begun.output
    name = begun.output[:8]
    assert f"{name}: DRILL of smoke.alarm Smoke at" in begun.output
    assert f"vigil drill end {name}" in begun.output
    under_way = (await vigil(data_dir, "drill", "report")).output
    assert all(word in under_way for word in ("DRILL 演练", "under way: raised", "nobody has taken it up", "not yet"))
    assert "have not answered: li" in under_way
    message = next(one for one in owed if one.recipient == "li")
    await settle(core, message, NotificationStatus.HANDED)
    await vigil(data_dir, "incidents", "accept", name, "--by", "li")
    ended = (await vigil(data_dir, "drill", "end", name.lower(), "--by", "chief")).output
    for said in (f"{name}: the drill is over.", "first: li, ", "took it up after", "accept ", "2 min", "by chief"):
        assert said in ended, ended
    assert "never answered" not in ended
    found = json.loads((await vigil(data_dir, "drill", "report", name, "--json")).output)
    assert found["people"][0]["tries"][0]["channel"] == "sms"
    assert "by chief" in (await vigil(data_dir, "drill", "list")).output
    assert json.loads((await vigil(data_dir, "drill", "list", "--json")).output)[0]["id"] == name


async def test_a_real_incident_has_a_report_as_well(data_dir: Path, owed: list[Notification], core: Core) -> None:
    await smoke(core)
    await until(lambda: bool(owed))
    said = (await vigil(data_dir, "incidents", "report", owed[0].incident.id)).output
    assert "incident: Smoke" in said
    assert "DRILL" not in said
    assert "have not answered: li" in said
