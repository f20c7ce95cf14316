"""`vigil incidents` and the control interface behind it: everything that a person can say about an incident."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, get_args

import httpx
import msgspec
import pytest
from typer.testing import CliRunner, Result

from alerts.command import Accept, Close, Dispatch, HandOver, IncidentCommand, Note, Resolve
from alerts.incident import Outcome
from service.cli.app import app
from service.cli.client import Unreachable
from service.control import control_app
from service.core import open_core
from service.decision import VERBS, Decision, command_of
from service.settings import load_settings

if TYPE_CHECKING:
    from pathlib import Path


class Desk:
    """A data directory with one open incident, and the command line on it."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.name = asyncio.run(self._raise())

    async def _raise(self) -> str:
        async with open_core(load_settings(None, data_dir=self.data_dir)) as core:
            await core.note("session_lost", 1)
            return core.shard.incidents.open()[0].id

    def run(self, *words: str) -> Result:
        return CliRunner().invoke(app, ["incidents", *words, "--data-dir", str(self.data_dir)])

    def say(self, verb: str, *words: str, by: str = "li") -> str:
        result = self.run(verb, self.name.lower(), *words, "--by", by)
        assert result.exception is None, result.exception
        return result.output

    def now(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.run("show", self.name, "--json").output)
        return found


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "data")


def test_the_whole_response_can_be_said_on_the_command_line(desk: Desk) -> None:
    assert desk.say("accept", "--note", "coming").endswith(": accepted\n")
    assert desk.say("ack", by="wang").endswith(": accepted\n")
    desk.say("help-wanted", by="wang")
    desk.say("hand-over", "zhao")
    assert "li, wang → zhao?" in desk.run("list").output
    desk.say("accept", by="zhao")
    assert desk.say("dispatch", "--to", "station-3", by="zhao").endswith(": dispatched\n")
    assert desk.say("arrive", by="wang").endswith(": arrived\n")
    assert desk.say("verify", "unfounded", by="wang").endswith(": verified\n")
    desk.say("refuse", by="chen")
    desk.say("note", "the door is locked", by="wang")
    page = desk.run("show", desk.name).output
    assert all(word in page for word in (desk.name, "zhao", "station-3", "unfounded", "the door is locked", "verified"))
    assert "condition still holds" in desk.say("resolve", by="zhao")
    assert desk.say("close", "4", by="chief").endswith(": closed\n")
    after = desk.now()
    assert (after["outcome"], after["rating"], after["rated_by"]) == ("unfounded", 4, "chief")
    assert [person["by"] for person in after["acceptances"]] == ["wang", "zhao"]
    assert "No open incidents" in desk.run("list").output
    assert "4 of 5, by chief" in desk.run("show", desk.name).output
    assert desk.say("reopen").endswith(": raised\n")


@pytest.mark.parametrize(
    ("words", "wrong"),
    [
        (("close", "{}", "5"), "cannot close: it is raised"),
        (("resolve", "{}"), "nobody has said what it was"),
        (("hand-over", "{}", "li"), "handed over to li"),
        (("note", "{}", " "), "the note is empty"),
        (("accept", "NOSUCH"), "no incident"),
    ],
)
def test_what_cannot_be_is_said_with_what_can(desk: Desk, words: tuple[str, ...], wrong: str) -> None:
    before = desk.now()
    result = desk.run(*(word.replace("{}", desk.name) for word in words), "--by", "li")
    assert isinstance(result.exception, ExceptionGroup)
    (said,) = result.exception.exceptions
    assert isinstance(said, Unreachable)
    assert wrong in str(said)
    assert desk.now() == before


def test_the_list_shows_the_step_and_a_drill_as_one(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.say("arrive", by="wang")
    shown: dict[str, Any] = {**desk.now(), "exercise": "drill", "condition_holds": False}

    async def asked(*_: object, **__: object) -> list[dict[str, Any]]:
        return [shown]

    monkeypatch.setattr("service.cli.incidents.ask", asked)
    listed = desk.run("list").output
    assert "[drill]" in listed
    assert "arrived" in listed
    assert "condition ended" not in listed


# ── the table of verbs ───────────────────────────────────────────────────────────────────────────────────────────────


def test_there_is_a_verb_for_every_command() -> None:
    assert set(VERBS.values()) == set(get_args(IncidentCommand))


@pytest.mark.parametrize(
    ("verb", "words", "command"),
    [
        ("accept", {"notification": "N"}, Accept(incident="I", by="li", origin="api", notification="N")),
        ("ack", {}, Accept(incident="I", by="li", origin="api")),
        ("hand-over", {"to": "wang"}, HandOver(incident="I", by="li", origin="api", to="wang")),
        ("dispatch", {}, Dispatch(incident="I", by="li", origin="api")),
        ("resolve", {"outcome": Outcome.TRUE}, Resolve(incident="I", by="li", origin="api", outcome=Outcome.TRUE)),
        ("resolve", {}, Resolve(incident="I", by="li", origin="api")),
        ("close", {"rating": 0}, Close(incident="I", by="li", origin="api", rating=0)),
        ("note", {"note": "n"}, Note(incident="I", by="li", origin="api", note="n")),
    ],
)
def test_a_verb_and_its_words_make_a_command(verb: str, words: dict[str, Any], command: IncidentCommand) -> None:
    assert command_of(verb, "I", Decision(by="li", origin="api", **words)) == command


@pytest.mark.parametrize(
    ("verb", "words", "wrong"),
    [
        ("explode", {}, "no decision"),
        ("accept", {"by": " "}, "who decides"),
        ("accept", {"to": "wang"}, "takes no to"),
        ("dispatch", {"outcome": Outcome.TRUE, "rating": 3}, "takes no outcome, rating"),
        ("hand-over", {}, "`to`"),
        ("verify", {}, "`outcome`"),
        ("close", {}, "`rating`"),
    ],
)
def test_words_that_make_no_command_are_named(verb: str, words: dict[str, Any], wrong: str) -> None:
    with pytest.raises((ValueError, msgspec.ValidationError), match=wrong):
        command_of(verb, "I", Decision(**{"by": "li", "origin": "api", **words}))


async def test_the_interface_tells_a_wrong_word_from_a_wrong_time(tmp_path: Path) -> None:
    async with open_core(load_settings(None, data_dir=tmp_path / "data")) as core:
        await core.note("session_lost", 1)
        name = core.shard.incidents.open()[0].id
        transport = httpx.ASGITransport(control_app(core, dict))
        async with httpx.AsyncClient(transport=transport, base_url="http://vigil") as client:

            async def post(verb: str, **words: object) -> tuple[int, Any]:
                answer = await client.post(f"/incidents/{name}/{verb}", json={"by": "li", "origin": "api", **words})
                return answer.status_code, answer.json()

            assert (await post("explode"))[0] == 400
            assert (await post("verify", outcome="maybe"))[0] == 400
            assert (await post("accept", colour="red"))[0] == 400
            status, refused = await post("close", rating=3)
            assert status == 409
            assert "possible: accept" in refused["error"]
            for _ in range(2):
                status, after = await post("accept")
                assert (status, after["state"], after["revision"]) == (200, "accepted", 2)
            assert (
                await client.post("/incidents/NOSUCH/accept", json={"by": "li", "origin": "api"})
            ).status_code == 404
