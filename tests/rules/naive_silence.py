"""Silence as an obvious loop over devices: the oracle of `rules.silence` and `rules.periods`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from devices import Flag
from rules import Change
from rules.model import NoDataTerms

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rules.model import Rule

Sign = tuple[int, int, int]
"""Device row, event time in µs, flags."""


@dataclass(slots=True)
class NaivePeriod:
    """What one device's reports say about the time between them."""

    last_us: int | None = None
    began_s: int = 0
    period_s: float = 0.0
    intervals: int = 0
    doubt: int = 0
    usual_s: float = 0.0

    def report(self, now_us: int) -> None:
        if self.last_us is None:
            self.last_us = now_us
            return
        if now_us - self.last_us < 20_000_000:
            return
        self._take((now_us - self.last_us) / 1e6)
        self.last_us = now_us
        if self.intervals >= 5 and self.doubt == 0 and now_us // 1_000_000 - self.began_s >= 86_400:
            if abs(self.period_s - self.usual_s) > 0.1 * self.usual_s:
                self.usual_s = single(self.period_s)
        else:
            self.usual_s = 0.0
        self.period_s = single(self.period_s)

    def _take(self, interval_s: float) -> None:
        assert self.last_us is not None
        is_far = interval_s > 4 * self.period_s
        if is_far:
            self.doubt += 6
        if self.intervals == 0 or (is_far and self.doubt >= 15):
            self.began_s = self.last_us // 1_000_000
            self.period_s, self.intervals, self.doubt = interval_s, 1, 0
            return
        if not is_far and interval_s >= 0.25 * self.period_s:
            self.doubt = max(self.doubt - 1, 0)
            self.intervals = min(self.intervals + 1, 255)
        gain = max(0.1, 1.0 / self.intervals)
        if interval_s > self.period_s:
            self.period_s = min(self.period_s * (1.0 + 0.75 * gain), interval_s)
        else:
            weight = min(interval_s / (0.25 * self.period_s), 1.0)
            self.period_s = max(self.period_s * (1.0 - 0.25 * gain * weight), interval_s)


@dataclass(slots=True)
class NaiveDevice:
    row: int
    rules: list[int] = field(default_factory=list)
    heard_us: int = 0
    newest_us: int = -1
    gateway: int = -1
    said: set[int] = field(default_factory=set)
    is_hidden: bool = False
    period: NaivePeriod = field(default_factory=NaivePeriod)

    @property
    def is_away(self) -> bool:
        return bool(self.said) or self.is_hidden


