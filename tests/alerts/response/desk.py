"""A whole alerting fold for the tests of the response, told what happens in lines of text, and asked what was sent.

A script's lines, in any order of indentation; seconds first:

      0 raise smoke               a rule holds on flat-201, or on the device named after it
      0 > ask li sms              this message is owed then; in a script, every message to people has such a line, and
                                  every one to the recipients that are in any line
      0 | asked li                this line is in the timeline then; only the kinds that a script has are looked at
     12 handed li sms             the gateway took the newest message to li by sms; `handed+` where it will tell more
     20 accept li                 li takes the only open incident, or the one of the device named after it

Time goes on by ticks of a second, as in the service.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from alerts.command import (
    Accept,
    Arrive,
    Close,
    Command,
    Dispatch,
    EndSilence,
    HandOver,
    Matcher,
    NeedHelp,
    Refuse,
    Reopen,
    Resolve,
    Settle,
    Silence,
    StartDrill,
    Verify,
)
from alerts.counters import AlertsCounters
from alerts.incident import NotificationStatus, Outcome
from alerts.incidents import Incidents
from alerts.lifecycle import CommandRejected
from alerts.noise.counters import NoiseCounters
from alerts.noise.noise import Noise, NoiseLimits
from alerts.noise.post import Post, PostLimits
from alerts.notification import Purpose
from alerts.outbox import Outbox
from alerts.people.model import (
    Chain,
    Contact,
    Directory,
    Language,
    Level,
    Person,
    Rota,
    Route,
    Shift,
    Station,
    Step,
    StepLimits,
    Team,
)
from alerts.response import Response, ResponseLimits
from alerts.response_event import ResponseEvent
from alerts.routing import Recipient, Routing
from devices.model import Device, Kind
from tests.alerts.scene import GAS, METRICS, SILENT, SMOKE, T0, TANK, S, change, finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from alerts.incident import AlertEvent, Incident, IncidentEvent
    from alerts.notification import Notification
    from alerts.response import Consequences
    from rules.model import Rule

DEVICES: Final = {
    "flat-201": Device("shuibei", "flat-201", Kind.SMOKE, "smoke", "3", "5", "2", "201", 22.5, 114.1),
    "flat-202": Device("shuibei", "flat-202", Kind.SMOKE, "smoke", "3", "5", "2", "202", 22.5, 114.1),
    "far": Device("shuibei", "far", Kind.SMOKE, "smoke", "4", "9", "1", "101", 22.6, 114.2),
    "farther": Device("shuibei", "farther", Kind.SMOKE, "smoke", "4", "10", "1", "101", 22.6, 114.2),
    "tank-1": Device("shuibei", "tank-1", Kind.TANK, "tank", "3", "7", "1", "roof", 22.5, 114.1),
    "vigil": Device("vigil", "self", Kind.SERVICE, "service"),
}
RULES: Final = {"smoke": SMOKE, "gas": GAS, "tank": TANK, "silent": SILENT}

LI: Final = Person(name="li", contacts=(Contact("app"), Contact("sms", "+8613800000001"), Contact("voice", "001")))
WANG: Final = Person(name="wang", contacts=(Contact("sms", "13800000002"), Contact("voice", "002")))
ZHAO: Final = Person(name="zhao", contacts=(Contact("sms", "13800000003"),), languages=(Language.EN,))
BOSS: Final = Person(name="boss", contacts=(Contact("app"), Contact("sms", "13800000009")))
CHIEF: Final = Person(name="chief", contacts=(Contact("sms", "13800000010"),))
MAYOR: Final = Person(name="mayor", contacts=(Contact("sms", "13800000011"),))
GHOST: Final = Person(name="ghost")
PEOPLE: Final = (LI, WANG, ZHAO, BOSS, CHIEF, MAYOR, GHOST)
NEVER: Final = Rota(
    name="never",
    timezone="Asia/Shanghai",
    shifts=(Shift(people=("zhao",), days=(0,), start_min=0, end_min=1),),
)


def directory(*steps: Step, people: Sequence[Person] = PEOPLE, **facts: Any) -> Directory:
    """Return a directory whose one route leads everything to the chain of `steps`; `chain_…` are facts of it."""
    chain = {name.removeprefix("chain_"): facts.pop(name) for name in list(facts) if name.startswith("chain_")}
    return Directory(
        people=tuple(people),
        chains=(Chain(name="chain", steps=steps, **chain),),
        **{
            "routes": (Route(chain="chain"),),
            "teams": (
                Team(name="crew", members=("li", "wang")),
                Team(name="north", members=("wang",)),
                Team(name="south", members=("zhao",)),
                Team(name="empty", members=("zhao",), rota="never"),
            ),
            "rotas": (NEVER,),
            "stations": (
                Station(name="near", team="north", latitude=22.5001, longitude=114.1),
                Station(name="next", team="south", latitude=22.51, longitude=114.1),
            ),
            **facts,
        },
    )


LEVELS: Final = (
    Level(name="grid", to=("person:boss",)),
    Level(name="station", to=("person:chief",)),
    Level(name="district", to=("person:mayor", "recipient:cad")),
)
ONE: Final = directory(Step(to=("person:li",)))
TWO: Final = directory(Step(to=("person:li",)), Step(to=("person:wang",), after_s=120))
LIMITS: Final = StepLimits(accept_s=100, dispatch_s=200, resolve_s=1000)
CAD: Final = Recipient("cad", ("hook",), min_severity=GAS.severity, grids=("none",))
CALM: Final = PostLimits(burst=1000)
"""Everything is sent at once; the tests of `alerts.noise` are about what is not."""


@dataclass
class Desk:
    """A fold and its clock. sent: (s, message); lines: (s, line)."""

    directory: Directory
    recipients: tuple[Recipient, ...] = ()
    limits: ResponseLimits = field(default_factory=ResponseLimits)
    noise_limits: NoiseLimits = field(default_factory=NoiseLimits)
    post_limits: PostLimits = CALM
    now: float = 0.0
    offset: int = 0
    skew_us: int = 0
    sent: list[tuple[float, Notification]] = field(default_factory=list)
    lines: list[tuple[float, AlertEvent]] = field(default_factory=list)
    withdrawn: list[str] = field(default_factory=list)
    rejected: int = 0

    def __post_init__(self) -> None:
        self.people = self.directory.people
        self.counters = AlertsCounters()
        self._build()

    def _build(self) -> None:
        self.incidents = Incidents()
        self.outbox = Outbox(counters=self.counters)
        self.noise = Noise(self.noise_limits, (), NoiseCounters())
        self.post = Post(self.post_limits, NoiseCounters())
        routing = Routing([*self.recipients, CAD])
        self.response = Response(
            self.directory, routing, self.outbox, self.noise, self.post, self.limits, self.counters
        )

    @property
    def now_us(self) -> int:
        return T0 + round(self.now * S) + self.skew_us

    # ── what happens ─────────────────────────────────────────────────────────────────────────────────────────────

    def rule(self, rule: Rule, device: Device | None = None, *, holds: bool = True) -> None:
        """Let a rule begin or cease to hold."""
        self.offset += 1
        told = change(rule, self.now, holds=holds)
        found = finding(
            told,
            device=device or DEVICES["flat-201"],
            metric=METRICS.get(rule.metric),
            arrives=(self.now_us - T0) / S,
            offset=self.offset,
        )
        self.hear(self.incidents.apply_change(found))

    def command(self, command: Command) -> bool:
        """Do what somebody said; return False where it was refused."""
        self.offset += 1
        try:
            match command:
                case Settle():
                    event = self.outbox.settle(command, self.now_us)
                    if event is not None:
                        self.lines.append((self.now, event))
                        self._follow(self.response.settled(event, self.now_us))
                case Silence() | EndSilence():
                    self._follow(self.response.apply(command, self.now_us, self.offset))
                case StartDrill():
                    device, rule = DEVICES[command.device], RULES[command.rule]
                    metric = METRICS.get(rule.metric)
                    events = self.incidents.start_drill(command, device, rule, metric, self.now_us, self.offset)
                    self.hear(events)
                case _:
                    self.hear(self.incidents.apply_command(command, self.now_us, self.offset))  # type: ignore[arg-type]
        except CommandRejected:
            self.rejected += 1
            return False
        return True

    def hear(self, events: list[IncidentEvent]) -> None:
        self.lines += [(self.now, event) for event in events]
        self._follow(self.response.hear(events, self.now_us))

    def _follow(self, consequences: Consequences) -> None:
        self.lines += [(self.now, event) for event in consequences.events]
        self.sent += [(self.now, message) for message in consequences.owed]
        self.withdrawn += consequences.withdrawn
        for command in consequences.commands:
            self.command(command)

    def advance(self, to: float) -> None:
        """Go on to `to` s, a tick each second."""
        while self.now < to:
            self.now = min(to, float(int(self.now) + 1))
            self.tick()

    def tick(self) -> None:
        self._follow(self.response.advance(self.now_us))

    def step_clock(self, seconds: float) -> None:
        """Set the clock forward or back by `seconds`; what was to be done in a minute still is."""
        self.skew_us += round(seconds * S)
        self.response.shift(round(seconds * S))

    def use(self, directory: Directory) -> None:
        self.directory = directory
        self.response.use(directory, self.now_us)

    def restart(self) -> None:
        """Go on from a snapshot in a new process."""
        parts = [one.snapshot() for one in self.parts]
        self._build()
        for one, part in zip(self.parts, parts, strict=True):
            one.restore(part)

    @property
    def parts(self) -> tuple[Any, ...]:
        return self.incidents, self.outbox, self.noise, self.post, self.response

    # ── what is asked of it ──────────────────────────────────────────────────────────────────────────────────────

    def incident(self, device: str = "") -> Incident:
        """Return the open incident of a device, or the only one; else the newest."""
        found = [one for one in self.incidents.open() if not device or one.device.endswith(f"/{device}")]
        return found[-1] if found else self.incidents.recent(1)[0]

    def newest(self, person: str, channel: str) -> Notification:
        """Return the newest message to somebody by a channel."""
        return next(
            message for _, message in reversed(self.sent) if (message.recipient, message.channel) == (person, channel)
        )

    def settle(
        self, message: Notification, status: NotificationStatus, reference: str = "", detail: str = "as told"
    ) -> None:
        self.command(Settle(notification=message.id, status=status, detail=detail, attempts=1, reference=reference))

    def do(self, words: list[str]) -> None:
        """Do what a line of a script says, and what is due by it, as the service does at each record."""
        self._do(words)
        self.tick()

    def _do(self, words: list[str]) -> None:
        match words:
            case ["raise", rule, *device]:
                self.rule(RULES[rule], DEVICES[device[0] if device else "flat-201"])
            case ["end", rule, *device]:
                self.rule(RULES[rule], DEVICES[device[0] if device else "flat-201"], holds=False)
            case ["drill", rule, device]:
                self.command(StartDrill(device=device, rule=rule, by="trainer", origin="test"))
            case [("handed" | "handed+" | "received" | "failed" | "unknown" | "expired") as word, person, channel]:
                status = NotificationStatus(word.removesuffix("+"))
                message = self.newest(person, channel)
                self.settle(message, status, message.id if word.endswith("+") else "")
            case ["restart"]:
                self.restart()
            case ["clock", seconds]:
                self.step_clock(float(seconds))
            case ["silence", site, ends]:
                self.command(
                    Silence(
                        matcher=Matcher(site=site),
                        ends_us=T0 + round(float(ends) * S),
                        by="li",
                        origin="test",
                        reason="works",
                        life_safety=True,
                    )
                )
            case [verb, by, *rest]:
                assert self.command(_decision(verb, by, rest, self)), f"{words}: refused"
            case _:
                raise ValueError(words)

    def responses(self, *kinds: str) -> list[tuple[float, ResponseEvent]]:
        """Return the lines of the response, of some kinds or all."""
        found = [(at, event) for at, event in self.lines if isinstance(event, ResponseEvent)]
        return [(at, event) for at, event in found if not kinds or event.kind in kinds]

    def owed(self, purpose: str = "") -> list[Notification]:
        """Return what is queued, of a purpose."""
        return [one for one in self.outbox.pending() if not purpose or one.purpose == purpose]


def _decision(verb: str, by: str, rest: list[str], desk: Desk) -> Command:
    to = rest.pop(0) if verb in {"hand", "verify", "resolve"} and rest else ""
    facts: dict[str, Any] = {"incident": desk.incident(*rest[:1]).id, "by": by, "origin": "test"}
    match verb:
        case "hand":
            return HandOver(**facts, to=to)
        case "verify":
            return Verify(**facts, outcome=Outcome(to))
        case "resolve":
            return Resolve(**facts, outcome=Outcome(to))
        case "close":
            return Close(**facts, rating=5)
    kinds: dict[str, type[Accept | Refuse | NeedHelp | Dispatch | Arrive | Reopen]] = {
        "accept": Accept,
        "refuse": Refuse,
        "help": NeedHelp,
        "dispatch": Dispatch,
        "arrive": Arrive,
        "reopen": Reopen,
    }
    return kinds[verb](**facts)


def play(desk: Desk, script: str) -> Desk:
    """Do what a script says and hold against it what was sent; what `|` lines name, against the timeline."""
    lines = [line.split() for line in script.splitlines() if line.strip()]
    steps = sorted(((float(at), words) for at, *words in lines), key=lambda step: step[0])
    for at, words in steps:
        desk.advance(at)
        if words[0] not in {">", "|"}:
            desk.do(words)
    expected = [f"{at:g} {' '.join(words[1:])}" for at, words in steps if words[0] == ">"]
    named = {line.split()[2] for line in expected} | {person.name for person in desk.people}
    sent = [(at, one) for at, one in desk.sent if one.recipient in named or one.purpose is not Purpose.TELL]
    compare(said(sent), expected)
    wanted = [f"{at:g} {' '.join(words[1:])}" for at, words in steps if words[0] == "|"]
    kinds = {words[1] for _, words in steps if words[0] == "|"}
    told = [
        f"{at:g} {event.kind}" + (f" {event.person}" if event.person else "")
        for at, event in (desk.responses(*kinds) if kinds else ())
    ]
    compare(told, wanted)
    return desk


def compare(found: Iterable[str], expected: Iterable[str]) -> None:
    """Raise AssertionError, with what differs, where the lines are not the same."""
    here, there = sorted_by_time(found), sorted_by_time(expected)
    if here != there:
        raise AssertionError("\n" + "\n".join(difflib.ndiff(there, here)))


def said(sent: Iterable[tuple[float, Notification]]) -> list[str]:
    """Say messages as scripts do."""
    return sorted_by_time(f"{at:g} {one.purpose} {one.recipient} {one.channel}" for at, one in sent)


def sorted_by_time(lines: Iterable[str]) -> list[str]:
    return sorted(lines, key=lambda line: (float(line.split()[0]), line))
