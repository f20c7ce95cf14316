"""Silences: what they keep from being told, how they end, and what they never keep."""

from __future__ import annotations

from typing import Any

import pytest

from alerts.command import EndSilence, Matcher, Silence
from alerts.lifecycle import CommandRejected
from alerts.noise.counters import Bound
from alerts.noise.limits import NoiseLimits
from alerts.noise.silences import SilenceLimits, SilenceState
from alerts.response_event import ResponseKind
from tests.alerts.noise.scene import BATTERY, SILENT, SMOKE, SOS, TANK, Street, us

DAY = 86_400


def silence(ends: float = 1_000, *, starts: float | None = None, **facts: Any) -> Silence:
    """Return a silence of what matches; the matcher's fields and the silence's own may be given."""
    own: dict[str, Any] = {"by": "wang", "origin": "test", "reason": "painting"}
    own |= {name: facts.pop(name) for name in ("by", "reason", "id", "maintenance", "life_safety") if name in facts}
    starts_us = 0 if starts is None else us(starts)
    return Silence(matcher=Matcher(**facts), ends_us=us(ends), starts_us=starts_us, **own)


def end(name: str) -> EndSilence:
    return EndSilence(id=name, by="chen", origin="test")


@pytest.mark.parametrize(
    ("matcher", "is_silenced"),
    [
        ({"site": "s"}, True),
        ({"site": "t"}, False),
        ({"grid": "3"}, True),
        ({"grid": "4"}, False),
        ({"building": "5"}, True),
        ({"site": "s", "building": "6"}, False),
        ({"device": "s/A"}, True),
        ({"device": "s/B"}, False),
        ({"kind": "tank"}, True),
        ({"kind": "gas"}, False),
        ({"rule": "tank.level-low"}, True),
        ({"rule": "tank.*"}, True),
        ({"rule": "tank.level"}, False),
        ({"site": "s", "severity_at_most": "warning"}, True),
        ({"site": "s", "severity_at_most": "advisory"}, False),
        ({"site": "s", "building": "5", "device": "s/A", "kind": "tank", "rule": "*.level-low"}, True),
    ],
)
def test_it_keeps_what_has_all_that_is_given(matcher: dict[str, Any], is_silenced: bool) -> None:
    street = Street()
    name = street.ordered(silence(**matcher), 0)
    verdict = street.raised("A", 1, **TANK)
    assert verdict.told is not is_silenced
    if is_silenced:
        assert (verdict.kind, verdict.by) == (ResponseKind.SILENCED, name)
        assert verdict.text.en == f"Not told: silenced by wang, “painting” ({name})."


def test_life_safety_is_told_unless_somebody_answers_for_it_by_name() -> None:
    street = Street()
    street.ordered(silence(site="s"), 0)
    assert street.raised("A", 1, **SMOKE).told
    street.ordered(silence(site="s", building="9", life_safety=True), 2)
    assert street.raised("B", 3, building="9", **SMOKE).kind is ResponseKind.SILENCED


def test_when_it_ends_what_is_open_and_untold_is_told_at_once() -> None:
    street = Street()
    name = street.ordered(silence(1_000, site="s"), 0)
    for incident in ("OPEN", "ENDED", "ANSWERED"):
        street.raised(incident, 1, building=incident, **TANK)
    street.closed("ENDED", 2)
    street.accepted("ANSWERED", 3)
    assert street.freed(999) == []
    assert street.noise.next_us == us(1_000)
    assert street.freed(1_000) == ["OPEN"]
    (ended,) = street.noise.silences(us(1_001))
    assert (ended.id, ended.state, ended.ended_by) == (name, SilenceState.ENDED, "")


def test_a_person_can_end_it_before_its_time() -> None:
    street = Street()
    name = street.ordered(silence(1_000, site="s"), 0)
    street.raised("A", 1, **TANK)
    street.ordered(end(name.lower()), 2)
    assert street.freed(2) == ["A"]
    (ended,) = street.noise.silences(us(3))
    assert (ended.state, ended.ended_by, ended.ended_us) == (SilenceState.ENDED, "chen", us(2))
    with pytest.raises(CommandRejected, match="no silence"):
        street.ordered(end(name), 3)


def test_of_two_the_longer_counts_and_the_end_of_the_shorter_tells_nobody() -> None:
    street = Street()
    street.ordered(silence(500, site="s"), 0)
    longer = street.ordered(silence(1_000, kind="tank"), 0)
    assert street.raised("A", 1, **TANK).by == longer
    assert street.freed(500) == []
    assert street.freed(1_000) == ["A"]


def test_a_maintenance_window_begins_and_ends_by_itself() -> None:
    street = Street()
    street.ordered(silence(2_000, starts=1_000, site="s", maintenance=True), 0)
    assert [one.state for one in street.noise.silences(us(1))] == [SilenceState.PLANNED]
    assert street.raised("BEFORE", 999, building="1", **TANK).told
    within = street.raised("WITHIN", 1_000, building="2", **TANK)
    assert within.text.en.startswith("Not told: maintenance by wang")
    assert "正在维护" in within.text.zh
    assert [(one.state, one.keeps) for one in street.noise.silences(us(1_001))] == [(SilenceState.IN_FORCE, 1)]
    assert street.freed(2_000) == ["WITHIN"]
    assert street.raised("AFTER", 2_000, building="3", **TANK).told


