"""Incidents, people and messages for the tests of noise; times are s after `T0`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from alerts.incident import Acceptance, EventKind, IncidentEvent, IncidentState, Outcome
from alerts.noise.counters import NoiseCounters
from alerts.noise.inhibition import DEFAULT_INHIBITIONS
from alerts.noise.limits import NoiseLimits
from alerts.noise.noise import Noise
from alerts.notification import Notification, Purpose
from alerts.people.model import Person
from devices.model import Kind
from rules.model import AlarmClass, RuleKind, Severity
from tests.alerts.scene import T0, S
from tests.support.incident import incident as sample

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alerts.command import EndSilence, Silence
    from alerts.incident import Exercise, Incident
    from alerts.noise.inhibition import Inhibition
    from alerts.noise.noise import Release
    from alerts.noise.verdict import Verdict

LIFE: Final = AlarmClass.LIFE_SAFETY
TROUBLE: Final = AlarmClass.TROUBLE

Facts = dict[str, Any]

SMOKE: Final[Facts] = {
    "rule": "smoke.alarm",
    "kind": Kind.SMOKE,
    "severity": Severity.EMERGENCY,
    "stake": LIFE,
}
FIRE: Final[Facts] = {**SMOKE, "rule": "smoke.confirmed", "rule_kind": RuleKind.NEIGHBOURHOOD}
GAS: Final[Facts] = {"rule": "gas.high", "kind": Kind.GAS, "severity": Severity.ALARM, "stake": LIFE}
LEAK: Final[Facts] = {**GAS, "rule": "gas.alarm", "severity": Severity.EMERGENCY}
SOS: Final[Facts] = {"rule": "watch.sos", "kind": Kind.WATCH, "severity": Severity.EMERGENCY, "stake": LIFE}
BATTERY: Final[Facts] = {
    "rule": "smoke.battery-low",
    "kind": Kind.SMOKE,
    "severity": Severity.WARNING,
    "stake": TROUBLE,
}
SILENT: Final[Facts] = {**BATTERY, "rule": "smoke.no-data", "rule_kind": RuleKind.NO_DATA}
GATEWAY: Final[Facts] = {**SILENT, "rule": "gateway.no-data", "kind": Kind.GATEWAY}
TANK: Final[Facts] = {
    "rule": "tank.level-low",
    "kind": Kind.TANK,
    "severity": Severity.WARNING,
    "stake": AlarmClass.SUPERVISORY,
}
KINDS_OF_INCIDENT: Final = (SMOKE, FIRE, GAS, LEAK, SOS, BATTERY, SILENT, GATEWAY, TANK)


def us(at: float) -> int:
    return T0 + round(at * S)


def incident(
    name: str,
    at: float = 0.0,
    *,
    device: str = "",
    rule: str = "smoke.alarm",
    kind: Kind = Kind.SMOKE,
    severity: Severity = Severity.EMERGENCY,
    stake: AlarmClass = LIFE,
    rule_kind: RuleKind = RuleKind.ALARM,
    building: str = "5",
    **facts: Any,
) -> Incident:
    """Return an incident just raised, on a device of its own unless one is given."""
    device = device or f"s/{name}"
    made = sample(
        at_us=us(at),
        id=name,
        device=device,
        site=device.partition("/")[0],
        place=f"s, grid 3, building {building}",
        place_zh=f"s，网格3，楼栋{building}",
        kind=kind,
        rule_id=rule,
        rule_name_en=f"Rule {rule}",
        rule_name_zh=f"规则 {rule}",
        severity=severity,
        alarm_class=stake,
        rule_kind=rule_kind,
        building=building,
        revision=1,
    )
    return replace(made, **facts)


def event(told: Incident, kind: EventKind = EventKind.RAISED, at: float = 0.0, by: str = "") -> IncidentEvent:
    return IncidentEvent(
        id=f"{told.id}-{told.revision}", kind=kind, time_us=us(at), by=by, text_en="", text_zh="", incident=told
    )


@dataclass(slots=True)
class Street:
    """Noise, and the incidents that are open; each step is told in s, and what is due by then is done first."""

    limits: NoiseLimits = field(default_factory=NoiseLimits)
    rules: Sequence[Inhibition] = DEFAULT_INHIBITIONS
    counters: NoiseCounters = field(default_factory=NoiseCounters)
    noise: Noise = field(init=False)
    incidents: dict[str, Incident] = field(default_factory=dict)
    offset: int = 0

    def __post_init__(self) -> None:
        self.noise = Noise(self.limits, self.rules, self.counters)

    def raised(self, name: str, at: float, **facts: Any) -> Verdict:
        """Raise an incident, or raise it anew."""
        before = self.incidents.get(name)
        made = incident(name, at, **facts)
        if before is not None:
            made = replace(made, revision=before.revision + 1)
        self.incidents[name] = made
        kind = EventKind.RAISED if before is None else EventKind.REOPENED
        return self.noise.hear(event(made, kind, at), us(at))

    def reopened(self, name: str, at: float, by: str = "") -> Verdict:
        """Raise it anew as it is."""
        return self._say(name, EventKind.REOPENED, at, by, state=IncidentState.RAISED, raised_us=us(at))

    def accepted(self, name: str, at: float, by: str = "li") -> Verdict:
        return self._say(
            name, EventKind.ACCEPTED, at, by, state=IncidentState.ACCEPTED, acceptances=(Acceptance(by, us(at)),)
        )

    def refused(self, name: str, at: float, by: str = "li") -> Verdict:
        return self._say(name, EventKind.REFUSED, at, by, state=IncidentState.RAISED, acceptances=())

    def joined(self, name: str, at: float, members: tuple[str, ...]) -> Verdict:
        """Let further devices have a part in it."""
        return self._say(name, EventKind.REPEATED, at, members=members)

    def eased(self, name: str, at: float) -> Verdict:
        """Let its condition end, and leave it open."""
        return self._say(name, EventKind.CONDITION_ENDED, at, condition_holds=False)

    def closed(self, name: str, at: float) -> Verdict:
        return self._say(
            name, EventKind.RESOLVED, at, "li", state=IncidentState.RESOLVED, outcome=Outcome.TRUE, closed_us=us(at)
        )

    def ordered(self, command: Silence | EndSilence, at: float) -> str:
        self.offset += 1
        return self.noise.apply(command, us(at), self.offset)

    def freed(self, at: float) -> list[str]:
        """Return what is set free by `at`."""
        return [release.incident for release in self.releases(at)]

    def releases(self, at: float) -> list[Release]:
        return self.noise.advance(us(at))

    def restarted(self) -> Street:
        """Return another that goes on from here."""
        other = Street(self.limits, self.rules)
        other.noise.restore(self.noise.snapshot())
        other.incidents, other.offset = dict(self.incidents), self.offset
        return other

    def _say(self, name: str, kind: EventKind, at: float, by: str = "", **facts: Any) -> Verdict:
        before = self.incidents[name]
        self.incidents[name] = replace(before, revision=before.revision + 1, last_us=us(at), **facts)
        return self.noise.hear(event(self.incidents[name], kind, at, by), us(at))


LI: Final = Person(name="li")


def message(
    name: str,
    at: float = 0.0,
    *,
    person: Person = LI,
    channel: str = "sms",
    purpose: Purpose = Purpose.ASK,
    told: Incident | None = None,
    exercise: Exercise | None = None,
    **facts: Any,
) -> Notification:
    """Return a message about an incident of that name; `facts` are the incident's."""
    about = told or incident(f"I{name}", at, **facts)
    return Notification(
        id=f"N{name}-{person.name}-{channel}",
        event=f"{about.id}-1",
        kind=EventKind.RAISED,
        recipient=person.name,
        channel=channel,
        title_en="title",
        title_zh="标题",
        body_en="body",
        body_zh="正文",
        created_us=us(at),
        expires_us=us(at + 3_600),
        incident=replace(about, exercise=exercise),
        purpose=purpose,
        wants_answer=purpose is Purpose.ASK,
        code=f"C{name}" if purpose is Purpose.ASK else "",
        languages=person.languages,
    )
