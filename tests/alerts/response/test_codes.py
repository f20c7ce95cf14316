from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from alerts.response.codes import BANDS, Band, Codes
from tests.alerts.response.desk import TWO, Desk
from tests.alerts.scene import T0, S

REST_US = 100 * S
SMALL = (Band(1, 9, 5), Band(60, 79, 12))


def test_a_code_is_short_while_there_are_few_and_longer_when_there_are_many() -> None:
    codes = Codes(REST_US)
    given_out = [codes.give(f"incident {n}", "li", T0) for n in range(20_000)]
    assert len(set(given_out)) == 20_000
    lengths = [len(code) for code in given_out]
    assert lengths == sorted(lengths)
    assert (lengths.count(4), lengths.count(5)) == (BANDS[0].most, BANDS[1].most - BANDS[0].most)


def test_no_code_begins_another_of_another_length() -> None:
    starts = [{str(number)[0] for number in (band.first, band.last)} for band in BANDS]
    spans = [set(range(int(min(one)), int(max(one)) + 1)) for one in starts]
    assert not spans[0] & spans[1]
    assert not (spans[0] | spans[1]) & spans[2]


def test_where_all_are_in_use_there_is_none() -> None:
    codes = Codes(REST_US, SMALL)
    assert [codes.give(str(n), "li", T0) for n in range(13)][-1] == ""


def test_a_code_rests_before_it_is_given_anew() -> None:
    codes = Codes(REST_US, (Band(7, 7, 1),))
    assert codes.give("a", "li", T0) == "7"
    codes.free("7", T0)
    assert codes.ask("7") is None
    assert codes.give("b", "li", T0 + REST_US - 1) == ""
    assert codes.give("b", "li", T0 + REST_US) == "7"


@given(st.lists(st.tuples(st.sampled_from(["give", "free", "restart", "step"]), st.integers(0, 60)), max_size=60))
def test_a_code_never_stands_for_two_things_within_its_rest(history: list[tuple[str, int]]) -> None:
    codes, now_us, number = Codes(REST_US, SMALL), T0, 0
    live: dict[str, str] = {}
    freed: dict[str, int] = {}
    for word, seconds in history:
        now_us += seconds * S
        if word == "give":
            number += 1
            code = codes.give(str(number), "li", now_us)
            assert code not in live
            assert code == "" or now_us - freed.get(code, 0) >= REST_US
            if code:
                live[code] = str(number)
        elif word == "free" and live:
            code, _ = live.popitem()
            codes.free(code, now_us)
            freed[code] = now_us
        elif word == "restart":
            again = Codes(REST_US, SMALL)
            again.restore(codes.resting)
            for code, name in live.items():
                again.keep(code, name, "li")
            codes = again
        elif word == "step":
            codes.shift(seconds * S)
            now_us += seconds * S
            freed = {code: us + seconds * S for code, us in freed.items()}
        assert all(codes.ask(code) == (name, "li") for code, name in live.items())


def test_the_code_of_a_closed_incident_answers_nothing_and_is_not_given_anew() -> None:
    desk = Desk(TWO)
    desk.do(["raise", "tank", "tank-1"])
    (ask,) = desk.response.asks(desk.incident().id)
    desk.do(["end", "tank", "tank-1"])
    assert desk.response.by_code(ask.code) is None
    desk.restart()
    codes = desk.response._board.codes
    assert (codes.ask(ask.code), [code for code, _ in codes.resting]) == (None, [ask.code])
    desk.now = 86_401
    desk.do(["raise", "tank", "tank-1"])
    assert len(codes) == 1
