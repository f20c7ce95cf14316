from __future__ import annotations

import math

import pytest

from alerts import Outcome
from rules.episodes import Episode
from service.backtest.labels import Label
from service.backtest.scores import Judgement, Verdict, judge, score, sure_precision
from tests.backtest.world import DAY, MINUTE, SECOND, START

DEVICES = {0: "north/b0", 1: "north/b1"}
TRUE, FALSE, TEST = Outcome.TRUE, Outcome.FALSE_ALARM, Outcome.TEST


def alarm(from_min: float, to_min: float | None, device: int = 0, rule: str = "boiler.hot") -> Episode:
    raised_us = START + round(from_min * MINUTE)
    ceased_us = None if to_min is None else START + round(to_min * MINUTE)
    return Episode(device, rule, raised_us, raised_us, raised_us, raised_us, ceased_us, 0, False, None, None)


def label(from_min: float, to_min: float, outcome: Outcome, device: int = 0, rule: str = "") -> Label:
    return Label(
        device=DEVICES[device],
        from_us=START + round(from_min * MINUTE),
        to_us=START + round(to_min * MINUTE),
        outcome=outcome,
        rule=rule,
    )


def judged(
    alarms: list[Episode], labels: list[Label], *, complete: bool = False, tolerance_s: float = 300
) -> Judgement:
    return judge(alarms, labels, DEVICES, end_us=START + DAY, tolerance_s=tolerance_s, complete=complete)


def verdicts(*args: object, **named: object) -> list[Verdict]:
    return [one.verdict for one in judged(*args, **named).alarms]  # type: ignore[arg-type]


def test_an_alarm_belongs_to_a_label_that_it_meets() -> None:
    assert verdicts([alarm(10, 20)], [label(15, 30, TRUE)]) == [Verdict.TRUE]
    assert verdicts([alarm(10, 20)], [label(15, 30, FALSE)]) == [Verdict.FALSE]
    assert verdicts([alarm(10, 20)], [label(15, 30, TEST)]) == [Verdict.TEST]
    assert verdicts([alarm(10, 20)], []) == [Verdict.UNVERIFIED]
    assert verdicts([alarm(10, 20)], [], complete=True) == [Verdict.FALSE]


def test_an_alarm_may_miss_its_label_by_the_tolerance_and_no_more() -> None:
    before, after = alarm(10, 20), alarm(40, 50)
    assert verdicts([before, after], [label(25, 35, TRUE)]) == [Verdict.TRUE, Verdict.TRUE]
    one_us_more = 300 - 1 / SECOND
    assert verdicts([before, after], [label(25, 35, TRUE)], tolerance_s=one_us_more) == [Verdict.UNVERIFIED] * 2


def test_the_nearest_label_counts_and_of_equal_ones_the_true_one() -> None:
    tested, burnt = label(0, 1, TEST), label(4, 30, TRUE)
    assert verdicts([alarm(0, 1), alarm(4.5, 9)], [tested, burnt]) == [Verdict.TEST, Verdict.TRUE]
    assert verdicts([alarm(5, 9)], [label(5, 9, FALSE), label(5, 9, TEST), label(5, 9, TRUE)]) == [Verdict.TRUE]
    assert verdicts([alarm(5, 9)], [label(5, 9, FALSE), label(5, 9, TEST)]) == [Verdict.TEST]


def test_a_label_judges_its_own_device_and_rule_alone() -> None:
    assert verdicts([alarm(10, 20, device=1)], [label(10, 20, TRUE)]) == [Verdict.UNVERIFIED]
    assert verdicts([alarm(10, 20)], [label(10, 20, TRUE, rule="boiler.range")]) == [Verdict.UNVERIFIED]
    assert verdicts([alarm(10, 20)], [label(10, 20, TRUE, rule="boiler.hot")]) == [Verdict.TRUE]


def test_an_alarm_that_goes_on_lasts_until_the_end_of_the_history() -> None:
    assert verdicts([alarm(10, None)], [label(600, 601, TRUE)]) == [Verdict.TRUE]


def test_a_danger_is_found_by_the_first_alarm_about_it() -> None:
    burnt = label(10, 20, TRUE)
    judgement = judged([alarm(18, 19), alarm(12, 13)], [burnt, label(100, 110, TRUE), label(10, 20, TRUE, device=1)])
    assert [(one, found.episode.raised_us) for one, found in judgement.found] == [(burnt, START + 12 * MINUTE)]
    assert [one.from_us for one in judgement.missed] == [START + 100 * MINUTE, START + 10 * MINUTE]


def test_a_test_finds_no_danger() -> None:
    judgement = judged([alarm(0, 1)], [label(0, 1, TEST), label(4, 30, TRUE)])
    assert not judgement.found
    assert len(judgement.missed) == 1


def test_the_figures_are_those_of_a_sheet_of_paper() -> None:
    alarms = [
        alarm(8, 20),  # true: 2 min ahead
        alarm(25, 26),  # true: the same danger again
        alarm(103, 110, device=1),  # true: 3 min after
        alarm(200, 230),  # false
        alarm(300, 310),  # test
        alarm(400, None),  # nobody has said: until the end, 1040 min
    ]
    labels = [
        label(10, 30, TRUE),
        label(100, 120, TRUE, device=1),
        label(500, 510, TRUE, device=1),  # missed
        label(200, 210, FALSE),
        label(300, 310, TEST),
    ]
    figures = score(judged(alarms, labels), devices=200, span_s=15 * 86_400)
    assert (figures.alarms, figures.true, figures.false, figures.tests, figures.unverified) == (5, 3, 1, 1, 1)
    assert (figures.found, figures.missed) == (2, 1)
    assert figures.precision == 3 / 4
    assert figures.recall == 2 / 3
    assert figures.f1 == pytest.approx(2 * (3 / 4) * (2 / 3) / (3 / 4 + 2 / 3))
    assert figures.leads_s == (-180.0, 120.0)
    assert figures.lead_s(0.5) == -30.0
    assert (figures.lead_s(0.0), figures.lead_s(1.0)) == (-180.0, 120.0)
    assert figures.standing_s == 60 * (12 + 1 + 7 + 30 + 1040)
    assert figures.false_a_month == 1 / 0.1  # 200 devices for half a month
    assert figures.alarms_a_month == 5 / 0.1


def test_a_share_of_nothing_is_none() -> None:
    figures = score(judged([], []), devices=0, span_s=0)
    assert (figures.precision, figures.recall, figures.f1) == (None, None, None)
    assert (figures.lead_s(0.5), figures.false_a_month) == (None, None)
    only_missed = score(judged([], [label(1, 2, TRUE)]), devices=1, span_s=1)
    assert (only_missed.precision, only_missed.recall, only_missed.f1) == (None, 0.0, None)
    only_false = score(judged([alarm(8, 9)], [label(8, 9, FALSE), label(99, 99, TRUE)]), devices=1, span_s=1)
    assert (only_false.precision, only_false.recall, only_false.f1) == (0.0, 0.0, 0.0)


def test_few_outcomes_make_sure_of_little() -> None:
    assert sure_precision(0, 0) == 0.0
    assert sure_precision(0, 5) == pytest.approx(0.0, abs=1e-12)
    assert sure_precision(1, 0) == pytest.approx(1 / (1 + 1.96**2))
    assert sure_precision(1, 0) < sure_precision(9, 1) < sure_precision(99, 1) < 1
    # Wilson's interval of 15 of 20, from a table: 0.531 … 0.888
    assert math.isclose(sure_precision(15, 5), 0.531, abs_tol=5e-4)
