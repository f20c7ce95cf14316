from __future__ import annotations

from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from alerts.cap import CapSection, Message, MsgType, atom, in_feed, message_of, messages, render
from alerts.cap.messages import REFERENCES
from alerts.incident import EventKind, Exercise, IncidentEvent, IncidentState, Outcome
from devices.model import Kind
from rules.model import AlarmClass, RuleKind, Severity
from tests.alerts.cap_rules import CAP, faults, text
from tests.alerts.machines import T0, S, event, incident, timeline

SECTION = CapSection(sender="vigil@shuibei.example", sender_name="水贝社区值班室", contact="0755-12345678")
ATOM = "{http://www.w3.org/2005/Atom}"

RAISED: Any = (EventKind.RAISED, 0.0, {})
ACCEPTED: Any = (EventKind.ACCEPTED, 10.0, {"state": IncidentState.ACCEPTED})
TRUE = (EventKind.VERIFIED, 60.0, {"state": IncidentState.VERIFIED, "outcome": Outcome.TRUE})
FALSE = (EventKind.VERIFIED, 60.0, {"state": IncidentState.VERIFIED, "outcome": Outcome.FALSE_ALARM})
RESOLVED = (EventKind.RESOLVED, 90.0, {"state": IncidentState.RESOLVED, "closed_us": T0 + 90 * S})
REOPENED = (EventKind.REOPENED, 120.0, {"state": IncidentState.RAISED, "outcome": None, "closed_us": None})
CLEARED = (EventKind.CLEARED, 150.0, {"state": IncidentState.CLEARED, "closed_us": T0 + 150 * S})


def told(*steps: Any, **facts: Any) -> list[Message]:
    return messages(timeline(*steps, about=incident(**facts)))


def rendered(*steps: Any, section: CapSection = SECTION, **facts: Any) -> bytes:
    """Return the newest message of a timeline, which keeps the rules of CAP."""
    body = render(told(*steps, **facts)[-1], section)
    assert faults(body) == []
    return body


# ── which messages there are ─────────────────────────────────────────────────────────────────────────────────────────


def test_an_alert_is_updated_and_cancelled_and_each_message_names_the_ones_before() -> None:
    first, second, third = told(RAISED, ACCEPTED, TRUE, RESOLVED)
    assert [one.type for one in (first, second, third)] == [MsgType.ALERT, MsgType.UPDATE, MsgType.CANCEL]
    assert [one.identifier for one in (first, second, third)] == ["QFE23P6C.1", "QFE23P6C.3", "QFE23P6C.4"]
    assert first.references == ()
    assert second.references == (("QFE23P6C.1", T0),)
    assert third.references == (("QFE23P6C.1", T0), ("QFE23P6C.3", T0 + 60 * S))
    said = render(third, SECTION)
    (named,) = text(said, "references")
    assert named.split() == [
        "vigil@shuibei.example,QFE23P6C.1,2027-01-15T16:00:00+08:00",
        "vigil@shuibei.example,QFE23P6C.3,2027-01-15T16:01:00+08:00",
    ]


def test_a_false_alarm_is_cancelled_when_it_is_known_and_not_twice() -> None:
    assert [one.type for one in told(RAISED, FALSE, RESOLVED)] == [MsgType.ALERT, MsgType.CANCEL]


def test_what_is_raised_again_after_its_cancellation_is_a_new_alert() -> None:
    types = [one.type for one in told(RAISED, RESOLVED, REOPENED, CLEARED)]
    assert types == [MsgType.ALERT, MsgType.CANCEL, MsgType.ALERT, MsgType.CANCEL]


def test_what_is_raised_again_while_it_is_open_is_an_update() -> None:
    assert [one.type for one in told(RAISED, ACCEPTED, REOPENED)] == [MsgType.ALERT, MsgType.UPDATE]


def test_a_long_story_names_the_first_message_and_the_newest() -> None:
    last = told(RAISED, *[REOPENED] * 30)[-1]
    assert len(last.references) == REFERENCES
    assert last.references[0].identifier == "QFE23P6C.1"
    assert last.references[-1].identifier == "QFE23P6C.30"
    assert faults(render(last, SECTION)) == []


def test_without_its_timeline_an_incident_is_still_told() -> None:
    assert faults(render(message_of(incident(revision=4)), SECTION)) == []
    ended = message_of(incident(revision=4, state=IncidentState.CLEARED, closed_us=T0 + S))
    assert (ended.type, ended.references[0].identifier) == (MsgType.CANCEL, "QFE23P6C.1")
    assert faults(render(ended, SECTION)) == []


_KINDS = st.sampled_from([RAISED, ACCEPTED, TRUE, FALSE, RESOLVED, REOPENED, CLEARED])


