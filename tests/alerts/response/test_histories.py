"""Random histories: what holds whatever people, channels and clocks do."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from alerts.command import EndSilence
from alerts.incident import IncidentState, NotificationStatus
from alerts.noise.noise import NoiseLimits
from alerts.noise.post import PostLimits
from alerts.notification import Purpose
from alerts.people.model import Contact, Person, Step, Window
from alerts.response import AskState, ResponseLimits
from alerts.response_event import ResponseKind
from alerts.routing import Recipient
from tests.alerts.response.desk import DEVICES, LEVELS, LIMITS, PEOPLE, WANG, Desk, directory

if TYPE_CHECKING:
    from alerts.response.escalation import Escalation

OWL: Final = Person(
    name="owl", contacts=(Contact("app"), Contact("sms", "1")), quiet=Window(0, 1439), budget_per_hour=3
)
NAMES: Final = ("li", "wang", "zhao", "chief", "owl", "operator")
FIRST: Final = directory(
    Step(to=("station:nearest", "recipient:wall")),
    Step(to=("person:li", "person:owl"), after_s=40, need=2),
    Step(to=("team:empty",), after_s=50),
    Step(to=("person:chief", "person:zhao"), after_s=50),
    people=(*PEOPLE, OWL),
    levels=LEVELS,
    limits=(LIMITS,),
    chain_repeat_s=90.0,
    chain_rounds=3,
    chain_receipt_s=20.0,
    chain_answer_s=25.0,
)
SECOND: Final = replace(
    directory(Step(to=("person:zhao",)), Step(to=("person:li",), after_s=30, inform=True), levels=LEVELS[:1]),
    people=(WANG, PEOPLE[0], PEOPLE[2]),
)
STATUSES: Final = [one for one in NotificationStatus if one not in {"queued", "answered", "withdrawn"}]

RAISE = st.tuples(st.just("raise"), st.sampled_from(["smoke", "gas"]), st.sampled_from(["flat-201", "flat-202", "far"]))
TANK = st.tuples(st.sampled_from(["raise", "end"]), st.just("tank"), st.just("tank-1"))
SAY = st.tuples(
    st.sampled_from(
        ["accept", "accept", "refuse", "help", "hand", "dispatch", "arrive", "verify", "resolve", "close", "reopen"]
    ),
    st.sampled_from(NAMES),
    st.integers(0, 3),
)
SETTLE = st.tuples(st.just("settle"), st.sampled_from(STATUSES), st.integers(0, 12), st.booleans())
WAIT = st.tuples(st.just("wait"), st.sampled_from([1, 7, 20, 31, 90, 400]))
REST = st.sampled_from(
    [("step", 3600), ("step", -3600), ("use", 1), ("use", 0), ("silence",), ("unsilence",), ("drill",), ("late", 700)]
)
HISTORY = st.lists(st.one_of(RAISE, TANK, SAY, SAY, SETTLE, SETTLE, WAIT, WAIT, REST), max_size=45)


class Watched(Desk):
    """A desk that minds what must always hold."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.asked: Counter[tuple[Any, ...]] = Counter()

    def _follow(self, consequences: Any) -> None:
        super()._follow(consequences)
        for message in consequences.owed:
            ask = self.response.ask_of(message.id)
            if message.purpose is not Purpose.ASK or ask is None or message.others_count or ask.step is None:
                continue
            if ask.contact == 0 and ask.notification == message.id:
                self.asked[message.event, ask.round, ask.step, ask.person] += 1

    def tick(self) -> None:
        super().tick()
        self.mind()

    def mind(self) -> None:
        """Raise AssertionError where something does not hold that must."""
        escalations: list[Escalation] = list(self.response._board)
        opened = {one.id for one in self.incidents.open()}
        assert {one.incident.id for one in escalations} == opened, "keyed by what is open"
        queued = {(one.incident.id, one.recipient) for one in self.owed(Purpose.ASK)}
        codes = [ask.code for one in escalations for ask in one.asks.values() if ask.code]
        assert len(set(codes)) == len(codes), "a code stands for one ask"
        assert max(self.asked.values(), default=0) <= 1, "asked once as a step of a round"
        due_us = self.response.next_us
        for one in escalations:
            assert one.due_us is None or (due_us is not None and due_us <= one.due_us), "nothing is forgotten"
            assert one.due_us is None or one.due_us > self.now_us, "nothing is left undone"
            state = one.incident.state
            if one.told and one.incident.is_life_safety and state is IncidentState.RAISED:
                assert one.active, "life safety is asked about until somebody answers"
                assert one.next_us is not None, "life safety always goes on"
            enough = state is IncidentState.VERIFIED or one.answers >= one.need
            if enough and not (one.help_by and state is IncidentState.VERIFIED):
                wanted = {name for incident, name in queued if incident == one.incident.id}
                assert wanted <= {one.handed_to}, "nobody is paged once enough are on it"
            for ask in one.asks.values():
                assert (ask.due_us is not None) == (ask.state is AskState.WAITING), "who waits has a deadline"


