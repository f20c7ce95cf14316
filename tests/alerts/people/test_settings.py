"""Directories as people write them: forms, and every fault at once with its place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from alerts.people.model import Contact, Directory, Language, Shift, Window, decode_directory, encode_directory
from alerts.people.settings import DirectoryFaults, DirectorySections, PersonSection, load_directory, make_directory
from devices.model import Kind
from rules.model import Severity
from tests.alerts.people.town import us

if TYPE_CHECKING:
    from pathlib import Path

CHANNELS = {"sms", "voice", "app"}

SOUND = """\
timezone = "Asia/Shanghai"
holidays = [2026-10-01]

[[people]]
name = "li"
label = "李"
contacts = ["sms:+8613800000001", { channel = "voice", address = "+86" }, "app"]
languages = ["zh"]
roles = "staff"
quiet = "22:00-07:00"

[[people]]
name = "wang"
contacts = "app"

[[teams]]
name = "north"
members = ["li", "wang"]
rota = "north"

[[rotas]]
name = "north"
cycle_weeks = 2
cycle_start = 2026-01-05

[[rotas.shifts]]
people = "li"
days = "mon-fri"
hours = "20:00-08:00"
weeks = 1

[[rotas.shifts]]
people = ["wang"]
days = ["sat", "sun"]
hours = "00:00-24:00"

[[rotas.overrides]]
from = "2026-05-01 08:00"
to = 2026-05-01T09:00:00Z
people = ["wang"]
reason = "ill"

[[rotas.holiday_shifts]]
people = ["wang"]
hours = "08:00-08:00"

[[stations]]
name = "n"
team = "north"
latitude = 22.5
longitude = 114.1

[[grids]]
name = "1"
site = "s"
polygon = [[22, 114], [22, 115], [23, 115.5]]

[[chains]]
name = "fire"
repeat = "never"
receipt = 20
answer = "1.5 min"

[[chains.steps]]
to = "role:staff"

[[chains.steps]]
to = ["station:nearest:2", "recipient:cad", "family"]
after = "2 min"
need = 2

[[routes]]
chain = "fire"
kinds = ["smoke"]
min_severity = "alarm"

[[limits]]
classes = ["life-safety"]
accept = "1 min"
resolve = 7200

[[levels]]
name = "grid"
to = "team:north"

[[residents]]
device = "s/watch-1"
person = "li"
family = "wang"
"""


def load(tmp_path: Path, text: str, **more: Any) -> Directory:
    file = tmp_path / "people.toml"
    file.write_text(text, "utf-8")
    return load_directory([file], DirectorySections(), CHANNELS, **more)


def faults_of(tmp_path: Path, text: str, **more: Any) -> list[str]:
    with pytest.raises(DirectoryFaults) as raised:
        load(tmp_path, text, **more)
    return [fault.removeprefix(f"{tmp_path}/") for fault in raised.value.faults]


# ── forms ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_file_in_human_forms_becomes_a_directory(tmp_path: Path) -> None:
    made = load(tmp_path, SOUND, recipients={"cad"})
    li = made.people[0]
    assert li.contacts == (Contact("sms", "+8613800000001"), Contact("voice", "+86"), Contact("app"))
    assert (li.languages, li.roles, li.quiet) == ((Language.ZH,), ("staff",), Window(22 * 60, 7 * 60))
    north = made.rotas[0]
    assert north.shifts == (
        Shift(people=("li",), days=(0, 1, 2, 3, 4), start_min=1200, end_min=480, weeks=(0,)),
        Shift(people=("wang",), days=(5, 6), start_min=0, end_min=1440),
    )
    assert (north.timezone, north.cycle_weeks, north.cycle_start) == ("Asia/Shanghai", 2, "2026-01-05")
    assert north.holidays == ("2026-10-01",)
    override = north.overrides[0]
    assert (override.start_us, override.end_us) == (us("2026-05-01 08:00"), us("2026-05-01 17:00"))
    chain = made.chains[0]
    assert (chain.repeat_s, chain.receipt_s, chain.answer_s, chain.steps[1].after_s) == (None, 20.0, 90.0, 120.0)
    assert (made.routes[0].kinds, made.routes[0].min_severity) == ((Kind.SMOKE,), Severity.ALARM)
    assert (made.limits[0].accept_s, made.limits[0].resolve_s, made.limits[0].arrive_s) == (60.0, 7200.0, None)
    assert made.residents[0].family == ("wang",)
    assert decode_directory(encode_directory(made)) == made


def test_files_go_on_from_the_settings_and_folders_are_read_in_order(tmp_path: Path) -> None:
    for name, text in (("b.toml", '[[people]]\nname = "b"\n'), ("a.toml", '[[people]]\nname = "a"\n')):
        (tmp_path / name).write_text(text, "utf-8")
    inline = DirectorySections(people=(PersonSection(name="i"),), timezone="Europe/Berlin")
    made = load_directory([tmp_path], inline, CHANNELS)
    assert [one.name for one in made.people] == ["i", "a", "b"]
    assert made.timezone == "Europe/Berlin"


# ── faults ───────────────────────────────────────────────────────────────────────────────────────────────────────────

BROKEN = """\
timezone = "Mars/Olympus"