@given(st.lists(_KINDS, max_size=12), st.sampled_from(list(Kind)), st.sampled_from(list(Severity)))
def test_every_message_of_every_timeline_keeps_the_rules(steps: list[Any], kind: Kind, severity: Severity) -> None:
    standing = False
    for message in told(*steps, kind=kind, severity=severity):
        assert faults(render(message, SECTION)) == []
        assert (message.type is MsgType.ALERT) == (not standing)
        standing = message.type is not MsgType.CANCEL


# ── what a message says ──────────────────────────────────────────────────────────────────────────────────────────────


def test_it_says_what_where_and_how_bad_in_both_languages() -> None:
    body = rendered(RAISED)
    assert text(body, "identifier") == ["QFE23P6C.1"]
    assert text(body, "sent") == ["2027-01-15T16:00:00+08:00"]
    assert text(body, "status") == ["Actual"]
    assert text(body, "scope") == ["Restricted"]
    assert text(body, "info", "language") == ["zh-CN", "en-US"]
    assert text(body, "info", "category") == ["Safety", "Safety"]
    assert text(body, "info", "urgency") == ["Immediate", "Immediate"]
    assert text(body, "info", "severity") == ["Severe", "Severe"]
    assert text(body, "info", "certainty") == ["Likely", "Likely"]
    assert text(body, "info", "headline") == [
        "燃气浓度高 · shuibei，网格3，楼栋5，201",
        "Gas concentration high · shuibei, grid 3, building 5, 201",
    ]
    assert text(body, "info", "description")[1] == "combustible gas 12.3 %LEL (limit ≥ 10 %LEL)."
    assert text(body, "info", "senderName") == ["水贝社区值班室"] * 2
    assert text(body, "info", "contact") == ["0755-12345678"] * 2
    assert text(body, "info", "area", "circle") == ["22.500000,114.100000 0.05"] * 2
    assert text(body, "info", "area", "geocode", "value") == ["shuibei", "3", "5"] * 2
    assert len(text(body, "info", "instruction")) == 2


def test_an_end_is_past_and_all_clear_and_says_what_it_was() -> None:
    body = rendered(RAISED, TRUE, RESOLVED)
    assert text(body, "info", "urgency") == ["Past"] * 2
    assert text(body, "info", "responseType") == ["AllClear"] * 2
    assert text(body, "info", "certainty") == ["Observed"] * 2
    assert text(body, "info", "headline")[1].startswith("Over: ")
    assert "It was a true alarm." in text(body, "info", "description")[1]
    assert text(body, "info", "expires") == text(body, "info", "instruction") == []


@pytest.mark.parametrize(
    ("kind", "category"),
    [(Kind.SMOKE, "Fire"), (Kind.GAS, "Safety"), (Kind.TANK, "Infra"), (Kind.WATCH, "Health")],
)
def test_the_category_is_that_of_the_device(kind: Kind, category: str) -> None:
    assert set(text(rendered(RAISED, kind=kind), "info", "category")) == {category}


def test_what_is_inferred_is_possible() -> None:
    assert set(text(rendered(RAISED, rule_kind=RuleKind.FORECAST), "info", "certainty")) == {"Possible"}


@pytest.mark.parametrize(
    ("exercise", "status"), [(Exercise.DRILL, "Exercise"), (Exercise.SYNTHETIC, "Test"), (None, "Actual")]
)
def test_an_exercise_is_never_an_actual_alert(exercise: Exercise | None, status: str) -> None:
    assert text(rendered(RAISED, exercise=exercise), "status") == [status]


def test_a_private_message_names_whom_it_is_for() -> None:
    section = CapSection(sender="a@b", scope="Private", addresses=("fire@119.example", "street office"))
    body = rendered(RAISED, section=section)
    assert text(body, "addresses") == ['fire@119.example "street office"']
    assert text(body, "restriction") == []


def test_utc_is_written_as_cap_wants_it() -> None:
    section = CapSection(sender="a@b", timezone="UTC")
    assert text(rendered(RAISED, section=section), "sent") == ["2027-01-15T08:00:00-00:00"]


def test_an_elder_is_neither_named_nor_placed_nor_described() -> None:
    facts: dict[str, Any] = {
        "kind": Kind.WATCH,
        "device": "shuibei/watch-of-granny-li",
        "rule_id": "watch.heart-rate",
        "rule_name_en": "Heart rate low",
        "rule_name_zh": "心率过低",
        "what_en": "heart rate 38 /min",
        "what_zh": "心率 38 次/分",
        "note": "Granny Li fell",
        "building": "5",
    }
    for steps in ((RAISED,), (RAISED, TRUE), (RAISED, TRUE, RESOLVED)):
        body = rendered(*steps, **facts).decode()
        assert not [
            secret
            for secret in ("granny", "Granny", "eart", "38", "22.5", "114.1", "心率", "building", "楼栋", "网格")
            if secret in body
        ]
    feed = atom([incident(**facts)], 0, SECTION, "https://vigil.example/cap", T0).decode()
    assert not [secret for secret in ("granny", "eart", "心率", "building", "楼栋") if secret in feed]


