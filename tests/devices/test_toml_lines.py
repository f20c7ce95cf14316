"""The line of every table and key, wherever TOML lets it stand."""

from __future__ import annotations

import json
import tomllib
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.toml_lines import Place, line_of, lines_of

TEXT = '''\
# a comment with [brackets] and key = 1
top = 1
a.b = "x = [1]"  # dotted
"quoted key" = 'it''s'

[table]
text = """
[no.table]
key = 1
"""
literal = \'\'\'
x = 2\'\'\'
after = 3
[table."sub table"]
date = 2026-03-02T08:00:00+08:00

[[rules]]
id = "first"
bands = [
    { at_least = 1.5, within = "1 h" },  # one

    { at_least = 2.5, "within" = "2 h" },
]
[rules.name]
en = "n"
[[rules]]
id = "second"
nested = [[1, 2], [
    3]]
[[rules.more]]
x = 1
[[rules.more]]
x = 2
empty = {}
none = []
last = true'''

WANTED: dict[Place, int] = {
    ("top",): 2,
    ("a",): 3,
    ("a", "b"): 3,
    ("table",): 6,
    ("table", "text"): 7,
    ("table", "literal"): 11,
    ("table", "after"): 13,
    ("table", "sub table"): 14,
    ("table", "sub table", "date"): 15,
    ("rules",): 17,
    ("rules", 0): 17,
    ("rules", 0, "id"): 18,
    ("rules", 0, "bands"): 19,
    ("rules", 0, "bands", 0): 20,
    ("rules", 0, "bands", 0, "within"): 20,
    ("rules", 0, "bands", 1): 22,
    ("rules", 0, "bands", 1, "within"): 22,
    ("rules", 0, "name"): 24,
    ("rules", 0, "name", "en"): 25,
    ("rules", 1): 26,
    ("rules", 1, "id"): 27,
    ("rules", 1, "nested", 1): 28,
    ("rules", 1, "nested", 1, 0): 29,
    ("rules", 1, "more", 0, "x"): 31,
    ("rules", 1, "more", 1): 32,
    ("rules", 1, "more", 1, "x"): 33,
    ("rules", 1, "more", 1, "last"): 36,
}


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_every_table_and_key_has_its_line(newline: str) -> None:
    text = TEXT.replace("it''s", "its").replace("\n", newline)
    tomllib.loads(text)
    lines = lines_of(text)
    assert {place: lines.get(place) for place in WANTED} == WANTED
    assert ("no",) not in lines
    assert ("table", "key") not in lines


def test_what_has_no_line_has_that_of_what_holds_it() -> None:
    lines = lines_of(TEXT)
    assert line_of(lines, ("rules", 0, "bands", 1, "nothing")) == 22
    assert line_of(lines, ("rules", 0, "nothing", "more")) == 17
    assert line_of(lines, ("nothing",)) == 1


def test_it_finds_every_key_that_the_parser_finds() -> None:
    for source in (resources.files("devices") / "profiles").iterdir():
        text = source.read_text(encoding="utf-8")
        lines = lines_of(text)
        for place in _places(tomllib.loads(text)):
            key = str(place[-1])
            assert isinstance(place[-1], int) or key in text.splitlines()[lines[place] - 1], place


def _places(value: object, place: Place = ()) -> list[Place]:
    parts: list[tuple[str | int, object]] = []
    if isinstance(value, dict):
        parts = list(value.items())
    if isinstance(value, list):
        parts = list(enumerate(value))
    own = [place] if place else []
    return own + [found for key, one in parts for found in _places(one, (*place, key))]


KEYS = st.text(alphabet="ab.#=[]{}, '", min_size=1, max_size=4)
VALUES = st.recursive(
    st.one_of(st.integers(), st.booleans(), st.text(alphabet="a\"'#=[]{},\\\n", max_size=6)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)),
    max_leaves=6,
)


@given(st.dictionaries(KEYS, VALUES, max_size=3), st.lists(st.dictionaries(KEYS, VALUES, max_size=3), max_size=3))
def test_it_finds_every_place_of_any_file(top: dict[str, object], tables: list[dict[str, object]]) -> None:
    text = "".join(f"{json.dumps(key)} = {_written(value)}\n" for key, value in top.items() if key != "a")
    for table in tables:
        text += "[[a]]  # [b]\n" + "".join(f"{json.dumps(key)} = {_written(one)}\n" for key, one in table.items())
    lines = lines_of(text)
    assert lines.keys() == set(_places(tomllib.loads(text)))
    assert list(lines.values()) == sorted(lines.values())


def _written(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {_written(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[ # x = [\n" + "".join(f"  {_written(one)},\n" for one in value) + "]"
    return json.dumps(value)
