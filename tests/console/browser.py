"""A real Chromium, spoken to by the DevTools protocol: what a person's phone shows of our pages."""

from __future__ import annotations

import asyncio
import base64
import os
import shutil
import signal
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import aiohttp
import pytest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

__all__ = ["Tab", "browsing", "needs_chromium"]

CHROMIUM: Final = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DEADLINE_S: Final = 30.0


def needs_chromium() -> None:
    """Skip the test where there is no Chromium, unless this is CI."""
    if CHROMIUM is None and os.environ.get("CI") != "true":
        pytest.skip("no chromium")


@dataclass(slots=True)
class Tab:
    """One page. requests: the addresses that it asked for; messages: what its console said."""

    socket: aiohttp.ClientWebSocketResponse
    requests: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    _answers: dict[int, asyncio.Future[dict[str, Any]]] = field(default_factory=dict)
    _loaded: asyncio.Event = field(default_factory=asyncio.Event)
    _number: int = 0

    async def call(self, method: str, **arguments: Any) -> dict[str, Any]:
        """Call a method of the protocol and return its result."""
        self._number += 1
        number = self._number
        self._answers[number] = asyncio.get_running_loop().create_future()
        await self.socket.send_json({"id": number, "method": method, "params": arguments})
        async with asyncio.timeout(DEADLINE_S):
            return await self._answers[number]

    async def show(self, url: str, *, width: int = 320, height: int = 640, dark: bool = False) -> None:
        """Open `url` on a small phone."""
        for domain in ("Page", "Network", "Runtime", "Log"):
            await self.call(f"{domain}.enable")
        await self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=2, mobile=True
        )
        scheme = "dark" if dark else "light"
        await self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.requests.clear()
        self._loaded.clear()
        await self.call("Page.navigate", url=url)
        await self.loaded()

    async def loaded(self) -> None:
        """Wait for the page."""
        async with asyncio.timeout(DEADLINE_S):
            await self._loaded.wait()

    async def click(self, selector: str) -> None:
        """Tap what `selector` finds, as a finger does, and wait for the page after it."""
        middle = await self.run(
            f"(() => {{ const e = document.querySelector({selector!r}); e.scrollIntoView(); "
            "const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; })()"
        )
        self._loaded.clear()
        for kind in ("mousePressed", "mouseReleased"):
            await self.call(
                "Input.dispatchMouseEvent", type=kind, x=middle[0], y=middle[1], button="left", clickCount=1
            )
        await self.loaded()

    async def run(self, script: str) -> Any:
        """Return the value of a JavaScript expression."""
        said = await self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in said, said["exceptionDetails"]
        return said["result"].get("value")

    async def until(self, script: str) -> None:
        """Wait until a JavaScript expression is true."""
        async with asyncio.timeout(DEADLINE_S):
            while not await self.run(script):
                await asyncio.sleep(0.01)

    async def picture(self, file: Path) -> None:
        """Write the whole page as PNG."""
        said = await self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        file.write_bytes(base64.b64decode(said["data"]))

    async def listen(self) -> None:
        """Take in what the browser says, until cancelled."""
        async for message in self.socket:
            said = message.json()
            if (answer := self._answers.pop(said.get("id", -1), None)) is not None:
                if "error" in said:
                    answer.set_exception(RuntimeError(said["error"]["message"]))
                else:
                    answer.set_result(said["result"])
            elif said.get("method") == "Network.requestWillBeSent":
                self.requests.append(said["params"]["request"]["url"])
            elif said.get("method") == "Page.loadEventFired":
                self._loaded.set()
            elif said.get("method") == "Log.entryAdded":
                self.messages.append(said["params"]["entry"]["text"])


@asynccontextmanager
async def browsing(folder: Path, *switches: str) -> AsyncIterator[Tab]:
    """Start a Chromium that keeps its things in `folder`, and open a tab."""
    assert CHROMIUM is not None
    process = await asyncio.create_subprocess_exec(
        CHROMIUM,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--hide-scrollbars",
        "--remote-debugging-port=0",
        f"--user-data-dir={folder}",
        *switches,
        "about:blank",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        ready = folder / "DevToolsActivePort"
        async with asyncio.timeout(DEADLINE_S):
            while not (ready.exists() and len(ready.read_text().splitlines()) == 2):
                await asyncio.sleep(0.01)
        port = ready.read_text().splitlines()[0]
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://127.0.0.1:{port}/json/list") as response:
                url = next(one for one in await response.json() if one["type"] == "page")["webSocketDebuggerUrl"]
            async with session.ws_connect(url, max_msg_size=0) as socket:
                tab = Tab(socket)
                listening = asyncio.create_task(tab.listen())
                yield tab
                listening.cancel()
                with suppress(asyncio.CancelledError):
                    await listening
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
