"""What Vigil promises of an alarm: counted once, as soon as it is known how it went."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics.exposition import generate_latest

from alerts import Accept, AlertsCounters, AlertsMetrics, Delivery, Incidents, NotificationStatus, Outbox, Settle
from alerts.alerting import Alerting, AlertingLimits
from alerts.incident import EventKind, Exercise
from alerts.notification import CONSOLE, Purpose
from alerts.objective import WAITING, Objective
from alerts.outbox import OutboxLimits
from alerts.routing import Routing
from alerts.tracing import trace_id_of
from devices.model import Kind
from rules.model import AlarmClass
from tests.alerts.scene import SMOKE, T0, TANK, HandClock, S, Scene, notification

if TYPE_CHECKING:
    from alerts import Notification

LIFE = AlarmClass.LIFE_SAFETY


def objective() -> Objective:
    return Objective(1.0, (0.5, 1.0, 5.0))


def counted(one: Objective, now_us: int) -> tuple[int, int]:
    """Return how many came in time, and how many were late."""
    return sum(one.seconds[LIFE].counts[:2]), one.late(now_us)[LIFE]


def test_what_comes_in_time_is_kept_and_what_does_not_is_late_once_the_time_is_up() -> None:
    one = objective()
    one.begin("a", LIFE, T0)
    one.begin("b", LIFE, T0)
    assert counted(one, T0 + S) == (0, 0), "neither is known yet"
    one.meet("a", T0 + S)
    assert counted(one, T0 + S + 1) == (1, 1)
    one.meet("b", T0 + 9 * S)
    assert counted(one, T0 + 99 * S) == (1, 1), "it is late once"
    assert one.seconds[LIFE].counts == [0, 1, 0, 1]
    assert one.seconds[LIFE].total == 10


@pytest.mark.parametrize(("after_us", "late"), [(S, 0), (S + 1, 1)])
def test_what_ends_without_it_is_late_only_where_the_time_was_up(after_us: int, late: int) -> None:
    one = objective()
    one.begin("a", LIFE, T0)
    one.drop("a", T0 + after_us)
    assert counted(one, T0 + 99 * S) == (0, late)


def test_a_promise_must_be_a_bound_of_its_histogram() -> None:
    with pytest.raises(ValueError, match="none of the bounds"):
        Objective(2.0, (1.0, 5.0))


def test_where_too_many_wait_the_oldest_is_late() -> None:
    one = objective()
    for number in range(WAITING + 1):
        one.begin(str(number), LIFE, T0)
    assert counted(one, T0) == (0, 1)
    one.meet("0", T0)
    assert counted(one, T0) == (0, 1)


@given(st.lists(st.tuples(st.sampled_from("bmdl"), st.integers(0, 3), st.integers(0, 2 * S)), max_size=40))
def test_no_count_ever_falls_and_each_alarm_counts_once(steps: list[tuple[str, int, int]]) -> None:
    one = objective()
    now_us, begun, before = T0, 0, (0, 0)
    waiting: set[str] = set()
    for what, number, after_us in steps:
        now_us += after_us
        name = str(number)
        match what:
            case "b":
                begun += name not in waiting
                waiting.add(name)
                one.begin(name, LIFE, now_us)
            case "m":
                waiting.discard(name)
                one.meet(name, now_us)
            case "d":
                waiting.discard(name)
                one.drop(name, now_us)
            case _:
                one.late(now_us)
        after = counted(one, now_us)
        assert after[0] >= before[0]
        assert after[1] >= before[1]
        assert sum(after) <= begun
        before = after


class Told:
    """Incidents and an outbox that count together."""

    def __init__(self, **bounds: int) -> None:
        self.counters = AlertsCounters()
        self.incidents = Incidents(counters=self.counters)
        self.outbox = Outbox(OutboxLimits(**bounds), self.counters)
        self.scene = Scene(self.incidents)

    def owe(self, message: Notification, **facts: object) -> Notification:
        message = replace(message, **facts)
        self.outbox.owe([message])
        return message

    def hand(self, message: Notification, at_us: int) -> None:
        settle = Settle(notification=message.id, status=NotificationStatus.HANDED, detail="", attempts=1)
        self.outbox.settle(settle, at_us)

    def figures(self, at_s: float = 99) -> dict[str, tuple[int, int]]:
        both = {"handed": self.counters.alarm_handed, "accepted": self.counters.alarm_accepted}
        at_us = T0 + round(at_s * S)
        return {name: (sum(one.seconds[LIFE].counts), one.late(at_us)[LIFE]) for name, one in both.items()}


def test_an_alarm_is_handed_over_when_the_first_of_its_messages_is() -> None:
    told = Told()
    first, second = notification(SMOKE, purpose=Purpose.ASK), notification(SMOKE, "sms")
    told.outbox.owe([first, second])
    told.hand(second, T0 + S)
    told.hand(first, T0 + 40 * S)
    assert told.figures(30)["handed"] == (1, 0)
    assert told.figures()["accepted"] == (0, 1), "whom it asked has not answered"


def test_an_alarm_is_accepted_from_when_it_was_measured() -> None:
    told = Told()
    event = told.scene.rule(SMOKE, 0)[0]
    measured = replace(event.incident, event_us=T0 - 50 * S)
    told.owe(notification(SMOKE), incident=measured, purpose=Purpose.ASK)
    told.incidents.apply_command(Accept(incident=event.incident.id, by="li", origin="test"), T0 + 20 * S, 9)
    assert told.figures(20) == {"handed": (0, 1), "accepted": (1, 1)}
    assert told.counters.alarm_accepted.seconds[LIFE].total == 70


@pytest.mark.parametrize("facts", [{"event_us": T0 + 30 * S}, {"event_us": T0 - 900 * S, "late": True}])
def test_a_device_whose_clock_is_ahead_or_that_stores_and_forwards_counts_from_being_raised(
    facts: dict[str, object],
) -> None:
    told = Told()
    event = told.scene.rule(SMOKE, 0)[0]
    told.owe(notification(SMOKE), incident=replace(event.incident, **facts), purpose=Purpose.ASK)
    told.incidents.apply_command(Accept(incident=event.incident.id, by="li", origin="test"), T0 + 40 * S, 9)
    assert told.counters.alarm_accepted.seconds[LIFE].total == 40


def test_what_another_system_says_counts_from_being_raised() -> None:
    told = Told()
    event = told.scene.rule(SMOKE, 0)[0]
    of_yesterday = replace(event.incident, kind=Kind.EXTERNAL, event_us=T0 - 86_400 * S)
    told.owe(notification(SMOKE), incident=of_yesterday, purpose=Purpose.ASK)
    told.incidents.apply_command(Accept(incident=event.incident.id, by="li", origin="test"), T0 + 40 * S, 9)
    assert told.figures(40)["accepted"] == (1, 0)


def test_what_is_written_to_the_log_is_handed_to_nobody() -> None:
    told = Told()
    hook, log = notification(SMOKE), notification(SMOKE, CONSOLE)
    told.outbox.owe([hook, log])
    told.hand(log, T0)
    assert told.figures(30)["handed"] == (0, 1)
    told.hand(hook, T0 + 40 * S)
    assert told.figures()["handed"] == (1, 1)
    told.hand(told.owe(notification(SMOKE, CONSOLE, offset=2)), T0 + 40 * S)
    assert told.figures()["handed"] == (1, 1), "nothing else was owed: that is VigilNobodyToTell's to say"


def test_an_alarm_whose_messages_are_shed_is_never_handed_over() -> None:
    told = Told(queued=0)
    assert told.outbox.owe([notification(TANK, purpose=Purpose.ASK)]) == []
    assert told.counters.alarm_handed.late(T0 + 9 * S)[AlarmClass.PROPERTY] == 1
    assert told.counters.alarm_accepted.late(T0 + 99 * S)[AlarmClass.PROPERTY] == 1


def test_a_clock_that_is_set_forward_makes_no_alarm_late() -> None:
    told = Told()
    told.outbox.owe([notification(SMOKE, purpose=Purpose.ASK)])
    Alerting(Routing(()), AlertingLimits(), told.counters).shift(3600 * S)
    assert told.figures(3601) == {"handed": (0, 0), "accepted": (0, 0)}
    assert told.figures(3661) == {"handed": (0, 1), "accepted": (0, 1)}


def test_what_is_no_alarm_just_raised_is_promised_nothing() -> None:
    told = Told()
    drill = replace(notification(SMOKE).incident, exercise=Exercise.DRILL)
    told.owe(notification(SMOKE), incident=drill, purpose=Purpose.ASK)
    told.owe(notification(SMOKE, offset=2), created_us=T0 + 300 * S, purpose=Purpose.ASK)  # it was silenced till then
    told.owe(notification(SMOKE, offset=3), kind=EventKind.ARRIVED, purpose=Purpose.INFORM)
    told.owe(notification(SMOKE, offset=4), purpose=Purpose.TEST)
    assert told.figures() == {"handed": (0, 0), "accepted": (0, 0)}


def test_metrics_show_the_promises_by_class_and_name_the_last_incident_of_each_bucket() -> None:
    told, registry = Told(), CollectorRegistry()

    async def settled(_: Settle) -> None:
        """Do nothing with it."""

    delivery = Delivery({}, settled, HandClock(), lambda: 0.0, told.counters)
    AlertsMetrics(registry, told.counters, told.incidents, told.outbox, delivery, lambda: T0 + 50 * S)
    message = notification(SMOKE)
    told.outbox.owe([message, notification(TANK)])
    told.hand(message, T0 + S // 2)

    def value(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(f"vigil_alerts_alarm_{name}", labels)

    assert value("handed_seconds_bucket", **{"class": "life-safety", "le": "1.0"}) == 1
    assert value("handed_seconds_bucket", **{"class": "life-safety", "le": "0.25"}) == 0
    assert value("handed_late_total", **{"class": "life-safety"}) == 0
    assert value("handed_late_total", **{"class": "property"}) == 1
    assert value("accepted_seconds_count", **{"class": "life-safety"}) == 0
    name = message.incident.id
    exemplar = f'# {{incident_id="{name}",trace_id="{trace_id_of(name)}"}} 0.5 {T0 // S}.5'
    text = generate_latest(registry).decode()  # type: ignore[no-untyped-call]
    assert f'vigil_alerts_alarm_handed_seconds_bucket{{class="life-safety",le="0.5"}} 1.0 {exemplar}' in text
    assert f'vigil_alerts_handed_seconds_bucket{{le="0.5",purpose="tell"}} 1.0 {exemplar}' in text
