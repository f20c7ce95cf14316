from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from alerts import AlertsCounters, Notification, NotificationStatus, Outbox, OutboxLimits, Settle
from alerts.incident import EventKind, IncidentState
from alerts.notification import Purpose
from alerts.passage import passes
from alerts.people.model import Language
from tests.alerts.scene import GAS, SMOKE, T0, TANK, S, notification

DATA = Path(__file__).parent / "data"
QUEUED, HANDED, RECEIVED, ANSWERED = (
    NotificationStatus.QUEUED,
    NotificationStatus.HANDED,
    NotificationStatus.RECEIVED,
    NotificationStatus.ANSWERED,
)
FAILED, UNKNOWN, EXPIRED, WITHDRAWN = (
    NotificationStatus.FAILED,
    NotificationStatus.UNKNOWN,
    NotificationStatus.EXPIRED,
    NotificationStatus.WITHDRAWN,
)


def settle(name: str, status: NotificationStatus = HANDED, reference: str = "") -> Settle:
    return Settle(notification=name, status=status, detail="HTTP 200", attempts=1, reference=reference)


def queued(*messages: Notification, limits: OutboxLimits | None = None) -> Outbox:
    outbox = Outbox(limits)
    outbox.owe(messages)
    return outbox


def test_what_is_owed_is_queued_until_it_is_handed_over() -> None:
    first, second = notification(GAS), notification(TANK)
    outbox = Outbox()
    assert outbox.owe([first, second]) == [first, second]
    assert (outbox.pending(), len(outbox), outbox.oldest_us) == ([first, second], 2, T0)
    assert (outbox.status(first.id), outbox.get(first.id)) == (QUEUED, first)

    became = outbox.settle(settle(first.id), T0 + S)

    assert became is not None
    assert (became.notification, became.incident, became.recipient, became.channel) == (
        first.id,
        first.incident.id,
        "duty",
        "hook",
    )
    assert (became.status, became.time_us, became.attempts, became.detail) == (HANDED, T0 + S, 1, "HTTP 200")
    assert (outbox.pending(), outbox.status(first.id), outbox.get(first.id)) == ([second], HANDED, first)


@pytest.mark.parametrize("ends", [None, HANDED, RECEIVED, FAILED])
def test_owing_twice_is_owing_once_wherever_the_first_is(ends: NotificationStatus | None) -> None:
    message = notification()
    outbox = queued(message)
    if ends is not None:
        outbox.settle(settle(message.id, ends), T0)
    assert outbox.owe([message]) == []


def test_a_receipt_finds_what_it_is_for_by_the_gateways_name_for_it() -> None:
    first, second = notification(GAS, "sms"), notification(TANK, "sms")
    outbox = queued(first, second)
    outbox.settle(settle(first.id, reference="4711"), T0)
    outbox.settle(settle(second.id, reference="4712"), T0)

    assert outbox.by_reference("sms", "4711") == first.id
    assert outbox.by_reference("sms", "4712") == second.id
    assert outbox.by_reference("voice", "4711") is None
    outbox.settle(settle(first.id, RECEIVED), T0 + S)
    assert outbox.by_reference("sms", "4711") is None, "there is nothing more to learn"


def test_a_gateway_that_gives_a_name_twice_means_the_later_message() -> None:
    first, second = notification(GAS, "sms"), notification(TANK, "sms")
    outbox = queued(first, second)
    for message in (first, second):
        outbox.settle(settle(message.id, reference="0"), T0)
    outbox.settle(settle(first.id, RECEIVED), T0)
    assert outbox.by_reference("sms", "0") == second.id


def test_a_receipt_of_a_failover_channels_member_finds_it_by_the_members_name() -> None:
    message = notification(GAS, "sms")
    outbox = queued(message)
    outbox.settle(settle(message.id, reference="sms-aliyun/4711^0"), T0)
    assert outbox.by_reference("sms-aliyun", "4711^0") == message.id
    assert outbox.by_reference("sms", "sms-aliyun/4711^0") == message.id
    outbox.settle(settle(message.id, FAILED), T0)
    assert outbox.by_reference("sms-aliyun", "4711^0") is None


