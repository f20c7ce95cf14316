"""Tests of contacts on the control interface, with a real journal behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
from starlette.applications import Starlette

from alerts.command import Accept
from alerts.people.model import Contact, Directory, Person
from service.control.contacts import contact_routes
from service.core import open_core
from service.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from service.core import Core

PEOPLE = Directory(people=(Person(name="wang", contacts=(Contact("sms", "1"), Contact("push"))), Person(name="mute")))
WHO = {"by": "chief", "origin": "test"}


class Asker:
    def __init__(self, core: Core) -> None:
        self.core = core
        self._client = httpx.AsyncClient(
            transport=httpx.ASGITransport(Starlette(routes=contact_routes(core))), base_url="http://vigil"
        )

    async def ask(self, method: str, path: str, **how: Any) -> tuple[int, Any]:
        answer = await self._client.request(method, path, **how)
        return answer.status_code, answer.json()

    async def close(self) -> None:
        await self._client.aclose()


@pytest.fixture
async def asker(tmp_path: Path) -> AsyncIterator[Asker]:
    async with open_core(load_settings(None, data_dir=tmp_path / "data")) as core:
        await core.use_directory(PEOPLE)
        made = Asker(core)
        yield made
        await made.close()


async def test_a_test_owes_a_message_for_each_contact_and_is_reported(asker: Asker) -> None:
    assert (await asker.ask("GET", "/contacts/report"))[0] == 404
    code, report = await asker.ask("POST", "/contacts/test", json=WHO)
    assert code == 200
    assert [one["person"] for one in report["people"]] == ["wang", "mute"]
    owed = [one for one in asker.core.shard.outbox.pending() if one.incident.id == report["id"]]
    assert [(one.recipient, one.channel) for one in owed] == [("wang", "sms"), ("wang", "push")]
    for path in ("/contacts/report", f"/contacts/report/{report['id'].lower()}"):
        assert (await asker.ask("GET", path)) == (200, report)
    code, said = await asker.ask("GET", "/contacts/report/AAAAAAAA")
    assert code == 404
    assert report["id"] in said["error"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (WHO | {"people": ["nobody"]}, 409),
        (WHO | {"people": ["mute"]}, 409),
        ({}, 400),
        (WHO | {"person": "wang"}, 400),
    ],
)
async def test_what_cannot_be_tested_is_said(asker: Asker, body: dict[str, Any], code: int) -> None:
    answered, said = await asker.ask("POST", "/contacts/test", json=body)
    assert answered == code
    assert said["error"]


async def test_an_answer_by_the_messages_link_is_in_the_report(asker: Asker) -> None:
    _, report = await asker.ask("POST", "/contacts/test", json=WHO)
    sms = next(one for one in asker.core.shard.outbox.pending() if one.channel == "sms")
    effects = await asker.core.source.command(
        Accept(incident=report["id"], by="wang", origin="link", notification=sms.id)
    )
    assert effects.rejected is None
    _, after = await asker.ask("GET", "/contacts/report")
    assert after["people"][0]["contacts"][0]["way"] == "answered"
    assert after["unreached"] == ["mute"]
