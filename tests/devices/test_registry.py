"""The registry: rows that never change, whatever is planned, applied, replayed or restored."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices import ChannelRow, Device, Kind, Lifecycle, Registry, RegistryChange, load_profiles

if TYPE_CHECKING:
    from devices import Profile

PROFILES = load_profiles()
SMOKE = Device("s", "smoke-1", Kind.SMOKE, "smoke")
TANK = Device("s", "tank-1", Kind.TANK, "tank")


def contents(registry: Registry) -> object:
    """Everything that a registry tells, for comparing two of them."""
    return (
        list(registry.devices()),
        [dict(registry.channels_of(row)) for row in range(registry.n_devices)],
        [registry.metric(row) for row in range(registry.n_channels)],
        registry.channel_device.tolist(),
        {device.key: registry.device_row(device.key) for _, device in registry.devices()},
    )


def test_a_planned_device_is_not_visible_until_it_is_applied(profiles: dict[str, Profile]) -> None:
    registry = Registry(profiles)
    change = registry.plan_registration([SMOKE])
    assert registry.device_row(SMOKE.key) == 0
    assert registry.device(0) is None
    assert list(registry.devices()) == []
    assert (registry.channel_device == -1).all()
    assert registry.version == 0
    registry.apply(change)
    assert registry.device(0) == SMOKE
    assert registry.profile_of(SMOKE) is profiles["smoke"]
    assert registry.version > 0
    assert registry.touched_since(0) == [0]


def test_a_device_has_a_channel_for_every_metric_of_its_profile(profiles: dict[str, Profile]) -> None:
    registry = Registry(profiles)
    registry.apply(registry.plan_registration([SMOKE, TANK]))
    assert registry.channels_of(0).keys() == profiles["smoke"].metrics.keys()
    assert registry.channels_of(1).keys() == profiles["tank"].metrics.keys()
    assert registry.channel_device.dtype == np.int32
    for device_row in (0, 1):
        for metric, channel in registry.channels_of(device_row).items():
            assert registry.metric(channel) == metric
            assert registry.channel_device[channel] == device_row


def test_channels_only_planned_have_no_device_however_many_they_are(profiles: dict[str, Profile]) -> None:
    registry = Registry(profiles)
    planned = registry.plan_registration(replace(SMOKE, name=f"smoke-{n}") for n in range(500))
    assert registry.n_channels == 500 * len(profiles["smoke"].metrics)
    assert (registry.channel_device == -1).all()
    registry.apply(planned)
    assert (registry.channel_device >= 0).all()


def test_rows_stay_when_a_device_is_registered_again_as_something_else(profiles: dict[str, Profile]) -> None:
    registry = Registry(profiles)
    registry.apply(registry.plan_discovery("s", "tank-1"))
    assert registry.device(0) == Device("s", "tank-1", Kind.UNKNOWN, "unknown", lifecycle=Lifecycle.UNREGISTERED)
    before = dict(registry.channels_of(0))
    change = registry.plan_registration([TANK])
    registry.apply(change)
    assert registry.n_devices == 1
    assert registry.device(0) == TANK
    assert registry.channels_of(0)["alarm"] == before["alarm"]
    assert {channel.metric for channel in change.channels} == profiles["tank"].metrics.keys() - before.keys()


def test_two_plans_before_one_apply_share_their_rows(profiles: dict[str, Profile]) -> None:
    registry = Registry(profiles)
    first = registry.plan_discovery("s", "smoke-1")
    second = registry.plan_registration([SMOKE, TANK])
    assert [device.row for device in second.devices] == [0, 1]
    rows = [channel.row for change in (first, second) for channel in change.channels]
    assert sorted(rows) == list(range(len(rows)))
    registry.apply(first)
    registry.apply(second)
    assert [device for _, device in registry.devices()] == [SMOKE, TANK]


def test_a_metric_beyond_the_profile_gets_a_row_once(profiles: dict[str, Profile]) -> None:
    registry = Registry(profiles)
    registry.apply(registry.plan_registration([SMOKE]))
    planned = registry.plan_channel(0, "humidity_pct")
    assert registry.plan_channel(0, "humidity_pct") == planned
    assert registry.channel_device[planned.row] == -1
    registry.apply(RegistryChange(channels=(planned,)))
    assert registry.channel_device[planned.row] == 0
    assert registry.plan_channel(0, "smoke").row == registry.channels_of(0)["smoke"]


def test_a_profile_that_is_not_loaded_plans_nothing(profiles: dict[str, Profile]) -> None:
    registry = Registry(profiles)
    with pytest.raises(KeyError, match="device s/odd: no profile 'odd'; there are "):
        registry.plan_registration([SMOKE, Device("s", "odd", Kind.SMOKE, "odd")])
    assert (registry.n_devices, registry.n_channels) == (0, 0)
    assert registry.device_row(SMOKE.key) is None


def test_an_empty_change_says_nothing(profiles: dict[str, Profile]) -> None:
    assert not RegistryChange()
    assert Registry(profiles).plan_registration([SMOKE])


def test_only_an_empty_registry_is_restored_and_only_from_a_version_it_reads(profiles: dict[str, Profile]) -> None:
    registry = Registry(profiles)
    registry.apply(registry.plan_registration([SMOKE]))
    snapshot = registry.snapshot()
    with pytest.raises(ValueError, match="empty registry"):
        registry.restore(snapshot)
    with pytest.raises(ValueError, match="version"):
        Registry(profiles).restore(b"\xff" + snapshot[1:])
    with pytest.raises(ValueError, match="version"):
        Registry(profiles).restore(b"")


# ── any history ──────────────────────────────────────────────────────────────────────────────────────────────────────

Step = tuple[str, list[tuple[int, str]]]
"""What happens, to which devices (or to which device row), and as which profile (or metric)."""

NUMBERS = st.integers(0, 5)
PROFILE_NAMES = st.sampled_from(["smoke", "tank", "hydrant_indoor", "unknown"])
METRICS = st.sampled_from(["smoke", "humidity_pct", "x"])
STEPS: st.SearchStrategy[Step] = st.one_of(
    st.tuples(st.just("register"), st.lists(st.tuples(NUMBERS, PROFILE_NAMES), max_size=3)),
    st.tuples(st.just("discover"), st.lists(st.tuples(NUMBERS, st.just("unknown")), min_size=1, max_size=1)),
    st.tuples(st.just("add"), st.lists(st.tuples(NUMBERS, METRICS), min_size=1, max_size=1)),
)
HISTORIES = st.lists(st.tuples(STEPS, st.booleans()), max_size=12)


def plan(registry: Registry, step: Step) -> RegistryChange:
    what, things = step
    if what == "register":
        return registry.plan_registration(Device("s", f"d{n}", PROFILES[as_].kind, as_) for n, as_ in things)
    [(number, metric)] = things
    if what == "discover":
        return registry.plan_discovery("s", f"d{number}")
    if number >= registry.n_devices:
        return RegistryChange()
    return RegistryChange(channels=(registry.plan_channel(number, metric),))


def changes_of(history: list[tuple[Step, bool]]) -> list[RegistryChange]:
    """Plan a history on a live registry, applying late where it says so; return the changes as the journal has them."""
    registry = Registry(PROFILES)
    journal: list[RegistryChange] = []
    waiting: list[RegistryChange] = []
    for step, is_committed in [*history, (("register", []), True)]:
        waiting.append(plan(registry, step))
        if is_committed:
            for change in waiting:
                registry.apply(change)
            journal += waiting
            waiting = []
    assert contents(replayed(journal)) == contents(registry), "a replay differs from the run"
    return journal


def replayed(journal: list[RegistryChange], registry: Registry | None = None) -> Registry:
    registry = registry or Registry(PROFILES)
    for change in journal:
        registry.apply(msgspec.msgpack.decode(msgspec.msgpack.encode(change), type=RegistryChange))
    return registry


@settings(max_examples=60, deadline=None)
@given(history=HISTORIES, cut=st.integers(0, 12))
def test_a_replay_and_a_restored_snapshot_give_every_row_as_it_was(history: list[tuple[Step, bool]], cut: int) -> None:
    journal = changes_of(history)
    whole = replayed(journal)
    restored = Registry(PROFILES)
    restored.restore(replayed(journal[:cut]).snapshot())
    assert contents(restored) == contents(replayed(journal[:cut]))
    assert contents(replayed(journal[cut:], restored)) == contents(whole)


@settings(max_examples=30, deadline=None)
@given(history=HISTORIES)
def test_applying_twice_is_applying_once(history: list[tuple[Step, bool]]) -> None:
    journal = changes_of(history)
    once = replayed(journal)
    again = replayed([change for change in journal for _ in range(2)])
    assert contents(again) == contents(once)


def test_a_snapshot_leaves_out_what_is_only_planned_and_a_replay_still_finds_its_row(
    profiles: dict[str, Profile],
) -> None:
    live = Registry(profiles)
    live.apply(live.plan_registration([SMOKE]))
    planned = live.plan_registration([TANK])
    snapshot = live.snapshot()
    live.apply(planned)
    restored = Registry(profiles)
    restored.restore(snapshot)
    assert restored.device_row(TANK.key) is None
    restored.apply(planned)
    assert contents(restored) == contents(live)


def test_ten_thousand_devices_survive_a_snapshot(profiles: dict[str, Profile]) -> None:
    registry = Registry(profiles)
    registry.apply(registry.plan_registration(replace(SMOKE, name=f"smoke-{n}") for n in range(10_000)))
    restored = Registry(profiles)
    restored.restore(registry.snapshot())
    assert restored.n_devices == 10_000
    assert restored.n_channels == 10_000 * len(profiles["smoke"].metrics)
    assert restored.device_row("s/smoke-9999") == 9_999
    assert restored.channel_device.tolist() == registry.channel_device.tolist()


def test_a_discovery_that_was_on_its_way_does_not_undo_a_registration(profiles: dict[str, Profile]) -> None:
    registry = Registry(profiles)
    discovery = registry.plan_discovery(SMOKE.site, SMOKE.name)
    registration = registry.plan_registration([SMOKE])
    registry.apply(registration)
    registry.apply(discovery)
    row = registry.device_row(SMOKE.key)
    assert row is not None
    assert registry.device(row) == SMOKE


def test_the_channels_of_many_devices_by_metric_are_those_of_each(profiles: dict[str, Profile]) -> None:
    registry = Registry(profiles)
    registry.apply(registry.plan_discovery("shuibei", "new"))
    registry.apply(registry.plan_registration([SMOKE, TANK]))
    registry.apply(RegistryChange(channels=(registry.plan_channel(0, "wind"), registry.plan_channel(1, "wind"))))
    registry.apply(RegistryChange(channels=(ChannelRow(0, 0, "alarm"), registry.plan_channel(0, "wind"))))
    found = registry.channels_by_metric([0, 1, 2])
    expected = {(metric, channel) for row in range(3) for metric, channel in registry.channels_of(row).items()}
    pairs = [(metric, channel) for metric, channels in found.items() for channel in channels.tolist()]
    assert len(pairs) == len(expected)
    assert set(pairs) == expected
    assert registry.channels_by_metric([]) == {}
