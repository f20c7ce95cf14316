"""Whatever is offered in whatever order: no message is lost, none is told twice, and no life waits."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.noise.counters import Hold
from alerts.noise.digest import OTHERS_NAMED
from alerts.noise.post import Digest, Post, PostLimits
from alerts.notification import Purpose
from alerts.people.model import Person
from tests.alerts.noise.scene import GAS, LEAK, SMOKE, TANK, message, us

PEOPLE = (Person(name="a"), Person(name="b", budget_per_hour=3))
KINDS = (SMOKE, GAS, LEAK, TANK)
LIMITS = PostLimits(held=15)
HOUR = 3_600


@dataclass(frozen=True)
class Step:
    """A message offered `gap` ms after the one before, or some dropped."""

    gap: int
    person: int
    channel: str
    kind: int
    ask: bool
    quiet: int
    grouped: bool
    drops: int


def steps(gaps: list[int]) -> st.SearchStrategy[list[Step]]:
    one = st.builds(
        Step,
        st.sampled_from(gaps),
        st.integers(0, len(PEOPLE) - 1),
        st.sampled_from(["sms", "push"]),
        st.integers(0, len(KINDS) - 1),
        st.booleans(),
        st.sampled_from([0, 0, 0, 20_000]),
        st.sampled_from([False, False, False, True]),
        st.sampled_from([0, 0, 0, 0, 1]),
    )
    return st.lists(one, max_size=80)


GAPS = [0, 0, 0, 100, 1_000, 2_000, 9_999, 10_000, 30_000, 600_000]


@dataclass(slots=True)
class Run:
    """Post, driven at every moment at which it has something to do."""

    post: Post = field(default_factory=lambda: Post(LIMITS))
    now: float = 0.0
    count: int = 0
    offered: dict[str, tuple[float, bool]] = field(default_factory=dict)
    gone: dict[str, float] = field(default_factory=dict)
    digests: list[Digest] = field(default_factory=list)
    dropped: set[str] = field(default_factory=set)
    cheap: list[float] = field(default_factory=list)

    def step(self, step: Step) -> None:
        self.until(self.now + step.gap / 1_000)
        self.count += 1
        person = PEOPLE[step.person]
        made = message(
            f"{self.count}",
            self.now,
            person=person,
            channel=step.channel,
            purpose=Purpose.ASK if step.ask else Purpose.INFORM,
            **KINDS[step.kind],
        )
        is_life_safety = made.incident.is_life_safety
        self.offered[made.id] = (self.now, is_life_safety)
        quiet_us = us(self.now + step.quiet) if step.quiet else None
        if self.post.offer(made, person, us(self.now), quiet_us, grouped=step.grouped) is not None:
            self._gone([made.id])
            self._spent(person.name, is_life_safety=is_life_safety)
        elif is_life_safety:
            assert self.post.hold_of(made.id) in {Hold.GROUP, Hold.STORM}
        if step.drops:
            some = [name for name in self.offered if name not in self.gone][:: step.drops + 1]
            self.post.drop(some)
            self.dropped.update(some)
        self.look()

    def until(self, at: float) -> None:
        """Go to `at`, stopping wherever something is due."""
        while (next_us := self.post.next_us) is not None and us(self.now) <= next_us <= us(at):
            self.now = (next_us - us(0)) / 1e6
            self.look()
        self.now = at
        self.look()

    def look(self) -> None:
        for digest in self.post.advance(us(self.now)):
            self.digests.append(digest)
            self._gone([one.id for one in digest.covers])
            self._spent(digest.notification.recipient, is_life_safety=digest.notification.incident.is_life_safety)
            self._is_whole(digest)

    def _is_whole(self, digest: Digest) -> None:
        told, covers = digest
        assert {(one.recipient, one.channel, one.incident.is_life_safety) for one in covers} == {
            (told.recipient, told.channel, told.incident.is_life_safety)
        }
        asks = [one for one in covers if one.purpose is Purpose.ASK]
        assert (told.purpose is Purpose.ASK) == bool(asks)
        assert told.wants_answer == bool(asks)
        assert told.incident.severity.rank == max(one.incident.severity.rank for one in asks or covers)
        if len(covers) > 1:
            assert told.others_count == len(covers) - 1
            assert set(told.others) <= {one.incident.id for one in covers} - {told.incident.id}
            assert len(told.others) == min(told.others_count, OTHERS_NAMED)
            assert f"{len(covers)} incidents" in told.title_en
            assert f"共 {len(covers)} 起" in told.title_zh

    def _gone(self, names: list[str]) -> None:
        for name in names:
            assert name not in self.gone, "told twice"
            assert name not in self.dropped, "told though it was dropped"
            self.gone[name] = self.now

    def _spent(self, person: str, *, is_life_safety: bool) -> None:
        if person == "b" and not is_life_safety:
            self.cheap.append(self.now)


@settings(max_examples=200, deadline=None)
@given(steps(GAPS))
def test_every_message_is_told_once_or_dropped_and_no_life_waits(told: list[Step]) -> None:
    run = Run()
    for step in told:
        run.step(step)
        assert len(run.post) <= 2 * LIMITS.held
    run.until(run.now + 50_000)
    assert set(run.gone) | run.dropped == set(run.offered)
    assert len(run.post) == 0
    assert run.post.next_us is None
    for name, at in run.gone.items():
        offered, is_life_safety = run.offered[name]
        if is_life_safety:
            assert at - offered <= 2.000_001


@settings(max_examples=100, deadline=None)
@given(steps(GAPS))
def test_a_budget_is_kept(told: list[Step]) -> None:
    run = Run(Post(PostLimits()))
    for step in told:
        run.step(step)
    run.until(run.now + 50_000)
    for first, since in enumerate(run.cheap):
        within = [at for at in run.cheap[first:] if at - since < HOUR]
        assert len(within) <= 2 * 3, "an hour's messages at once, and what filled up within the hour"


@settings(max_examples=150, deadline=None)
@given(steps([*GAPS, -5_000, -1_000_000]), st.data())
def test_after_a_restart_at_any_point_the_future_is_the_same(told: list[Step], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(told)))
    live = Run()
    for step in told[:cut]:
        live.step(step)
    post = Post(LIMITS)
    post.restore(live.post.snapshot())
    again = Run(post, live.now, live.count, dict(live.offered), dict(live.gone), list(live.digests), set(live.dropped))
    for step in told[cut:]:
        live.step(step)
        again.step(step)
    assert again.gone == live.gone
    assert again.digests == live.digests
    assert again.post.snapshot() == live.post.snapshot()
    again.until(again.now + 2_000_000)
    assert set(again.gone) | again.dropped == set(again.offered), "nor does a clock that goes back lose any"
