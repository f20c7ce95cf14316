from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from alerts.channels.sms import gsm7
from alerts.channels.sms.text import compose, cut, facts
from alerts.notification import Purpose
from tests.alerts.sms.asking import BOTH, EN, INCIDENT, ZH, asked, drill

if TYPE_CHECKING:
    from alerts.people.model import Language

LINK = "https://vigil.example/a/k3J9-fQ2"
WILD = st.text(max_size=300)


def test_it_says_how_bad_what_and_where_and_then_how_to_answer() -> None:
    assert compose(asked(), LINK, parts=3) == (
        "[报警]燃气浓度高 · shuibei，网格3，楼栋5，楼层2，201\n"
        "12.3 %LEL，达到或超过 10 %LEL 30秒\n"
        "回复 4821 1接受 2到达 3误报 4求助 5不能去\n" + LINK
    )


def test_in_english_it_keeps_to_the_alphabet_that_holds_most() -> None:
    text = compose(asked(languages=EN), LINK)
    assert text == (
        "[ALARM] Gas concentration high - shuibei, grid 3, building 5, floor 2, 201\n"
        "12.3 %LEL, at or above 10 %LEL for 30 s\n"
        "Reply 4821 1 accept 2 arrived 3 false alarm 4 help 5 refuse\n" + LINK
    )
    assert gsm7.septets(text) is not None
    assert len(gsm7.segments(text)) == 2


def test_in_both_languages_the_first_one_leads() -> None:
    lines = compose(asked(languages=BOTH), "").splitlines()
    assert lines[0].startswith("[报警]")
    assert [line[:8] for line in lines[-2:]] == ["回复 4821 ", "Reply 48"]
    assert any(line.startswith("[ALARM]") for line in lines)


def test_an_exercise_is_marked_first_of_all_but_the_sign() -> None:
    assert compose(drill()).startswith("[演练][报警]")
    assert compose(drill(languages=BOTH)).startswith("[演练 DRILL][报警]")
    assert compose(drill(languages=EN), sign="[Vigil]").startswith("[Vigil][DRILL][ALARM]")
    assert compose(drill(), parts=1).startswith("[演练][报警]")


def test_one_part_has_the_alarm_and_how_to_answer() -> None:
    text = compose(asked(), LINK, parts=1)
    assert len(gsm7.segments(text)) == 1
    assert text.startswith("[报警]燃气浓度高")
    assert text.endswith("回复 4821 1接受 2到达 3误报 4求助 5不能去")
    assert LINK not in text


def test_a_long_title_is_cut_and_not_left_out() -> None:
    text = compose(asked(title_zh="长" * 200), LINK, parts=1)
    assert text.startswith("长" * 30)
    assert "…\n回复 4821" in text
    assert len(text) == 70


def test_a_link_is_whole_or_not_there() -> None:
    for parts in range(1, 5):
        text = compose(asked(title_zh="长" * 90, languages=BOTH), LINK, parts=parts)
        assert (LINK in text) or ("https" not in text)


@pytest.mark.parametrize(
    "changes", [{"code": ""}, {"wants_answer": False}], ids=["no code was free", "nobody need answer"]
)
def test_no_answer_is_asked_for_where_none_can_come(changes: dict[str, object]) -> None:
    assert "回复" not in compose(asked(**changes))


def test_no_answer_by_sms_is_asked_for_where_it_would_not_arrive() -> None:
    text = compose(asked(), LINK, takes_replies=False)
    assert "回复" not in text
    assert LINK in text


def test_a_test_of_the_way_asks_for_one_key_only() -> None:
    text = compose(asked(purpose=Purpose.TEST, title_zh="守望：联络测试", body_zh="这是每月联络测试。"))
    assert "收到请回复 4821 1" in text
    assert "误报" not in text
    assert "这是每月联络测试。" in text


def test_a_digest_says_as_much_of_its_body_as_fits() -> None:
    body = "；".join(f"第{n}处烟雾报警" for n in range(100))
    text = compose(asked(purpose=Purpose.DIGEST, wants_answer=False, title_zh="100 起报警", body_zh=body), parts=3)
    assert len(gsm7.segments(text)) == 3
    assert text.startswith("100 起报警\n第0处烟雾报警；")
    assert text.endswith("…")


def test_no_foreign_sign_stands_at_the_head() -> None:
    assert "【" not in compose(asked())
    assert compose(asked(), sign="【守望】").startswith("【守望】[报警]")


@given(
    title=WILD,
    body=WILD,
    what=WILD,
    purpose=st.sampled_from(Purpose),
    languages=st.sampled_from([ZH, EN, BOTH, ()]),
    parts=st.integers(1, 5),
    is_drill=st.booleans(),
)
def test_it_never_takes_more_parts_than_it_may(
    title: str, body: str, what: str, purpose: Purpose, languages: tuple[Language, ...], parts: int, is_drill: bool
) -> None:
    message = asked(
        title_zh=title,
        title_en=title[::-1],
        body_zh=body,
        body_en=body,
        purpose=purpose,
        languages=languages,
        drill=is_drill,
        incident=replace(INCIDENT, what_zh=what, what_en=what),
    )
    text = compose(message, LINK, parts=parts)
    assert len(gsm7.segments(text)) <= parts
    text.encode("utf-16")  # no half of a surrogate
    assert not any(unicodedata.category(one) == "Cc" for one in text if one != "\n")
    assert "4821" in text
    if is_drill:
        assert text.startswith(("[演练]", "[DRILL]", "[演练 DRILL]"))


@given(text=st.text(min_size=1, max_size=60), most=st.integers(1, 60))
def test_a_cut_text_is_its_beginning_and_no_character_is_cut(text: str, most: int) -> None:
    short = cut(text, lambda beginning: len(beginning) <= most)
    assert len(short) <= most
    beginning = short.removesuffix("…").removesuffix("...")
    assert text.startswith(beginning)
    if short and len(beginning) < len(text):
        assert unicodedata.combining(text[len(beginning)]) == 0


def test_a_family_of_emoji_is_not_taken_apart() -> None:
    assert cut("火👨‍👩‍👧家", lambda beginning: len(beginning) <= 4) == "火…"


def test_every_fact_of_an_exercise_says_so() -> None:
    values = facts(drill(), "+8613800138000", "")
    assert {values[name][:2] for name in ("severity", "title", "body", "name", "what", "drill")} == {"演练"}
    assert facts(asked(), "", "")["drill"] == ""
    assert facts(drill(languages=EN), "", "")["severity"] == "DRILL ALARM"
