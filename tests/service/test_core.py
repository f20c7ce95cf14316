"""The core: opened, fallen, opened offline, opened again."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from alerts import NotificationStatus, Settle
from service.core import OWN_DEVICE, open_core
from service.settings import Settings, load_settings
from service.source import PipelineEnded
from service.watch import Watch

if TYPE_CHECKING:
    from pathlib import Path

    from service.shard import Effects, Fact, Shard
    from storage.journal import Record


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(None, data_dir=tmp_path / "data")


def rules_open(shard: Shard) -> list[str]:
    return [incident.rule_id for incident in shard.incidents.open()]


async def test_a_bug_in_the_fold_ends_the_core_and_leaves_nobody_waiting(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def falls(_: Shard, record: Record, fact: Fact) -> Effects:
        raise ZeroDivisionError(f"{record.offset} {type(fact)}")

    with pytest.RaisesGroup(ZeroDivisionError, PipelineEnded):
        async with asyncio.timeout(10), open_core(settings) as core:
            monkeypatch.setattr(type(core.shard), "apply", falls)
            await core.settle(Settle(notification="N", status=NotificationStatus.HANDED, detail="", attempts=1))


async def test_a_trouble_of_the_service_is_an_incident_and_outlives_a_restart(settings: Settings) -> None:
    async with open_core(settings) as core:
        await core.note("session_lost", 1)
        assert rules_open(core.shard) == ["service.session-lost"]
        before = core.shard.incidents.open()
    async with open_core(settings) as core:
        assert core.shard.incidents.open() == before
        assert core.shard.registry.device_row(OWN_DEVICE.key) is not None


async def test_a_look_from_offline_changes_nothing_and_leaves_the_rest_to_the_service(settings: Settings) -> None:
    async with open_core(settings) as core:
        await core.checkpoint()
        await core.note("session_lost", 1)
        owed = core.shard.outbox.pending()
        core.offline = True  # as if killed: what it has done since is not checkpointed
    heads = []
    for _ in range(2):
        async with open_core(settings, offline=True) as core:
            assert rules_open(core.shard) == ["service.session-lost"]
            heads.append(core.journal.head)
    assert heads[0] == heads[1]
    async with open_core(settings) as core:
        assert [n.id for n in core.shard.outbox.pending()] == [n.id for n in owed]


async def test_vigil_watches_itself(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.watch.EVERY_S", 0.01)
    sheds, lag_s, oldest_us = 0, 0.0, None
    async with open_core(settings) as core:
        watch = Watch(
            core, sheds=lambda: sheds, failures=lambda: 0, oldest_page_us=lambda: oldest_us, archive_lag_s=lambda: lag_s
        )
        running = asyncio.create_task(watch.run())

        async def told(rule: str, *, is_open: bool = True) -> None:
            async with asyncio.timeout(5):
                while (rule in rules_open(core.shard)) is not is_open:
                    await asyncio.sleep(0.01)

        await asyncio.sleep(0.05)
        assert rules_open(core.shard) == []
        sheds = 1
        await told("service.telemetry-shed")
        lag_s = 400.0
        await told("service.archive-behind")
        lag_s = 0.0
        await told("service.archive-behind", is_open=False)
        oldest_us = 1
        await told("service.delivery-failed")
        watch.session_lost()
        await told("service.session-lost")
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
