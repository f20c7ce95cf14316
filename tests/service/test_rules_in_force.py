"""The rules in force are those that the journal says, whatever the files have become since."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from devices import Device, Flag, Kind, Lifecycle, ReadingBatch
from rules import RuleFaults
from service.core import open_core
from service.rules_in_force import read_rules, reload_rules
from service.sections import RulesSection
from service.settings import Settings, load_settings

if TYPE_CHECKING:
    from pathlib import Path

    from service.core import Core

LOWER = """
[[overrides]]
rules = "gas.high"
site = "school"
at_least = 6.0
clear = 4.0
source = "test"
"""
SHADOWED = LOWER + 'mode = "shadow"\nsigned_by = "test"\n'
DEVICES = [Device(site, "gas-1", Kind.GAS, "gas", lifecycle=Lifecycle.VERIFIED) for site in ("school", "home")]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "rules.toml"


@pytest.fixture
def settings(tmp_path: Path, file: Path) -> Settings:
    file.write_text("", encoding="utf-8")
    return load_settings(None, data_dir=tmp_path / "data", rules=RulesSection(files=(file,)))


async def read(core: Core, site: str, value: float) -> None:
    registry = core.shard.registry
    row = registry.device_row(f"{site}/gas-1")
    assert row is not None
    now_us = core.clock.time_us()
    await core.source.report(
        ReadingBatch(
            np.array([registry.channels_of(row)["gas_lel"]], np.int32),
            np.array([now_us], np.int64),
            np.array([value]),
            np.array([True]),
            np.array([Flag.ALARM_LANE], np.uint8),
            now_us,
        )
    )


def open_incidents(core: Core) -> list[tuple[str, str]]:
    return sorted((one.device, one.rule_id) for one in core.shard.incidents.open())


async def test_a_reload_takes_hold_where_it_should_and_says_what_it_did(settings: Settings, file: Path) -> None:
    async with open_core(settings) as core:
        await core.register(DEVICES)
        await read(core, "home", 12.0)
        before = open_incidents(core)
        assert ("home/gas-1", "gas.high") in before
        file.write_text(LOWER, encoding="utf-8")
        report = await reload_rules(core)
        assert report is not None
        assert (report.added, report.removed, report.changed) == ((), (), ("gas.high",))
        assert report.reset == 0
        assert open_incidents(core) == before
        for site in ("home", "school"):
            await read(core, site, 7.0)
        opened = set(open_incidents(core)) - set(before)
        assert ("school/gas-1", "gas.high") in opened
        assert ("home/gas-1", "gas.high") not in opened
        assert await reload_rules(core) is None


async def test_files_with_a_fault_change_nothing(settings: Settings, file: Path) -> None:
    async with open_core(settings) as core:
        before = core.shard.engine.rules
        file.write_text(LOWER.replace("6.0", '"six"'), encoding="utf-8")
        with pytest.raises(RuleFaults) as fault:
            await reload_rules(core)
        assert "rules.toml:5" in fault.value.faults[0]
        assert core.shard.engine.rules == before


async def test_a_restart_folds_by_the_rules_of_then_and_goes_on_by_those_of_now(settings: Settings, file: Path) -> None:
    file.write_text(LOWER, encoding="utf-8")
    async with open_core(settings) as core:
        await core.register(DEVICES)
        await core.checkpoint()
        await read(core, "school", 7.0)
        said = open_incidents(core)
        assert ("school/gas-1", "gas.high") in said
        core.offline = True  # as if killed: nothing is checkpointed
    file.write_text("", encoding="utf-8")
    async with open_core(settings) as core:
        assert open_incidents(core) == said
        assert core.shard.engine.rules == read_rules(settings)
        before = core.shard.incidents.open()
        await read(core, "school", 7.5)  # beyond the limit of then, not that of now
        assert [one for one in core.shard.incidents.open() if one.rule_id == "gas.high"] == [
            one for one in before if one.rule_id == "gas.high"
        ]


async def test_a_rule_in_shadow_tells_nobody_and_is_recorded(settings: Settings, file: Path) -> None:
    file.write_text(SHADOWED, encoding="utf-8")
    async with open_core(settings) as core:
        await core.register(DEVICES)
        await read(core, "school", 12.0)
        assert ("school/gas-1", "gas.high") not in open_incidents(core)
        assert [(event.device, event.rule_id) for event in core.shard.shadow.events()] == [("school/gas-1", "gas.high")]
        assert not any("gas.high" in owed.body_en for owed in core.shard.outbox.pending())
