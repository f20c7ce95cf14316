"""Everyday life: what disturbs is in the readings, and in the log under its name."""

from __future__ import annotations

from collections import Counter
from functools import cache
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
import pytest

from devices import Kind
from simulator import Fleet, shuibei_fleet
from simulator.disturbance import DisturbanceKind
from simulator.everyday import OCCASIONS
from simulator.journey import RESTART, GatewayDown
from simulator.moments import Moments
from simulator.noise import Noise
from tests.simulator.history import BEGIN_US, HOUR_US, Told, tell

if TYPE_CHECKING:
    from simulator.occasion import Occasion

FLEET = shuibei_fleet(seed=1, extended=True)
DAYS = 6.0


def of(*kinds: Kind) -> Fleet:
    return Fleet("shuibei", tuple(device for device in FLEET.devices if device.kind in kinds))


@cache
def lived(kind: Kind) -> Told:
    return tell(of(kind), DAYS)


def logged(told: Told, row: int, kind: DisturbanceKind) -> list[tuple[float, float]]:
    """Return when a disturbance of a device began and ended, s since the beginning."""
    found = told.history.log.of(row, BEGIN_US, BEGIN_US + round(DAYS * 24 * HOUR_US))
    return [((one.from_us - BEGIN_US) / 1e6, (one.to_us - BEGIN_US) / 1e6) for one in found if one.kind is kind]


@pytest.mark.parametrize("occasion", [*chain(*OCCASIONS.values()), RESTART], ids=lambda one: one.name)
def test_the_signals_and_the_log_agree_on_when_an_occasion_is(occasion: Occasion) -> None:
    noise = Noise(4)
    rows = np.arange(400, dtype=np.int64)
    logged = [one for day in range(20764, 20767) for one in occasion.of_day(noise, rows, day)[0]]
    assert logged
    for one in logged[:50]:
        edges = np.array([one.from_us - 2, one.from_us + 2, one.to_us - 2, one.to_us + 2]) / 1e6
        happening = occasion.at(Moments(noise, np.full(4, one.row), edges))
        assert {1, 2} <= set(happening.places.tolist())
        assert happening.size[0] == one.size
        others = [o for o in logged if o.row == one.row and o is not one]
        if all(abs(o.from_us - one.to_us) > 10 and abs(o.to_us - one.from_us) > 10 for o in others):
            assert set(happening.places.tolist()) == {1, 2}


def test_cooking_raises_the_gas_while_it_is_logged_and_hardly_ever_to_the_limit() -> None:
    told = lived(Kind.GAS)
    rises = []
    for row in range(20):
        times, _, values = told.of(row, "gas_lel")
        for begins, ends in logged(told, row, DisturbanceKind.COOKING):
            during = values[(times > begins) & (times < ends)]
            rises.append(during.max() - np.median(values) if len(during) else np.nan)
    assert len(rises) > 200
    assert np.nanmedian(rises) > 0.4
    assert np.nanmean(np.array(rises) > 4.0) < 0.01


def test_a_watch_that_is_off_says_so_and_has_no_pulse_and_no_steps() -> None:
    told = lived(Kind.WATCH)
    nights = 0
    for row in range(41):
        times, _, worn = told.of(row, "worn")
        _, _, heart = told.of(row, "heart_rate")
        _, _, steps = told.of(row, "steps")
        for begins, ends in logged(told, row, DisturbanceKind.NIGHT_OFF):
            during = (times > begins + 600) & (times < ends - 600)  # steps are of ten minutes, whole
            nights += 1
            assert (worn[during] == 0).all()
            assert set(heart[during].tolist()) <= {0.0, 255.0}
            assert set(steps[during].tolist()) <= {steps[during].max(), 0.0}
    assert nights > 40


def test_steps_begin_anew_at_midnight_and_grow_in_between() -> None:
    told = lived(Kind.WATCH)
    for row in range(10):
        times, _, steps = told.of(row, "steps")
        order = np.argsort(times)
        times, steps = times[order], steps[order]
        day = times // 86400
        falls = np.flatnonzero(np.diff(steps) < 0)
        assert all(day[fall] != day[fall + 1] for fall in falls)
        assert 1500 < np.mean([steps[day == d].max() for d in range(1, 5)]) < 8000


