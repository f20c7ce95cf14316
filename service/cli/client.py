"""How a command reaches the shard: through the running service, or, where none runs, by opening the journal itself."""

from __future__ import annotations

import getpass
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated, Any

import httpx
import typer

from service.control import control_app, control_socket, is_served
from service.core import open_core
from service.demo import DEMO_FILE
from service.logs import configure_logs
from service.sections import LogSection
from service.settings import Settings, default_data_dir, load_settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

from pathlib import Path

__all__ = [
    "ConfigOption",
    "DataDirOption",
    "Interface",
    "Unreachable",
    "ask",
    "origin",
    "reach",
    "settings_for",
    "whoami",
]

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", "-c", envvar="VIGIL_CONFIG", help="The settings file (TOML).", dir_okay=False),
]
DataDirOption = Annotated[
    Path | None,
    typer.Option("--data-dir", envvar="VIGIL_DATA_DIR", help="Where the service keeps its data, instead of --config."),
]


class Unreachable(Exception):
    """The command could not be carried out; the text says what was wrong and what to do."""


def settings_for(config: Path | None, data_dir: Path | None) -> Settings:
    """Return the settings that the options name; a demo has its own in its folder.

    Where neither is given and no service runs on the default folder but a demo does, the demo is meant.
    """
    given: dict[str, Any] = {} if data_dir is None else {"data_dir": data_dir}
    if config is None and data_dir is None:
        demo = default_data_dir() / "demo"
        if not is_served(default_data_dir()) and (demo / "journal").exists():
            given["data_dir"] = demo
    if config is None and "data_dir" in given and (given["data_dir"] / DEMO_FILE).exists():
        config = given["data_dir"] / DEMO_FILE
    return load_settings(config, **given)


class Interface:
    """The control interface of one shard, wherever it runs."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def ask(self, method: str, path: str, *, json: object = None, **params: str | None) -> Any:
        """Ask, and return the answer. Raises Unreachable where it says no."""
        query = {name: value for name, value in params.items() if value is not None}
        answer = await self._client.request(method, path, json=json, params=query)
        if answer.is_error:
            raise Unreachable(
                answer.json().get("error", answer.text) if answer.content else f"error {answer.status_code}"
            )
        return answer.json()


async def ask(settings: Settings, method: str, path: str, *, json: object = None, **params: str | None) -> Any:
    """Ask the control interface one thing. Raises Unreachable where it says no."""
    async with reach(settings) as interface:
        return await interface.ask(method, path, json=json, **params)


@asynccontextmanager
async def reach(settings: Settings) -> AsyncIterator[Interface]:
    """Reach the running service, or open its journal where none runs. Raises Unreachable where there is neither."""
    if is_served(settings.data_dir):
        transport = httpx.AsyncHTTPTransport(uds=str(control_socket(settings.data_dir)))
        async with httpx.AsyncClient(transport=transport, base_url="http://vigil", timeout=60) as client:
            yield Interface(client)
        return
    if not (settings.data_dir / "journal").exists():
        raise Unreachable(
            f"no service is running on {settings.data_dir}, and there is no data in it; "
            "start one (vigil run, vigil demo), or say which with --config or --data-dir"
        )
    configure_logs(LogSection(level="error"))
    async with open_core(settings, offline=True) as core:
        transport_here = httpx.ASGITransport(control_app(core, lambda: {"running": False}))
        async with httpx.AsyncClient(transport=transport_here, base_url="http://vigil") as client:
            yield Interface(client)


def whoami() -> str:
    """Return the name under which a decision from this terminal is journalled unless told."""
    return getpass.getuser()


def origin() -> str:
    """Return from where a decision comes, for the timeline."""
    return f"command line on {socket.gethostname()}"
