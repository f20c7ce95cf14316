"""Who is on it, who is responsible, and what each step leaves in the fields."""

from __future__ import annotations

from typing import Any

import pytest

from alerts.incident import EventKind, Incident, IncidentState, Outcome
from alerts.incidents import Incidents
from alerts.lifecycle import CommandRejected, Trigger
from alerts.steps import ACCEPTANCES_KEPT
from tests.alerts.decisions import say
from tests.alerts.scene import SMOKE, T0, TANK, S, Scene


@pytest.fixture
def scene() -> Scene:
    scene = Scene(Incidents())
    scene.rule(SMOKE, 0)
    return scene


def now(scene: Scene) -> Incident:
    (incident,) = scene.incidents.recent(1)
    return incident


def on_it(scene: Scene) -> list[str]:
    return [acceptance.by for acceptance in now(scene).acceptances]


def test_several_people_accept_and_the_first_is_responsible(scene: Scene) -> None:
    for at, by in ((10, "li"), (20, "wang"), (30, "zhao")):
        (event,) = say(scene, Trigger.ACCEPT, at, by)
        assert (event.kind, event.incident.state) == (EventKind.ACCEPTED, IncidentState.ACCEPTED)
    assert on_it(scene) == ["li", "wang", "zhao"]
    assert (now(scene).accepted_by, now(scene).accepted_us) == ("li", T0 + 10 * S)
    assert [one.time_us for one in now(scene).acceptances] == [T0 + at * S for at in (10, 20, 30)]


@pytest.mark.parametrize("path", [(), (Trigger.DISPATCH,), (Trigger.ARRIVE,), (Trigger.VERIFY,)])
def test_the_same_person_accepts_once(scene: Scene, path: tuple[Trigger, ...]) -> None:
    say(scene, Trigger.ACCEPT, 1, "li")
    for trigger in path:
        say(scene, trigger, 2, "li")
    before = scene.incidents.snapshot()
    assert say(scene, Trigger.ACCEPT, 3, "li") == []
    assert scene.incidents.snapshot() == before


def test_what_is_said_with_a_second_accept_is_kept(scene: Scene) -> None:
    say(scene, Trigger.ACCEPT, 1, "li")
    (event,) = say(scene, Trigger.ACCEPT, 2, "li", note="two minutes")
    assert (event.kind, event.incident.note, event.incident.state) == (
        EventKind.NOTED,
        "two minutes",
        IncidentState.ACCEPTED,
    )
    assert on_it(scene) == ["li"]


def test_more_people_than_can_be_kept_are_told_so(scene: Scene) -> None:
    for n in range(ACCEPTANCES_KEPT):
        say(scene, Trigger.ACCEPT, n, f"p{n}")
    for trigger in (Trigger.ACCEPT, Trigger.NEED_HELP, Trigger.ARRIVE):
        with pytest.raises(CommandRejected, match="on it already"):
            say(scene, trigger, 200, "one more")
    say(scene, Trigger.ARRIVE, 201, "p7")
    assert len(on_it(scene)) == ACCEPTANCES_KEPT


# ── later steps taken directly ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("trigger", "state"),
    [
        (Trigger.NEED_HELP, IncidentState.ACCEPTED),
        (Trigger.HAND_OVER, IncidentState.ACCEPTED),
        (Trigger.DISPATCH, IncidentState.DISPATCHED),
        (Trigger.ARRIVE, IncidentState.ARRIVED),
        (Trigger.VERIFY, IncidentState.VERIFIED),
        (Trigger.RESOLVE, IncidentState.RESOLVED),
    ],
)
def test_whoever_acts_on_what_nobody_accepted_has_accepted_it(
    scene: Scene, trigger: Trigger, state: IncidentState
) -> None:
    (event,) = say(scene, trigger, 7, "li")
    assert event.incident.state is state
    assert (on_it(scene), now(scene).accepted_by, now(scene).accepted_us) == (["li"], "li", T0 + 7 * S)


@pytest.mark.parametrize(
    ("trigger", "joins"),
    [
        (Trigger.ARRIVE, True),
        (Trigger.NEED_HELP, True),
        (Trigger.DISPATCH, False),
        (Trigger.VERIFY, False),
        (Trigger.HAND_OVER, False),
        (Trigger.RESOLVE, False),
    ],
)
def test_who_comes_is_on_it_and_who_only_directs_is_not(scene: Scene, trigger: Trigger, joins: bool) -> None:
    say(scene, Trigger.ACCEPT, 1, "li")
    say(scene, trigger, 2, "chief")
    assert on_it(scene) == (["li", "chief"] if joins else ["li"])
    assert now(scene).accepted_by == "li"


