"""Whatever happens, silence says what an obvious loop over devices says; also over a snapshot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from devices import Flag
from rules.silence import Silence
from tests.rules.naive_silence import NaiveSilence
from tests.rules.watchers import DAY, HOUR, MINUTE, SECOND, Rules, hear, no_data, place

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.rules.naive_silence import Sign

N = 6
RULES = (
    no_data("minutes", 600),
    no_data("hours", 5 * 3600, 2.5, 3 * 3600),
    no_data("soon", 90, 3.0),
    no_data("days", 3 * 86400, 1.6, 3600),
)
WATCHED = ((), (0,), (1,), (2,), (3,), (0, 1), (2, 3), (2, 0, 3))
START = 1_000 * DAY

rows = st.integers(0, N - 1)
times = st.sampled_from([0, 1, SECOND // 3, SECOND, 21 * SECOND, MINUTE, 10 * MINUTE, HOUR, 4 * HOUR, DAY])
flags = st.sampled_from([0, 0, 0, 0, Flag.LATE, Flag.TIME_FILLED, Flag.RETAINED, Flag.OFFLINE]).map(int)
signs = st.lists(st.tuples(rows, st.one_of(times, times.map(lambda us: -us)), flags), max_size=8)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("step"), times, signs),
        st.tuples(st.just("step"), times, signs),
        st.tuples(st.just("routine"), rows, st.sampled_from([MINUTE, HOUR, 4 * HOUR]), st.integers(2, 30)),
        st.tuples(st.just("watch"), st.lists(rows, unique=True, max_size=3), st.sampled_from(WATCHED)),
        st.tuples(st.just("place"), rows, st.integers(-1, N - 1)),
        st.tuples(st.just("resume"), times),
        st.tuples(st.just("set back"), times),
        st.tuples(st.just("restart")),
    ),
    min_size=8,
    max_size=40,
)


class Both:
    """The silence under test and its oracle, told the same."""

    def __init__(self, watched: Sequence[Sequence[int]], behind: Sequence[int]) -> None:
        self.now_us = START
        self.watched = [tuple(rules) for rules in watched]
        self.behind = list(behind)
        self.fast = self._made()
        self.naive = NaiveSilence(RULES, N)
        for row in range(N):
            self.naive.watch([row], self.watched[row], self.now_us)
            self.naive.place_behind(row, self.behind[row])

    def _made(self) -> Silence:
        silence = Silence(Rules(RULES))
        silence.extend(N)
        for row, rules in enumerate(self.watched):
            silence.watch(np.array([row]), rules, self.now_us)
        place(silence, self.behind)
        return silence

    def step(self, elapsed_us: int, block: Sequence[Sign]) -> None:
        self.now_us += elapsed_us
        said = [(row, self.now_us + ahead_us, flags) for row, ahead_us, flags in block]
        assert hear(self.fast, said, self.now_us) == self.naive.hear(said, self.now_us)
        assert self.fast.check(self.now_us) == self.naive.check(self.now_us)
        assert self.fast.n_silent == sum(bool(device.said) for device in self.naive.devices)
        assert self.fast.n_hidden == sum(device.is_hidden for device in self.naive.devices)

    def routine(self, row: int, period_us: int, times: int) -> None:
        for _ in range(times):
            self.step(period_us, [(row, 0, 0)])

    def watch(self, devices: list[int], rules: Sequence[int]) -> None:
        for row in devices:
            self.watched[row] = tuple(rules)
        ended = self.fast.watch(np.array(devices, np.intp), rules, self.now_us)
        assert ended == self.naive.watch(devices, rules, self.now_us)

    def place(self, row: int, gateway: int) -> None:
        self.behind[row] = gateway
        place(self.fast, self.behind)
        self.naive.place_behind(row, gateway)

    def resume(self, elapsed_us: int) -> None:
        self.now_us += elapsed_us
        self.fast.resume(elapsed_us)
        self.naive.resume(elapsed_us)

    def set_back(self, by_us: int) -> None:
        self.now_us -= by_us
        self.fast.bound(self.now_us)
        self.naive.bound(self.now_us)

    def restart(self) -> None:
        state = self.fast.snapshot()
        again = self._made()
        kept = again.restore(state, np.arange(len(RULES), dtype=np.int32))
        assert kept == sum(len(device.said) for device in self.naive.devices)
        assert again.snapshot() == state
        self.fast = again


@settings(max_examples=150, deadline=None)
@given(
    watched=st.lists(st.sampled_from(WATCHED[1:]), min_size=N, max_size=N),
    behind=st.lists(st.integers(-1, N - 1), min_size=N, max_size=N),
    happens=steps,
)
def test_silence_equals_an_obvious_loop(
    watched: list[Sequence[int]], behind: list[int], happens: list[tuple[object, ...]]
) -> None:
    both = Both(watched, behind)
    for what, *told in happens:
        getattr(both, str(what).replace(" ", "_"))(*told)
    both.step(HOUR, [])
