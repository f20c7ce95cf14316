from __future__ import annotations

import base64
import string
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.answer import LinkRefused, Links, RefusedBecause, load_or_make_keys
from alerts.identity import ALPHABET
from alerts.notification import Purpose
from tests.alerts.scene import T0, S, notification

if TYPE_CHECKING:
    from pathlib import Path

OLD, NEW = bytes(range(32)), bytes(range(1, 33))
DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase
DAY = 86_400 * S
names = st.text(ALPHABET, min_size=20, max_size=20)


def refusal(links: Links, token: str, now_us: int = T0) -> RefusedBecause:
    with pytest.raises(LinkRefused) as refused:
        links.read(token, now_us)
    return refused.value.reason


@given(name=names, lasts_us=st.integers(S, 365 * DAY))
def test_a_token_says_which_message_it_is_of_until_it_expires(name: str, lasts_us: int) -> None:
    links = Links(NEW, "https://vigil.example")
    token = links.token(name, T0 + lasts_us)
    assert token.isalnum()
    assert len(token) == 37
    assert links.read(token, T0) == name
    assert links.read(token, T0 + lasts_us - 1) == name
    assert refusal(links, token, T0 + lasts_us + 60 * S) is RefusedBecause.EXPIRED


@given(name=names, bit=st.integers(0, 219))
def test_any_flipped_bit_is_refused(name: str, bit: int) -> None:
    links = Links(NEW, "https://vigil.example")
    number = 0
    for digit in links.token(name, T0 + DAY):
        number = number * 62 + DIGITS.index(digit)
    number ^= 1 << bit
    digits = ""
    for _ in range(37):
        number, place = divmod(number, 62)
        digits = DIGITS[place] + digits
    assert refusal(links, digits) is RefusedBecause.BAD


@given(name=names, place=st.integers(0, 36), instead=st.sampled_from(DIGITS + "-_ é\x00"))
def test_any_other_character_is_refused(name: str, place: int, instead: str) -> None:
    links = Links(NEW, "https://vigil.example")
    token = links.token(name, T0 + DAY)
    changed = token[:place] + instead + token[place + 1 :]
    if changed != token:
        assert refusal(links, changed) is RefusedBecause.BAD


@given(text=st.text(max_size=60))
def test_what_was_never_a_token_is_refused(text: str) -> None:
    assert refusal(Links(NEW, ""), text) is RefusedBecause.BAD


def test_a_number_too_large_for_a_token_is_no_second_way_to_write_one() -> None:
    assert refusal(Links(NEW, ""), "z" * 37) is RefusedBecause.BAD


def test_the_first_key_signs_and_every_key_verifies() -> None:
    name = "0123456789ABCDEFGHJK"
    before, after = Links(OLD, ""), Links((NEW, OLD), "")
    assert after.read(before.token(name, T0 + DAY), T0) == name
    assert refusal(before, after.token(name, T0 + DAY)) is RefusedBecause.BAD
    assert Links(NEW, "").read(after.token(name, T0 + DAY), T0) == name


def test_a_message_has_the_same_link_each_time_and_it_lasts_for_days() -> None:
    links = Links(NEW, "https://vigil.example/", days=2)
    message = notification(purpose=Purpose.ASK)
    url = links.url(message)
    assert url == links.url(message)
    assert len(url) == len("https://vigil.example/a/") + 37
    token = url.rpartition("/")[2]
    assert links.read(token, T0 + 2 * DAY - 1) == message.id
    assert refusal(links, token, T0 + 2 * DAY + 60 * S) is RefusedBecause.EXPIRED


def test_there_is_no_link_without_a_public_address_or_for_what_nobody_answers() -> None:
    assert Links(NEW, "").url(notification(purpose=Purpose.ASK)) == ""
    assert Links(NEW, "https://vigil.example").url(notification(purpose=Purpose.TELL)) == ""


def test_a_name_that_is_no_message_has_no_token() -> None:
    with pytest.raises(ValueError, match="no id"):
        Links(NEW, "").token("short", T0)
    with pytest.raises(ValueError, match="16 bytes"):
        Links((NEW, b"short"), "")
    with pytest.raises(ValueError, match="16 bytes"):
        Links((), "")


def test_the_key_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "links.key"
    (key,) = load_or_make_keys(path)
    assert len(key) == 32
    assert path.stat().st_mode & 0o777 == 0o600
    assert load_or_make_keys(path) == (key,)
    path.write_text(f"{base64.b64encode(NEW).decode()}\n\n{base64.b64encode(OLD).decode()}\n")
    assert load_or_make_keys(path) == (NEW, OLD)


@pytest.mark.parametrize("text", ["", "\n", "not base64!\n", base64.b64encode(b"short").decode()])
def test_a_file_that_holds_no_key_is_a_fault(tmp_path: Path, text: str) -> None:
    path = tmp_path / "links.key"
    path.touch(0o600)
    path.write_text(text)
    with pytest.raises(ValueError, match=r"links\.key"):
        load_or_make_keys(path)


def test_a_key_that_others_can_read_is_a_fault(tmp_path: Path) -> None:
    path = tmp_path / "links.key"
    load_or_make_keys(path)
    path.chmod(0o640)
    with pytest.raises(ValueError, match="0600"):
        load_or_make_keys(path)
