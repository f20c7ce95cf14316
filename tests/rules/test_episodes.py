from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from rules.episodes import Episode, Episodes
from rules.model import AlarmClass, AlarmTerms, Change, Rule, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

SECOND = 1_000_000


def rule(rule_id: str) -> Rule:
    return Rule(
        id=rule_id,
        profile="p",
        metric="m",
        severity=Severity.ALARM,
        alarm_class=AlarmClass.PROPERTY,
        name_en="n",
        name_zh="n",
        source="test",
        terms=AlarmTerms(),
    )


RULES = {name: rule(name) for name in ("p.flag", "p.event", "p.part")}


def change(
    at_s: float,
    *,
    holds: bool = True,
    repeated: bool = False,
    device: int = 0,
    name: str = "p.flag",
    late: bool = False,
) -> Change:
    time_us = round(at_s * SECOND)
    return Change(device, 0, RULES[name], holds, repeated, late, time_us, time_us - SECOND, float(device), at_s)


def folded(changes: Iterable[Change], **named: object) -> list[Episode]:
    episodes = Episodes(endless={"p.event"}, ignored={"p.part"})
    for one in changes:
        episodes.take([one], **named)  # type: ignore[arg-type]
    assert len(episodes) == len(episodes.all())
    return episodes.all()


def times(episodes: list[Episode]) -> list[tuple[float, float | None, int]]:
    return [(e.raised_us / SECOND, None if e.ceased_us is None else e.ceased_us / SECOND, e.repeats) for e in episodes]


def test_an_episode_lasts_from_the_start_to_the_end_with_what_is_repeated_in_it() -> None:
    changes = [change(1), change(2, repeated=True), change(3, repeated=True), change(9, holds=False)]
    assert times(folded(changes)) == [(1, 9, 2)]


def test_what_goes_on_has_no_end_and_stands_until_the_end_of_the_history() -> None:
    (episode,) = folded([change(1)])
    assert episode.ceased_us is None
    assert episode.standing_s(11 * SECOND) == 10


def test_devices_and_rules_are_kept_apart() -> None:
    changes = [change(1), change(2, device=1), change(3, name="p.event"), change(4, holds=False)]
    assert [(e.device_row, e.rule_id, e.ceased_us) for e in folded(changes)] == [
        (0, "p.flag", 4 * SECOND),
        (1, "p.flag", None),
        (0, "p.event", 3 * SECOND),
    ]


def test_an_event_that_comes_again_after_a_while_is_another_one() -> None:
    changes = [change(at, repeated=at > 0, name="p.event") for at in (0, 600, 1200, 1801)]
    assert times(folded(changes)) == [(0, 1200, 2), (1801, 1801, 0)]


def test_a_flag_that_is_repeated_after_a_while_is_still_the_same() -> None:
    assert times(folded([change(0), change(10_000, repeated=True)])) == [(0, None, 1)]


def test_an_end_of_what_never_began_is_nothing() -> None:
    assert folded([change(1, holds=False)]) == []


def test_what_nobody_wants_is_left_out() -> None:
    assert folded([change(1, name="p.part")]) == []


def test_a_start_of_what_is_open_ends_it_at_its_last_change() -> None:
    assert times(folded([change(1), change(3, repeated=True), change(7), change(8, holds=False)])) == [
        (1, 3, 1),
        (7, 8, 0),
    ]


def test_it_is_said_when_it_was_raised_unless_readings_come_later() -> None:
    assert [e.said_us for e in folded([change(5)])] == [5 * SECOND]
    assert [e.said_us for e in folded([change(5)], now_us=60 * SECOND)] == [60 * SECOND]


def test_it_tells_of_the_change_that_began_it() -> None:
    (episode,) = folded([change(5, device=3, late=True), change(6, device=3, repeated=True)])
    assert (episode.since_us, episode.value, episode.measure, episode.late) == (4 * SECOND, 3.0, 5, True)
    assert episode.last_us == 6 * SECOND


def naive(changes: list[Change]) -> list[tuple[int, str, int, int | None, int]]:
    """Go through each device's and rule's changes, one after the other."""
    found = []
    for device in {c.device_row for c in changes}:
        for name in ("p.flag", "p.event"):
            its = [c for c in changes if (c.device_row, c.rule_id) == (device, name)]
            current: list[Change] = []
            for one in [*its, None]:
                newest = max((c.time_us for c in current), default=0)
                if one is not None and current and one.holds and one.repeated:
                    is_apart = name == "p.event" and one.time_us - newest > 600 * SECOND
                    if not is_apart:
                        current.append(one)
                        continue
                if current:
                    end: int | None = newest
                    if one is None and name != "p.event":
                        end = None
                    elif one is not None and not one.holds:
                        end = one.time_us
                    found.append((device, name, current[0].time_us, end, len(current) - 1))
                current = [one] if one is not None and one.holds else []
    return sorted(found, key=lambda one: (one[2], one[0], one[1]))


changes_made = st.lists(
    st.builds(
        change,
        st.integers(0, 5_000),
        holds=st.booleans(),
        repeated=st.booleans(),
        device=st.integers(0, 1),
        name=st.sampled_from(["p.flag", "p.event"]),
    ),
    max_size=40,
)


@given(changes_made)
@settings(max_examples=200, deadline=None)
def test_episodes_are_those_of_an_obvious_loop(changes: list[Change]) -> None:
    found = [(e.device_row, e.rule_id, e.raised_us, e.ceased_us, e.repeats) for e in folded(changes)]
    assert sorted(found, key=str) == sorted(naive(changes), key=str)


@given(changes_made, st.lists(st.integers(0, 40), max_size=5))
@settings(max_examples=50, deadline=None)
def test_how_changes_come_in_steps_makes_no_difference(changes: list[Change], cuts: list[int]) -> None:
    episodes = Episodes(endless={"p.event"}, ignored={"p.part"})
    for start, end in zip([0, *sorted(cuts)], [*sorted(cuts), len(changes)], strict=True):
        episodes.take(changes[start:end])
    assert episodes.all() == folded(changes)
