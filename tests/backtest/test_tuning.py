from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import msgspec
import pytest

from alerts import Outcome
from rules import load_rules
from rules.candidates import candidates_of, parse_figures, trial
from rules.knobs import knob_of
from rules.model import AlarmClass
from service.backtest.curve import trade_off_plot
from service.backtest.labels import Label
from service.backtest.ranking import rank_devices, rank_rules
from service.backtest.report import Frame
from service.backtest.run import run
from service.backtest.trade_off import TradeOff, make_trade_off, rank_tables, trade_off_notes, trade_off_tables
from tests.backtest.world import DAY, MINUTE, START, ListedHistory, Row, ledger

if TYPE_CHECKING:
    from pathlib import Path

    from devices import Profile
    from rules import RuleSet

Boilers = tuple[dict[str, "Profile"], "RuleSet"]
ZONE = ZoneInfo("Asia/Shanghai")

# One day of one boiler, every minute. Dangers reach 96 °C or more for ten minutes, steam reaches 88 °C for two: any
# limit above 88 and up to 96 tells them apart, and so does 80 for three readings, one after the other.
DANGERS = {100: 96.0, 500: 110.0, 900: 100.0}
STEAM = {200: 82.0, 300: 88.0, 600: 85.0, 1000: 88.0, 1200: 81.0}


def day(dangers: dict[int, float] = DANGERS, steam: dict[int, float] = STEAM) -> list[Row]:
    values = dict.fromkeys(range(1440), 50.0)
    for begins, peak in dangers.items():
        values |= dict.fromkeys(range(begins, begins + 10), peak)
    for begins, peak in steam.items():
        values |= dict.fromkeys(range(begins, begins + 2), peak)
    return [(minute * MINUTE, "north/b0", "temp_c", value) for minute, value in values.items()]


def label(minute: int, outcome: Outcome, rule: str = "boiler.hot", device: str = "north/b0") -> Label:
    from_us = START + minute * MINUTE
    return Label(device=device, from_us=from_us, to_us=from_us + 5 * MINUTE, outcome=outcome, rule=rule)


LABELS = [label(minute, Outcome.TRUE) for minute in DANGERS] + [label(minute, Outcome.FALSE_ALARM) for minute in STEAM]


def tuned(
    boilers: Boilers,
    values: str,
    *,
    labels: list[Label] = LABELS,
    holds: str = "",
    counts: str = "",
    rows: list[Row] | None = None,
    alarm_class: AlarmClass = AlarmClass.LIFE_SAFETY,
    site: str = "",
) -> TradeOff:
    profiles, rules = boilers
    rule = msgspec.structs.replace(rules.by_id["boiler.hot"], alarm_class=alarm_class)
    knob = knob_of(rule, profiles["boiler"].metrics["temp_c"])
    candidates = candidates_of(
        rule,
        knob,
        parse_figures(values) if values else [],
        holds_s=parse_figures(holds) if holds else (),
        counts=[int(count) for count in parse_figures(counts)] if counts else (),
        reporting_s=60,
    )
    done = run(ListedHistory(day() if rows is None else rows), trial(rules, rule, candidates), profiles, ledger(1))
    frame = Frame(
        source="a test",
        from_us=START,
        to_us=START + DAY - MINUTE,
        devices=1,
        readings=done.tally.readings,
        unknown=0,
        repeats=0,
        seconds=1.0,
        step_s=done.step_s,
    )
    return make_trade_off(frame, rules, rule, knob, candidates, done, labels, ZONE, site)


def figures(trade_off: TradeOff) -> list[tuple[float | None, int, int]]:
    return [(line.value, line.score.found, line.score.false) for line in trade_off.candidates]


def test_every_candidate_is_judged_in_one_pass(boilers: Boilers) -> None:
    trade_off = tuned(boilers, "80:112:4")
    assert figures(trade_off) == [
        (80, 3, 5),
        (84, 3, 3),
        (88, 3, 2),
        (92, 3, 0),
        (96, 3, 0),
        (100, 2, 0),
        (104, 1, 0),
        (108, 1, 0),
        (112, 0, 0),
    ]
    assert trade_off.frame.readings == 1440
    assert [line.is_present for line in trade_off.candidates] == [True] + 8 * [False]


def test_the_limit_that_finds_all_with_fewest_false_alarms_is_proposed(boilers: Boilers, tmp_path: Path) -> None:
    trade_off = tuned(boilers, "80:112:4", site="north")
    assert trade_off.advised is not None
    assert trade_off.advised.value == 92  # as good as 96, and nearer to what it is
    assert "3 of 3 dangers" in trade_off.reason
    others = tuned(boilers, "96,92").advised
    assert others is not None
    assert others.value == 92  # whichever is named first
    assert trade_off.advised.override == (
        '[[overrides]]\nrules = "boiler.hot"\nsite = "north"\nat_least = 92.0\nclear = 82.0\n'
    )
    (tmp_path / "rules.toml").write_text(trade_off.advised.override, "utf-8")
    assert load_rules(boilers[0], [tmp_path / "rules.toml"]).overrides


def test_where_lives_are_at_stake_no_danger_is_given_up_for_fewer_false_alarms(boilers: Boilers) -> None:
    rows = day({100: 81.0, 500: 110.0, 900: 110.0})
    careful = tuned(boilers, "80:100:5", rows=rows)
    assert careful.advised is not None
    assert careful.advised.value == 80
    assert careful.advised.is_present
    assert careful.reason.startswith("Stay")
    balanced = tuned(boilers, "80:100:5", rows=rows, alarm_class=AlarmClass.PROPERTY)
    assert balanced.advised is not None
    assert (balanced.advised.value, balanced.advised.score.missed) == (90, 1)
    assert any("misses 1" in caution for caution in balanced.cautions)


