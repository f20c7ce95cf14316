"""Rules files: includes, rules of one's own, schedules, windows, the time zone; and every fault at its line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from rules.model import AlarmTerms, Severity
from rules.ruleset import Period
from tests.rules.written import BESIDE, faults, line_at, load, rule, write

if TYPE_CHECKING:
    from pathlib import Path

NIGHTS = '[[schedules]]\nname = "nights"\nperiods = [{ days = "mon-fri", from = "20:00", to = "07:00" }]\n'
WINDOW = """\
[[windows]]
from = 2026-03-02T08:00:00+08:00
to = 2026-03-04T18:00:00+08:00
site = "shuibei"
by = "Wang"
reason = "risers"
"""


# ── rules ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_file_adds_a_rule_to_the_profile_that_its_id_begins_with(tmp_path: Path) -> None:
    found = load(BESIDE, write(tmp_path, rule("alarm", "own"))).by_id["p.own"]
    assert (found.profile, found.terms) == ("p", AlarmTerms())
    assert found.origins["kind"] == f"{tmp_path}/own.toml:3"
    assert "replaces" not in found.origins


def test_a_rule_of_a_file_replaces_the_shipped_one_whole_and_says_so(tmp_path: Path) -> None:
    shipped = rule("alarm", "a") + rule("threshold", clear=3, hold="1 h") + rule("alarm", "z") + BESIDE
    rules = load(shipped, write(tmp_path, rule("threshold", severity="warning")))
    found = rules.by_id["p.rule"]
    assert (found.severity, found.timing.hold_s) == (Severity.WARNING, 0.0)
    assert found.terms.clear == 10.0  # type: ignore[union-attr]
    assert line_at(f"{found.origins['replaces']}: ", shipped) == 'id = "p.rule"'
    assert [one.id for one in rules.rules[:3]] == ["p.a", "p.rule", "p.z"]


def test_a_fault_rule_that_stands_for_several_is_replaced_as_one(tmp_path: Path) -> None:
    rules = load(BESIDE, write(tmp_path, rule("fault", "range", severity="advisory")))
    assert {one.severity for one in rules.rules if one.kind == "fault"} == {Severity.ADVISORY}


def test_nobody_takes_a_danger_to_life_out_of_hearing_without_signing(tmp_path: Path) -> None:
    shipped = rule("alarm", **{"class": "life-safety"})
    for keys in ({"enabled": False}, {"mode": "shadow"}, {}):
        less = {"class": "life-safety"} if keys else {"class": "property"}
        (line,) = faults(shipped, write(tmp_path, rule("alarm", **less, **keys)))
        assert "it guards lives, and would be silent; wanted `signed_by`" in line
        load(shipped, write(tmp_path, rule("alarm", signed_by="Li: bench", **less, **keys)))


@pytest.mark.parametrize(
    ("text", "place", "wrong"),
    [
        (rule("alarm", "what", "q"), "id", "rule 'q.what': the id does not begin with a profile; wanted '<profile>"),
        (rule("alarm", id=None), "[[rules]]", "rule ?: no `id`; wanted '<profile>.<what>'"),
        (rule("alarm", "flag") * 2, "id", "rule 'p.flag': the id is given more than once, first at "),
        ("colour = 1\n", "colour", "'colour' is no key of a rules file; wanted only include, overrides, rules"),
        ("rules = 3\n", "rules", "rules is no list of tables; wanted [[rules]]"),
        ('timezone = "Mars/Base"\n', "timezone", "timezone = 'Mars/Base'; wanted the name of a time zone"),
        ("timezone = 8\n", "timezone", "timezone = 8; wanted the name"),
        ("include = 8\n", "include", "include = 8; wanted a text or a list of texts"),
    ],
)
def test_a_fault_of_a_file_is_at_its_line(tmp_path: Path, text: str, place: str, wrong: str) -> None:
    (line,) = faults(BESIDE, write(tmp_path, text))
    assert line.startswith(f"{tmp_path}/own.toml:")
    assert line_at(line, text).partition(" =")[0] == place
    assert wrong in line


def test_a_file_that_cannot_be_read_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "broken.toml").write_text("x =", "utf-8")
    (tmp_path / "gb.toml").write_bytes("# 燃气".encode("gb18030"))
    (tmp_path / "empty").mkdir()
    files = [tmp_path / name for name in ("none.toml", "broken.toml", "gb.toml", "empty")]
    said = [line.removeprefix(f"{tmp_path}/") for line in faults(BESIDE, *files)]
    assert len(said) == 4
    for line, start in zip(
        said,
        (
            "none.toml: ",
            "broken.toml: is not TOML in UTF-8",
            "gb.toml: is not TOML in UTF-8",
            "empty: holds no rules file",
        ),
        strict=True,
    ):
        assert line.startswith(start)


# ── includes ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_include_is_relative_and_each_file_counts_once(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    write(tmp_path / "more", rule("alarm", "deep"), "deep.toml")
    write(tmp_path, 'include = "more/deep.toml"\n' + rule("alarm", "left"), "left.toml")
    write(tmp_path, 'include = ["more/../more/deep.toml"]\n' + rule("alarm", "right"), "right.toml")
    top = write(tmp_path, 'include = ["left.toml", "right.toml"]\n' + rule("alarm", "top"))
    for files in ([top], [tmp_path], [tmp_path, top]):
        assert {one.id for one in load(BESIDE, *files).rules} >= {"p.deep", "p.left", "p.right", "p.top"}


def test_an_include_that_is_missing_or_leads_back_is_a_fault_at_its_line(tmp_path: Path) -> None:
    top = write(tmp_path, 'include = [\n    "none.toml",\n    "a.toml",\n]\n')
    write(tmp_path, 'include = ["b.toml"]\n', "a.toml")
    write(tmp_path, '\ninclude = ["a.toml"]\n', "b.toml")
    missing, ring = faults(BESIDE, top)
    assert missing.startswith(f"{tmp_path}/own.toml:2: {tmp_path}/none.toml cannot be read: No such file")
    assert ring == f"{tmp_path}/b.toml:2: it includes itself: a.toml → b.toml → a.toml; wanted no cycle"


def test_the_time_zone_is_the_files_or_the_one_given(tmp_path: Path) -> None:
    assert load(BESIDE).timezone == "Asia/Shanghai"
    urumqi = write(tmp_path, 'timezone = "Asia/Urumqi"\n')
    assert load(BESIDE, urumqi).timezone == "Asia/Urumqi"
    other = write(tmp_path, 'timezone = "UTC"\n', "other.toml")
    (line,) = faults(BESIDE, urumqi, other)
    assert line == f"{other}:1: timezone = 'UTC', and 'Asia/Urumqi' at {urumqi}:1; wanted one for all"


# ── schedules ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ('{ days = "mon-fri", from = "08:00", to = "20:00" }', Period((0, 1, 2, 3, 4), 480, 1200)),
        ('{ days = "fri-mon" }', Period((0, 4, 5, 6))),
        ('{ days = "sat, Sun" }', Period((5, 6))),
        ('{ days = ["tue", "thu-fri"], from = 20:30:00, to = "24:00" }', Period((1, 3, 4), 1230, 1440)),
        ('{ from = "22:00", to = "6:00" }', Period((0, 1, 2, 3, 4, 5, 6), 1320, 360)),
    ],
)
def test_a_period_is_days_and_times_of_the_day(tmp_path: Path, given: str, wanted: Period) -> None:
    file = write(tmp_path, f'[[schedules]]\nname = "s"\nperiods = [{given}]\n' + rule("alarm", schedule="s"))
    rules = load(BESIDE, file)
    assert rules.schedules[0].periods == (wanted,)
    assert (rules.schedules[0].name, rules.schedules[0].origin) == ("s", f"{file}:1")
    assert rules.by_id["p.rule"].schedule == "s"


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        (NIGHTS.replace("mon-fri", "mon-fry"), "'mon-fry' is no day; wanted 'mon-fri', 'sat, sun', 'daily'"),
        (NIGHTS.replace("20:00", "25:00"), "from = '25:00'; wanted a time of the day like '08:00'"),
        (NIGHTS.replace("20:00", "24:00"), "from = '24:00' is the end of a day; wanted '00:00' of the next"),
        (NIGHTS.replace("07:00", "24:01"), "to = '24:01'; wanted a time of the day"),
        (NIGHTS.replace("days", "day"), "'day' is no key of a period; wanted only days, from, to"),
        (NIGHTS.replace("periods", "times"), "'times' is no key of a schedule; wanted only name, periods"),
        ('[[schedules]]\nname = "nights"\nperiods = []\n', "periods = []; wanted a list of { days = 'mon-fri'"),
        (NIGHTS.replace('"nights"', '""'), "name = ''; wanted a text"),
        (NIGHTS * 2, "the name is given more than once, first at "),
        (NIGHTS + rule("alarm", schedule="night"), "rule 'p.rule': no schedule is 'night'; wanted one of nights"),
    ],
)
def test_a_fault_of_a_schedule_is_told(tmp_path: Path, text: str, wrong: str) -> None:
    assert any(wrong in line for line in faults(BESIDE, write(tmp_path, text)))


def test_a_danger_to_life_keeps_hours_only_where_somebody_signs(tmp_path: Path) -> None:
    held = {"class": "life-safety", "schedule": "nights"}
    (line,) = faults(BESIDE, write(tmp_path, NIGHTS + rule("alarm", **held)))
    assert "a danger to life does not keep hours; wanted no schedule, or `signed_by`" in line
    rules = load(BESIDE, write(tmp_path, NIGHTS + rule("alarm", **held, signed_by="Li Wei: empty by day")))
    assert rules.by_id["p.rule"].signed_by == "Li Wei: empty by day"


# ── windows ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_window_arrives_with_its_times_in_any_offset(tmp_path: Path) -> None:
    (window,) = load(BESIDE, write(tmp_path, WINDOW + 'rules = ["p.fl*", "p.range"]\nbuilding = "5"\n')).windows
    assert window.from_us == round(datetime(2026, 3, 2, tzinfo=UTC).timestamp() * 1e6)
    assert window.to_us - window.from_us == timedelta(days=2, hours=10) // timedelta(microseconds=1)
    assert window.rules == ("p.flag", "p.range.gas", "p.range.pressure", "p.range.heat")
    assert (window.site, window.building, window.by, window.reason) == ("shuibei", "5", "Wang", "risers")
    assert window.origin == f"{tmp_path}/own.toml:1"


@pytest.mark.parametrize(
    ("text", "place", "wrong"),
    [
        (WINDOW.replace("+08:00\nto", "\nto"), "from", "from = '2026-03-02 08:00:00'; wanted a date and time with its"),
        (WINDOW.replace("03-04", "03-01"), "to", "does not follow from; wanted a later time"),
        (
            WINDOW.replace("2026-03-04", "2028-03-04"),
            "to",
            "does not follow from; wanted a later time, at most 31622400",
        ),
        (WINDOW.replace('site = "shuibei"\n', ""), "[[windows]]", "no `site`; wanted the site that it is about"),
        (WINDOW.replace('by = "Wang"\n', ""), "[[windows]]", "no `by`; wanted who asked for it"),
        (WINDOW + 'floor = "3"\n', "floor", "'floor' is no key of a window"),
        (WINDOW + 'rules = "p.none"\n', "rules", "no rule is 'p.none'; wanted"),
        (WINDOW + 'rules = ["p.life"]\n', "rules", "'p.life' guards lives, and would go on; wanted `signed_by`"),
    ],
)
def test_a_fault_of_a_window_is_at_its_line(tmp_path: Path, text: str, place: str, wrong: str) -> None:
    (line,) = faults(BESIDE + rule("alarm", "life", **{"class": "life-safety"}), write(tmp_path, text))
    assert line_at(line, text).partition(" =")[0] == place
    assert wrong in line


def test_a_window_over_all_rules_needs_no_signature_for_lives_go_on(tmp_path: Path) -> None:
    life = rule("alarm", "life", **{"class": "life-safety"})
    assert load(BESIDE + life, write(tmp_path, WINDOW + 'rules = "p.*"\n')).windows[0].signed_by == ""
    assert load(BESIDE + life, write(tmp_path, WINDOW + 'rules = "p.life"\nsigned_by = "Li"\n')).windows[0].rules