def desk_of() -> Watched:
    return Watched(
        FIRST,
        recipients=(Recipient("wall", ("tv",), updates=True),),
        limits=ResponseLimits(handover_s=35, code_rest_s=50),
        noise_limits=NoiseLimits(release_after_s=15),
        post_limits=PostLimits(burst=3, burst_s=5, digest_s=8),
    )


def do(desk: Desk, words: tuple[Any, ...]) -> None:
    """Do one thing; what is refused is nothing."""
    match words:
        case ("wait", seconds):
            desk.advance(desk.now + seconds)
        case ("late", seconds):
            desk.now += seconds
        case ("step", seconds):
            desk.step_clock(seconds)
        case ("use", number):
            desk.use((FIRST, SECOND)[number])
        case ("settle", status, back, has_reference):
            if desk.sent:
                message = desk.sent[-1 - back % len(desk.sent)][1]
                desk.settle(message, status, message.id if has_reference else "")
        case ("unsilence",):
            for one in desk.noise.silences(desk.now_us):
                desk.command(EndSilence(id=one.id, by="li", origin="test"))
        case _:
            say(desk, words)
    desk.tick()


def say(desk: Desk, words: tuple[Any, ...]) -> None:
    """Do what a script could say."""
    match words:
        case ("silence",):
            desk.do(["silence", "shuibei", str(desk.now + 100 + desk.skew_us / 1e6)])
        case ("drill",):
            desk.do(["drill", "smoke", "far"])
        case ("raise" | "end", rule, device):
            desk.do([words[0], rule, device])
        case (verb, by, number):
            incidents = desk.incidents.recent(9)
            extra = {"hand": ["zhao"], "verify": ["true"], "resolve": ["test"]}.get(verb, [])
            if incidents:
                device = incidents[number % len(incidents)].device.split("/")[1]
                with suppress(AssertionError):  # refused
                    desk._do([verb, by, *extra, device])


@settings(max_examples=120, deadline=None)
@given(history=HISTORY, restarts=st.sets(st.integers(0, 45), max_size=6))
def test_a_restart_changes_nothing_and_what_must_hold_does(history: list[tuple[Any, ...]], restarts: set[int]) -> None:
    straight, restarted = desk_of(), desk_of()
    for place, words in enumerate(history):
        if place in restarts:
            restarted.restart()
        do(straight, words)
        do(restarted, words)
    for desk in (straight, restarted):
        desk.advance(desk.now + 300)
    assert straight.sent == restarted.sent
    assert straight.lines == restarted.lines
    assert straight.response.snapshot() == restarted.response.snapshot()
    names = [event.id for _, event in straight.responses()]
    assert len(set(names)) == len(names)
    assert len({one.id for _, one in straight.sent}) == len(straight.sent)


@settings(max_examples=60, deadline=None)
@given(
    history=st.lists(
        st.tuples(st.sampled_from(["raise", "wait"]), st.sampled_from(list(DEVICES)[:3]), st.integers(1, 50)),
        max_size=25,
    )
)
def test_with_every_channel_failing_at_once_the_chain_still_goes_round(history: list[tuple[str, str, int]]) -> None:
    desk = desk_of()
    failed: set[str] = set()

    def fail_all() -> None:
        while waiting := [one for one in desk.outbox.pending() if one.id not in failed]:
            for message in waiting:
                failed.add(message.id)
                desk.settle(message, NotificationStatus.FAILED)

    for word, device, seconds in history:
        if word == "raise":
            desk.do(["raise", "smoke", device])
        for _ in range(seconds if word == "wait" else 1):
            fail_all()
            desk.advance(desk.now + 1)
    told = [one for one in desk.response._board if one.told]
    before = len(desk.responses(ResponseKind.REPEATED))
    for _ in range(400):
        fail_all()
        desk.advance(desk.now + 1)
    assert len(desk.responses(ResponseKind.REPEATED)) >= before + len(told)


@settings(max_examples=60, deadline=None)
@given(history=HISTORY)
def test_no_deadline_is_early(history: list[tuple[Any, ...]]) -> None:
    """Where nothing was lost, a person's next channel comes no sooner than a receipt, or an answer, could have."""
    desk = desk_of()
    for words in history:
        if words[0] not in {"step", "use"}:
            do(desk, words)
    since: dict[tuple[str, str], float] = {}  # but for what a digest may have carried
    for at, line in desk.responses(ResponseKind.ASKED, ResponseKind.CHANNEL_CHANGED, ResponseKind.HELD):
        key = (line.incident, line.person)
        if line.kind is ResponseKind.HELD:
            since.pop(key, None)
            continue
        is_timed = line.kind is ResponseKind.CHANNEL_CHANGED and "did not get through" not in line.text_en
        assert not is_timed or at - since.get(key, -20.0) >= 20.0
        since[key] = at


def test_the_states_of_an_ask_are_all_reached() -> None:
    """The histories are worth something: they bring an ask into every state."""
    reached: set[str] = set()

    @settings(max_examples=150, deadline=None, database=None, derandomize=True)
    @given(history=HISTORY)
    def play(history: list[tuple[Any, ...]]) -> None:
        desk = desk_of()
        for words in history:
            do(desk, words)
            reached.update(ask.state for one in desk.response._board for ask in one.asks.values())

    play()
    assert reached == set(AskState)
