from __future__ import annotations

from itertools import product

import pytest

from alerts.incident import NotificationStatus
from alerts.passage import OPENING, TABLE, diagram, passes

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


def test_every_status_is_in_the_table_and_can_be_reached() -> None:
    assert set(TABLE) == set(NotificationStatus)
    reached, frontier = {OPENING}, [OPENING]
    while frontier:
        for status in TABLE[frontier.pop()]:
            if status not in reached:
                reached.add(status)
                frontier.append(status)
    assert reached == set(NotificationStatus)


def test_a_humans_answer_is_believed_whatever_was_said_before() -> None:
    assert all(passes(status, ANSWERED) for status in NotificationStatus if status is not ANSWERED)


@pytest.mark.parametrize("reported", NotificationStatus)
def test_nothing_follows_an_answer(reported: NotificationStatus) -> None:
    assert not passes(ANSWERED, reported)


@pytest.mark.parametrize(("status", "reported"), list(product(NotificationStatus, [QUEUED, WITHDRAWN])))
def test_nothing_is_queued_again_and_only_what_is_queued_is_withdrawn(
    status: NotificationStatus, reported: NotificationStatus
) -> None:
    assert passes(status, reported) == ((status, reported) == (QUEUED, WITHDRAWN))


@pytest.mark.parametrize(
    ("status", "reported", "expected"),
    [
        (RECEIVED, FAILED, False),
        (RECEIVED, HANDED, False),
        (RECEIVED, RECEIVED, False),
        (HANDED, HANDED, False),
        (HANDED, FAILED, True),
        (UNKNOWN, RECEIVED, True),
        (FAILED, RECEIVED, False),
        (WITHDRAWN, FAILED, False),
        (WITHDRAWN, RECEIVED, True),
        (EXPIRED, RECEIVED, True),
    ],
)
def test_receipts_in_any_order_say_the_truth(
    status: NotificationStatus, reported: NotificationStatus, expected: bool
) -> None:
    assert passes(status, reported) is expected


def test_the_diagram_has_every_line_of_the_table() -> None:
    drawn = diagram().splitlines()
    assert drawn[:2] == ["stateDiagram-v2", "    [*] --> queued"]
    assert len(drawn) == 2 + sum(map(len, TABLE.values()))
    assert "    handed --> received" in drawn
