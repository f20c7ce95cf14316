from __future__ import annotations

import pytest

from alerts import (
    Acknowledge,
    AlertsCounters,
    EventKind,
    Fallback,
    Incidents,
    NotificationStatus,
    Outbox,
    OutboxLimits,
    Outcome,
    Recipient,
    Resolve,
    Routing,
    Settle,
)
from tests.alerts.scene import GAS, SMOKE, T0, TANK, S, Scene, raised

DUTY = Recipient("duty", ("sms", "hook"))
CHIEF = Recipient("chief", ("hook",), updates=True)


def settle(name: str, status: NotificationStatus = NotificationStatus.DELIVERED) -> Settle:
    return Settle(notification=name, status=status, detail="HTTP 200", attempts=1)


def test_a_raised_incident_is_owed_to_every_recipient_on_every_channel() -> None:
    outbox = Outbox(Routing([DUTY, CHIEF]))
    event = raised(GAS)
    owed = outbox.owe([event], T0 + S)

    assert [(n.recipient, n.channel) for n in owed] == [("duty", "sms"), ("duty", "hook"), ("chief", "hook")]
    assert outbox.pending() == owed
    first = owed[0]
    assert (first.event, first.incident, first.body_en, first.body_zh) == (
        event.id,
        event.incident,
        event.text_en,
        event.text_zh,
    )
    assert (first.created_us, first.drill) == (T0 + S, False)
    assert GAS.name_en in first.title_en


def test_what_follows_is_owed_only_to_those_who_want_updates() -> None:
    scene = Scene(Incidents())
    outbox = Outbox(Routing([DUTY, CHIEF]))
    (first,) = scene.rule(SMOKE, 0)
    name = first.incident.id
    events = [
        *scene.incidents.apply_command(Acknowledge(incident=name, by="li", origin="test"), T0 + S, 2),
        *scene.rule(SMOKE, 30, repeated=True),
        *scene.rule(SMOKE, 40, holds=False),
        *scene.incidents.apply_command(
            Resolve(incident=name, by="li", origin="test", outcome=Outcome.TRUE), T0 + 50 * S, 3
        ),
        *scene.rule(SMOKE, 60),
    ]
    told = [(n.kind, n.recipient, n.channel) for n in outbox.owe(events, T0)]
    assert told == [
        (EventKind.ACKNOWLEDGED, "chief", "hook"),
        (EventKind.RESOLVED, "chief", "hook"),
        (EventKind.REOPENED, "duty", "sms"),
        (EventKind.REOPENED, "duty", "hook"),
        (EventKind.REOPENED, "chief", "hook"),
    ]


def test_owing_twice_is_owing_once_even_after_it_is_settled() -> None:
    outbox = Outbox(Routing([DUTY]))
    event = raised(GAS)
    first, second = outbox.owe([event], T0)
    assert outbox.owe([event], T0 + S) == []
    assert outbox.settle(settle(first.id), T0 + S) is not None
    assert outbox.owe([event], T0 + 2 * S) == []
    assert outbox.pending() == [second]


def test_a_channel_named_twice_gets_one_message() -> None:
    assert len(Outbox(Routing([Recipient("duty", ("sms", "sms"))])).owe([raised(GAS)], T0)) == 1


def test_settling_says_what_became_of_it_once() -> None:
    counters = AlertsCounters()
    outbox = Outbox(Routing([CHIEF]), counters=counters)
    (owed,) = outbox.owe([raised(GAS)], T0)

    became = outbox.settle(settle(owed.id, NotificationStatus.EXPIRED), T0 + 5 * S)

    assert became is not None
    assert (became.notification, became.incident, became.recipient, became.channel) == (
        owed.id,
        owed.incident.id,
        "chief",
        "hook",
    )
    assert (became.status, became.time_us, became.attempts, became.detail) == ("expired", T0 + 5 * S, 1, "HTTP 200")
    assert outbox.settle(settle(owed.id), T0 + 6 * S) is None
    assert outbox.settle(settle("NOSUCH"), T0) is None
    assert counters.settled[NotificationStatus.EXPIRED] == 1
    assert counters.settled[NotificationStatus.DELIVERED] == 0


def test_a_restored_outbox_goes_on_as_the_one_before() -> None:
    before = Outbox(Routing([DUTY]))
    first, second = before.owe([raised(GAS)], T0)
    before.settle(settle(first.id), T0)

    after = Outbox(Routing([DUTY]))
    after.restore(before.snapshot())

    assert after.pending() == [second]
    assert after.snapshot() == before.snapshot()
    assert after.owe([raised(GAS)], T0) == []


@pytest.mark.parametrize("what", [Outbox(Routing([])), Incidents()])
@pytest.mark.parametrize("snapshot", [b"", b"\x63rest"])
def test_a_snapshot_of_another_version_is_refused(what: Outbox | Incidents, snapshot: bytes) -> None:
    with pytest.raises(ValueError, match="version"):
        what.restore(snapshot)


def test_life_safety_is_owed_longer() -> None:
    outbox = Outbox(Routing([CHIEF]), OutboxLimits(deadline_s=60, life_safety_deadline_s=600))
    life, other = outbox.owe([raised(GAS), raised(TANK)], T0)
    assert (life.expires_us, other.expires_us) == (T0 + 600 * S, T0 + 60 * S)


def test_a_full_outbox_sheds_all_but_life_safety_and_counts_it() -> None:
    counters = AlertsCounters()
    outbox = Outbox(Routing([CHIEF]), OutboxLimits(pending=2), counters)
    events = [raised(rule, offset=n) for n, rule in enumerate([TANK, TANK, TANK, GAS])]
    assert [n.incident.rule_id for n in outbox.owe(events, T0)] == [TANK.id, TANK.id, GAS.id]
    assert (counters.shed, counters.owed) == (1, 3)


def test_what_is_kept_of_the_settled_is_bounded() -> None:
    outbox = Outbox(Routing([CHIEF]), OutboxLimits(settled_kept=2))
    for n in range(5):
        (owed,) = outbox.owe([raised(GAS, offset=n)], T0)
        outbox.settle(settle(owed.id), T0)
    assert [len(outbox.owe([raised(GAS, offset=n)], T0)) for n in range(5)] == [1, 1, 1, 0, 0]


def test_a_fallback_is_counted() -> None:
    counters = AlertsCounters()
    (owed,) = Outbox(Routing([]), counters=counters).owe([raised(GAS)], T0)
    assert (owed.recipient, owed.channel) == ("console", "console")
    assert counters.fallbacks == {Fallback.SITE: 0, Fallback.EVERYBODY: 0, Fallback.CONSOLE: 1}
