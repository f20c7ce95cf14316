"""Post: what a person is sent at once, and what waits for which digest."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import pytest
from msgspec.structs import replace

from alerts.incident import Acceptance, Exercise
from alerts.noise.counters import Bound, Hold, NoiseCounters
from alerts.noise.post import Post, PostLimits
from alerts.notification import Purpose
from alerts.people.model import Person
from rules.model import AlarmClass, Severity
from tests.alerts.noise.scene import BATTERY, GAS, LEAK, LI, SMOKE, TANK, incident, message, us

if TYPE_CHECKING:
    from alerts.noise.post import Digest
    from alerts.notification import Notification

CHEAP: Final = Person(name="li", budget_per_hour=2)
PROPERTY_ALARM: Final = {**TANK, "severity": Severity.ALARM, "stake": AlarmClass.PROPERTY}


@dataclass(slots=True)
class Desk:
    """Post, told in s."""

    limits: PostLimits = field(default_factory=PostLimits)
    counters: NoiseCounters = field(default_factory=NoiseCounters)
    post: Post = field(init=False)

    def __post_init__(self) -> None:
        self.post = Post(self.limits, self.counters)

    def offer(
        self,
        name: str,
        at: float,
        *,
        person: Person = LI,
        quiet: float | None = None,
        grouped: bool = False,
        **how: Any,
    ) -> bool:
        """Offer a message; return whether it goes at once."""
        made = message(name, at, person=person, **how)
        sent = self.post.offer(made, person, us(at), None if quiet is None else us(quiet), grouped=grouped)
        assert sent is None or sent is made
        return sent is not None

    def digests(self, at: float) -> list[Digest]:
        return self.post.advance(us(at))

    def covered(self, at: float) -> list[list[str]]:
        """Return the ids that each digest covers that is due by `at`."""
        return [[one.id for one in digest.covers] for digest in self.digests(at)]

    def restarted(self) -> Desk:
        other = Desk(self.limits)
        other.post.restore(self.post.snapshot())
        return other


def storm(desk: Desk, n: int, at: float = 0.0, **how: Any) -> list[bool]:
    return [desk.offer(str(number), at, **how) for number in range(n)]


def ids(*numbers: int | str) -> list[str]:
    return [f"N{number}-li-sms" for number in numbers]


def test_five_go_at_once_and_the_rest_comes_in_one_digest_two_seconds_later() -> None:
    desk = Desk()
    assert storm(desk, 8, **SMOKE) == [True] * 5 + [False] * 3
    assert desk.post.hold_of("N6-li-sms") is Hold.STORM
    assert desk.post.next_us == us(2)
    assert desk.covered(1.999) == []
    assert desk.covered(2) == [ids(5, 6, 7)]
    assert desk.digests(1_000_000) == []
    assert len(desk.post) == 0


def test_what_does_not_endanger_lives_comes_after_half_a_minute() -> None:
    desk = Desk()
    assert storm(desk, 7, **TANK) == [True] * 5 + [False] * 2
    assert desk.covered(29.999) == []
    assert desk.covered(30) == [ids(5, 6)]


def test_a_storm_of_trouble_delays_no_fire() -> None:
    desk = Desk()
    storm(desk, 20, **TANK)
    assert desk.offer("fire", 0, **SMOKE)


def test_what_is_worse_than_all_before_it_goes_at_once() -> None:
    desk = Desk()
    storm(desk, 20, **GAS)
    assert desk.offer("leak", 1, **LEAK)
    assert not desk.offer("leak2", 1, **LEAK)
    assert not desk.offer("gas", 1, **GAS)


def test_while_the_storm_goes_on_digests_follow_each_other_and_then_it_is_as_before() -> None:
    desk = Desk()
    sent: list[float] = []
    for tenth in range(200):
        at = tenth / 10
        sent += [at] * len(desk.digests(at))
        sent += [at] * desk.offer(f"{tenth}", at, **SMOKE)
    assert len(sent) == 14, "five, and one every 2.1 s"
    assert max(b - a for a, b in pairwise(sent)) < 2.2
    desk.digests(22)
    assert desk.offer("later", 100, **SMOKE)


def test_people_and_channels_do_not_share_digests() -> None:
    desk = Desk()
    wang = Person(name="wang")
    storm(desk, 7, **SMOKE)
    assert desk.offer("0", 0, person=wang, **SMOKE), "wang had none"
    storm(desk, 7, channel="push", **SMOKE)
    digests = desk.digests(2)
    assert sorted((one.notification.recipient, one.notification.channel, len(one.covers)) for one in digests) == [
        ("li", "push", 7),
        ("li", "sms", 2),
    ]


def test_drills_and_real_ones_are_never_in_one_digest() -> None:
    desk = Desk()
    storm(desk, 5, **SMOKE)
    desk.offer("real", 0, **SMOKE)
    desk.offer("drill", 0, exercise=Exercise.DRILL, **SMOKE)
    assert desk.covered(2) == [ids("real"), ids("drill")]


def test_a_test_and_the_synthetic_alarm_always_go() -> None:
    desk = Desk()
    storm(desk, 20, **SMOKE)
    assert desk.offer("test", 0, purpose=Purpose.TEST, **SMOKE)
    assert desk.offer("synthetic", 0, exercise=Exercise.SYNTHETIC, quiet=100, **TANK)
    assert desk.counters.passed == 5


def test_what_is_told_with_another_waits_though_there_is_no_storm() -> None:
    desk = Desk()
    assert not desk.offer("1", 0, grouped=True, **SMOKE)
    assert not desk.offer("2", 1, grouped=True, **SMOKE)
    assert desk.post.hold_of("N1-li-sms") is Hold.GROUP
    assert desk.offer("3", 1, **SMOKE)
    assert desk.covered(1.9) == []
    assert desk.covered(2) == [ids(1, 2)], "the second goes along"


def test_one_message_alone_is_sent_as_it_is() -> None:
    desk = Desk()
    storm(desk, 6, **SMOKE)
    (digest,) = desk.digests(2)
    (covered,) = digest.covers
    assert digest.notification == replace(covered, expires_us=covered.expires_us + us(2) - us(0))
    assert digest.notification.title_en == "title"


def test_what_is_not_wanted_any_more_is_in_no_digest() -> None:
    desk = Desk()
    storm(desk, 8, **SMOKE)
    desk.post.drop([*ids(5, 7), "never heard of"])
    assert desk.post.hold_of("N5-li-sms") is None
    assert desk.covered(2) == [ids(6)]
    desk.post.drop(ids(6))
    assert desk.counters.dropped == 2
    storm(desk, 1, at=3, **SMOKE)
    desk.post.drop(ids(0))
    assert desk.post.next_us is None


def test_a_message_that_is_offered_twice_waits_once() -> None:
    desk = Desk()
    storm(desk, 6, **SMOKE)
    assert not desk.offer("5", 20, **SMOKE)
    assert desk.covered(20) == [ids(5)]


# ── budget ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_beyond_the_budget_they_come_in_a_digest_when_there_is_room() -> None:
    desk = Desk()
    assert storm(desk, 4, person=CHEAP, **TANK) == [True, True, False, False]
    assert desk.post.hold_of("N2-li-sms") is Hold.BUDGET
    assert desk.covered(1_799) == []
    assert desk.covered(1_800) == [ids(2, 3)], "half an hour later there is room for one"
    assert not desk.offer("next", 1_801, person=CHEAP, **TANK)
    assert desk.covered(3_600) == [ids("next")]


def test_a_budget_is_an_hour_s_messages_and_fills_evenly() -> None:
    desk = Desk()
    person = Person(name="li", budget_per_hour=60)
    sent = sum(desk.offer(str(at), at, person=person, **TANK) for at in range(0, 7_200, 10))
    assert 60 + 119 - 2 <= sent + len(desk.post._piles) + desk.counters.digests <= 60 + 121


def test_life_safety_is_exempt_and_spends_nothing() -> None:
    desk = Desk()
    assert all(desk.offer(str(n), n * 60, person=CHEAP, **SMOKE) for n in range(30))
    assert storm(desk, 3, at=2_000, person=CHEAP, **TANK) == [True, True, False]
    assert desk.offer("fire", 2_000, person=CHEAP, **SMOKE)


def test_a_person_without_a_budget_has_no_bound() -> None:
    desk = Desk()
    assert all(desk.offer(str(n), n * 60, **TANK) for n in range(100))


def test_a_new_budget_counts_from_now_on() -> None:
    desk = Desk()
    storm(desk, 2, person=CHEAP, **TANK)
    assert storm(desk, 3, at=20, person=Person(name="li", budget_per_hour=10), **TANK) == [True] * 3


# ── quiet hours ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("facts", "goes"),
    [
        pytest.param(TANK, False, id="a warning"),
        pytest.param(BATTERY, False, id="trouble"),
        pytest.param(PROPERTY_ALARM, True, id="an alarm"),
        pytest.param({**SMOKE, "severity": Severity.ADVISORY}, True, id="life safety, however mild"),
        pytest.param({**TANK, "acceptances": (Acceptance("li", 0),)}, True, id="what they accepted"),
        pytest.param({**TANK, "acceptances": (Acceptance("wang", 0),)}, False, id="what another accepted"),
    ],
)
def test_quiet_hours_hold(facts: dict[str, Any], goes: bool) -> None:
    desk = Desk()
    assert desk.offer("1", 0, quiet=1_000, **facts) is goes
    if not goes:
        assert desk.post.hold_of("N1-li-sms") is Hold.QUIET
        assert desk.covered(999) == []
        assert desk.covered(1_000) == [ids(1)]


def test_from_which_severity_on_is_a_setting() -> None:
    desk = Desk(PostLimits(quiet_below=Severity.EMERGENCY))
    assert not desk.offer("1", 0, quiet=1_000, **PROPERTY_ALARM)


def test_what_waits_for_the_morning_holds_up_nothing_else() -> None:
    desk = Desk()
    desk.offer("night", 0, quiet=30_000, **TANK)
    assert desk.offer("alarm", 1, quiet=30_000, **PROPERTY_ALARM)
    storm(desk, 6, at=100, **TANK)
    assert desk.covered(130) == [ids(5)]
    assert desk.offer("later", 300, **TANK), "that storm is over"
    assert desk.covered(30_000) == [ids("night")]


def test_quiet_hours_that_are_over_hold_nothing() -> None:
    assert Desk().offer("1", 1_000, quiet=1_000, **TANK)


# ── bounds, time, state ──────────────────────────────────────────────────────────────────────────────────────────────


def test_where_there_is_no_room_digests_go_early_and_then_nothing_waits() -> None:
    desk = Desk(PostLimits(held=10))
    assert storm(desk, 30, **TANK) == [True] * 5 + [False] * 20 + [True] * 5
    assert desk.counters.full[Bound.HELD] == 5
    assert [len(one) for one in desk.covered(0)] == [20]


def test_where_there_is_no_room_what_waits_for_the_morning_still_does() -> None:
    desk = Desk(PostLimits(held=10))
    for n in range(11):
        desk.offer(str(n), 0, quiet=1_000, **TANK)
    assert desk.covered(0) == []
    assert [len(one) for one in desk.covered(1_000)] == [11]


def test_a_clock_that_goes_back_delays_no_digest() -> None:
    desk = Desk()
    storm(desk, 7, **SMOKE)
    assert desk.covered(-3_600) == []
    assert desk.covered(-3_598) == [ids(5, 6)]


def test_a_clock_that_is_set_forward_moves_what_waits_but_for_the_morning() -> None:
    desk = Desk()
    desk.offer("night", 0, quiet=4_000, **TANK)
    storm(desk, 6, **SMOKE)
    desk.post.shift(3_600_000_000)
    assert desk.covered(1) == []
    assert desk.covered(3_601) == []
    assert desk.covered(3_602) == [ids(5)]
    assert desk.covered(4_000) == [ids("night")]


def test_a_clock_that_is_set_forward_fills_no_budget() -> None:
    desk = Desk()
    storm(desk, 2, person=CHEAP, **TANK)
    desk.post.shift(3_600_000_000)
    assert not desk.offer("next", 3_601, person=CHEAP, **TANK)
    assert desk.covered(5_399) == []
    assert desk.covered(5_400) == [ids("next")]


def test_what_waits_survives_a_restart() -> None:
    desk = Desk()
    storm(desk, 7, **SMOKE)
    storm(desk, 3, person=CHEAP, channel="push", **TANK)
    desk = desk.restarted()
    assert not desk.offer("more", 1, **SMOKE), "the storm goes on"
    assert desk.covered(2) == [ids(5, 6, "more")]
    assert [len(one) for one in desk.restarted().covered(1_800)] == [1]


def test_people_who_had_nothing_lately_are_forgotten() -> None:
    desk = Desk()
    desk.offer("night", 0, quiet=200_000, **TANK)
    for number in range(5_000):
        desk.offer("1", number * 20, person=Person(name=f"p{number}", budget_per_hour=10_000), **TANK)
    assert len(desk.post._accounts) <= 1_000
    assert desk.covered(200_000) == [ids("night")]


def test_a_snapshot_of_another_version_is_refused() -> None:
    with pytest.raises(ValueError, match="post snapshot"):
        Post().restore(b"")


def test_messages_about_a_later_state_of_one_incident_are_one_entry() -> None:
    desk = Desk()
    storm(desk, 5, **SMOKE)
    told = incident("X", **SMOKE)
    for number in (1, 2):
        later: Notification = replace(message("x", told=told), id=f"again{number}")
        assert desk.post.offer(later, LI, us(0), None) is None
    (digest,) = desk.digests(2)
    assert digest.notification.others_count == 0
    assert digest.notification.title_en == "[EMERGENCY] 1 incident: 1 emergency"
