from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from alerts.channels.sms import gsm7

GSM = st.text(alphabet=[*gsm7._BASIC_CODES, *gsm7.EXTENSION], max_size=700)
ANY = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=400)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("[" * 80, 1),
        ("[" * 81, 2),  # 162 septets
        ("火" * 70, 1),
        ("火" * 71, 2),
        ("火" * 134, 2),
        ("火" * 135, 3),
        ("a" * 69 + "火", 1),
        ("a" * 70 + "火", 2),
        ("🔥" * 35, 1),
        ("🔥" * 36, 2),  # 72 units
        ("🔥" * 66, 2),
        ("🔥" * 67, 3),  # 33 pairs to a part of 67: one unit of each stays empty
    ],
)
def test_a_text_is_counted_as_operators_bill_it(text: str, parts: int) -> None:
    assert len(gsm7.segments(text)) == parts


@given(st.one_of(GSM, ANY, st.text(alphabet="a€火🔥", max_size=400)))
def test_counting_is_cutting(text: str) -> None:
    assert gsm7.count(text) == len(gsm7.segments(text))


@given(GSM)
@example("€" * 77)
@example("a" * 152 + "€" + "b" * 20)
def test_parts_of_the_gsm_alphabet_hold_153_septets_and_no_half_character(text: str) -> None:
    cut = gsm7.segments(text)
    assert "".join(cut) == text
    sizes = [gsm7.septets(part) for part in cut]
    assert all(size is not None and size <= (160 if len(cut) == 1 else 153) for size in sizes)
    assert "".join(gsm7.decode(gsm7.encode(part)) for part in cut) == text


@given(ANY)
@example("x" * 66 + "🔥" + "y" * 70)
def test_parts_of_ucs_2_hold_67_units_and_no_half_surrogate(text: str) -> None:
    cut = gsm7.segments(text)
    assert "".join(cut) == text
    if gsm7.septets(text) is not None:
        return
    units = [len(part.encode("utf-16-be")) // 2 for part in cut]  # a half surrogate would not encode
    assert all(size <= (70 if len(cut) == 1 else 67) for size in units)
    assert all(size >= 66 for size in units[:-1])


def test_the_alphabet_is_that_of_the_standard() -> None:
    """Samples of 3GPP TS 23.038, table 6.2.1."""
    samples = {"@": b"\x00", "$": b"\x02", "Δ": b"\x10", "\x20": b"\x20", "¤": b"\x24", "A": b"A", "Ö": b"\x5c"}
    samples |= {"§": b"\x5f", "¿": b"\x60", "z": b"z", "à": b"\x7f", "€": b"\x1be", "[": b"\x1b<", "\\": b"\x1b/"}
    for character, octets in samples.items():
        assert gsm7.encode(character) == octets
    assert len(gsm7.BASIC) == 128


def test_a_character_beyond_the_alphabet_is_said() -> None:
    assert gsm7.septets("ç") is None
    with pytest.raises(ValueError, match="alphabet"):
        gsm7.encode("ç")


@given(st.binary(max_size=300))
def test_any_octets_can_be_read(octets: bytes) -> None:
    gsm7.decode(octets)
