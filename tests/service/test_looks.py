"""Looks from the command line at an elder's incident: noted, and veiled once it has ended."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np

from alerts import Outcome, Resolve
from alerts.audit_event import AuditEvent
from alerts.privacy import VEIL_EN
from devices import Device, Flag, Kind, ReadingBatch
from service.control import control_app
from service.core import open_core
from service.settings import load_settings

if TYPE_CHECKING:
    from pathlib import Path

    from service.core import Core

WATCH = Device("s", "watch-1", Kind.WATCH, "watch", building="5", unit="1203")
DETECTOR = Device("s", "smoke-1", Kind.SMOKE, "smoke", building="5")


async def alarm(core: Core, device: Device, metric: str) -> str:
    row = core.shard.registry.device_row(device.key)
    assert row is not None
    now_us = time.time_ns() // 1000
    await core.source.report(
        ReadingBatch(
            np.array([core.shard.registry.channels_of(row)[metric]], np.int32),
            np.array([now_us], np.int64),
            np.array([1.0]),
            np.array([True]),
            np.array([Flag.ALARM_LANE], np.uint8),
            now_us,
        )
    )
    return next(one.id for one in core.shard.incidents.open() if one.device == device.key)


async def look(core: Core, path: str, **query: str) -> Any:
    transport = httpx.ASGITransport(control_app(core, dict))
    async with httpx.AsyncClient(transport=transport, base_url="http://vigil") as client:
        return (await client.get(path, params={"by": "wang", "origin": "command line"} | query)).json()


def looks(core: Core, incident: str) -> list[tuple[str, str]]:
    events = core.shard.alerting.recent.of(incident)
    return [(event.by, event.what) for event in events if isinstance(event, AuditEvent)]


async def test_a_look_is_noted_and_after_the_end_nothing_protected_is_shown(tmp_path: Path) -> None:
    async with open_core(load_settings(None, data_dir=tmp_path / "data")) as core:
        await core.register([WATCH, DETECTOR])
        sos = await alarm(core, WATCH, "sos")
        assert "1203" in (await look(core, f"/incidents/{sos}"))["place"]
        assert looks(core, sos) == [("wang", "location"), ("wang", "health")]
        await core.source.command(Resolve(incident=sos, by="li", origin="test", outcome=Outcome.TRUE, note="at home"))
        ended = await look(core, f"/incidents/{sos}")
        assert (ended["place"], ended["what_en"], ended["note"]) == ("s", VEIL_EN, "")
        assert [one["place"] for one in await look(core, "/incidents", state="all") if one["id"] == sos] == ["s"]
        assert len(looks(core, sos)) == 2
        evidence = await look(core, f"/incidents/{sos}/dossier")
        assert "1203" in evidence["incident"]["place"]
        assert len(looks(core, sos)) == 4


async def test_other_incidents_are_looked_at_without_a_line(tmp_path: Path) -> None:
    async with open_core(load_settings(None, data_dir=tmp_path / "data")) as core:
        await core.register([WATCH, DETECTOR])
        smoke = await alarm(core, DETECTOR, "smoke")
        await look(core, f"/incidents/{smoke}")
        await look(core, f"/incidents/{smoke}/dossier")
        assert looks(core, smoke) == []
