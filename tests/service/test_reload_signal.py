"""SIGHUP asks for a reload whenever it comes: systemd would take a death of it for a clean end, and start nothing."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from tests.support.broker import free_port
from tests.support.inbox import until
from tests.support.process import VigilProcess

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.real


async def test_a_sighup_at_the_start_or_at_the_end_does_not_end_it(tmp_path: Path) -> None:
    vigil = VigilProcess(
        tmp_path,
        free_port(),
        f"host=127.0.0.1 port={free_port()}",
        "http://127.0.0.1:1/",
        more="[directory]\nfiles = []",
    )
    vigil.start()
    try:
        assert vigil.process is not None
        for event in ("service.recovered", "service.started", "service.stopping"):
            await until(lambda event=event: bool(vigil.events(event)), 20)  # type: ignore[misc]
            vigil.process.send_signal(signal.SIGHUP)
            if event == "service.started":
                vigil.process.send_signal(signal.SIGTERM)
        assert await vigil.exited() == 0
    finally:
        vigil.end()