class NaiveSilence:
    def __init__(self, rules: Sequence[Rule], n: int) -> None:
        self.rules = rules
        self.devices = [NaiveDevice(row) for row in range(n)]
        self.second = -1

    # ── who is watched ───────────────────────────────────────────────────────────────────────────────────────────

    def watch(self, rows: Iterable[int], rules: Sequence[int], now_us: int) -> int:
        devices = [self.devices[row] for row in rows]
        away = {device.row: device.heard_us for device in devices if device.is_away}
        ended = 0
        for device in devices:
            if not device.rules:
                device.heard_us = now_us
            device.rules = list(rules)
            ended += len(device.said - set(rules))
            device.said &= set(rules)
        self._look_again(away, now_us)
        return ended

    def place_behind(self, row: int, gateway: int) -> None:
        self.devices[row].gateway = gateway

    def chain(self, device: NaiveDevice) -> list[NaiveDevice]:
        """Return its gateways, the nearest first; none where there are more than four, or no end."""
        found: list[NaiveDevice] = []
        at = device.gateway
        while at >= 0:
            if len(found) == 4:
                return []
            found.append(self.devices[at])
            at = self.devices[at].gateway
        return found

    # ── folding ──────────────────────────────────────────────────────────────────────────────────────────────────

    def wait_us(self, device: NaiveDevice, rule: int) -> int:
        terms = self.rules[rule].terms
        assert isinstance(terms, NoDataTerms)
        if terms.periods is None or not device.period.usual_s:
            return round(terms.after_s * 1e6)
        learned_us = int(terms.periods * device.period.usual_s * 1e6 + 0.5)
        return min(round(terms.after_s * 1e6), max(round(terms.at_least_s * 1e6), learned_us))

    def is_due(self, device: NaiveDevice, rule: int, now_us: int) -> bool:
        return now_us - device.heard_us >= self.wait_us(device, rule)

    def hear(self, signs: Iterable[Sign], now_us: int) -> list[Change]:
        back: dict[int, int] = {}
        for row, time_us, flags in signs:
            device = self.devices[row]
            at_us = min(time_us, now_us)
            if flags & (Flag.RETAINED | Flag.OFFLINE) or at_us <= device.newest_us:
                continue
            device.newest_us = at_us
            device.period.report(now_us)
            for heard in (device, *self.chain(device)):
                if heard.is_away:
                    back.setdefault(heard.row, heard.heard_us)
                heard.heard_us = max(heard.heard_us, at_us)
        changes = []
        for row in sorted(back):
            device = self.devices[row]
            for rule in device.rules:
                if rule in device.said and not self.is_due(device, rule, now_us):
                    device.said.remove(rule)
                    changes.append(self._change(device, rule, now_us, back[row], holds=False))
        self._look_again(back, now_us)
        return changes

    def _look_again(self, were_away: Mapping[int, int], now_us: int) -> None:
        """Look at the devices of `were_away`, by row, which have since when each was not heard."""
        for device in (self.devices[row] for row in were_away):
            unsaid = [rule for rule in device.rules if rule not in device.said]
            device.is_hidden &= any(self.is_due(device, rule, now_us) for rule in unsaid)
        passed_over = [row for row in were_away if self.devices[row].is_hidden and not self.devices[row].said]
        for device in self.devices:
            for gateway in self.chain(device):
                if gateway.row in were_away and gateway.row not in passed_over:
                    is_back = not gateway.said
                    device.is_hidden &= not is_back
                    if not device.said:
                        until_us = now_us if is_back else gateway.heard_us
                        absence_us = until_us - were_away[gateway.row]
                        device.heard_us = max(device.heard_us, min(device.heard_us + absence_us, until_us))
                    break
                if gateway.said:
                    break

    def check(self, now_us: int) -> list[Change]:
        if now_us // 1_000_000 == self.second:
            return []
        self.second = now_us // 1_000_000
        begins: list[tuple[int, int, int]] = []
        for device in sorted(self.devices, key=lambda device: len(self.chain(device))):
            unsaid = [(level, rule) for level, rule in enumerate(device.rules) if rule not in device.said]
            due = [(level, rule) for level, rule in unsaid if self.is_due(device, rule, now_us)]
            if not due:
                continue
            gateway = next((gateway for gateway in self.chain(device) if gateway.rules), None)
            if gateway is not None and gateway.is_away:
                device.is_hidden = True
                continue
            if device.is_hidden:
                device.is_hidden = False
                if not device.said:
                    device.heard_us = now_us
                    continue
            for level, rule in due:
                if gateway is None or gateway.heard_us >= device.heard_us + self.wait_us(device, rule):
                    device.said.add(rule)
                    begins.append((device.row, level, rule))
        return [
            self._change(self.devices[row], rule, now_us, self.devices[row].heard_us, holds=True)
            for row, _, rule in sorted(begins)
        ]

    def _change(self, device: NaiveDevice, rule: int, now_us: int, since_us: int, *, holds: bool) -> Change:
        return Change(
            device_row=device.row,
            channel=-1,
            rule=self.rules[rule],
            holds=holds,
            repeated=False,
            late=False,
            time_us=now_us,
            since_us=since_us,
            measure=(now_us - since_us) / 1e6,
            reference=device.period.usual_s or None,
            members=self._members(device, now_us) if holds else (),
        )

    def _members(self, gateway: NaiveDevice, now_us: int) -> tuple[int, ...]:
        return tuple(
            device.row
            for device in self.devices
            if next((held for held in self.chain(device) if held.said), None) is gateway
            and any(self.is_due(device, rule, now_us) for rule in device.rules)
        )

    def resume(self, elapsed_us: int) -> None:
        for device in self.devices:
            device.heard_us += elapsed_us if device.rules else 0

    def bound(self, now_us: int) -> None:
        for device in self.devices:
            device.heard_us = min(device.heard_us, now_us)
            device.newest_us = min(device.newest_us, now_us)
            period = device.period
            period.last_us = None if period.last_us is None else min(period.last_us, now_us)
            period.began_s = min(period.began_s, now_us // 1_000_000)


def single(value: float) -> float:
    """Return `value` as the kernel keeps it."""
    return float(np.float32(value))
