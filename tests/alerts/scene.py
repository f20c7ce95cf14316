"""Rules, devices, changes and notifications for the tests of alerts."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from alerts import Finding, Incidents, Notification, ShadowEvent
from alerts.channels.channel import DeliveryError, Handed
from alerts.identity import NOTIFICATION_CHARACTERS, identity
from alerts.wording import title
from devices.model import Device, Kind, Lifecycle
from devices.profile import Metric, MetricType
from rules.model import (
    AlarmClass,
    AlarmTerms,
    Change,
    Comparison,
    NeighbourhoodTerms,
    NoDataTerms,
    Rule,
    Scope,
    Severity,
    ThresholdTerms,
    Timing,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from alerts import Incident, IncidentEvent

S: Final = 1_000_000
T0: Final = 1_800_000_000 * S
"""The scenes begin here; all their times are s after it."""

GAS_METRIC: Final = Metric("gas_lel", MetricType.GAUGE, "%LEL", "combustible gas", "可燃气体浓度", 0.0, 100.0)
SMOKE_METRIC: Final = Metric("smoke", MetricType.FLAG, "", "smoke alarm", "烟雾报警")
SOS_METRIC: Final = Metric("sos", MetricType.EVENT, "", "SOS button", "求救按键")
LEVEL_METRIC: Final = Metric("level_m", MetricType.GAUGE, "m", "water level", "水位", 0.0, 5.0)

SMOKE: Final = Rule(
    id="smoke.alarm",
    profile="smoke",
    metric="smoke",
    severity=Severity.EMERGENCY,
    alarm_class=AlarmClass.LIFE_SAFETY,
    name_en="Smoke",
    name_zh="烟雾",
    source="GB 20517",
    terms=AlarmTerms(),
)
SOS: Final = replace(SMOKE, id="watch.sos", profile="watch", metric="sos", name_en="SOS", name_zh="求救")
GAS: Final = Rule(
    id="gas.high",
    profile="gas",
    metric="gas_lel",
    severity=Severity.ALARM,
    alarm_class=AlarmClass.LIFE_SAFETY,
    name_en="Gas concentration high",
    name_zh="燃气浓度高",
    source="GB 15322.2",
    terms=ThresholdTerms(Comparison.AT_LEAST, 10.0, 5.0),
    timing=Timing(hold_s=30),
)
TANK: Final = Rule(
    id="tank.low",
    profile="tank",
    metric="level_m",
    severity=Severity.WARNING,
    alarm_class=AlarmClass.PROPERTY,
    name_en="Tank level low",
    name_zh="水箱水位低",
    source="GB 50974",
    terms=ThresholdTerms(Comparison.BELOW, 1.5, 1.8),
)
SILENT: Final = Rule(
    id="smoke.silent",
    profile="smoke",
    metric="",
    severity=Severity.ADVISORY,
    alarm_class=AlarmClass.TROUBLE,
    name_en="No data",
    name_zh="无数据",
    source="ours",
    terms=NoDataTerms(93_600),
)
FIRE: Final = Rule(
    id="smoke.confirmed",
    profile="smoke",
    metric="",
    severity=Severity.EMERGENCY,
    alarm_class=AlarmClass.LIFE_SAFETY,
    name_en="Confirmed fire",
    name_zh="火警确认",
    source="GB 50116",
    terms=NeighbourhoodTerms((SMOKE.id,), Scope.UNIT, 2, 60),
)
METRICS: Final = {m.name: m for m in (GAS_METRIC, SMOKE_METRIC, SOS_METRIC, LEVEL_METRIC)}
RULES: Final = {rule.id: rule for rule in (SMOKE, SOS, GAS, TANK, SILENT, FIRE)}

FLAT: Final = Device("shuibei", "flat-201", Kind.GAS, "gas", "3", "5", "2", "201", 22.5, 114.1)
STRANGER: Final = Device("shuibei", "x9", Kind.UNKNOWN, "unknown", lifecycle=Lifecycle.UNREGISTERED)


def change(
    rule: Rule,
    at: float,
    *,
    holds: bool = True,
    repeated: bool = False,
    late: bool = False,
    since: float | None = None,
    value: float | None = 12.3,
    **judged: Any,
) -> Change:
    """Return a change at `at` s; without `since` the breach began then. `judged`: measure … members."""
    return Change(
        device_row=0,
        channel=0,
        rule=rule,
        holds=holds,
        repeated=repeated,
        late=late,
        time_us=T0 + round(at * S),
        since_us=T0 + round((at if since is None else since) * S),
        value=value,
        **judged,
    )


def finding(
    told: Change,
    *,
    device: Device = FLAT,
    metric: Metric | None = None,
    arrives: float | None = None,
    offset: int = 1,
    index: int = 0,
    devices: Sequence[Device] = (),
) -> Finding:
    """Return `told` as it stands in its journal record; `devices` are those of the rows from 0 on."""
    return Finding(
        change=told,
        device=device,
        metric=metric or METRICS.get(told.rule.metric),
        now_us=told.time_us if arrives is None else T0 + round(arrives * S),
        offset=offset,
        index=index,
        device_of=dict(enumerate(devices)).get,
        rule_of=RULES.get,
    )


@dataclass(slots=True)
class Scene:
    """A fold and its clock: each step is told in s."""

    incidents: Incidents
    offset: int = 0
    devices: list[Device] = field(default_factory=list)

    def rule(
        self, rule: Rule, at: float, *, device: Device = FLAT, arrives: float | None = None, **how: Any
    ) -> list[IncidentEvent]:
        """Fold one change in at `at` s, arriving then or at `arrives`."""
        self.offset += 1
        told = change(rule, at, **how)
        return self.incidents.apply_change(
            finding(told, device=device, arrives=arrives, offset=self.offset, devices=self.devices)
        )


def raised(rule: Rule = GAS, at: float = 0.0, *, device: Device = FLAT, offset: int = 1) -> IncidentEvent:
    """Return the event of a new incident."""
    (event,) = Incidents().apply_change(finding(change(rule, at), device=device, offset=offset))
    return event


def shadowed(rule: Rule = GAS, **facts: Any) -> ShadowEvent:
    """Return the record of a change that nobody was told of."""
    return replace(
        ShadowEvent(
            id="S" * 20,
            device=FLAT.key,
            rule_id=rule.id,
            rule_name_en=rule.name_en,
            rule_name_zh=rule.name_zh,
            rule_kind=rule.kind,
            severity=rule.severity,
            alarm_class=rule.alarm_class,
            holds=True,
            repeated=False,
            late=False,
            time_us=T0,
            since_us=T0 - S,
            noted_us=T0 + S,
            metric=rule.metric,
            unit="%LEL",
            value=12.3,
            measure=12.3,
            text_en="gas",
            text_zh="气",
        ),
        **facts,
    )


def incident(rule: Rule = GAS, *, device: Device = FLAT) -> Incident:
    """Return a new incident."""
    return raised(rule, device=device).incident


def notification(
    rule: Rule = GAS, channel: str = "hook", *, offset: int = 1, at: float = 0.0, **facts: Any
) -> Notification:
    """Return the message of a new incident to the recipient `duty`; `facts` are fields of it."""
    event = raised(rule, at, offset=offset)
    told = title(event.kind, event.incident)
    created_us = T0 + round(at * S)
    lasts_s = 86_400 if event.incident.is_life_safety else 3_600
    message = Notification(
        id=identity(event.id, "duty", channel, characters=NOTIFICATION_CHARACTERS),
        event=event.id,
        kind=event.kind,
        recipient="duty",
        channel=channel,
        title_en=told.en,
        title_zh=told.zh,
        body_en=event.text_en,
        body_zh=event.text_zh,
        created_us=created_us,
        expires_us=created_us + lasts_s * S,
        incident=event.incident,
    )
    return replace(message, **facts)


class HandClock:
    """A clock that stands until the test moves it; `waits` are those asleep on it, by s when they wake."""

    def __init__(self) -> None:
        self.now = 0.0
        self._sleepers: set[tuple[float, asyncio.Event]] = set()

    def time_us(self) -> int:
        return T0 + round(self.now * S)

    def steady(self) -> float:
        return self.now

    async def wait(self, event: asyncio.Event, seconds: float | None) -> None:
        if seconds is None:
            await event.wait()
            return
        sleeper = (self.now + seconds, event)
        self._sleepers.add(sleeper)
        try:
            if seconds > 0:
                await event.wait()
        finally:
            self._sleepers.discard(sleeper)

    def next_wake(self) -> float | None:
        """Return when the first sleeper wakes."""
        return min((at for at, _ in self._sleepers), default=None)

    def advance_to(self, seconds: float) -> None:
        """Move the clock and wake whoever slept until then."""
        self.now = seconds
        for at, event in tuple(self._sleepers):
            if at <= seconds:
                event.set()


async def until(condition: Callable[[], object], seconds: float = 5.0) -> None:
    """Return when `condition` is true. Raises TimeoutError where it does not come true in time."""
    async with asyncio.timeout(seconds):
        while not condition():  # it waits for what real servers do
            await asyncio.sleep(0.002)


async def tick(clock: HandClock, until_s: float, settle: Callable[[], object]) -> None:
    """Move the clock from wake to wake until `settle` is true; fail beyond `until_s`."""
    while not settle():
        for _ in range(20):  # let what is under way come to rest
            await asyncio.sleep(0)
        if settle():
            return
        wake = clock.next_wake()
        if wake is None:
            await asyncio.sleep(0.002)
            continue
        assert wake <= until_s, f"nothing came of it by {until_s} s"
        clock.advance_to(wake)


class ScriptedChannel:
    """Answers each attempt from a list, the last entry for ever; notes when each came and how many were under way."""

    def __init__(
        self,
        clock: HandClock,
        *answers: DeliveryError | Handed | str | float,
        idempotent: bool = True,
        at_once: int = 8,
    ) -> None:
        self.clock = clock
        self.answers = list(answers)
        self.idempotent = idempotent
        self.at_once = at_once
        self.sent: list[tuple[float, str]] = []
        self.most_at_once = 0
        self.closed = False
        self._at_once = 0

    async def send(self, notification: Notification) -> Handed:
        self.sent.append((self.clock.steady(), notification.id))
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        try:
            match answer:
                case DeliveryError():
                    raise answer
                case Handed():
                    return answer
                case str():
                    return Handed(answer)
            await asyncio.sleep(answer)
            return Handed("slow")
        finally:
            self._at_once -= 1

    async def close(self) -> None:
        self.closed = True