def test_what_is_judged_after_it_cleared_was_accepted_by_nobody() -> None:
    scene = Scene(Incidents())
    scene.rule(TANK, 0)
    scene.rule(TANK, 9, holds=False)
    say(scene, Trigger.RESOLVE, 99, "li")
    assert (on_it(scene), now(scene).accepted_us) == ([], None)


def test_each_step_keeps_the_time_when_it_was_first_taken(scene: Scene) -> None:
    say(scene, Trigger.DISPATCH, 1, "li", to="station-3")
    say(scene, Trigger.DISPATCH, 5, "li", to="station-7")
    say(scene, Trigger.DISPATCH, 6, "li")
    say(scene, Trigger.ARRIVE, 10, "wang")
    say(scene, Trigger.ARRIVE, 15, "zhao")
    (event,) = say(scene, Trigger.DISPATCH, 20, "li", to="station-9")
    assert (event.kind, event.incident.state) == (EventKind.DISPATCHED, IncidentState.ARRIVED)
    after = event.incident
    assert (after.dispatched_us, after.dispatched_to, after.arrived_us) == (T0 + S, "station-9", T0 + 10 * S)


# ── refusal ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("taken", [False, True])
def test_the_refusal_of_who_never_accepted_is_a_line_and_nothing_else(scene: Scene, taken: bool) -> None:
    if taken:
        say(scene, Trigger.ACCEPT, 1, "li")
    before = now(scene)
    (event,) = say(scene, Trigger.REFUSE, 2, "wang", note="ill")
    assert (event.kind, event.by, event.incident.state) == (EventKind.REFUSED, "wang", before.state)
    assert on_it(scene) == (["li"] if taken else [])
    assert ("Nobody is on it" in event.text_en) is not taken


def test_who_gives_it_back_leaves_it_to_the_next(scene: Scene) -> None:
    for at, by in ((1, "li"), (2, "wang"), (3, "zhao")):
        say(scene, Trigger.ACCEPT, at, by)
    (event,) = say(scene, Trigger.REFUSE, 4, "li")
    assert (event.incident.state, event.incident.accepted_by) == (IncidentState.ACCEPTED, "wang")
    assert on_it(scene) == ["wang", "zhao"]
    assert now(scene).accepted_us == T0 + S


@pytest.mark.parametrize("path", [(), (Trigger.DISPATCH,), (Trigger.ARRIVE,), (Trigger.VERIFY,)])
def test_the_last_who_gives_it_back_leaves_it_raised(scene: Scene, path: tuple[Trigger, ...]) -> None:
    say(scene, Trigger.ACCEPT, 1, "li")
    for trigger in path:
        say(scene, trigger, 2, "li")
    (event,) = say(scene, Trigger.REFUSE, 3, "li")
    after = event.incident
    assert (event.kind, after.state, after.raised_us) == (EventKind.REFUSED, IncidentState.RAISED, T0)
    assert (after.acceptances, after.accepted_by, after.accepted_us, after.outcome) == ((), "", None, None)
    assert (after.dispatched_us, after.arrived_us, after.verified_us) == (None, None, None)
    (again,) = say(scene, Trigger.ACCEPT, 4, "li")
    assert again.incident.accepted_us == T0 + 4 * S


def test_who_resolved_it_alone_has_nothing_left_to_give_back(scene: Scene) -> None:
    say(scene, Trigger.RESOLVE, 1, "li")
    with pytest.raises(CommandRejected, match="cannot refuse: it is resolved"):
        say(scene, Trigger.REFUSE, 2, "li")


# ── hand-over ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_hand_over_keeps_the_old_one_responsible_until_the_new_one_accepts(scene: Scene) -> None:
    say(scene, Trigger.ACCEPT, 1, "li")
    say(scene, Trigger.ACCEPT, 2, "wang")
    (asked,) = say(scene, Trigger.HAND_OVER, 3, "li", to="zhao")
    assert (asked.kind, asked.incident.accepted_by, asked.incident.handed_to) == (EventKind.HANDED_OVER, "li", "zhao")
    assert on_it(scene) == ["li", "wang"]
    (taken,) = say(scene, Trigger.ACCEPT, 4, "zhao")
    assert (taken.kind, taken.incident.accepted_by, taken.incident.handed_to) == (EventKind.ACCEPTED, "zhao", "")
    assert on_it(scene) == ["wang", "zhao"]
    assert taken.incident.accepted_us == T0 + S


