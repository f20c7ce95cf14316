"""The limits that boards draw: each channel has those of the rules that are in force on it."""

from __future__ import annotations

import threading
from contextlib import closing
from typing import TYPE_CHECKING, LiteralString

import msgspec
import pytest

from devices import Device, Kind, Lifecycle, load_profiles
from devices.registry import Registry
from rules import RuleSet, encode_rules, load_rules
from rules.model import AlarmClass, Direction, ForecastTerms, RangeTerms, RuleKind, RuleMode
from storage.archive.limits import Levels, levels, rule_rows
from storage.archive.writer import Writer
from storage.journal import RecordKind
from tests.archive.conftest import Running, append, becomes, control

if TYPE_CHECKING:
    from pathlib import Path

    from storage.journal import Journal
    from tests.support.postgres import Database

PROFILES = load_profiles(())
OVERRIDES = """
[[overrides]]
rules = "gas.high"
site = "a"
at_least = 21

[[overrides]]
rules = "gas.high"
grid = "g1"
at_least = 22
hold_s = 7

[[overrides]]
rules = "gas.high"
site = "b"
grid = "g1"
enabled = false
signed_by = "the district's fire brigade, until the mains are mended"

[[overrides]]
rules = "gas.high"
site = "b"
device = "gas-1"
enabled = true
"""
TOWN = [
    Device(site, f"{name}{grid.removeprefix('g1')}", Kind.GAS, "gas", grid=grid.strip("-"), lifecycle=lifecycle)
    for site in ("a", "b", "c")
    for grid in ("-", "g1", "g2")
    for name, lifecycle in (
        ("gas-1", Lifecycle.VERIFIED),
        ("gas-2", Lifecycle.INSTALLED),
        ("gas-3", Lifecycle.MAINTENANCE),
        ("gas-4", Lifecycle.RETIRED),
    )
]
DRAWN: LiteralString = "SELECT device, rule_id, low, high, clear_low, clear_high, unit FROM board.limits"


@pytest.fixture
def rules(tmp_path: Path) -> RuleSet:
    file = tmp_path / "ours.toml"
    file.write_text(OVERRIDES)
    return load_rules(PROFILES, (file,), "Asia/Shanghai")


@pytest.fixture
def town() -> Registry:
    registry = Registry(PROFILES)
    registry.apply(registry.plan_registration(TOWN))
    return registry


def wanted(rules: RuleSet) -> set[tuple[object, ...]]:
    """Return what `board.limits` is to show, asked of the rule set for each device."""
    found: set[tuple[object, ...]] = set()
    for device in TOWN:
        profile = PROFILES[device.profile]
        if device.lifecycle is Lifecycle.RETIRED:
            continue
        for rule in rules.in_force(device.profile, rules.selection(device)):
            if device.lifecycle is Lifecycle.MAINTENANCE and rule.alarm_class is not AlarmClass.LIFE_SAFETY:
                continue
            metric = profile.metrics.get(rule.metric)
            drawn = levels(rule.terms, metric)
            if rule.mode is RuleMode.LIVE and metric is not None and (drawn.low, drawn.high) != (None, None):
                found.add((device.key, rule.id, *drawn, metric.unit))
    return found


# ── levels ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_kind_of_rule_that_judges_the_value_has_its_levels() -> None:
    rules = load_rules(PROFILES, (), "Asia/Shanghai")
    drawn = {
        rule.kind: levels(rule.terms, PROFILES[rule.profile].metrics.get(rule.metric))
        for rule in rules.rules
        if rule.kind is not RuleKind.FAULT or PROFILES[rule.profile].metrics[rule.metric].minimum is not None
    }
    judged = {kind for kind, found in drawn.items() if found != Levels()}
    assert judged == {RuleKind.THRESHOLD, RuleKind.RANGE, RuleKind.FAULT, RuleKind.FORECAST}


def test_levels_are_as_people_wrote_them() -> None:
    rules = load_rules(PROFILES, (), "Asia/Shanghai").by_id
    assert levels(RangeTerms(1.0, 9.0, 2.0, 8.0), None) == Levels(1.0, 9.0, 2.0, 8.0)
    assert levels(ForecastTerms(Direction.DOWN, 0.5, 86_400, 86_400, 0, 86_400), None) == Levels(low=0.5)
    assert levels(ForecastTerms(Direction.UP, 0.5, 86_400, 86_400, 0, 86_400), None) == Levels(high=0.5)
    high = rules["gas.high"].terms
    assert levels(high, None) == Levels(high=high.limit, clear_high=high.clear)  # type: ignore[union-attr]


# ── the table ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_no_two_rows_of_a_rule_are_about_the_same(rules: RuleSet) -> None:
    rows = rule_rows(rules, PROFILES)
    assert len({row[:4] for row in rows}) == len(rows) > len(rules.rules)


@pytest.mark.real
async def test_boards_draw_the_limits_of_the_rules_that_the_journal_brings(
    database: Database, journal: Journal, town: Registry, rules: RuleSet
) -> None:
    plain = load_rules(PROFILES, (), "Asia/Shanghai")
    async with Running(database, journal, town) as running:
        await append(journal, control(RecordKind.RULES, encode_rules(plain)))
        await running.catches_up()
        assert set(database.rows(DRAWN)) == wanted(plain)
        # Of two changes at once the newer one counts.
        await append(journal, *(control(RecordKind.RULES, encode_rules(one)) for one in (RuleSet.of(()), rules)))
        await running.catches_up()
    assert set(database.rows(DRAWN)) == wanted(rules) != wanted(plain)
    assert len(wanted(rules)) > 50
    assert len(database.rows(DRAWN)) == len(wanted(rules))


@pytest.mark.real
async def test_the_rules_in_force_are_known_though_their_record_was_archived_long_ago(
    database: Database, journal: Journal, town: Registry, rules: RuleSet
) -> None:
    async with Running(database, journal, town, rules=lambda: rules) as running:
        await becomes(lambda: running.archive.counters.connections)
    assert set(database.rows(DRAWN)) == wanted(rules)


@pytest.mark.real
async def test_rules_of_a_profile_that_is_not_there_are_left_out(
    database: Database, journal: Journal, town: Registry, rules: RuleSet
) -> None:
    strange = msgspec.structs.replace(rules.by_id["gas.high"], id="toaster.hot", profile="toaster")
    nul = msgspec.structs.replace(rules.by_id["gas.high"], name_en="a\0b")
    more = msgspec.structs.replace(rules, rules=(nul, strange), overrides=(), variants=())
    async with Running(database, journal, town) as running:
        await append(journal, control(RecordKind.RULES, encode_rules(more)))
        await running.catches_up()
        assert running.archive.counters.set_aside == 0
    assert database.rows("SELECT rule_id, name_en FROM vigil.rules_in_force") == [
        ("gas.high", "a\N{REPLACEMENT CHARACTER}b")
    ]


@pytest.mark.real
def test_services_that_put_their_rules_at_once_do_not_fall_over_each_other(database: Database, rules: RuleSet) -> None:
    troubles: list[Exception] = []

    def put(name: str) -> None:
        writer = Writer(lambda: database.dsn, name, PROFILES)
        with closing(writer):
            try:
                writer.open()
                for _ in range(10):
                    writer.put_rules(rules)
            except Exception as error:  # noqa: BLE001 - the test shows it
                troubles.append(error)

    threads = [threading.Thread(target=put, args=[name]) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert troubles == []
    assert database.value("SELECT count(*) FROM vigil.rules_in_force") == len(rule_rows(rules, PROFILES))