def test_a_count_of_readings_can_be_what_tells_them_apart(boilers: Boilers) -> None:
    trade_off = tuned(boilers, "", counts="1,2,3")
    assert [(line.count, line.score.found, line.score.false) for line in trade_off.candidates] == [
        (0, 3, 5),
        (2, 3, 5),
        (3, 3, 0),
    ]
    assert trade_off.advised is not None
    assert trade_off.advised.override == '[[overrides]]\nrules = "boiler.hot"\ncount = 3\ncount_within_s = 540.0\n'


def test_a_hold_can_be_what_tells_them_apart(boilers: Boilers) -> None:
    trade_off = tuned(boilers, "", holds="0:300:60")
    assert [(line.hold_s, line.score.found, line.score.false) for line in trade_off.candidates] == [
        (0, 3, 5),
        (60, 3, 5),
        (120, 3, 5),  # it runs out as the reading comes that ends it
        (180, 3, 0),
        (240, 3, 0),
        (300, 3, 0),
    ]
    assert trade_off.advised is not None
    assert trade_off.advised.hold_s == 180


def test_alarms_that_nobody_verified_count_as_wrong(boilers: Boilers) -> None:
    trade_off = tuned(boilers, "75,80,92", labels=[one for one in LABELS if one.outcome is Outcome.TRUE])
    by_value = {line.value: line.score for line in trade_off.candidates}
    assert (by_value[80].false, by_value[80].unverified) == (0, 5)
    assert trade_off.advised is not None
    assert trade_off.advised.value == 92
    assert "5 of them unverified" in trade_off.reason


def test_without_a_verified_danger_nothing_is_proposed(boilers: Boilers) -> None:
    trade_off = tuned(boilers, "80,92", labels=[label(200, Outcome.FALSE_ALARM)])
    assert trade_off.advised is None
    assert trade_off.reason.startswith("No verified danger")
    assert trade_off_notes(trade_off)[0] == trade_off.reason


def test_few_dangers_and_the_source_of_a_figure_are_pointed_out(boilers: Boilers) -> None:
    cautions = " ".join(tuned(boilers, "80,92").cautions)
    assert "3 verified dangers are few" in cautions
    assert "comes from: test" in cautions


def test_a_limit_that_alarms_later_says_so(boilers: Boilers) -> None:
    assert any("alarms 180 s later" in caution for caution in tuned(boilers, "", holds="0,180").cautions)
    assert not any("later" in caution for caution in tuned(boilers, "80,92").cautions)


def test_labels_of_other_rules_times_and_silent_devices_do_not_count(boilers: Boilers) -> None:
    others = [
        label(200, Outcome.TRUE, "boiler.range"),
        label(3000, Outcome.TRUE),
        label(100, Outcome.TRUE, device="north/b5"),
    ]
    trade_off = tuned(boilers, "80,92", labels=LABELS + others)
    assert (trade_off.labels, trade_off.outside) == (len(LABELS), 2)
    assert figures(trade_off) == [(80, 3, 5), (92, 3, 0)]


def test_a_trade_off_is_shown_as_tables_json_and_plot(boilers: Boilers) -> None:
    trade_off = tuned(boilers, "80:112:4", holds="0,60")
    table, *ranks = trade_off_tables(trade_off)
    assert [row[0] for row in table.rows].count("now") == 1
    assert [row[1] for row in table.rows if "→" in row[0]] == ["92"]
    assert [rank.columns[0] for rank in ranks] == ["rule", "device"]
    assert trade_off_plot(trade_off).startswith(b"\x89PNG")
    assert msgspec.json.decode(msgspec.json.encode(trade_off), type=TradeOff) == trade_off


def test_a_trade_off_without_a_limit_or_an_outcome_is_drawn_too(boilers: Boilers) -> None:
    assert trade_off_plot(tuned(boilers, "", holds="0,60", labels=[])).startswith(b"\x89PNG")


# ── ranking ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_rules_and_devices_are_ranked_by_what_is_sure_of_their_precision() -> None:
    outcomes = {"a": "TFF", "b": "T" * 9 + "F", "c": "FFFF", "d": "S", "e": "T"}
    kinds = {"T": Outcome.TRUE, "F": Outcome.FALSE_ALARM, "S": Outcome.TEST}
    labels = [
        label(0, kinds[one], f"boiler.{name}", f"north/{name}") for name, said in outcomes.items() for one in said
    ]
    ranks = rank_rules([*labels, label(0, Outcome.TRUE, "", "north/a")])
    assert [rank.name for rank in ranks] == ["boiler.c", "boiler.a", "boiler.e", "boiler.b", "boiler.d"]
    assert [(rank.true, rank.false, rank.tests) for rank in ranks] == [
        (0, 4, 0),
        (1, 2, 0),
        (1, 0, 0),
        (9, 1, 0),
        (0, 0, 1),
    ]
    assert ranks[1].precision == pytest.approx(1 / 3)
    devices = rank_devices([*labels, label(0, Outcome.TRUE, "", "north/a")])
    assert [rank.name for rank in devices][:2] == ["north/c", "north/a"]
    assert (devices[1].true, devices[1].false) == (2, 2)
    assert rank_tables([], []) == []
