"""Composites: what scenarios do not tell (`scenarios/town/composite.toml`)."""

from __future__ import annotations

from itertools import pairwise

import pytest

from rules.composite import LINGER_S
from rules.model import AlarmClass, Change, Scope, Severity
from tests.rules.town import SECOND, SOS, Town, together


@pytest.mark.parametrize(("hold_s", "within_s"), [(0.0, 0.0), (30.0, 0.0), (0.0, 90.0), (30.0, 20.0)])
def test_events_are_together_for_a_minute_longer_than_the_composite_waits(hold_s: float, within_s: float) -> None:
    lasts_s = max(hold_s, within_s) + LINGER_S
    both = together("both", all_of=["sos", "cancel"], hold_s=hold_s, within_s=within_s)
    for apart_s in (lasts_s, lasts_s + 1e-6):
        town = Town(both)
        town.step("0 s sos a")
        town.step(f"{apart_s:.6f} s cancel a")
        (scene,) = town.conclusions._relations[0].scenes.values()
        assert (scene.occurrence is not None or scene.since_us > 0) is (apart_s == lasts_s)


def test_what_is_said_is_the_composites_own_and_names_every_device_with_a_part() -> None:
    blast = together(
        "blast",
        any_of=["fire", "gas"],
        all_of=["sos"],
        none_of=["dead"],
        scope=Scope.BUILDING,
        severity=Severity.EMERGENCY,
        alarm_class=AlarmClass.LIFE_SAFETY,
    )
    town = Town(blast)
    (said,) = town.step("9 s fire c, dead f, sos e, gas a")[:1]
    assert said == Change(2, -1, blast, True, False, False, 9 * SECOND, 9 * SECOND, members=(2, 4))


def test_a_late_change_makes_a_late_composite_once_it_has_waited() -> None:
    town = Town(together("fell", all_of=["sos"], hold_s=30.0))
    assert town.play("9 s late sos a @ 5 s; 35 s → ")[1] == "35 s late fell a (a) since 5 s"


def test_what_is_pressed_over_and_over_is_said_once_in_each_hold_time_and_takes_no_more_room() -> None:
    town = Town(together("called", all_of=["sos"], none_of=["cancel"], hold_s=30.0))
    said = []
    for second in range(301):
        press = Change(0, -1, SOS, True, second > 0, False, second * SECOND, second * SECOND)
        said += [one for one in town.conclusions.step([press], second * SECOND) if one.rule is not SOS]
    assert [one.repeated for one in said] == [False] + [True] * (len(said) - 1)
    apart_s = {(after.time_us - before.time_us) / SECOND for before, after in pairwise(said)}
    assert min(apart_s) >= 30
    assert len(town.conclusions._agenda._due) <= 3
