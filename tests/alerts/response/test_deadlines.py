from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from alerts.response.deadlines import STALE_KEPT, Deadlines

NAMES = st.sampled_from("abcde")


@given(st.lists(st.tuples(NAMES, st.integers(0, 50) | st.none()), max_size=60), st.integers(0, 60))
def test_the_earliest_deadline_of_each_is_taken_in_order(puts: list[tuple[str, int | None]], now_us: int) -> None:
    deadlines = Deadlines()
    earliest: dict[str, int] = {}
    for name, due_us in puts:
        deadlines.put(due_us, name)
        if due_us is not None:
            earliest[name] = min(due_us, earliest.get(name, due_us))
    assert len(deadlines) == len(earliest)
    assert deadlines.next_us == min(earliest.values(), default=None)
    taken = []
    while (entry := deadlines.take(now_us)) is not None:
        taken.append(entry)
    assert taken == sorted((due_us, name) for name, due_us in earliest.items() if due_us <= now_us)


def test_what_is_dropped_is_not_taken() -> None:
    deadlines = Deadlines()
    deadlines.put(5, "a")
    deadlines.drop("a")
    assert (deadlines.next_us, deadlines.take(9)) == (None, None)


def test_deadlines_that_come_ever_earlier_leave_nothing_behind() -> None:
    deadlines = Deadlines()
    for due_us in range(20_000, 0, -1):
        deadlines.put(due_us, "a")
    assert len(deadlines._heap) <= 2 + STALE_KEPT + 1
    assert deadlines.take(20_000) == (1, "a")
    assert deadlines.take(20_000) is None
