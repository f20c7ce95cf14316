"""The agenda against a plain list."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.noise.agenda import Agenda

WORDS = st.lists(
    st.tuples(
        st.sampled_from(["set", "forward", "drop", "take", "shift"]), st.sampled_from("abcde"), st.integers(0, 20)
    ),
    max_size=300,
)


@settings(max_examples=200, deadline=None)
@given(WORDS)
def test_it_is_a_list_of_times(words: list[tuple[str, str, int]]) -> None:
    agenda, plain = Agenda[str](), dict[str, int]()
    for word, name, number in words:
        match word:
            case "set":
                agenda.set(name, number)
                plain[name] = number
            case "forward":
                agenda.bring_forward(name, number)
                plain[name] = min(number, plain.get(name, number))
            case "drop":
                agenda.drop(name)
                plain.pop(name, None)
            case "take":
                due = sorted((at, one) for one, at in plain.items() if at <= number)
                assert list(agenda.take(number)) == [one for _, one in due]
                plain = {one: at for one, at in plain.items() if at > number}
            case _:
                agenda.shift(number - 10)
                plain = {one: at + number - 10 for one, at in plain.items()}
        assert agenda.next_us == min(plain.values(), default=None)
        assert dict(agenda.items()) == plain
        assert len(agenda) == len(plain)


def test_it_is_no_larger_than_what_it_holds() -> None:
    agenda = Agenda[str]()
    for number in range(10_000):
        agenda.set("a", number)
    assert len(agenda._heap) < 100