@pytest.mark.parametrize("status", NotificationStatus)
@pytest.mark.parametrize("reported", [HANDED, RECEIVED, FAILED, UNKNOWN, EXPIRED])
def test_each_report_does_what_the_table_says(status: NotificationStatus, reported: NotificationStatus) -> None:
    message = notification()
    counters = AlertsCounters()
    outbox = Outbox(counters=counters)
    outbox.owe([message])
    _bring(outbox, message, status)
    counters.ignored_reports = 0

    became = outbox.settle(settle(message.id, reported), T0 + 9 * S)

    if passes(status, reported):
        assert became is not None
        assert (became.status, outbox.status(message.id)) == (reported, reported)
    else:
        assert (became, outbox.status(message.id)) == (None, status)
    assert counters.ignored_reports == (became is None)


def _bring(outbox: Outbox, message: Notification, status: NotificationStatus) -> None:
    if status is ANSWERED:
        outbox.answered(message.id, T0)
    elif status is WITHDRAWN:
        outbox.withdraw([message.id], T0)
    elif status is not QUEUED:
        outbox.settle(settle(message.id, status), T0)
    assert outbox.status(message.id) is status


def test_a_report_on_what_is_not_known_is_counted_and_no_error() -> None:
    counters = AlertsCounters()
    outbox = Outbox(counters=counters)
    assert outbox.settle(settle("NOSUCH"), T0) is None
    assert outbox.answered("NOSUCH", T0) is None
    assert outbox.withdraw(["NOSUCH"], T0) == []
    assert counters.ignored_reports == 2
    assert set(counters.settled.values()) == {0}


def test_a_humans_answer_is_noted_once_wherever_the_message_is() -> None:
    messages = [notification(offset=offset) for offset in range(4)]
    outbox = queued(*messages)
    for message, status in zip(messages, [QUEUED, HANDED, FAILED, UNKNOWN], strict=True):
        _bring(outbox, message, status)
        became = outbox.answered(message.id, T0 + 60 * S)
        assert became is not None
        assert (became.status, became.recipient) == (ANSWERED, "duty")
        assert outbox.answered(message.id, T0 + 61 * S) is None
    assert outbox.pending() == []


def test_only_what_is_still_queued_is_withdrawn() -> None:
    first, second = notification(GAS), notification(TANK)
    outbox = queued(first, second)
    outbox.settle(settle(first.id), T0)
    events = outbox.withdraw([first.id, second.id, second.id], T0 + S)
    assert [(event.notification, event.status) for event in events] == [(second.id, WITHDRAWN)]
    assert (len(outbox), outbox.status(first.id)) == (0, HANDED)


def test_what_left_although_it_was_withdrawn_is_said_so() -> None:
    message = notification()
    outbox = queued(message)
    outbox.withdraw([message.id], T0)
    for status in (HANDED, RECEIVED):
        became = outbox.settle(settle(message.id, status), T0 + S)
        assert became is not None
        assert (became.status, became.incident) == (status, message.incident.id)
    assert outbox.settle(settle(message.id, FAILED), T0 + S) is None


def test_life_safety_is_never_shed_and_the_rest_is_counted() -> None:
    counters = AlertsCounters()
    outbox = Outbox(OutboxLimits(queued=2), counters)
    messages = [notification(rule, offset=n) for n, rule in enumerate([TANK, TANK, TANK, GAS, SMOKE])]
    assert [n.incident.rule_id for n in outbox.owe(messages)] == [TANK.id, TANK.id, GAS.id, SMOKE.id]
    assert (counters.shed, counters.owed) == (1, 4)
    outbox.settle(settle(messages[0].id), T0)
    outbox.settle(settle(messages[1].id), T0)
    outbox.settle(settle(messages[3].id), T0)
    assert outbox.owe([messages[2]]) == [messages[2]], "what was shed may be owed again when there is room"


def test_no_more_is_in_hand_than_may_be_and_what_is_let_go_is_counted() -> None:
    counters = AlertsCounters()
    outbox = Outbox(OutboxLimits(in_hand=2), counters)
    messages = [notification(offset=offset) for offset in range(4)]
    outbox.owe(messages)
    for number, message in enumerate(messages):
        outbox.settle(settle(message.id, reference=str(number)), T0)
    assert (outbox.in_hand, counters.in_hand_dropped) == (2, 2)
    assert [outbox.by_reference("hook", str(number)) for number in range(4)] == [
        None, None, messages[2].id, messages[3].id,
    ]  # fmt: skip
    assert outbox.status(messages[0].id) is HANDED, "it is still known to have left"
    assert outbox.settle(settle(messages[0].id, RECEIVED), T0 + S) is not None, "and a receipt by its id is believed"