[[people]]
name = "li"
contacts = ["smss:+86", "pigeon"]

[[people]]
name = "li"
quiet = "22:00-22:00"

[[people]]
name = "mute"

[[people]]
name = "cad"
contacts = ["app"]

[[people]]
name = "zoe"
contacts = ["app"]

[[teams]]
name = "north"
members = ["li", "lee"]
rota = "nroth"

[[teams]]
name = "empty"

[[rotas]]
name = "north"
timezone = "Europe/Berlni"

[[rotas.shifts]]
people = ["li"]
hours = "08:00-20:00"

[[rotas]]
name = "south"

[[rotas.shifts]]
people = ["zoe", "zeo"]
hours = "08:00-20:00"

[[rotas.overrides]]
from = "2026-05-01 08:00"
to = "2026-05-01 08:00"
people = []

[[stations]]
name = "n"
team = "nort"
latitude = 122.0
longitude = 114.1

[[stations]]
name = "m"
team = "nort"
latitude = 22.0
longitude = 114.1

[[grids]]
name = "1"
site = "s"
polygon = [[22, 114], [22, 115]]

[[grids]]
name = "2"
site = "s"
polygon = [[22, 114], [23, 115], [24, 116]]

[[grids]]
name = "2"
site = "s"

[[chains]]
name = "fire"

[[chains.steps]]
to = ["team:nroth", "role:stuff", "recipient:dac", "everybody", "station:x", "resident"]

[[routes]]
chain = "fier"
rules = ["*.alarm"]

[[routes]]
chain = "fier"

[[limits]]
classes = ["life-safety"]

[[levels]]
name = "grid"
to = ["level:grid", "person:lo"]

[[residents]]
device = "watch-1"
person = "li"

[[residents]]
device = "s/watch-1"

