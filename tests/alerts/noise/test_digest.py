"""Digests as people read them."""

from __future__ import annotations

from msgspec.structs import replace

from alerts.incident import IncidentState
from alerts.noise.digest import BODY_CHARACTERS, OTHERS_NAMED, make_digest
from alerts.notification import Purpose
from alerts.people.model import Language, Person
from tests.alerts.noise.scene import GAS, LEAK, SMOKE, TANK, incident, message, us


def test_it_says_how_many_the_worst_first_and_where() -> None:
    covered = [
        message("1", 0, **TANK, building="7"),
        message("2", 1, **LEAK),
        message("3", 2, **GAS),
        message("4", 3, **GAS),
    ]
    digest = make_digest(covered, us(9))
    assert digest.title_en == "[EMERGENCY] 4 incidents: 1 emergency, 2 alarm, 1 warning"
    assert digest.title_zh == "【紧急】共 4 起：紧急 1、报警 2、预警 1"
    assert digest.body_en == (
        "Rule gas.alarm · s, grid 3, building 5; Rule gas.high · s, grid 3, building 5 ×2; "
        "Rule tank.level-low · s, grid 3, building 7. Where: building 5 ×3; building 7."
    )
    assert digest.body_zh == (
        "规则 gas.alarm · s，网格3，楼栋5；规则 gas.high · s，网格3，楼栋5 ×2；"
        "规则 tank.level-low · s，网格3，楼栋7。位置：楼栋5 ×3；楼栋7。"
    )
    assert digest.incident.id == "I2"
    assert digest.others == ("I3", "I4", "I1")
    assert (digest.others_count, digest.created_us, digest.expires_us) == (3, us(9), us(3_609))


def test_it_is_an_ask_where_one_of_those_it_covers_is_and_carries_the_worst_of_these() -> None:
    told = message("1", **LEAK, purpose=Purpose.INFORM)
    ask, milder = message("2", **GAS), message("3", **GAS, purpose=Purpose.INFORM)
    digest = make_digest([told, ask, milder], us(9))
    assert (digest.purpose, digest.wants_answer, digest.code, digest.incident.id) == (Purpose.ASK, True, "C2", "I2")
    assert digest.others == ("I1", "I3")
    digest = make_digest([told, milder], us(9))
    assert (digest.purpose, digest.wants_answer, digest.code) == (Purpose.DIGEST, False, "")


def test_its_name_comes_from_what_it_covers() -> None:
    covered = [message(str(number)) for number in range(3)]
    assert make_digest(covered, us(1)).id == make_digest(covered, us(9)).id
    assert make_digest(covered, us(1)).id != make_digest(covered[1:], us(1)).id


def test_what_is_over_is_said_and_named_last() -> None:
    over = incident("OVER", **LEAK)
    over = replace(over, state=IncidentState.CLEARED, building="9", place="there")
    digest = make_digest([message("1", told=over), message("2", **GAS), message("3", **GAS, building="6")], us(9))
    assert digest.body_en.endswith("Rule gas.alarm · there. 1 of them over. Where: building 5; building 6; building 9.")
    assert "其中 1 起已结束。" in digest.body_zh


def test_the_last_that_is_known_of_an_incident_counts() -> None:
    before = incident("X", **LEAK)
    after = replace(before, state=IncidentState.CLEARED)
    first, last = message("1", told=before), replace(message("2", told=after), purpose=Purpose.INFORM)
    digest = make_digest([first, last], us(9))
    assert digest.title_en == "[EMERGENCY] 1 incident: 1 emergency"
    assert "1 of them over" in digest.body_en
    assert digest.incident.state is IncidentState.CLEARED


def test_a_large_one_is_short_and_leaves_nobody_uncounted() -> None:
    covered = [message(str(n), n, **SMOKE, building=str(n % 40), floor="1" * (n % 50)) for n in range(1_000)]
    digest = make_digest(covered, us(2_000))
    assert digest.others_count == 999
    assert digest.others == tuple(f"I{n}" for n in range(1, OTHERS_NAMED + 1))
    assert digest.title_en.startswith("[EMERGENCY] 1000 incidents: 1000 emergency")
    assert max(len(digest.body_en), len(digest.body_zh)) <= BODY_CHARACTERS
    assert digest.body_en.startswith("Rule smoke.alarm · s, grid 3, building 0 ×25; ")
    assert "more" in digest.body_en
    assert "另有" in digest.body_zh


def test_names_that_are_long_are_cut() -> None:
    long = [replace(incident(str(n)), rule_name_en="x" * 500, rule_name_zh="字" * 500, place=f"{n}") for n in range(9)]
    digest = make_digest([message(one.id, told=one) for one in long], us(9))
    assert len(digest.body_en) <= BODY_CHARACTERS
    assert digest.body_en.startswith("x" * 59 + "…")


def test_at_most_six_are_named() -> None:
    told = [replace(incident(str(n), n), rule_name_en="R", rule_name_zh="R", place=f"{n}") for n in range(20)]
    digest = make_digest([message(one.id, told=one) for one in told], us(9))
    assert digest.body_en == "R · 0; R · 1; R · 2; R · 3; R · 4; R · 5; and 14 more. Where: building 5 ×20."


def test_it_is_in_the_languages_of_the_person() -> None:
    person = Person(name="li", languages=(Language.EN,))
    digest = make_digest([message("1", person=person), message("2", person=person)], us(9))
    assert digest.title == "[EMERGENCY] 2 incidents: 2 emergency"


def test_one_alone_is_itself() -> None:
    one = message("1")
    assert make_digest([one], us(9)) == replace(one, expires_us=one.expires_us + us(9) - us(0))