def test_what_expires_in_hand_is_waited_for_no_more() -> None:
    long, short = notification(GAS), notification(TANK)
    outbox = queued(long, short)
    for message in (long, short):
        outbox.settle(settle(message.id, reference=message.id), T0)
    outbox.forget(short.expires_us - 1)
    assert outbox.in_hand == 2
    outbox.forget(short.expires_us)
    assert (outbox.in_hand, outbox.get(short.id), outbox.get(long.id)) == (1, None, long)
    assert outbox.status(short.id) is HANDED
    assert outbox.by_reference("hook", short.id) is None


def test_what_is_kept_of_the_done_is_bounded() -> None:
    outbox = Outbox(OutboxLimits(done_kept=2))
    messages = [notification(offset=offset) for offset in range(5)]
    for message in messages:
        outbox.owe([message])
        outbox.settle(settle(message.id, FAILED), T0)
    assert [len(outbox.owe([message])) for message in messages] == [1, 1, 1, 0, 0]


def test_what_is_in_hand_for_long_costs_no_more_than_what_is_in_hand_now() -> None:
    outbox = Outbox(OutboxLimits(done_kept=10))
    for offset in range(300):
        message = notification(offset=offset)
        outbox.owe([message])
        outbox.settle(settle(message.id, reference=str(offset)), T0)
        outbox.settle(settle(message.id, RECEIVED), T0)
    assert len(outbox._expiring) < 100
    assert outbox._references == {}


def test_times_are_counted_by_what_the_message_was_for() -> None:
    counters = AlertsCounters()
    outbox = Outbox(counters=counters)
    ask, tell = notification(GAS, purpose=Purpose.ASK), notification(TANK)
    outbox.owe([ask, tell])
    outbox.settle(settle(ask.id), T0 + 2 * S)
    outbox.settle(settle(ask.id, RECEIVED), T0 + 5 * S)
    outbox.answered(ask.id, T0 + 65 * S)
    outbox.settle(settle(tell.id, RECEIVED), T0 + S)
    assert (counters.handed_seconds[Purpose.ASK].total, counters.receipt_seconds[Purpose.ASK].total) == (2, 3)
    assert counters.answer_seconds[Purpose.ASK].total == 65
    assert (counters.handed_seconds[Purpose.TELL].total, sum(counters.receipt_seconds[Purpose.TELL].counts)) == (1, 0)
    assert (counters.settled[RECEIVED], counters.settled_by["hook", RECEIVED]) == (2, 2)


# ── snapshots ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_restored_outbox_goes_on_as_the_one_before() -> None:
    first, second, third = (notification(rule, offset=n) for n, rule in enumerate([GAS, TANK, SMOKE]))
    before = queued(first, second, third)
    before.settle(settle(first.id, FAILED), T0)
    before.settle(settle(second.id, reference="ali/1"), T0 + S)

    after = Outbox()
    after.restore(before.snapshot())

    assert (after.pending(), after.in_hand) == ([third], 1)
    assert after.snapshot() == before.snapshot()
    assert after.owe([first, second, third]) == []
    assert after.by_reference("ali", "1") == second.id
    received = settle(second.id, RECEIVED)
    assert after.settle(received, T0 + 3 * S) == before.settle(received, T0 + 3 * S)
    assert after.snapshot() == before.snapshot()


def test_every_field_of_a_message_survives() -> None:
    message = notification(
        GAS,
        drill=True,
        purpose=Purpose.WHISTLE,
        address="13800138000",
        wants_answer=True,
        code="42",
        languages=(Language.EN,),
        others=("A", "B"),
        others_count=9,
    )
    plain = {field.name: field.default for field in msgspec.structs.fields(Notification) if not field.required}
    assert all(getattr(message, name) != default for name, default in plain.items()), "a field is new: say it here"
    after = Outbox()
    after.restore(queued(message).snapshot())
    assert after.pending() == [message]