@given(st.text(), st.text())
def test_any_text_survives_the_round_trip_but_for_what_xml_cannot_hold(what: str, place: str) -> None:
    body = render(message_of(incident(what_en=f"a{what}", place=f"b{place}")), SECTION)
    root = ET.fromstring(body)
    description = root.findall(f"{CAP}info/{CAP}description")[1].text or ""
    kept = "".join("�" if (ord(c) < 32 and c not in "\t\n\r") or c in "￾￿" else c for c in f"a{what}.")
    assert description.replace("\n", "\r") == kept.replace("\r\n", "\r").replace("\n", "\r")
    assert root.findall(f"{CAP}info/{CAP}area/{CAP}areaDesc")[1].text


def test_the_same_message_is_the_same_bytes() -> None:
    assert rendered(RAISED, TRUE) == rendered(RAISED, TRUE)


@pytest.mark.parametrize(
    "wrong",
    [
        {"sender": "vigil at shuibei"},
        {"sender": "a,b"},
        {"scope": "Public"},
        {"scope": "Private"},
        {"restriction": ""},
        {"timezone": "Mars/Olympus"},
        {"scope": "Private", "addresses": ['a"b']},
    ],
)
def test_settings_that_break_the_rules_are_faults(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        CapSection.model_validate({"sender": "vigil@shuibei.example"} | wrong)


# ── the feed ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_feed_has_the_open_ones_worst_first_and_those_that_ended_lately() -> None:
    open_ = [
        incident(id="AAAAAAA1", severity=Severity.WARNING),
        incident(id="AAAAAAA2", severity=Severity.EMERGENCY),
        incident(id="AAAAAAA3", exercise=Exercise.SYNTHETIC),
        incident(id="AAAAAAA4", severity=Severity.ADVISORY),
        incident(id="AAAAAAA5", alarm_class=AlarmClass.TROUBLE),
        incident(id="AAAAAAA6", exercise=Exercise.DRILL),
    ]
    ended = [
        incident(id=f"BBBBBBB{n}", state=IncidentState.CLEARED, closed_us=T0 + n * S, raised_us=T0) for n in (9, 8, 7)
    ]
    section = CapSection(sender="a@b", recent=2)
    shown, left_out = in_feed(open_, [*ended, *open_], section)
    assert [one.id for one in shown] == ["AAAAAAA2", "AAAAAAA6", "AAAAAAA1", "BBBBBBB9", "BBBBBBB8"]
    assert left_out == 0
    feed = ET.fromstring(atom(shown, left_out, section, "https://vigil.example/cap", T0))
    links = [link.get("href") for link in feed.findall(f"{ATOM}entry/{ATOM}link")]
    assert links == [f"https://vigil.example/cap/{one.id}.xml" for one in shown]
    assert feed.findtext(f"{ATOM}updated") == "2027-01-15T08:00:09Z"
    for entry in feed.findall(f"{ATOM}entry"):
        for tag in ("id", "title", "updated"):  # RFC 4287, section 4.1.2
            assert entry.findtext(f"{ATOM}{tag}"), tag


def test_a_storm_does_not_make_the_feed_endless_and_it_says_so() -> None:
    many = [incident(id=f"{n:08}", raised_us=T0 + n) for n in range(1_500)]
    shown, left_out = in_feed(many, [], SECTION)
    assert (len(shown), left_out) == (1_000, 500)
    assert b"500 more are open" in atom(shown, left_out, SECTION, "x", T0)


def test_an_empty_feed_is_a_feed() -> None:
    feed = ET.fromstring(atom([], 0, SECTION, "x", T0))
    assert feed.findtext(f"{ATOM}updated") == "2027-01-15T08:00:00Z"
    assert feed.find(f"{ATOM}entry") is None


def _events(*steps: Any) -> list[IncidentEvent]:
    return timeline(*steps)


def test_lines_that_those_outside_do_not_learn_make_no_message() -> None:
    quiet = [
        event(kind, 1, incident(revision=2))
        for kind in EventKind
        if kind not in {EventKind.RAISED, EventKind.REOPENED, EventKind.VERIFIED, EventKind.RESOLVED, EventKind.CLEARED}
    ]
    assert len(messages([*_events(RAISED), *quiet])) == 1
