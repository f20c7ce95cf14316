"""Whatever comes in whatever order: each incident is told, or kept back for a reason that holds; none is lost."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.incident import IncidentState
from alerts.lifecycle import CommandRejected
from alerts.noise.limits import NoiseLimits
from alerts.noise.silences import SilenceState
from alerts.response_event import ResponseKind
from tests.alerts.noise.scene import KINDS_OF_INCIDENT, Street, us
from tests.alerts.noise.test_silences import end, silence

if TYPE_CHECKING:
    from alerts.noise.danger import Danger
    from alerts.noise.noise import Release
    from alerts.noise.verdict import Verdict

NAMES = "ABCDEFGH"
PATIENCE_S = 60
STEADY_S = 1_800
DAY = 86_400


@dataclass(frozen=True)
class Step:
    """One thing that happens `gap` s after the one before."""

    gap: int
    what: str
    name: str
    kind: int
    pick: int


def steps(gaps: list[int]) -> st.SearchStrategy[list[Step]]:
    what = [
        "raise",
        "raise",
        "raise",
        "close",
        "close",
        "accept",
        "refuse",
        "ease",
        "silence",
        "end",
        "by hand",
        "wait",
    ]
    one = st.builds(
        Step,
        st.sampled_from(gaps),
        st.sampled_from(what),
        st.sampled_from(NAMES),
        st.integers(0, len(KINDS_OF_INCIDENT) - 1),
        st.integers(0, 3),
    )
    return st.lists(one, max_size=60)


GAPS = [0, 0, 1, 5, 30, 59, 60, 61, 400, 1_800]


@dataclass(slots=True)
class Run:
    """A street that is driven as the shard drives it, and what came of it."""

    street: Street = field(default_factory=lambda: Street(NoiseLimits()))
    now: int = 0
    said: list[Verdict | list[Release]] = field(default_factory=list)
    waiting: set[str] = field(default_factory=set)
    ended: dict[str, int] = field(default_factory=dict)
    raised: dict[tuple[str, str], list[int]] = field(default_factory=dict)

    def step(self, step: Step) -> None:
        self.now += step.gap
        verdict = self._do(step)
        if verdict is not None:
            self.said.append(verdict)
        self.look()

    def look(self) -> None:
        released = self.street.releases(self.now)
        self.said.append(released)
        for one in released:
            assert one.incident in self.waiting, "open, untold and unanswered"
            assert one.text.en
            assert one.text.zh
            self.waiting.discard(one.incident)

    def _do(self, step: Step) -> Verdict | None:
        before = self.street.incidents.get(step.name)
        state = before.state if before else IncidentState.CLOSED
        if step.what in {"silence", "end"}:
            self._order(step)
        elif step.what == "raise":
            return self._raise(step)
        elif step.what == "by_hand" and before is not None:
            return self._judged(step.name, self.street.reopened(step.name, self.now, by="li"))
        elif step.what in {"close", "ease"} and state.is_open:
            return self._end(step)
        elif step.what == "accept" and state is IncidentState.RAISED:
            self.waiting.discard(step.name)
            return self.street.accepted(step.name, self.now)
        elif step.what == "refuse" and state is IncidentState.ACCEPTED:
            verdict = self.street.refused(step.name, self.now)
            if not self.street.noise._dangers[step.name].told:
                self.waiting.add(step.name)
            return verdict
        return None

    def _raise(self, step: Step) -> Verdict:
        facts, device = KINDS_OF_INCIDENT[step.kind], f"s/{step.name.lower()}"
        self.raised.setdefault((device, facts["rule"]), []).append(self.now)
        verdict = self.street.raised(
            step.name,
            self.now,
            device=device,
            building="123"[step.pick % 3],
            members=tuple(f"s/{other.lower()}" for other in NAMES[step.pick :: 2]),
            gateway="abcd"[step.pick],
            **facts,
        )
        return self._judged(step.name, verdict)

    def _end(self, step: Step) -> Verdict:
        if step.what == "ease":
            return self.street.eased(step.name, self.now)
        self.waiting.discard(step.name)
        self.ended[step.name] = self.now
        return self.street.closed(step.name, self.now)

    def _order(self, step: Step) -> None:
        street, now = self.street, self.now
        known = street.noise.silences(us(now))
        if step.what == "silence":
            length, is_bold = (30, 100, 1_000, 5_000)[step.pick], step.kind > 6
            street.ordered(silence(now + length, building="123"[step.kind % 3], life_safety=is_bold), now)
        elif known:
            one = known[step.pick % len(known)]
            try:
                street.ordered(end(one.id), now)
            except CommandRejected:
                assert one.state is SilenceState.ENDED

    def _judged(self, name: str, verdict: Verdict) -> Verdict:
        if verdict.told:
            self.waiting.discard(name)
        else:
            assert verdict.kind is not None
            assert verdict.text.en
            assert verdict.text.zh
            self.waiting.add(name)
        return verdict

    # ── the obvious ──────────────────────────────────────────────────────────────────────────────────────────────

    def reason_holds(self, danger: Danger) -> bool:
        """Say, the slow way, whether what keeps an incident back is there."""
        noise = self.street.noise
        match danger.kept:
            case ResponseKind.SILENCED:
                (silenced,) = [one for one in noise.silences(us(self.now)) if one.id == danger.by]
                is_meant = silenced.life_safety or not danger.is_life_safety
                return silenced.state is SilenceState.IN_FORCE and is_meant
            case ResponseKind.INHIBITED:
                return self._is_there(danger, danger.by)
            case ResponseKind.FLAPPING:
                times = self.raised[danger.device, danger.rule_id]
                return not danger.is_life_safety and len(times) > 5 and self.now - times[-1] < STEADY_S
            case ResponseKind.GROUPED:
                lead = noise.lead_of(danger.id)
                if lead == danger.id:
                    return not danger.is_life_safety  # it waits a minute for another
                by = self.street.incidents[lead]
                assert danger.id in noise.members_of(lead)
                assert by.severity.rank >= danger.severity.rank
                assert by.is_life_safety == danger.is_life_safety
                return by.state.is_open and lead not in self.waiting
            case _:
                return False

    def _is_there(self, danger: Danger, source: str) -> bool:
        by = self.street.incidents[source]
        assert source != danger.id
        if not by.state.is_open:
            return not danger.is_life_safety and self.now - self.ended[source] < PATIENCE_S
        assert by.severity.rank >= danger.severity.rank
        return by.is_life_safety or not danger.is_life_safety

    def roots(self) -> None:
        """Follow each hidden incident to what it is hidden by; it must not come back to itself."""
        dangers = self.street.noise._dangers
        for danger in dangers.values():
            seen, at = {danger.id}, danger
            while at.kept is ResponseKind.INHIBITED and at.by in dangers:
                at = dangers[at.by]
                assert at.id not in seen, "a ring: nobody hears of any"
                seen.add(at.id)
            if danger.is_life_safety and danger.kept is ResponseKind.INHIBITED:
                assert at.kept is not ResponseKind.SILENCED, "nobody hears of what explains it"


@settings(max_examples=300, deadline=None)
@given(steps(GAPS))
def test_what_is_not_told_is_kept_for_a_reason_that_holds(told: list[Step]) -> None:
    run = Run()
    for step in told:
        run.step(step)
        run.roots()
        dangers = run.street.noise._dangers
        assert {d.id for d in dangers.values() if d.waits} == run.waiting
        for name in run.waiting:
            danger = dangers[name]
            leads = run.street.noise.lead_of(name) == name and run.street.noise.members_of(name)
            assert not leads, "nobody would hear of it, nor of its group"
            assert run.reason_holds(danger), danger


@settings(max_examples=200, deadline=None)
@given(steps([*GAPS, -1, -100, -10_000, 10_000]))
def test_in_the_end_everything_is_told_or_with_something_that_is(told: list[Step]) -> None:
    run = Run()
    for step in told:
        run.step(step)
    while True:  # all silences end, all is steady; then whatever was told is closed, until nothing is left
        for _ in range(4):
            run.now += 40 * DAY
            run.look()
        open_now = [name for name, one in run.street.incidents.items() if one.state.is_open]
        heard_of = [name for name in open_now if name not in run.waiting]
        if not open_now:
            break
        assert heard_of, f"nobody ever hears of {run.waiting}"
        for name in heard_of:
            run.ended[name] = run.now
            run.street.closed(name, run.now)
    noise = run.street.noise
    assert len(noise) == 0
    assert not noise._groups.saved()
    assert not noise._ties.counts()
    assert not noise._inhibitions._sources
    assert not noise._agenda


@settings(max_examples=200, deadline=None)
@given(steps([*GAPS, -100]), st.data())
def test_after_a_restart_at_any_point_the_future_is_the_same(told: list[Step], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(told)))
    live = Run()
    for step in told[:cut]:
        live.step(step)
    again = Run(live.street.restarted(), live.now, list(live.said), set(live.waiting))
    for step in told[cut:]:
        live.step(step)
        again.step(step)
    assert again.said == live.said
    assert again.street.noise.snapshot() == live.street.noise.snapshot()
    assert again.street.noise.next_us == live.street.noise.next_us
