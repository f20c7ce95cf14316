"""The page on a small phone, as a real browser shows it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import pytest
import pytest_asyncio

from alerts.command import StartDrill
from alerts.incident import IncidentState
from tests.alerts.scene import FLAT, GAS
from tests.console.browser import browsing, needs_chromium
from tests.console.scene import serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.console.browser import Tab
    from tests.console.scene import Console

pytestmark = [pytest.mark.real]

TARGET_PX: Final = 44
"""The least height of what is tapped (WCAG 2.2, target size)."""
CONTRAST: Final = 4.5
"""WCAG 2.2, AA, for text of any size."""
WIDE: Final = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
SMALL: Final = f"""
[...document.querySelectorAll('button, a')]
    .filter(e => e.offsetParent && e.getBoundingClientRect().height < {TARGET_PX})
    .map(e => e.outerHTML)
"""
PALE: Final = """
(() => {
  const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const colour = rgb(getComputedStyle(e).backgroundColor);
      if (colour.length < 4 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  const texts = [...document.body.querySelectorAll('*')]
    .filter((e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim()));
  return texts.map((e) => {
    const [a, b] = [light(rgb(getComputedStyle(e).color)), light(behind(e))];
    return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), e.outerHTML];
  }).filter(([contrast]) => contrast < CONTRAST).map(([contrast, html]) => `${contrast.toFixed(2)} ${html}`);
})()
""".replace("CONTRAST", str(CONTRAST))


@pytest_asyncio.fixture
async def tab(tmp_path: Path) -> AsyncIterator[Tab]:
    needs_chromium()
    async with browsing(tmp_path / "chromium") as opened:
        yield opened


def address(console: Console, path: str) -> str:
    return f"http://127.0.0.1:{console.port}{path}"


async def test_every_page_is_readable_on_the_smallest_phone_by_day_and_night(tab: Tab) -> None:
    async with serving({"duty_phone": "0755-1234 5678"}, push_key="B" + "A" * 86) as console:
        console.desk.raise_()
        console.desk.raise_(device=replace(FLAT, name="next", unit="202"))
        group = console.path(next(one for one in console.desk.owed if one.recipient == "li"))
        console.desk.fold(StartDrill(device=FLAT.key, rule=GAS.id, by="zhao", origin="api"))
        for path in (group, console.path(console.desk.asked("li")), "/a/nothing", f"{group}/push"):
            for dark in (False, True):
                await tab.show(address(console, path), dark=dark)
                assert not await tab.run(WIDE), path
                assert await tab.run(SMALL) == [], path
                assert await tab.run(PALE) == [], path


async def test_the_page_is_one_request_and_breaks_no_policy(tab: Tab) -> None:
    async with serving() as console:
        console.desk.raise_()
        await tab.show(address(console, console.path()))
        assert tab.requests == [address(console, console.path())]
        assert tab.messages == []
        colour = await tab.run("getComputedStyle(document.querySelector('header')).backgroundColor")
        assert colour == "rgb(176, 0, 32)"  # the style was let in


async def test_a_person_taps_accept_and_goes_back(tab: Tab) -> None:
    async with serving() as console:
        incident = console.desk.raise_()
        await tab.show(address(console, console.path()))
        await tab.click("button.accept")
        assert "您已接受" in await tab.run("document.querySelector('[role=status]').textContent")
        assert console.desk.incident(incident.id).state is IncidentState.ACCEPTED
        await tab.run("history.back()")
        await tab.until("location.search === ''")
        if await tab.run("!!document.querySelector('button.accept')"):  # the browser kept the page of before
            await tab.click("button.accept")
        assert len(console.desk.commands) == 1


async def test_messages_are_switched_on_where_the_browser_can(tab: Tab) -> None:
    async with serving(push_key="B" + "A" * 86) as console:
        console.desk.raise_()
        await tab.show(address(console, f"{console.path()}/push"))
        await tab.until("navigator.serviceWorker.getRegistration('/push/').then((one) => !!(one && one.active))")
        assert tab.messages == []  # the worker and the script were let in
        await tab.run("document.getElementById('on').click()")
        await tab.until("!document.getElementById('said').hidden")  # there is no push service here: it says so
        assert console.desk.commands == []
