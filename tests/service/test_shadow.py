"""Rules in shadow: what is kept of them, for how long, and what a person is shown."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace as moved
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from alerts import AlertsCounters
from devices import Device, Kind, Lifecycle, Registry
from devices.profile import Profile
from rules.model import RuleKind, RuleMode
from rules.ruleset import Override, RuleSet, Variant
from service import shadow_log
from service.control import control_app
from service.shadow_log import HOUR_US, HOURS_KEPT, ShadowLog
from service.shadow_report import shadow_report
from tests.alerts.scene import FLAT, GAS, SMOKE, SOS, T0, TANK, S, change, finding

if TYPE_CHECKING:
    from service.shadow_report import ShadowReport

QUIET = replace(GAS, id="gas.quiet", mode=RuleMode.SHADOW, name_en="Quiet")
RULES = RuleSet.of([replace(GAS, mode=RuleMode.SHADOW), SMOKE, TANK, QUIET])
PROFILES = {
    name: Profile(name, kind, name, name, 60.0, {}, (), "tests")
    for name, kind in (("unknown", Kind.UNKNOWN), ("gas", Kind.GAS))
}
OTHER = Device("shuibei", "flat-202", Kind.GAS, "gas")
DAY = 86_400.0


def new_log() -> ShadowLog:
    return ShadowLog(AlertsCounters())


def tell(log: ShadowLog, at: float, *, rule: Any = GAS, device: Device = FLAT, offset: int = 1, **how: Any) -> Any:
    return log.apply(finding(change(rule, at, **how), device=device, offset=offset))


def registry_of(*devices: Device) -> Registry:
    registry = Registry(PROFILES)
    registry.apply(registry.plan_registration(devices))
    return registry


def report(log: ShadowLog, at: float, *, registry: Registry | None = None, **asked: Any) -> ShadowReport:
    known = registry or registry_of(FLAT, OTHER)
    return shadow_report(log, RULES, known, T0 + round(at * S), **asked)


# ── the record ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_change_is_recorded_with_all_that_an_incident_would_have_said() -> None:
    log = new_log()
    event = log.apply(finding(change(GAS, 30, since=0, measure=12.3), arrives=31, offset=7, index=2))
    assert event is not None
    assert (event.device, event.rule_id, event.rule_kind) == ("shuibei/flat-201", "gas.high", RuleKind.THRESHOLD)
    assert (event.severity, event.alarm_class, event.rule_name_zh) == (GAS.severity, GAS.alarm_class, "燃气浓度高")
    assert (event.holds, event.repeated, event.is_raised) == (True, False, True)
    assert (event.since_us, event.time_us, event.noted_us) == (T0, T0 + 30 * S, T0 + 31 * S)
    assert (event.value, event.measure, event.metric, event.unit) == (12.3, 12.3, "gas_lel", "%LEL")
    assert event.text_en == "combustible gas 12.3 %LEL (limit ≥ 10 %LEL) for 30 s"
    assert event.text_zh.startswith("可燃气体浓度")
    again = new_log().apply(finding(change(GAS, 30, since=0, measure=12.3), arrives=31, offset=7, index=2))
    assert again == event, "a replay says the same"


def test_every_change_has_a_name_of_its_own() -> None:
    log = new_log()
    places = [(offset, index) for offset in range(50) for index in range(20)]
    events = [log.apply(finding(change(GAS, 0), offset=offset, index=index)) for offset, index in places]
    assert len({event.id for event in events if event}) == len(places)


def test_repetitions_are_kept_at_powers_of_two_and_raise_nothing() -> None:
    log = new_log()
    tell(log, 0, rule=SOS)
    kept = [n for n in range(1, 20) if tell(log, n, rule=SOS, repeated=True)]
    assert kept == [1, 2, 4, 8, 16]
    tell(log, 30, rule=SOS)  # not said as a repetition: it had ended and nobody said so
    assert [n for n in range(1, 4) if tell(log, 30 + n, rule=SOS, repeated=True)] == [1, 2]
    assert sum(log.raised[SOS.id].values()) == 2


def test_what_would_have_been_raised_is_counted_by_kind() -> None:
    counters = AlertsCounters()
    log = ShadowLog(counters)
    tell(log, 0)
    tell(log, 1, holds=False)
    tell(log, 2, repeated=True)
    tell(log, 3)
    assert counters.shadow_raised == {**dict.fromkeys(RuleKind, 0), RuleKind.THRESHOLD: 2}


# ── the bounds ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_events_holds_rules_and_hours_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shadow_log, "HOLDS_KEPT", 5)
    monkeypatch.setattr(shadow_log, "RULES_COUNTED", 3)
    log = new_log()
    for n in range(1_200):
        tell(log, n, device=Device("s", f"d{n}", Kind.GAS, "gas"), rule=replace(GAS, id=f"gas.r{n % 4}"))
    assert len(log.events()) == 1_000
    assert log.events()[0].device == "s/d1199"
    assert [device for device, _ in log.holding()] == [f"s/d{n}" for n in range(1_195, 1_200)]
    assert log.overlooked == 1_195
    assert list(log.raised) == ["gas.r1", "gas.r2", "gas.r3"]
    for n in (1, 4):
        tell(log, 1_200, rule=replace(GAS, id=f"gas.r{n}"))
    assert list(log.raised) == ["gas.r3", "gas.r1", "gas.r4"], "the rule that raised longest ago is not counted on"


def test_hours_older_than_a_month_are_let_go() -> None:
    log = new_log()
    for hour in (0, 1, HOURS_KEPT - 1, HOURS_KEPT, 3 * HOURS_KEPT):
        tell(log, hour * 3_600.0)
        newest = T0 // HOUR_US + hour
        assert all(newest - HOURS_KEPT < kept <= newest for kept in log.raised[GAS.id])
        assert newest in log.raised[GAS.id]
    assert len(log.raised[GAS.id]) == 1


STEPS = st.lists(
    st.tuples(
        st.sampled_from([GAS, SOS, TANK]),
        st.sampled_from([FLAT, OTHER]),
        st.sampled_from(["raise", "raise", "repeat", "end"]),
        st.sampled_from([0.0, 1.0, 3_600.0, 86_400.0]),
    ),
    max_size=40,
)


@settings(max_examples=100, deadline=None)
@given(STEPS, st.data())
def test_a_replay_from_any_snapshot_keeps_and_counts_the_same(steps: list[Any], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(steps)))
    live, replayed = new_log(), new_log()
    at = 0.0
    raised: Counter[str] = Counter()
    holds: set[tuple[str, str]] = set()
    for offset, (rule, device, what, gap) in enumerate(steps):
        if offset == cut:
            replayed.restore(live.snapshot())
        at += gap
        how: dict[str, Any] = {"rule": rule, "device": device, "offset": offset}
        how |= {"holds": what != "end", "repeated": what == "repeat"}
        told = tell(live, at, **how)
        if offset >= cut:
            assert tell(replayed, at, **how) == told
        raised[rule.id] += what == "raise"
        (holds.discard if what == "end" else holds.add)((device.key, rule.id))
    if cut < len(steps):
        assert replayed.snapshot() == live.snapshot()
    assert set(live.holding()) == holds
    if at < (HOURS_KEPT - 2) * 3_600:
        assert {rule: sum(hours.values()) for rule, hours in live.raised.items()} == {
            r: n for r, n in raised.items() if n
        }
        summed = {line.rule_id: (sum(line.raised.values()), line.holds) for line in report(live, at).rules}
        for rule in (GAS, SOS, TANK):
            held = sum(rule.id == held for _, held in holds)
            assert summed.get(rule.id, (0, 0)) == (raised[rule.id], held)


def test_a_snapshot_of_another_version_is_refused() -> None:
    with pytest.raises(ValueError, match="version"):
        new_log().restore(b"\x95\x63\x90\x80\x90\x00")


# ── the report ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_report_counts_by_day_of_the_rules_zone_and_lists_quiet_rules() -> None:
    log = new_log()
    midnight = 16 * 3_600 - T0 // S % 86_400 + 86_400  # of Shanghai, s after T0
    for at in (midnight - 1.0, midnight + 1.0, midnight + 2.0, midnight + DAY):
        tell(log, at)
    said = report(log, midnight + DAY + 60, since_us=T0)
    assert [line.rule_id for line in said.rules] == ["gas.high", "gas.quiet"]
    high, quiet = said.rules
    assert list(high.raised.values())[-3:] == [1, 2, 1]
    assert set(quiet.raised.values()) == {0}
    assert (high.in_shadow, quiet.in_shadow, quiet.name_en) == (True, True, "Quiet")
    assert [event.noted_us for event in said.events] == sorted((e.noted_us for e in said.events), reverse=True)
    tomorrow = report(log, midnight + DAY + 60, since_us=T0 + round(midnight * S))
    assert list(tomorrow.rules[0].raised.values()) == [2, 1]


def test_the_report_can_be_of_one_rule_and_of_one_device() -> None:
    log = new_log()
    tell(log, 0)
    tell(log, 1, device=OTHER)
    tell(log, 2, device=OTHER, rule=TANK)
    tell(log, 2, rule=TANK)
    tell(log, 3, holds=False)
    (high,) = report(log, 60, rule_id="gas.high").rules
    assert (sum(high.raised.values()), high.holds) == (2, 1)
    of_device = {line.rule_id: line for line in report(log, 60, device=OTHER.key).rules}
    assert [(sum(of_device[i].raised.values()), of_device[i].holds) for i in ("gas.high", "tank.low")] == [(1, 1)] * 2
    assert {event.device for event in report(log, 60, device=OTHER.key).events} == {OTHER.key}
    assert report(log, 60, rule_id="no.such").rules == []


def test_what_left_the_service_or_was_reset_is_not_counted_as_holding() -> None:
    log = new_log()
    tell(log, 0)
    tell(log, 0, device=OTHER)
    tell(log, 0, device=Device("shuibei", "never-seen", Kind.GAS, "gas"))
    retired = registry_of(FLAT, moved(OTHER, lifecycle=Lifecycle.RETIRED))
    assert report(log, 1, registry=retired).rules[0].holds == 1
    log.forget({"gas.high"})
    assert report(log, 1).rules[0].holds == 0
    assert sum(report(log, 1).rules[0].raised.values()) == 3


def test_a_rule_that_is_in_shadow_by_an_override_alone_is_listed_and_one_that_is_gone_too() -> None:
    log = new_log()
    tell(log, 0, rule=replace(GAS, id="gas.gone"))
    override = Override("shuibei", "", "", (SMOKE.id,))
    variant = Variant(SMOKE.id, (0,), replace(SMOKE, mode=RuleMode.SHADOW))
    rules = RuleSet((GAS, SMOKE), (override,), (variant,))
    gone, smoke = shadow_report(log, rules, registry_of(), T0 + S).rules
    assert (gone.rule_id, gone.in_shadow, gone.name_en, gone.severity) == ("gas.gone", False, "", None)
    assert (smoke.rule_id, smoke.in_shadow, smoke.severity) == (SMOKE.id, True, SMOKE.severity)


@pytest.mark.parametrize("since_us", [0, T0 - S, T0, T0 + 10**18])
def test_any_beginning_gives_a_report(since_us: int) -> None:
    assert report(new_log(), 0, since_us=since_us).since_us <= T0
    assert shadow_report(new_log(), RULES, registry_of(), 0, since_us=since_us).events == []


def test_a_day_that_begins_on_the_half_hour_has_its_counts() -> None:
    midnight = 18.5 * 3_600 - T0 // S % 86_400 + 86_400  # of Kolkata, s after T0
    log = new_log()
    tell(log, midnight - 60)
    tell(log, midnight + 60)
    rules = RuleSet(RULES.rules, timezone="Asia/Kolkata")
    since_us, now_us = T0 + round(midnight * S), T0 + round((midnight + 120) * S)
    high, _ = shadow_report(log, rules, registry_of(), now_us, since_us=since_us).rules
    assert list(high.raised.values()) == [2], "counts begin with a whole hour"


# ── the interface ────────────────────────────────────────────────────────────────────────────────────────────────────


async def ask(log: ShadowLog, **query: str) -> httpx.Response:
    shard: Any = SimpleNamespace(
        shadow=log, engine=SimpleNamespace(rules=RULES), registry=registry_of(FLAT), now_us=T0 + S
    )
    core: Any = SimpleNamespace(shard=shard)
    transport = httpx.ASGITransport(control_app(core, dict))
    async with httpx.AsyncClient(transport=transport, base_url="http://vigil") as client:
        return await client.get("/rules/shadow", params=query)


async def test_the_control_interface_tells_it_as_json() -> None:
    log = new_log()
    tell(log, 0)
    tell(log, 0, rule=TANK)
    answer = (await ask(log, rule="gas.high", device=FLAT.key, since_us=str(T0 - S))).json()
    assert [line["rule_id"] for line in answer["rules"]] == ["gas.high"]
    assert (sum(answer["rules"][0]["raised"].values()), answer["rules"][0]["holds"]) == (1, 1)
    assert [event["text_en"] for event in answer["events"]] == ["combustible gas 12.3 %LEL (limit ≥ 10 %LEL)"]
    refused = await ask(log, since_us="yesterday")
    assert (refused.status_code, "yesterday" in refused.json()["error"]) == (400, True)
