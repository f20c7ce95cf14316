"""The service's clock against a wall clock that is set."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from service.clock import SLEW, STEP_US, ServiceClock

S_NS = 1_000_000_000
T0_NS = 1_800_000_000 * S_NS


@dataclass
class Machine:
    wall_ns: int = T0_NS
    steady_ns: int = 5 * S_NS

    def passes(self, seconds: float) -> None:
        self.wall_ns += round(seconds * S_NS)
        self.steady_ns += round(seconds * S_NS)

    def clock(self) -> ServiceClock:
        return ServiceClock(lambda: self.wall_ns, lambda: self.steady_ns)


def test_it_follows_the_wall_clock() -> None:
    machine = Machine()
    clock = machine.clock()
    machine.passes(10)
    assert clock.time_us() == machine.wall_ns // 1000
    machine.wall_ns += S_NS // 2  # a small correction
    assert clock.time_us() == machine.wall_ns // 1000
    assert (clock.ahead_us, clock.behind_us) == (0, 0)


def test_a_wall_clock_set_forward_waits_until_the_journal_says_so() -> None:
    machine = Machine()
    clock = machine.clock()
    machine.wall_ns += 3600 * S_NS
    machine.passes(2)
    assert clock.time_us() == T0_NS // 1000 + 2_000_000
    assert clock.ahead_us == 3_600_000_000
    assert clock.steps_forward == 0
    clock.step(clock.ahead_us)
    assert (clock.steps_forward, clock.steps_back) == (1, 0)
    assert clock.ahead_us == 0
    assert clock.time_us() == machine.wall_ns // 1000


def test_a_wall_clock_set_back_neither_stops_it_nor_turns_it_back() -> None:
    machine = Machine()
    clock = machine.clock()
    machine.wall_ns -= 3600 * S_NS
    machine.passes(100)
    gone_us = clock.time_us() - T0_NS // 1000
    assert gone_us == 100_000_000 - 100_000_000 // SLEW
    assert clock.behind_us > 3_590_000_000
    assert clock.steps_back == 1
    for _ in range(500):
        machine.passes(1000)
        clock.time_us()
    assert clock.time_us() == machine.wall_ns // 1000  # they agree again


def test_it_goes_on_from_where_the_journal_was() -> None:
    machine = Machine()
    clock = machine.clock()
    later_us = T0_NS // 1000 + 7_000_000
    clock.advance(later_us)
    assert clock.time_us() == later_us
    machine.passes(1)
    assert later_us < clock.time_us() <= later_us + 1_000_000
    clock.advance(0)
    assert clock.time_us() > later_us


@given(st.lists(st.tuples(st.floats(0, 100), st.integers(-(10**6), 10**6)), max_size=30))
def test_it_never_goes_back_nor_jumps_by_itself(steps: list[tuple[float, int]]) -> None:
    machine = Machine()
    clock = machine.clock()
    before = clock.time_us()
    for seconds, set_ms in steps:
        machine.passes(seconds)
        machine.wall_ns += set_ms * 1_000_000
        now = clock.time_us()
        assert before <= now <= before + seconds * 1e6 + STEP_US + 1
        assert now - before >= seconds * 1e6 * (1 - 1 / SLEW) - 1
        before = now