def test_between_five_and_ten_percent_of_the_reports_are_lost_and_some_come_late_or_twice() -> None:
    told = lived(Kind.GAS)
    lost, late, twice = [], [], []
    for row in range(60):
        times, ats, _ = told.of(row, "gas_lel")
        once, counts = np.unique(times, return_counts=True)
        lost.append(1 - len(once) / (DAYS * 1440))
        late.append(np.mean(ats - times > 260))
        twice.append(np.mean(counts == 2))
    assert 0.04 < min(lost) < 0.06
    assert 0.09 < max(lost) < 0.12
    assert 0.005 < np.mean(late) < 0.03
    assert 0.005 < np.mean(twice) < 0.02


def test_a_heartbeat_that_is_lost_is_repeated_and_a_lost_one_is_logged() -> None:
    told = lived(Kind.SMOKE)
    kinds = Counter(one.kind for row in range(747) for one in told.history.log.of(row, BEGIN_US, 2 * BEGIN_US))
    times = [told.of(row, "battery_pct") for row in range(200)]
    beats = sum(len(np.unique(t)) for t, _, _ in times)
    late = sum(int(np.sum(at - t > 600)) for t, at, _ in times)
    assert kinds[DisturbanceKind.HEARTBEAT_LOST] < 5
    assert 0.04 < late / beats < 0.12


def test_a_quarter_of_the_hydrants_upload_once_a_day_the_newest_last() -> None:
    told = lived(Kind.HYDRANT)
    daily = [row for row in range(83) if logged(told, row, DisturbanceKind.DAILY_UPLOAD)]
    assert 10 <= len(daily) <= 30
    for row in daily:
        times, ats, _ = told.of(row, "pressure_mpa")
        assert max(ats - times) > 20 * 3600
        uploads = [times[ats == at] for at in np.unique(ats)]
        whole = [upload for upload in uploads if len(upload) > 100]
        assert len(whole) >= 4
        assert all((np.diff(upload) > 0).all() for upload in whole)


def test_a_wrong_clock_shifts_the_times_and_one_far_ahead_is_replaced() -> None:
    told = lived(Kind.SMOKE)
    clock_s = told.history._reporter.journey.clock_s
    assert 10 <= np.count_nonzero(clock_s) <= 45
    assert np.count_nonzero(np.abs(clock_s) > 300) <= 5
    for row in np.flatnonzero(clock_s).tolist():
        times, ats, _ = told.of(row, "battery_pct")
        assert (times - ats).max() < 300
        assert logged(told, row, DisturbanceKind.WRONG_CLOCK)


def test_what_is_behind_a_gateway_that_is_down_comes_when_it_is_back() -> None:
    fleet = of(Kind.SMOKE, Kind.GATEWAY)
    row = fleet.of_kind(Kind.GATEWAY)[0]
    down = GatewayDown(row, BEGIN_US + 6 * HOUR_US, BEGIN_US + 14 * HOUR_US)
    told = tell(fleet, 1.0, everyday=False, down=[down])
    times, _, _ = told.of(row, "fault")
    assert not ((times > 6 * 3600) & (times < 14 * 3600 - 3)).any()
    behind = [r for r, device in enumerate(fleet.devices) if device.gateway == fleet.devices[row].name]
    held = 0
    for child in behind:
        times, ats, _ = told.of(child, "battery_pct")
        waited = (times > 6 * 3600) & (times < 14 * 3600 - 3)
        held += int(waited.sum())
        assert ((ats[waited] >= 14 * 3600) & (ats[waited] <= 14 * 3600 + 120)).all()
    assert held > 10
    assert logged(told, behind[0], DisturbanceKind.GATEWAY_DOWN) == [(6 * 3600, 14 * 3600)]


def test_only_a_gateway_can_be_down_as_one() -> None:
    with pytest.raises(ValueError, match=r"shuibei/smoke-0001 is down as a gateway and is a smoke"):
        tell(of(Kind.SMOKE), 0.1, down=[GatewayDown(0, BEGIN_US, BEGIN_US + HOUR_US)])


def test_calm_has_no_disturbance() -> None:
    told = tell(of(Kind.GAS, Kind.WATCH), 1.0, everyday=False)
    assert len(told.history.log) == 0
    times, ats, _ = told.of(0, "gas_lel")
    assert len(times) in {1439, 1440}
    assert (ats - times).max() < 65