@pytest.mark.parametrize("trigger", [Trigger.NEED_HELP, Trigger.DISPATCH, Trigger.ARRIVE, Trigger.VERIFY])
def test_whom_it_was_handed_to_takes_it_by_acting_too(scene: Scene, trigger: Trigger) -> None:
    say(scene, Trigger.ACCEPT, 1, "li")
    say(scene, Trigger.HAND_OVER, 2, "li", to="zhao")
    say(scene, trigger, 3, "zhao")
    assert (now(scene).accepted_by, now(scene).handed_to, on_it(scene)) == ("zhao", "", ["zhao"])


def test_whom_it_was_handed_to_may_be_on_it_already(scene: Scene) -> None:
    say(scene, Trigger.ACCEPT, 1, "li")
    say(scene, Trigger.ACCEPT, 2, "wang")
    say(scene, Trigger.HAND_OVER, 3, "li", to="wang")
    (event,) = say(scene, Trigger.ACCEPT, 4, "wang")
    assert (event.kind, event.incident.accepted_by) == (EventKind.ACCEPTED, "wang")
    assert on_it(scene) == ["wang"]


def test_a_hand_over_that_is_refused_leaves_it_where_it_was(scene: Scene) -> None:
    say(scene, Trigger.ACCEPT, 1, "li")
    say(scene, Trigger.HAND_OVER, 2, "li", to="zhao")
    (event,) = say(scene, Trigger.REFUSE, 3, "zhao")
    assert (event.kind, event.incident.state) == (EventKind.REFUSED, IncidentState.ACCEPTED)
    assert (now(scene).accepted_by, now(scene).handed_to, on_it(scene)) == ("li", "", ["li"])


def test_a_hand_over_is_asked_once_and_may_be_asked_of_another(scene: Scene) -> None:
    say(scene, Trigger.ACCEPT, 1, "li")
    say(scene, Trigger.HAND_OVER, 2, "li", to="zhao")
    assert say(scene, Trigger.HAND_OVER, 3, "li", to="zhao") == []
    (event,) = say(scene, Trigger.HAND_OVER, 4, "li", to="chen")
    assert event.incident.handed_to == "chen"
    say(scene, Trigger.ACCEPT, 5, "zhao")  # too late to take it over, and welcome all the same
    assert (now(scene).accepted_by, now(scene).handed_to, on_it(scene)) == ("li", "chen", ["li", "zhao"])


def test_who_is_asked_and_is_next_has_it_when_the_other_leaves(scene: Scene) -> None:
    say(scene, Trigger.ACCEPT, 1, "li")
    say(scene, Trigger.ACCEPT, 2, "zhao")
    say(scene, Trigger.HAND_OVER, 3, "li", to="zhao")
    say(scene, Trigger.REFUSE, 4, "li")
    assert (now(scene).accepted_by, now(scene).handed_to, on_it(scene)) == ("zhao", "", ["zhao"])


def test_what_is_resolved_waits_for_nobody_to_take_it_over(scene: Scene) -> None:
    say(scene, Trigger.HAND_OVER, 1, "li", to="zhao")
    (event,) = say(scene, Trigger.RESOLVE, 2, "li")
    assert (event.incident.handed_to, event.incident.accepted_by) == ("", "li")


def test_who_leaves_while_it_is_being_handed_over_leaves_nobody(scene: Scene) -> None:
    say(scene, Trigger.ACCEPT, 1, "li")
    say(scene, Trigger.HAND_OVER, 2, "li", to="zhao")
    (event,) = say(scene, Trigger.REFUSE, 3, "li")
    assert (event.incident.state, event.incident.handed_to) == (IncidentState.RAISED, "")