def test_an_incident_that_is_told_to_many_is_written_once() -> None:
    message = notification()
    many = queued(*(replace(message, id=f"{n:020}", address=str(n)) for n in range(100)))
    alone = len(queued(message).snapshot())
    assert len(many.snapshot()) < alone + 100 * 200
    after = Outbox()
    after.restore(many.snapshot())
    assert after.pending() == many.pending()
    assert len({id(one.incident) for one in after.pending()}) == 1


def test_an_incident_that_changed_is_written_as_it_was_for_each_message() -> None:
    message = notification()
    later = replace(message.incident, state=IncidentState.ACCEPTED)  # the same revision: it should not be, and may
    first, second = replace(message, id="1"), replace(message, id="2", incident=later)
    after = Outbox()
    after.restore(queued(first, second).snapshot())
    assert after.pending() == [first, second]


def test_equal_incidents_are_written_once_so_that_a_replay_writes_the_same() -> None:
    first, second = notification(), replace(notification(), id="other")
    assert first.incident is not second.incident
    shared = replace(second, incident=first.incident)
    assert queued(first, second).snapshot() == queued(first, shared).snapshot()


def test_what_version_1_wrote_is_read() -> None:
    outbox = Outbox()
    outbox.restore((DATA / "outbox-v1.bin").read_bytes())

    assert [message.kind for message in outbox.pending()] == [*[EventKind.RAISED] * 7, EventKind.ACCEPTED]
    last = outbox.pending()[-1]
    assert (last.incident.state, last.purpose, last.languages) == (
        IncidentState.ACCEPTED,
        Purpose.TELL,
        (Language.ZH, Language.EN),
    )
    assert outbox.owe([replace(last, id="0970RZJSGD91VW93M60P")]) == [], "it was settled then"
    assert outbox.answered("0970RZJSGD91VW93M60P", T0) is None, "of whom is not known"
    became = outbox.settle(settle(last.id), T0 + 9 * S)
    assert became is not None
    again = Outbox()
    again.restore(outbox.snapshot())
    assert again.snapshot() == outbox.snapshot()


@pytest.mark.parametrize("snapshot", [b"", b"\x63rest"])
def test_a_snapshot_of_another_version_is_refused(snapshot: bytes) -> None:
    with pytest.raises(ValueError, match="version"):
        Outbox().restore(snapshot)


STEPS = st.one_of(
    st.tuples(st.just("owe"), st.integers(0, 5)),
    st.tuples(st.just("settle"), st.integers(0, 5), st.sampled_from([HANDED, RECEIVED, FAILED, UNKNOWN, EXPIRED])),
    st.tuples(st.just("answer"), st.integers(0, 5)),
    st.tuples(st.just("withdraw"), st.integers(0, 5)),
    st.tuples(st.just("forget"), st.sampled_from([T0, T0 + 3_600 * S, T0 + 86_400 * S])),
    st.tuples(st.just("restart")),
)
MESSAGES = [notification([GAS, TANK][n % 2], offset=n) for n in range(6)]


@given(st.lists(STEPS, max_size=60))
def test_an_outbox_that_restarts_between_any_two_steps_says_the_same_as_one_that_does_not(
    steps: list[tuple[Any, ...]],
) -> None:
    limits = OutboxLimits(queued=3, in_hand=2, done_kept=4)
    steady, restarted = Outbox(limits), Outbox(limits)
    for step in steps:
        if step[0] == "restart":
            snapshot = restarted.snapshot()
            restarted = Outbox(limits)
            restarted.restore(snapshot)
            continue
        assert _take(steady, step) == _take(restarted, step)
        assert steady.snapshot() == restarted.snapshot()
        assert len(steady._in_hand) <= 2
        assert len(steady._done) <= 4
        assert sum(not one.incident.is_life_safety for one in steady.pending()) <= 3


def _take(outbox: Outbox, step: tuple[Any, ...]) -> object:
    match step:
        case ("owe", which):
            return outbox.owe([MESSAGES[which]])
        case ("settle", which, status):
            return outbox.settle(settle(MESSAGES[which].id, status, str(which)), T0 + S)
        case ("answer", which):
            return outbox.answered(MESSAGES[which].id, T0 + S)
        case ("withdraw", which):
            return outbox.withdraw([MESSAGES[which].id], T0 + S)
        case ("forget", now_us):
            outbox.forget(now_us)
            return outbox.in_hand
    raise AssertionError(step)
