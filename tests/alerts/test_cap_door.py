"""The feed as a partner reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from alerts.cap import CapSection
from console.cap import CapDoor
from tests.alerts.cap_rules import faults, text
from tests.alerts.door import READER, STRANGER, StandInDesk, bearer, reached, tokens
from tests.alerts.scene import GAS, SMOKE, T0, S, Scene

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

ATOM = "{http://www.w3.org/2005/Atom}"
SECTION = CapSection(sender="vigil@shuibei.example")


@pytest.fixture
def desk() -> StandInDesk:
    made = StandInDesk(at_us=T0 + 100 * S)
    scene = Scene(made.incidents)
    made.take(scene.rule(GAS, 0))
    made.take(scene.rule(SMOKE, 10))
    return made


class Reader:
    """A partner's program."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def get(self, path: str, secret: str = READER) -> httpx.Response:
        return await self._client.get(path, headers=bearer(secret))


@pytest.fixture
async def reader(desk: StandInDesk) -> AsyncIterator[Reader]:
    async with reached(CapDoor(desk, tokens(), SECTION).routes()) as client:
        yield Reader(client)


async def test_a_reader_goes_from_the_feed_to_each_message(reader: Reader, desk: StandInDesk) -> None:
    answer = await reader.get("/cap/feed.atom")
    assert answer.headers["content-type"].startswith("application/atom+xml")
    links = [link.get("href") or "" for link in ET.fromstring(answer.content).findall(f"{ATOM}entry/{ATOM}link")]
    assert len(links) == 2
    for link, one in zip(links, reversed(desk.incidents.open()), strict=True):  # the smoke alarm is the worse
        said = await reader.get(link)
        assert said.headers["content-type"].startswith("application/cap+xml")
        assert faults(said.content) == []
        assert text(said.content, "incidents") == [one.id]


async def test_an_older_message_is_had_by_its_revision(reader: Reader, desk: StandInDesk) -> None:
    one = desk.incidents.open()[0]
    assert text((await reader.get(f"/cap/{one.id}.1.xml")).content, "identifier") == [f"{one.id}.1"]
    assert (await reader.get(f"/cap/{one.id}.7.xml")).status_code == 404


async def test_without_the_timeline_the_message_is_there_all_the_same(reader: Reader, desk: StandInDesk) -> None:
    desk.timelines.clear()
    one = desk.incidents.open()[0]
    assert faults((await reader.get(f"/cap/{one.id}.xml")).content) == []


async def test_who_may_not_read_or_is_of_another_community_sees_nothing(reader: Reader, desk: StandInDesk) -> None:
    one = desk.incidents.open()[0]
    assert (await reader.get("/cap/feed.atom", "nobody's")).status_code == 401
    assert (await reader.get(f"/cap/{one.id}.xml", "nobody's")).status_code == 401
    assert (await reader.get(f"/cap/{one.id}.xml", STRANGER)).status_code == 404
    feed = ET.fromstring((await reader.get("/cap/feed.atom", STRANGER)).content)
    assert feed.find(f"{ATOM}entry") is None


async def test_what_there_is_not_is_not_found(reader: Reader) -> None:
    for name in ("AAAAAAAA", "..", "%00", "x" * 500):
        assert (await reader.get(f"/cap/{name}.xml")).status_code == 404


def test_without_a_sender_there_is_no_feed(desk: StandInDesk) -> None:
    assert CapDoor(desk, tokens(), CapSection()).routes() == []
