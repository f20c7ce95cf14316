from __future__ import annotations

import pytest

from alerts.channels.sms.number import international, national, same_number


@pytest.mark.parametrize(
    "written",
    ["13800138000", "+8613800138000", "8613800138000", "008613800138000", "+86 138-0013-8000", "(138) 0013 8000"],
)
def test_one_number_in_all_its_forms(written: str) -> None:
    assert international(written) == "+8613800138000"
    assert national(written) == "13800138000"
    assert same_number(written, "+8613800138000")


def test_another_country_keeps_its_code() -> None:
    assert international("+852 6123 4567") == "+85261234567"
    assert national("+852 6123 4567") == "85261234567"
    assert international("020 7946 0018", "44") == "+442079460018"


@pytest.mark.parametrize("wrong", ["", "+", "12", "138x0013800", "1" * 25, "13800138000;DROP"])
def test_what_is_no_number_is_not_quoted(wrong: str) -> None:
    with pytest.raises(ValueError, match="not a telephone number") as raised:
        international(wrong)
    assert str(raised.value) == "not a telephone number"


def test_addresses_that_are_no_numbers_are_compared_as_they_are() -> None:
    assert same_number("watch-7", "watch-7 ")
    assert not same_number("watch-7", "watch-8")
    assert not same_number("", "")
