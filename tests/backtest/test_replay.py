from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devices import Device, Kind, Lifecycle, ReadingBatch, Registry, load_profiles
from rules import Change, Engine, RuleSet, load_rules
from rules.model import Timing
from service.backtest.channels import Channels
from service.backtest.history import HistoryFault
from service.backtest.replay import BLOCK, Replay, Tally, default_step_s
from tests.backtest.world import (
    MINUTE,
    SECOND,
    START,
    ListedHistory,
    Row,
    boiler,
    every_minute,
    ledger,
    temperature,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devices import Profile

Said = tuple[str, str, bool, bool, int, float | None]
"""Device, rule, holds, repeated, event time in µs since START, value."""

Boilers = tuple[dict[str, "Profile"], RuleSet]


class Run:
    """A history through a fresh engine."""

    def __init__(
        self,
        boilers: Boilers,
        history: ListedHistory,
        known: Mapping[str, Device] | None = None,
        *,
        step_s: float = 10.0,
        profile: str | None = None,
        site: str = "",
        blocks: int | None = None,
    ) -> None:
        profiles, rules = boilers
        self.registry = Registry(profiles)
        self.changes: list[tuple[Change, int | None]] = []
        channels = Channels(self.registry, history, ledger(9) if known is None else known, profile=profile, site=site)

        def go_on(tally: Tally) -> bool:
            return blocks is None or tally.steps < blocks

        replay = Replay(
            history,
            self.registry,
            Engine(self.registry, rules),
            channels,
            take=lambda changes, now_us: self.changes.extend((change, now_us) for change in changes),
            go_on=go_on,
            step_s=step_s,
        )
        self.tally = replay.run()

    @property
    def said(self) -> list[Said]:
        return [said(change, self.registry) for change, _ in self.changes]

    def said_by(self, rule: str) -> list[Said]:
        return [one for one in self.said if one[1] == rule]


def said(change: Change, registry: Registry) -> Said:
    device = registry.device(change.device_row)
    assert device is not None
    return (
        device.key,
        change.rule_id,
        change.holds,
        change.repeated,
        change.time_us - START,
        change.value,
    )


def live(boilers: Boilers, rows: list[Row], every_s: float = 1.0) -> list[Said]:
    """Fold readings one by one as they are measured, with a tick every second, as the service does."""
    profiles, rules = boilers
    registry = Registry(profiles)
    engine = Engine(registry, rules)
    found: list[Said] = []
    now = rows[0][0] if rows else 0

    def step(batch: ReadingBatch, now_us: int) -> None:
        found.extend(said(change, registry) for change in engine.step(batch, now_us))

    for us, key, metric, value in rows:
        while now + every_s * SECOND <= us:
            now += round(every_s * SECOND)
            step(ReadingBatch.empty(START + now), START + now)
        row = registry.device_row(key)
        if row is None:
            registry.apply(registry.plan_registration([ledger(9)[key]]))
            row = registry.device_row(key)
            assert row is not None
        channel = registry.channels_of(row)[metric]
        batch = ReadingBatch(
            np.array([channel], np.int32),
            np.array([START + us], np.int64),
            np.array([0.0 if value is None else value]),
            np.array([value is not None]),
            np.zeros(1, np.uint8),
            START + us,
        )
        step(batch, START + us)
    return found


# ── as live ──────────────────────────────────────────────────────────────────────────────────────────────────────────

histories = st.lists(
    st.tuples(
        st.integers(0, 3_000),
        st.sampled_from(["north/b0", "north/b1", "north/b2"]),
        st.one_of(st.none(), st.sampled_from([50.0, 75.0, 80.0, 95.0, 250.0])),
    ),
    min_size=1,
    max_size=40,
    unique_by=lambda one: (one[0], one[1]),
).map(lambda rows: [(s * SECOND, device, "temp_c", value) for s, device, value in sorted(rows, key=lambda r: r[:2])])


def with_hold(boilers: Boilers) -> Boilers:
    """Add a rule whose breach must last for 45 s, and whose clear level for 20 s."""
    profiles, rules = boilers
    timing = Timing(hold_s=45.0, clear_hold_s=20.0)
    held = msgspec.structs.replace(rules.by_id["boiler.hot"], id="boiler.held", timing=timing)
    return profiles, RuleSet.of([*rules.rules, held])


@given(histories, st.integers(1, 7), st.sampled_from([1.0, 10.0, 60.0]))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_readings_bring_about_what_they_did_live_whatever_the_step(
    boilers: Boilers, rows: list[Row], piece: int, step_s: float
) -> None:
    boilers = with_hold(boilers)
    run = Run(boilers, ListedHistory(rows, piece), step_s=step_s)
    wanted = [one for one in live(boilers, rows) if one[1] != "boiler.silent"]
    found = [one for one in run.said if one[1] != "boiler.silent"]
    assert sorted(found, key=str) == sorted(wanted, key=str)
    assert run.tally.readings == len(rows)
    assert run.tally.unknown == sum(value is None for _, _, _, value in rows)


@given(histories, st.integers(1, 7), st.sampled_from([1.0, 10.0, 30.0]))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_silence_is_said_within_a_step_of_when_it_was_up(
    boilers: Boilers, rows: list[Row], piece: int, step_s: float
) -> None:
    found = Run(boilers, ListedHistory(rows, piece), step_s=step_s).said_by("boiler.silent")
    slack = round(step_s * SECOND)
    heard: dict[str, list[int]] = {}
    for us, device, _, _ in rows:
        heard.setdefault(device, []).append(us)
    must, may = [], []
    for device, times in heard.items():
        for last, following in zip(times, [*times[1:], rows[-1][0]], strict=True):
            if following - last > 10 * MINUTE + slack:
                must.append((device, last + 10 * MINUTE))
            if following - last >= 10 * MINUTE:
                may.append((device, last + 10 * MINUTE))
    starts = [(one[0], one[4]) for one in found if one[2]]
    for device, due in must:
        assert any(one == device and due <= at <= due + slack for one, at in starts), (device, due, starts)
    for device, at in starts:
        assert any(one == device and due <= at <= due + slack for one, due in may), (device, at, may)


def test_a_hold_does_not_run_out_between_two_pieces_of_one_step(boilers: Boilers) -> None:
    rows = temperature("north/b0", (5 / 60, 90), (20 / 60, 50), (5, 50))
    assert Run(with_hold(boilers), ListedHistory(rows, piece=1), step_s=60).said_by("boiler.held") == []


def test_relations_say_the_same_whatever_the_step() -> None:
    profiles = load_profiles()
    rules = load_rules(profiles)
    devices = [Device("north", f"s{n}", Kind.SMOKE, "smoke", building="7", unit=f"30{n % 2}") for n in range(6)]
    random = np.random.default_rng(1)
    flags = dict.fromkeys((device.key for device in devices), 0.0)
    rows: list[Row] = []
    for at_s in np.cumsum(random.integers(1, 40, 500)).tolist():
        key = devices[random.integers(6)].key
        flags[key] = 1.0 - flags[key]
        rows.append((at_s * SECOND, key, "smoke", flags[key]))

    def confirmed(step_s: float) -> list[Said]:
        known = {device.key: device for device in devices}
        told = Run((profiles, rules), ListedHistory(rows, 64), known, step_s=step_s).said_by("smoke.confirmed")
        return sorted(told, key=lambda one: (one[4], one))  # what runs out is said at the end of its step

    assert len(confirmed(1.0)) > 20
    assert confirmed(15.0) == confirmed(1.0)


def test_a_device_that_falls_silent_is_told_while_others_go_on(boilers: Boilers) -> None:
    rows = sorted(every_minute("north/b0", 40) + every_minute("north/b1", 5) + every_minute("north/b1", 5, first=35))
    told = Run(boilers, ListedHistory(rows)).said_by("boiler.silent")
    assert [(one[0], one[2]) for one in told] == [("north/b1", True), ("north/b1", False)]
    assert 14 * MINUTE <= told[0][4] <= 14 * MINUTE + 10 * SECOND
    assert 35 * MINUTE <= told[1][4] <= 35 * MINUTE + 10 * SECOND


def test_a_time_in_which_nothing_comes_from_anybody_passes_and_is_told(boilers: Boilers) -> None:
    rows = every_minute("north/b0", 2) + every_minute("north/b0", 2, first=120)
    run = Run(boilers, ListedHistory(rows))
    assert [(one[2], one[4] // MINUTE) for one in run.said_by("boiler.silent")] == [(True, 11), (False, 120)]
    assert run.tally.holes == [(START + MINUTE, START + 120 * MINUTE)]


def test_a_device_is_not_silent_before_its_first_reading(boilers: Boilers) -> None:
    rows = sorted(every_minute("north/b0", 180) + every_minute("north/b1", 60, first=120))
    run = Run(boilers, ListedHistory(rows))
    assert run.said_by("boiler.silent") == []
    assert [device.key for _, device in run.registry.devices()] == ["north/b0", "north/b1"]


def test_a_gateway_that_says_nothing_itself_is_registered_with_the_first_device_behind_it(boilers: Boilers) -> None:
    gateway, behind = boiler(7), Device("north", "b0", Kind.GAS, "boiler", gateway="b7")
    run = Run(boilers, ListedHistory(every_minute("north/b0", 3)), {one.key: one for one in (gateway, behind)})
    assert {device.key for _, device in run.registry.devices()} == {"north/b0", "north/b7"}


# ── what is read ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_reading_that_comes_twice_counts_once(boilers: Boilers) -> None:
    rows = temperature("north/b0", (0, 50), (0, 90), (1, 50), (2, 50), (2, 90))
    run = Run(boilers, ListedHistory(rows, piece=2))
    assert run.said == []
    assert (run.tally.readings, run.tally.repeats) == (3, 2)


def test_what_came_late_is_late_where_the_history_knows(boilers: Boilers) -> None:
    rows = temperature("north/b0", (0, 50), (10, 50), (5, 95))
    run = Run(boilers, ListedHistory(rows, arrivals=[0, 10 * MINUTE, 12 * MINUTE]))
    ((change, now_us),) = [one for one in run.changes if one[0].rule_id == "boiler.hot"]
    assert change.late
    assert change.time_us == START + 5 * MINUTE
    assert now_us is not None
    assert 0 <= now_us - (START + 12 * MINUTE) <= 10 * SECOND


def test_a_clock_that_was_ahead_counts_as_the_arrival(boilers: Boilers) -> None:
    rows = temperature("north/b0", (60, 95), (61, 50))
    run = Run(boilers, ListedHistory(rows, arrivals=[MINUTE, 2 * MINUTE]), step_s=60)
    assert [(one[2], one[4]) for one in run.said_by("boiler.hot")] == [(True, MINUTE), (False, 2 * MINUTE)]


def test_only_the_devices_of_a_site_are_read(boilers: Boilers) -> None:
    rows = temperature("north/b0", (0, 95)) + temperature("south/b0", (1, 95), (2, 95))
    run = Run(boilers, ListedHistory(rows), profile="boiler", site="south")
    assert [one[0] for one in run.said] == ["south/b0"]
    assert run.tally.readings == 2


def test_a_device_without_a_profile_is_named(boilers: Boilers) -> None:
    rows = [row for n in range(8) for row in temperature(f"north/x{n}", (0, 50))]
    with pytest.raises(HistoryFault, match=r"north/x0, .*north/x4 and 3 more is"):
        Run(boilers, ListedHistory(rows))
    with pytest.raises(HistoryFault, match="no profile 'furnace'"):
        Run(boilers, ListedHistory(rows), profile="furnace")
    with pytest.raises(HistoryFault, match=r"wanted it in devices\.profiles"):
        Run(boilers, ListedHistory(rows), {"north/x3": Device("north", "x3", Kind.GAS, "furnace")}, profile="boiler")
    assert Run(boilers, ListedHistory(rows), profile="boiler").tally.readings == 8


def test_todays_maintenance_and_retirement_do_not_silence_the_past(boilers: Boilers) -> None:
    for lifecycle in (Lifecycle.MAINTENANCE, Lifecycle.RETIRED, Lifecycle.VERIFIED):
        device = Device("north", "b0", Kind.GAS, "boiler", lifecycle=lifecycle)
        run = Run(boilers, ListedHistory(temperature("north/b0", (0, 300))), {device.key: device})
        assert [one[1] for one in run.said] == ["boiler.range"]


def test_a_metric_that_no_profile_names_is_heard_and_nothing_more(boilers: Boilers) -> None:
    rows = sorted(temperature("north/b0", (0, 50)) + [(n * MINUTE, "north/b0", "rssi", -70.0) for n in range(1, 30)])
    run = Run(boilers, ListedHistory(rows))
    assert run.said == []
    assert run.tally.readings == 30


def test_a_run_ends_when_it_is_told_to(boilers: Boilers) -> None:
    run = Run(boilers, ListedHistory(every_minute("north/b0", 100)), step_s=60, blocks=10)
    assert run.tally.readings == 10
    assert run.tally.last_us == START + 9 * MINUTE


def test_a_dense_history_is_cut_into_blocks(boilers: Boilers) -> None:
    number = BLOCK + 10
    rows: list[Row] = [(n, "north/b0", "temp_c", 50.0) for n in range(number)]
    run = Run(boilers, ListedHistory(rows, piece=number))
    assert run.tally.readings == number
    assert run.tally.steps == 2


def test_the_step_is_short_beside_what_goes_by_the_clock(boilers: Boilers) -> None:
    rules = load_rules(load_profiles())
    assert default_step_s(rules, ["gateway", "smoke"]) == 9.0  # of the 180 s of a gateway
    assert default_step_s(rules, ["smoke"]) == 15.0
    assert default_step_s(rules, []) == 15.0
    assert default_step_s(boilers[1], ["boiler"]) == 15.0