[streets]
name = "x"
"""


def test_every_fault_is_said_at_once_with_its_place(tmp_path: Path) -> None:
    said = "\n".join(faults_of(tmp_path, BROKEN, recipients={"cad"}))
    for fault in (
        "people.toml:1: timezone: 'Mars/Olympus' is no time zone; wanted a name like 'Asia/Shanghai'",
        "people.toml:103: streets: Extra inputs are not permitted",
        "people.toml:5: person 'li': no channel is 'smss'; wanted one of sms",
        "people.toml:5: person 'li': no channel is 'pigeon'; wanted one of",
        "people.toml:9: person 'li': quiet: quiet hours all round the clock; wanted",
        "people.toml:15: person 'cad': a recipient has this name too; wanted another name",
        "people.toml:24: team 'north': no person is 'lee'; wanted one of cad, li",
        "people.toml:25: team 'north': no rota is 'nroth'; wanted one of north",
        "people.toml:27: team 'empty': neither members nor a rota; wanted",
        "people.toml:32: rota 'north': timezone: 'Europe/Berlni' is no time zone; wanted",
        "people.toml:42: rota 'south': no person is 'zeo'; wanted one of zoe",
        "people.toml:47: rota 'south': it has no length; wanted a time after `from`",
        "people.toml:53: station 'n': latitude: Input should be less than or equal to 90 (given: 122.0)",
        "people.toml:58: station 'm': no team is 'nort'; wanted one of north",
        "people.toml:65: grid '1': 2 corners; wanted 3 or more",
        "people.toml:70: grid '2': its corners lie on a line; wanted",
        "people.toml:73: grid '2': the name is given already at",
        "people.toml:80: chain 'fire': no team is 'nroth'; wanted one of north",
        "people.toml:80: chain 'fire': no recipient is 'dac'; wanted one of cad",
        "people.toml:80: chain 'fire': 'everybody' is no selector; wanted one of person:NAME",
        "people.toml:80: chain 'fire': no station is 'x'; wanted one of",
        "people.toml:84: route: rules: '*.alarm'; wanted the id of a rule, or 'prefix.*'",
        "people.toml:87: route: no chain is 'fier'; wanted one of fire",
        "people.toml:89: limits: no step has a limit; wanted one of accept",
        "people.toml:94: level 'grid': a level within a level; wanted",
        "people.toml:94: level 'grid': no person is 'lo'; wanted one of",
        "people.toml:97: resident 'watch-1': device: String should match",
        "people.toml:100: resident 's/watch-1': neither a person nor a family; wanted",
    ):
        assert fault in said, said


def test_a_fault_of_one_section_alone_is_said_only_once(tmp_path: Path) -> None:
    broken = SOUND.replace('name = "wang"\ncontacts = "app"', 'name = "wang"\ncontact = "app"')
    (fault,) = faults_of(tmp_path, broken, recipients={"cad"})
    assert fault == "people.toml:14: person 'wang': contact: Extra inputs are not permitted (given: 'app')"


@pytest.mark.parametrize(
    ("before", "after", "fault"),
    [
        ('contacts = "app"', "", "12: person 'wang': no contact, and chain 'fire' asks them; wanted contacts"),
        ('to = "role:staff"', 'to = "role:chief"', "65: chain 'fire': no role is 'chief'; wanted one of staff"),
        ("need = 2", "need = 3", "58: chain 'fire': needs 3 people, and asks 2 at most; wanted more people"),
        (
            'members = ["li", "wang"]',
            'members = ["li"]',
            "21: rota 'north': 'wang' is on duty, and no member of a team that has this rota; wanted them among",
        ),
        ("weeks = 1", "weeks = 3", "21: rota 'north': week 3 of a cycle of 2; wanted cycle_weeks = 3 or more"),
        ("cycle_start = 2026-01-05", "", "21: rota 'north': no cycle_start; wanted the date"),
        ('accept = "1 min"', "accept = 0", "79: limits: accept = 0 is over before it begins; wanted more than 0 s"),
        ("09:00:00Z", "00:00:00Z", "39: rota 'north': it has no length; wanted a time after `from`"),
        ("[[rotas.holiday_shifts]]", "[[rotas.shifts]]", None),
        ('hours = "08:00-08:00"', 'hours = "08:00-08:00"\nweeks = [1, 2]', None),
    ],
)
def test_what_is_wrong_between_sound_sections_is_said(
    tmp_path: Path, before: str, after: str, fault: str | None
) -> None:
    assert before in SOUND
    changed = SOUND.replace(before, after)
    if fault is None:
        load(tmp_path, changed, recipients={"cad"})
    else:
        said = faults_of(tmp_path, changed, recipients={"cad"})
        assert any(one.startswith(f"people.toml:{fault}") for one in said), said
        assert len(said) <= 2


CHAIN = """
[[chains]]
name = "c"
[[chains.steps]]
to = {to}
"""


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (CHAIN.format(to='"recipient:cad"'), "none of its steps can ever reach anybody who could answer"),
        (CHAIN.format(to='["person:a"]') + "inform = true", "none of its steps can ever reach anybody"),
        (CHAIN.format(to="[]"), "at least 1 item"),
        (CHAIN.format(to='"everyone"') + "need = 0", "greater than or equal to 1"),
        (CHAIN.format(to='"everyone"').replace('"c"', '"c"\nreceipt = 0.5'), "below 1 s; wanted 1 s or more"),
        (CHAIN.format(to='"station:nearest"'), "there are no stations; wanted a [[stations]] table"),
        (CHAIN.format(to='"resident"'), "there are no residents; wanted a [[residents]] table"),
        ('[[stations]]\nname = "nearest"\nteam = "t"\nlatitude = 1\nlongitude = 1', "means any station"),
        ('[[rotas]]\nname = "r"', "it never has anybody on duty; wanted shifts or turns"),
        (
            '[[rotas]]\nname = "r"\nholidays = [2026-01-01]\nshifts = [{ people = "a", hours = "08:00-20:00" }]',
            "holidays without holiday_shifts leave nobody on duty",
        ),
        ("people = 5", "people is no list of tables; wanted [[people]]"),
        ("[[people]", "not TOML"),
    ],
)
def test_what_can_never_work_is_refused(tmp_path: Path, text: str, fault: str) -> None:
    known = '[[people]]\nname = "a"\ncontacts = "app"\n' if "people = 5" not in text else ""
    said = faults_of(tmp_path, known + text, recipients={"cad"})
    assert any(fault in one for one in said), said


def test_time_zones_of_two_files_that_differ_are_a_fault(tmp_path: Path) -> None:
    for name, zone in (("a.toml", "Asia/Shanghai"), ("b.toml", "Asia/Tokyo")):
        (tmp_path / name).write_text(f'timezone = "{zone}"\n', "utf-8")
    with pytest.raises(DirectoryFaults, match=r"b.toml:1: time zone 'Asia/Tokyo', and 'Asia/Shanghai' at .*a.toml:1"):
        load_directory([tmp_path], DirectorySections(), CHANNELS)


def test_files_that_cannot_be_read_are_faults(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DirectoryFaults) as raised:
        load_directory([tmp_path / "none.toml", tmp_path / "empty"], DirectorySections(), CHANNELS)
    assert [one.removeprefix(f"{tmp_path}/") for one in raised.value.faults] == [
        "none.toml: cannot be read: No such file or directory",
        "empty: holds no file; wanted files named *.toml",
    ]


def test_a_fault_of_the_settings_themselves_has_a_dotted_place() -> None:
    people = [PersonSection.model_validate({"name": "a", "contacts": ["app", "fax:1"]})]
    with pytest.raises(DirectoryFaults, match=r"^settings: people.0.contacts.1: person 'a': no channel is 'fax'"):
        make_directory(people, channels=CHANNELS)