def test_one_that_has_ended_does_not_come_back_with_the_clock() -> None:
    street = Street()
    street.ordered(silence(1_000, site="s"), 0)
    street.freed(1_000)
    assert street.raised("A", 900, **TANK).told


def test_it_can_be_changed() -> None:
    street = Street()
    name = street.ordered(silence(1_000, site="s"), 0)
    street.raised("A", 1, building="1", **TANK)
    street.raised("B", 1, building="2", **TANK)
    assert street.ordered(silence(2_000, site="s", building="2", id=name, by="chen"), 2) == name
    assert street.freed(2) == ["A"]
    (changed,) = street.noise.silences(us(3))
    assert (changed.by, changed.ends_us, changed.starts_us, changed.keeps) == ("chen", us(2_000), us(0), 1)
    assert street.freed(1_000) == []
    assert street.freed(2_000) == ["B"]


def test_lists_show_it_for_a_day_after_its_end() -> None:
    street = Street()
    street.ordered(silence(100, site="s"), 0)
    street.freed(100 + DAY - 1)
    assert len(street.noise.silences(us(100 + DAY - 1))) == 1
    street.freed(100 + DAY)
    assert street.noise.silences(us(100 + DAY)) == []
    assert street.noise.next_us is None


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (silence(site="s", by=" "), "by: nobody"),
        (silence(site="s", reason=""), "reason: there is none"),
        (silence(), "would silence everything"),
        (silence(severity_at_most="warning"), "would silence everything"),
        (silence(kind="cat"), "kind: 'cat' is none; there are smoke, gas"),
        (silence(site="s", severity_at_most="bad"), "severity_at_most: 'bad' is none; there are advisory"),
        (silence(0, site="s"), "would have ended already"),
        (silence(100, starts=200, site="s"), "would end before it starts"),
        (silence(30 * DAY + 1, site="s"), "longer than 30 d"),
        (silence(368 * DAY, starts=367 * DAY, site="s"), "more than 366 d ahead"),
        (silence(site="s", id="XYZ"), "no silence 'XYZ'"),
    ],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(wanted: Silence, said: str) -> None:
    street = Street()
    street.ordered(silence(site="t"), 0)
    before = street.noise.snapshot()
    with pytest.raises(CommandRejected, match=said):
        street.ordered(wanted, 0)
    assert street.noise.snapshot() == before


def test_every_fault_is_said_at_once() -> None:
    with pytest.raises(CommandRejected) as caught:
        Street().ordered(silence(0, by="", reason="", kind="cat"), 0)
    assert all(word in str(caught.value) for word in ("by:", "reason:", "kind:", "ends:"))


def test_the_longest_is_taken() -> None:
    street = Street()
    assert street.ordered(silence(30 * DAY, site="s"), 0)
    assert street.ordered(silence(396 * DAY, starts=366 * DAY, site="s"), 0)


def test_there_are_only_so_many_and_who_finds_no_room_is_counted() -> None:
    street = Street(NoiseLimits(silences=SilenceLimits(most=2)))
    first = street.ordered(silence(site="s"), 0)
    street.ordered(silence(site="t"), 0)
    with pytest.raises(CommandRejected, match="2 silences are planned or in force already"):
        street.ordered(silence(site="u"), 0)
    assert street.counters.full[Bound.SILENCES] == 1
    street.ordered(end(first), 1)
    assert street.ordered(silence(site="u"), 2)
    assert street.counters.silences == 3


def test_names_come_from_causes_and_are_never_the_same() -> None:
    one, other = Street(), Street()
    names = [one.ordered(silence(site="s"), 0) for _ in range(200)]
    assert names == [other.ordered(silence(site="s"), 0) for _ in range(200)]
    assert len(set(names)) == 200


def test_a_silence_does_not_take_back_what_was_told() -> None:
    street = Street()
    assert street.raised("A", 0, **TANK).told
    street.ordered(silence(1_000, site="s"), 1)
    assert street.freed(1_000) == []
    assert street.reopened("A", 1_001).told


def test_what_a_person_raises_again_is_kept_no_more() -> None:
    street = Street()
    name = street.ordered(silence(1_000, site="s"), 0)
    street.raised("A", 1, **TANK)
    assert street.reopened("A", 2, by="li").told
    assert [one.keeps for one in street.noise.silences(us(3))] == [0]
    street.closed("A", 4)
    street.ordered(end(name), 5)
    assert street.freed(5) == []


def test_silences_survive_a_restart() -> None:
    street = Street()
    street.ordered(silence(1_000, site="s"), 0)
    street.raised("A", 1, building="1", **BATTERY)
    street = street.restarted()
    assert street.raised("B", 2, building="2", **SILENT).kind is ResponseKind.SILENCED
    assert street.restarted().freed(1_000) == ["A", "B"]


def test_it_keeps_a_watch_too_where_it_says_so() -> None:
    street = Street()
    street.ordered(silence(kind="watch", life_safety=True), 0)
    assert not street.raised("W", 1, **SOS).told
