from __future__ import annotations

import signal
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import msgspec
import pytest

from rules import RuleMode, RuleSet
from service.backtest import run as runs
from service.backtest.replay import Tally
from service.backtest.run import run
from service.cli.rules.watch import Watch
from tests.backtest.world import MINUTE, START, ListedHistory, Row, every_minute, ledger, temperature

if TYPE_CHECKING:
    from collections.abc import Iterator

    from devices import Profile
    from service.backtest.history import Chunk

Boilers = tuple[dict[str, "Profile"], RuleSet]
ZONE = ZoneInfo("Asia/Shanghai")


class Interrupted(ListedHistory):
    """Somebody presses Ctrl-C after the first piece of it."""

    def chunks(self) -> Iterator[Chunk]:
        for chunk in super().chunks():
            yield chunk
            signal.raise_signal(signal.SIGINT)


def test_ctrl_c_ends_a_run_with_what_there_is(boilers: Boilers) -> None:
    profiles, rules = boilers
    watch = Watch(ZONE, "test")
    with watch.running():
        done = run(Interrupted(every_minute("north/b0", 100, 90.0), piece=10), rules, profiles, ledger(1), watch=watch)
    assert done.stopped == "interrupted"
    assert done.tally.readings == 10
    assert [episode.rule_id for episode in done.episodes] == ["boiler.hot"]


def test_a_second_ctrl_c_ends_it_at_once() -> None:
    before = signal.getsignal(signal.SIGINT)
    watch = Watch(ZONE, "test")
    with watch.running():
        signal.raise_signal(signal.SIGINT)
        assert watch(Tally(), 0) == "interrupted"
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def flapping(times: int) -> list[Row]:
    return temperature("north/b0", *((minute, 90.0 if minute % 2 else 50.0) for minute in range(2 * times)))


def test_a_rule_that_says_too_much_ends_the_run(boilers: Boilers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "MOST_EPISODES", 5)
    profiles, rules = boilers
    done = run(ListedHistory(flapping(20)), rules, profiles, ledger(1))
    assert done.stopped == "there were 5 alarms"
    assert len(done.episodes) == 5
    assert run(ListedHistory(flapping(4)), rules, profiles, ledger(1)).stopped == ""


def test_what_only_other_rules_hear_of_is_no_alarm(boilers: Boilers) -> None:
    profiles, rules = boilers
    part = msgspec.structs.replace(rules.by_id["boiler.hot"], mode=RuleMode.PART)
    rules = RuleSet.of([part])
    assert run(ListedHistory(flapping(3)), rules, profiles, ledger(1)).episodes == []


def test_an_event_that_nothing_ends_is_a_new_alarm_after_a_while(boilers: Boilers) -> None:
    profiles, rules = boilers
    presses: list[Row] = [(minute * MINUTE, "north/b0", "alarm", 1.0) for minute in (0, 5, 9, 60)]
    done = run(ListedHistory(presses), RuleSet.of([rules.by_id["boiler.alarm"]]), profiles, ledger(1))
    assert [(e.raised_us - START, e.ceased_us, e.repeats) for e in done.episodes] == [
        (0, START + 9 * MINUTE, 2),
        (60 * MINUTE, START + 60 * MINUTE, 0),
    ]
