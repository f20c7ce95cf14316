from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree as ET

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.channels.sms import template

ANY = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=80)
NASTY = '火"\\&<>\r\n{}%{code}\u2028'


@pytest.mark.parametrize("wrong", ["{", "{}", "{adress}", "{address!r}", "{address:>10}", "{address.x}", "{0}"])
def test_a_field_is_a_known_name_and_nothing_else(wrong: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        template.check(wrong)


def test_braces_of_its_own_are_doubled() -> None:
    assert template.fill(template.check("{{{code}}}"), {"code": "1"}) == "{1}"


@given(ANY)
def test_in_an_url_a_value_stays_in_its_place(value: str) -> None:
    url = template.fill_url("http://h/p?to={address}&x=1", {"address": value})
    assert parse_qs(urlsplit(url).query, keep_blank_values=True) == {"to": [value], "x": ["1"]}


def test_in_a_path_a_value_is_one_step() -> None:
    assert template.fill_url("http://h/{id}/x", {"id": "../a/b"}) == "http://h/..%2Fa%2Fb/x"


@given(ANY)
def test_in_a_header_a_value_ends_no_line(value: str) -> None:
    header = template.fill_header("id={id}", {"id": value})
    assert header.isascii()
    assert header.isprintable()


@given(ANY)
def test_in_json_a_value_stays_a_text(value: str) -> None:
    shape = {"to": ["{address}"], "n": 1, "flag": True, "deep": {"text": "a{text}b"}}
    filled = msgspec.json.encode(template.fill_json(shape, {"address": value, "text": value}))
    assert json.loads(filled) == {"to": [value], "n": 1, "flag": True, "deep": {"text": f"a{value}b"}}


@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), max_size=80))
def test_in_xml_a_value_makes_no_element(value: str) -> None:
    root = ET.fromstring(
        template.fill_text('<sms to="{address}"><t>{text}</t></sms>', {"address": value, "text": value})
    )
    assert (root.get("to"), root.findtext("t")) == (value, value)


def test_a_value_that_looks_like_a_field_is_none() -> None:
    values = {"text": NASTY, "code": "4821"}
    assert "4821" not in template.fill("{text}", values)
    assert "4821" not in json.dumps(template.fill_json({"a": "{text}"}, values))
