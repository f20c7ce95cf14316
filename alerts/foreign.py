"""`ForeignAlerts`: what is news among the alerts that other systems say again and again. Pure.

Prometheus says every alert again each minute, and takes it for ended where it is not said again before its `endsAt`; so
do we. An alert that always holds (a watchdog) is the other way round: its absence is an alert.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from alerts.command import External
from alerts.prometheus import ALIVE, external_of, fingerprint, is_ours, time_us
from alerts.text import span
from devices.model import Kind
from rules.model import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from alerts.incident import Incident
    from alerts.prometheus import PrometheusAlert

__all__ = ["ForeignAlerts", "ForeignLimits", "Heard", "Taken"]

GRACE_US: Final = 5_000_000
"""What a clock of theirs may differ from ours."""
SEEDED_US: Final = 600_000_000
"""An alert that was open before a restart ends where Prometheus does not say it again in this time."""
EXPECTED: Final = ""
"""Stands for the watchdog that the settings expect, whichever it will be."""
LOST_RULE: Final = "external.Watchdog silent 心跳中断"


class Heard(StrEnum):
    """What became of an alert."""

    NEWS = "news"
    KNOWN = "known"
    """Said already, and nothing has changed."""
    ALIVE = "alive"
    """A watchdog: it says that the way is open."""
    OURS = "ours"
    """It came from Vigil: to take it back would go on for ever."""
    INVALID = "invalid"
    FULL = "full"
    """There are too many already."""


@dataclass(frozen=True, slots=True)
class ForeignLimits:
    """What is kept.

    alerts:     that hold, of all systems; one more is refused
    watchdogs:  heard since the start; one more is left unwatched
    watchdog_s: absence of a watchdog that has been heard, after which it is an alert, s
    expects_watchdog: one is to be heard even where none has been yet
    """

    alerts: int = 1_000
    watchdogs: int = 50
    watchdog_s: float = 600.0
    expects_watchdog: bool = False


@dataclass(slots=True)
class Taken:
    """What follows from some alerts: commands for the journal, and what was wrong with the others."""

    commands: list[External] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    refused: int = 0


@dataclass(slots=True)
class _Known:
    """An alert that holds; ends_us: until when it does unless said again, None: until it is said to have ended."""

    command: External
    ends_us: int | None


@dataclass(slots=True)
class _Pulse:
    """A watchdog. is_lost: None where it is not known what an earlier run has said."""

    source: str
    heard_us: int
    is_lost: bool | None = None


class ForeignAlerts:
    """The alerts of other systems that hold, by source and fingerprint, and their watchdogs.

    seeds:   the open incidents, of which those of other systems are taken for known
    expires: sources whose alerts end where they are not said again
    """

    def __init__(self, limits: ForeignLimits, seeds: Iterable[Incident], expires: frozenset[str], now_us: int) -> None:
        self._limits = limits
        self._known: dict[tuple[str, str], _Known] = {}
        self._pulses: dict[tuple[str, str], _Pulse] = {}
        self.heard: dict[Heard, int] = dict.fromkeys(Heard, 0)
        for incident in seeds:
            if incident.kind is Kind.EXTERNAL and incident.rule_id != LOST_RULE:
                command = _said_by(incident)
                ends_us = now_us + SEEDED_US if command.source in expires else None
                self._known[command.source, command.fingerprint] = _Known(command, ends_us)
        if limits.expects_watchdog:
            self._pulses[EXPECTED, EXPECTED] = _Pulse("prometheus", now_us)

    def __len__(self) -> int:
        """Alerts that hold."""
        return len(self._known)

    def take(self, alerts: Sequence[PrometheusAlert], source: str, now_us: int, sites: frozenset[str]) -> Taken:
        """Return what is news; each alert is counted in `heard`. sites: as in `external_of`."""
        taken = Taken()
        for alert in alerts:
            self.heard[self._take(alert, source, now_us, sites, taken)] += 1
        return taken

    def advance(self, now_us: int) -> list[External]:
        """Return the ends of alerts that were not said again, and the watchdogs that are silent."""
        late = [key for key, known in self._known.items() if known.ends_us is not None and known.ends_us < now_us]
        ended = [_over(self._known.pop(key).command) for key in late]
        for (source, name), pulse in self._pulses.items():
            if not pulse.is_lost and now_us - pulse.heard_us > self._limits.watchdog_s * 1e6:
                pulse.is_lost = True
                ended.append(self._watchdog(pulse.source or source, name, pulse.heard_us, holds=True))
        return ended

    def forget(self, command: External) -> None:
        """Take back what was returned as news: the fold has refused it, and it is news again when it is said again."""
        self._known.pop((command.source, command.fingerprint), None)

    def _take(self, alert: PrometheusAlert, source: str, now_us: int, sites: frozenset[str], taken: Taken) -> Heard:
        if is_ours(alert.labels):
            return Heard.OURS
        try:
            command = external_of(alert, source, now_us, sites)
            ends_us = time_us(alert.ends_at)
        except ValueError as error:
            taken.faults.append(str(error))
            return Heard.INVALID
        if command.name.lower() in ALIVE:
            if command.holds:
                self._beat(source, alert, now_us, taken)
            return Heard.ALIVE
        return self._hold(command, ends_us, taken)

    def _hold(self, command: External, ends_us: int | None, taken: Taken) -> Heard:
        """Take an alert that is no watchdog, by whether it is known and what has changed."""
        key = (command.source, command.fingerprint)
        known = self._known.get(key)
        if known is None and (not command.holds or len(self._known) >= self._limits.alerts):
            taken.refused += command.holds
            return Heard.FULL if command.holds else Heard.KNOWN
        if command.holds:
            self._known[key] = _Known(command, None if ends_us is None else ends_us + GRACE_US)
        else:
            del self._known[key]
        if known is not None and command.holds and _same(known.command, command):
            return Heard.KNOWN
        taken.commands.append(command)
        return Heard.NEWS

    def _beat(self, source: str, alert: PrometheusAlert, now_us: int, taken: Taken) -> None:
        """Take note that a watchdog lives; where it was lost, or may have been before a restart, that is over."""
        name = fingerprint(alert.labels)
        for key in ((source, name), (EXPECTED, EXPECTED)):
            pulse = self._pulses.get(key)
            if pulse is None:
                if key[0] == EXPECTED or len(self._pulses) >= self._limits.watchdogs:
                    continue
                pulse = self._pulses[key] = _Pulse(source, now_us)
            pulse.heard_us = now_us
            if pulse.is_lost is not False:
                pulse.is_lost = False
                taken.commands.append(self._watchdog(pulse.source, key[1], now_us, holds=False))

    def _watchdog(self, source: str, name: str, heard_us: int, *, holds: bool) -> External:
        silent = span(self._limits.watchdog_s)
        said = (
            f"its watchdog has not been heard for {silent.en}: what it watches is not watched "
            f"{silent.zh}未收到其心跳，其监控可能已失效"
            if holds
            else "its watchdog is heard 心跳正常"
        )
        return External(
            source=source,
            fingerprint=f"watchdog-{name or 'expected'}",
            name=LOST_RULE.removeprefix("external."),
            summary=said,
            severity=Severity.ALARM,
            holds=holds,
            since_us=heard_us,
        )


def _same(before: External, now: External) -> bool:
    return (before.severity, before.summary, before.site) == (now.severity, now.summary, now.site)


def _over(command: External) -> External:
    return External(
        source=command.source,
        fingerprint=command.fingerprint,
        name=command.name,
        summary=command.summary,
        severity=command.severity,
        holds=False,
        since_us=command.since_us,
        site=command.site,
    )


def _said_by(incident: Incident) -> External:
    """Return the command that raised an incident, as far as it shows."""
    source, _, name = incident.device.partition("/")
    return External(
        source=source,
        fingerprint=name,
        name=incident.rule_id.removeprefix("external."),
        summary=incident.rule_name_en,
        severity=incident.severity,
        holds=True,
        since_us=incident.since_us,
        site="" if incident.site == source else incident.site,
    )