# ── words that make no sense ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("path", "trigger", "words", "wrong"),
    [
        ((Trigger.RESOLVE,), Trigger.CLOSE, {"rating": 0}, "1 to 5, not 0"),
        ((Trigger.RESOLVE,), Trigger.CLOSE, {"rating": 6}, "1 to 5, not 6"),
        ((), Trigger.RESOLVE, {"outcome": None}, "nobody has said what it was"),
        ((Trigger.ACCEPT,), Trigger.HAND_OVER, {"to": " "}, "to whom"),
        ((Trigger.ACCEPT,), Trigger.HAND_OVER, {"to": "li"}, "handed over to li"),
        ((), Trigger.HAND_OVER, {"to": "li"}, "handed over to li"),
        ((), Trigger.NOTE, {"note": " "}, "empty"),
        ((), Trigger.ACCEPT, {"by": " "}, "who decides"),
    ],
)
def test_words_that_make_no_sense_change_nothing(
    scene: Scene, path: tuple[Trigger, ...], trigger: Trigger, words: dict[str, Any], wrong: str
) -> None:
    for step in path:
        say(scene, step, 1)
    before = scene.incidents.snapshot()
    with pytest.raises(CommandRejected, match=wrong) as rejected:
        say(scene, trigger, 2, **words)
    assert now(scene).id in str(rejected.value)
    assert rejected.value.possible
    assert scene.incidents.snapshot() == before


@pytest.mark.parametrize("rating", [1, 5])
def test_the_best_and_the_worst_rating_are_taken(scene: Scene, rating: int) -> None:
    say(scene, Trigger.RESOLVE, 1)
    (event,) = say(scene, Trigger.CLOSE, 2, "chen", rating=rating)
    assert (event.incident.rating, event.incident.rated_by) == (rating, "chen")


def test_what_is_verified_is_resolved_as_that_unless_said_otherwise(scene: Scene) -> None:
    say(scene, Trigger.VERIFY, 1, outcome=Outcome.UNFOUNDED)
    (event,) = say(scene, Trigger.RESOLVE, 2, outcome=None)
    assert event.incident.outcome is Outcome.UNFOUNDED
    say(scene, Trigger.REOPEN, 3)
    say(scene, Trigger.VERIFY, 4, outcome=Outcome.UNFOUNDED)
    (event,) = say(scene, Trigger.RESOLVE, 5, outcome=Outcome.TRUE)
    assert event.incident.outcome is Outcome.TRUE


# ── beginning anew ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("end", [Trigger.RESOLVE, Trigger.CLOSE, Trigger.CEASES])
@pytest.mark.parametrize("by_hand", [True, False])
def test_what_is_raised_again_is_answered_anew(end: Trigger, by_hand: bool) -> None:
    scene = Scene(Incidents())
    scene.rule(TANK, 0)
    say(scene, Trigger.ACCEPT, 1, "li", note="I go")
    if end is not Trigger.CEASES:
        say(scene, Trigger.DISPATCH, 2, to="station-3")
        say(scene, Trigger.ARRIVE, 3)
        say(scene, Trigger.RESOLVE, 4)
    if end is Trigger.CLOSE:
        say(scene, Trigger.CLOSE, 5)
    scene.rule(TANK, 6, holds=False)
    history = now(scene)
    assert on_it(scene) == ["li"]
    assert not history.state.is_open
    (event,) = say(scene, Trigger.REOPEN, 60) if by_hand else scene.rule(TANK, 60)
    after = event.incident
    assert (event.kind, after.id, after.state) == (EventKind.REOPENED, history.id, IncidentState.RAISED)
    assert (after.raised_us, after.revision, after.note) == (T0 + 60 * S, history.revision + 1, "I go")
    blank = (
        after.acceptances,
        after.accepted_by,
        after.dispatched_to,
        after.handed_to,
        after.closed_by,
        after.rated_by,
    )
    assert blank == ((), "", "", "", "", "")
    times = (after.accepted_us, after.dispatched_us, after.arrived_us, after.verified_us, after.closed_us)
    assert {*times, after.outcome, after.rating} == {None}


def test_a_closed_incident_reopens_within_the_window_of_its_resolution() -> None:
    scene = Scene(Incidents())
    first = scene.rule(TANK, 0)[0].incident
    say(scene, Trigger.RESOLVE, 10)
    say(scene, Trigger.CLOSE, 500)
    assert now(scene).closed_us == T0 + 10 * S
    scene.rule(TANK, 505, holds=False)
    assert scene.rule(TANK, 611)[0].incident.id != first.id
