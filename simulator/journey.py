"""The journey of reports: what is lost, late, twice or wrongly timed on the way.

In calm a report takes a second or two. In everyday life more happens, by these figures (design):
- 5 to 10 % of a device's reports are lost, by device; one that reports hourly or rarer repeats a lost report every
  10 min, four times in all, as NB-IoT and LoRaWAN stacks do, so that it mostly comes late instead; a gateway's own
  travel by TCP, and none is lost
- 2 % come 1 to 10 min late, 1 % come a second time 1 to 5 min later
- 1 device of 500 restarts on a day and is silent for 2 to 10 min
- 1 clock of 30 is wrong, by up to 3 min; one of a thousand is 10 min ahead, so that ingest takes the arrival instead
- a quarter of the hydrants upload once a day what they sampled, the newest last
- while a gateway is down the reports behind it wait, and come at once when it is back; its own are lost
What a device reports because something happens is not lost: it repeats until it is acknowledged.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from devices import Flag, Kind
from simulator.disturbance import Disturbance, DisturbanceKind
from simulator.moments import DAY_S, HOUR_S, ZONE_S, Moments
from simulator.occasion import Occasion
from simulator.reports import Reports

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from simulator.disturbance import DisturbanceLog
    from simulator.fleet import Fleet
    from simulator.noise import Noise
    from simulator.signals import Signals

    Column = NDArray[np.float64]

__all__ = ["RESTART", "GatewayDown", "Journey", "uploads_daily"]

NETWORK_S: Final = (0.2, 2.0)
LOST: Final = (0.05, 0.10)
REPEATS: Final = 4
REPEAT_S: Final = 600.0
REPEATING_PERIOD_S: Final = HOUR_S
LATE: Final = 0.02
LATE_S: Final = (60.0, 600.0)
TWICE: Final = 0.01
TWICE_S: Final = (61.0, 300.0)
WRONG_CLOCKS: Final = 1 / 30
WRONG_BY_S: Final = 180.0
FAR_AHEAD: Final = 1 / 1000
FAR_AHEAD_S: Final = 600.0
FUTURE_S: Final = 300.0
"""How far ahead of its arrival ingest lets an event time be."""
DAILY: Final = 0.25
RESTART = Occasion(
    "restart", DisturbanceKind.RESTART, chance=0.002, hours=(0, 24), lasts_s=(120.0, 600.0), reports=(1.0,)
)


@dataclass(frozen=True, slots=True)
class GatewayDown:
    """A gateway (its position in the fleet) forwards nothing between two times, µs since the epoch."""

    row: int
    from_us: int
    to_us: int


class Journey:
    """How the reports of a fleet travel; notes in `log` what is lost for good.

    clock_s:  (n,) float64  s by which each device's clock is ahead
    is_daily: (n,) bool     it uploads once a day
    Raises ValueError where what is down is no gateway.
    """

    def __init__(self, fleet: Fleet, signals: Signals, down: Sequence[GatewayDown], log: DisturbanceLog) -> None:
        rows = np.arange(len(fleet), dtype=np.int64)
        names = ("lost", "clock", "wrong by", "upload")
        draws = {name: signals.noise.uniform(rows, name) for name in names}
        self._noise = signals.noise
        self._everyday = signals.everyday
        self._period_s = signals.period_s
        self._log = log
        self._down = [(one, _children(fleet, one)) for one in down]
        is_gateway = np.array([device.kind is Kind.GATEWAY for device in fleet.devices], np.bool_)
        self._lost = np.where(is_gateway, 0.0, LOST[0] + (LOST[1] - LOST[0]) * draws["lost"])
        self._upload_s = DAY_S * draws["upload"]
        self.is_daily: NDArray[np.bool_] = uploads_daily(fleet, signals.noise) & signals.everyday
        wrong = np.where(draws["clock"] < WRONG_CLOCKS, WRONG_BY_S * (2.0 * draws["wrong by"] - 1.0), 0.0)
        self.clock_s: Column = np.where(draws["clock"] < FAR_AHEAD, FAR_AHEAD_S, wrong) * signals.everyday

    def stamps(self, reports: Reports) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
        """Return the event times, µs since the epoch, and flags (n,) that ingest gives to `reports`."""
        stamp_us = np.rint((reports.time_s + self.clock_s[reports.row]) * 1e3).astype(np.int64) * 1000
        ahead = stamp_us > reports.arrival_us + int(FUTURE_S * 1e6)
        return np.where(ahead, reports.arrival_us, stamp_us), ahead * np.uint8(Flag.TIME_CLAMPED)

    def sent(self, row: NDArray[np.int64], time_s: Column) -> Reports:
        """Return reports that arrive as soon as the network carries them."""
        low, high = NETWORK_S
        ms = (time_s * 1e3).astype(np.int64)
        return Reports.of(row, time_s, time_s + low + (high - low) * self._noise.uniform(row, "network", ms))

    def disturbed(self, sent: Reports) -> Reports:
        """Return what arrives of routine reports, and when; some arrive twice."""
        if not self._everyday:
            return sent
        row, ms = sent.row, sent.ms
        daily = self.is_daily[row]
        arrives, delay_s = self._repeated(sent)
        late = self._noise.uniform(row, "late", ms)
        delay_s += np.where(late < LATE, LATE_S[0] + (LATE_S[1] - LATE_S[0]) * late / LATE, 0.0)
        arrives |= daily
        moved_us = np.where(daily, self._uploaded_us(sent), sent.arrival_us + delay_s * 1e6)
        moved = sent.arriving(moved_us.astype(np.int64))
        twice = self._noise.uniform(row, "twice", ms)
        again_us = (TWICE_S[0] + (TWICE_S[1] - TWICE_S[0]) * twice / TWICE) * 1e6
        copies = moved.arriving(moved.arrival_us + again_us.astype(np.int64)).select(arrives & (twice < TWICE))
        return Reports.join(moved.select(arrives), copies)

    def kept_in_restarts(self, sent: Reports) -> Reports:
        """Return what is not lost because the device restarts."""
        if not self._everyday:
            return sent
        kept = np.ones(len(sent), np.bool_)
        kept[RESTART.at(Moments(self._noise, sent.row, sent.time_s)).places] = False
        return sent.select(kept)

    def through_gateways(self, sent: Reports) -> Reports:
        """Return the reports, without those of gateways that are down, and with those behind them held back."""
        for down, children in self._down:
            during = (sent.arrival_us >= down.from_us) & (sent.arrival_us < down.to_us)
            held = during & np.isin(sent.row, children)
            spread_us = (sent.arrival_us - down.from_us) // 1000  # in their order, within some seconds
            arrival_us = np.where(held, down.to_us + spread_us, sent.arrival_us)
            sent = sent.arriving(arrival_us).select(~(during & (sent.row == down.row)))
        return sent

    def standing(self, from_us: int, to_us: int) -> Iterator[Disturbance]:
        """Yield what goes on all the time, and when gateways are down."""
        if self._everyday:
            rows = np.arange(len(self._period_s))
            marks = {
                DisturbanceKind.LOSSES: rows,
                DisturbanceKind.DAILY_UPLOAD: rows[self.is_daily],
                DisturbanceKind.WRONG_CLOCK: rows[self.clock_s != 0],
            }
            yield from (Disturbance(kind, row, from_us, to_us) for kind, its in marks.items() for row in its.tolist())
        for down, children in self._down:
            if down.from_us < to_us and down.to_us > from_us:
                for row in (down.row, *children.tolist()):
                    yield Disturbance(DisturbanceKind.GATEWAY_DOWN, row, down.from_us, down.to_us)

    def _repeated(self, sent: Reports) -> tuple[NDArray[np.bool_], Column]:
        """Return whether each report gets through, and how long repeating it took, s."""
        row, ms = sent.row, sent.ms
        delay_s = np.zeros(len(sent))
        repeats = self._period_s[row] >= REPEATING_PERIOD_S
        arrives = self._noise.uniform(row, "lost 0", ms) >= self._lost[row]
        for again in range(1, REPEATS):
            waiting = np.flatnonzero(repeats & ~arrives)
            delay_s[waiting] = again * REPEAT_S
            arrives[waiting] = (
                self._noise.uniform(row[waiting], f"lost {again}", ms[waiting]) >= self._lost[row[waiting]]
            )
        for gone in np.flatnonzero(repeats & ~arrives).tolist():
            from_us, period_us = int(sent.time_s[gone] * 1e6), int(self._period_s[row[gone]] * 1e6)
            kind = DisturbanceKind.HEARTBEAT_LOST
            self._log.add([Disturbance(kind, int(row[gone]), from_us, from_us + 2 * period_us)])
        return arrives, delay_s

    def _uploaded_us(self, sent: Reports) -> Column:
        """Return when the day's upload is in which each sample comes, the newest last, µs since the epoch."""
        since_last_s = (sent.time_s + ZONE_S - self._upload_s[sent.row]) % DAY_S
        uploaded_us: Column = np.rint((sent.time_s - since_last_s + DAY_S) * 1e6 + since_last_s)
        return uploaded_us


def uploads_daily(fleet: Fleet, noise: Noise) -> NDArray[np.bool_]:
    """Say which devices of `fleet` upload once a day in everyday life, (n,) bool."""
    is_hydrant = np.array([device.kind is Kind.HYDRANT for device in fleet.devices], np.bool_)
    return is_hydrant & (noise.uniform(np.arange(len(fleet), dtype=np.int64), "daily") < DAILY)


def _children(fleet: Fleet, down: GatewayDown) -> NDArray[np.int64]:
    gateway = fleet.devices[down.row]
    if gateway.kind is not Kind.GATEWAY:
        raise ValueError(f"{gateway.key} is down as a gateway and is a {gateway.kind}")
    children = [row for row, one in enumerate(fleet.devices) if (one.site, one.gateway) == (gateway.site, gateway.name)]
    return np.array(children, np.int64)
