"""The narrator: tells on the terminal what happens in the demo, each incident in a few lines."""

from __future__ import annotations

import asyncio
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from rich.panel import Panel
from rich.text import Text

from alerts import EventKind, IncidentEvent, NotificationEvent, NotificationStatus
from alerts.incident import Exercise, IncidentState
from alerts.notification import Purpose
from alerts.response import Colour
from alerts.response_event import ResponseEvent, ResponseKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from rich.console import Console

    from alerts import AlertEvent, Incident, Notification
    from alerts.people.model import Directory
    from service.core import Core
    from service.shard import Effects
    from simulator import Fleet

__all__ = ["Narrator"]

STATUS_EVERY_S: Final = 10.0
ROUNDS_TOLD: Final = 2
"""After so many rounds of a chain it is clear how it goes on."""
DIGESTS_TOLD: Final = 3
"""After so many it is clear what they are; how many there are is in the status."""
_SEVERITIES: Final = {
    "emergency": "bold white on red",
    "alarm": "bold red",
    "warning": "bold yellow",
    "advisory": "cyan",
}
_DONE: Final = {
    EventKind.ACCEPTED: "accepted",
    EventKind.REFUSED: "refused",
    EventKind.HELP_WANTED: "help wanted",
    EventKind.HANDED_OVER: "handed over",
    EventKind.DISPATCHED: "somebody is on the way",
    EventKind.ARRIVED: "arrived",
    EventKind.VERIFIED: "verified",
    EventKind.RESOLVED: "resolved",
    EventKind.CLOSED: "closed",
    EventKind.CLEARED: "cleared by itself",
}
_COLOURS: Final = {
    ResponseKind.REMINDED: ("blue", "● blue:"),
    ResponseKind.WARNED: ("yellow", "● yellow:"),
    ResponseKind.OVERDUE: ("red", "● red:"),
    ResponseKind.WHISTLED: ("bold red", "▲ red, whistle:"),
}
_STEPS: Final = frozenset({ResponseKind.ESCALATED, ResponseKind.REPEATED})
_KEPT_BACK: Final = frozenset(
    {ResponseKind.GROUPED, ResponseKind.INHIBITED, ResponseKind.SILENCED, ResponseKind.FLAPPING}
)
_WITH_OUTCOME: Final = frozenset({EventKind.VERIFIED, EventKind.RESOLVED})
_LOST: Final = frozenset({NotificationStatus.FAILED, NotificationStatus.UNKNOWN, NotificationStatus.EXPIRED})
_ARRIVED: Final = frozenset({NotificationStatus.HANDED, NotificationStatus.RECEIVED})


@dataclass(slots=True)
class _Told:
    """What was told of one open incident. asked: message → (person, link) of those whose arrival is told."""

    name: str
    raised_us: int
    event_us: int
    rounds: int = 1
    asked: dict[str, tuple[str, str]] = field(default_factory=dict)
    told: set[tuple[str, str]] = field(default_factory=set)


class Narrator:
    """Tells what happens: incidents, who is asked and how fast, what follows where nobody answers.

    link_of: the address at which a message is answered, "" where it has none
    """

    def __init__(self, screen: Console, directory: Directory, link_of: Callable[[Notification], str]) -> None:
        self._screen = screen
        self._link_of = link_of
        self._labels = {person.name: person.called for person in directory.people}
        self._open: dict[str, _Told] = {}
        self._digests = 0

    def ready(self, core: Core, address: str, port: int, fleet: Fleet) -> None:
        """Say that alarms can flow, and what a person can do now."""
        smoke = next(device for device in fleet.devices if device.kind == "smoke")
        vigil = sys.argv[0]
        self._screen.print(f"metrics   {address}/metrics")
        self._screen.print(f"console   {core.settings.console.public_url}, where the links below lead")
        self._screen.print(f"devices   {len(fleet.devices)} simulated in {fleet.site}; scripted incidents follow")
        self._screen.print(
            Panel(
                f"{vigil} incidents list\n"
                f"{vigil} incidents accept ID --by li-na  (or open a link below)\n"
                f"{vigil} incidents resolve ID false_alarm\n"
                f"{vigil} incidents report ID  (who was asked, and who answered)\n"
                f"{vigil} who --device {smoke.key}  (who would be asked)\n"
                f"{vigil} drill start --device {smoke.key}\n"
                f"{vigil} drill report\n"
                f"mosquitto_pub -p {port} -q 1 -t vigil/v1/{smoke.site}/{smoke.name}/alarm -m '{{\"smoke\": 1}}'\n"
                f"mosquitto_sub -p {port} -t 'vigil/v1/+/notices/#' -t 'vigil/v1/+/+/cmd'\n"
                "Ctrl-C ends it.",
                title="try in another terminal",
                title_align="left",
                expand=False,
            ),
            soft_wrap=False,
            width=110,
        )
        for one in core.shard.incidents.open():
            if one.exercise is not Exercise.SYNTHETIC:
                self._open.setdefault(one.id, _Told(one.id, one.raised_us, one.event_us, rounds=ROUNDS_TOLD))
                self._screen.print(
                    f"   {one.id} still open: {one.rule_name_zh} {one.rule_name_en}, {one.place}, {one.state}"
                )

    # ── what is written to people ────────────────────────────────────────────────────────────────────────────────

    def write(self, notification: Notification) -> None:
        """Be the console channel: what is asked and told is told by `hear`, so only the rest is written here."""
        who, link = self._called(notification.recipient), self._link_of(notification)
        match notification.purpose:
            case Purpose.DIGEST:
                self._digests += 1
                if self._digests <= DIGESTS_TOLD:
                    self._screen.print(f"   to {who}, several in one message: {notification.title_zh}  {link}")
            case Purpose.TEST:
                self._screen.print(f"   to {who}: {notification.title_zh}  {link}")
            case _:
                pass

    # ── what happens ─────────────────────────────────────────────────────────────────────────────────────────────

    def hear(self, effects: list[Effects]) -> None:
        """Tell of what followed from a group of records."""
        alike: dict[tuple[str, str], tuple[int, list[str]]] = {}
        for effect in effects:
            owed = {message.id: message for message in effect.owed}
            responses: dict[str, list[ResponseEvent]] = {}
            for event in effect.events:
                if isinstance(event, ResponseEvent):
                    responses.setdefault(event.incident, []).append(event)
            for event in effect.events:
                match event:
                    case IncidentEvent() if event.incident.exercise is not Exercise.SYNTHETIC:
                        self._happened(event, responses.get(event.incident.id, []), effect.owed)
                    case NotificationEvent():
                        self._settled(event)
                    case _:
                        pass
            for incident, events in responses.items():
                told = self._open.get(incident)
                if told is not None:
                    self._responded(told, events, owed)
                    self._supervised(told, events, alike)
            self._forget(effect.events)
        for (text, style), (now_us, incidents) in alike.items():
            self._line(", ".join(incidents), now_us, text, style)

    def _happened(self, event: IncidentEvent, responses: list[ResponseEvent], owed: Iterable[Notification]) -> None:
        one = event.incident
        if event.kind in {EventKind.RAISED, EventKind.REOPENED}:
            self._open[one.id] = _Told(one.id, event.time_us, one.event_us)
            self._head(one, event, next((line for line in responses if line.kind in _KEPT_BACK), None))
        elif event.kind in _DONE:
            by = f" by {self._called(event.by)}" if event.by else ""
            who = dict.fromkeys(
                self._called(message.recipient)
                for message in owed
                if message.purpose is Purpose.INFORM and message.incident.id == one.id
            )
            told = f"; told to {', '.join(who)}" if who else ""
            done = f"{_DONE[event.kind]} as {one.outcome}" if event.kind in _WITH_OUTCOME else _DONE[event.kind]
            self._line(one.id, event.time_us, f"{one.rule_name_en}: {done}{by}{told}", "green")
            if one.exercise is Exercise.DRILL and not one.state.is_open:
                self._line(one.id, event.time_us, f"how it went: {sys.argv[0]} drill report {one.id}", "green")

    def _head(self, one: Incident, event: IncidentEvent, kept_back: ResponseEvent | None) -> None:
        """Tell what was raised, in a line where nobody is asked about it by itself."""
        badge = (f" {one.severity.upper()} ", _SEVERITIES[one.severity])
        drill = ((" DRILL 演练 ", "bold black on yellow"), " ") if one.exercise is Exercise.DRILL else ()
        again = "again: " if event.kind is EventKind.REOPENED else ""
        what = f" {again}{one.rule_name_zh} {one.rule_name_en}  "
        head = Text.assemble(*drill, badge, what, (one.id, "bold"))
        if kept_back is not None:
            self._screen.print(Text.assemble(head, (f"  {kept_back.text_en}", "dim")))
            return
        self._screen.print()
        self._screen.print(head)
        self._screen.print(f"   where   {one.place}  ({one.device})")
        self._screen.print(f"   what    {one.what_en}")
        self._screen.print(f"           {one.what_zh}")
        self._screen.print(f"   rule    {one.rule_id}  ({one.source})")

    def _settled(self, event: NotificationEvent) -> None:
        """Tell when the first messages of an incident arrived, and whatever does not."""
        told = self._open.get(event.incident)
        if told is None:
            return
        who = self._called(event.recipient)
        if event.status in _LOST:
            self._line(told.name, event.time_us, f"{who} NOT reached by {event.channel}: {event.detail}", "red")
            return
        if event.status not in _ARRIVED or (event.recipient, event.channel) in told.told or told.rounds > 1:
            return
        asked = told.asked.pop(event.notification, None)
        told.told.add((event.recipient, event.channel))
        after = f"{(event.time_us - told.event_us) / 1000:.0f} ms after the reading"
        if asked is not None:
            link = f", to answer at {asked[1]}" if asked[1] else ""
            self._line(told.name, event.time_us, f"asked: {who} by {event.channel}, {after}{link}")
        elif event.time_us - told.raised_us < STATUS_EVERY_S * 1e6 and event.recipient not in self._labels:
            self._line(told.name, event.time_us, f"told: {event.recipient} by {event.channel}, {after}", "dim")

    def _responded(self, told: _Told, events: list[ResponseEvent], owed: dict[str, Notification]) -> None:
        """Tell whom Vigil asked about one incident at one moment, in one line."""
        asked = [event for event in events if event.kind is ResponseKind.ASKED]
        names = [event.person for event in events if event.kind in {ResponseKind.ASKED, ResponseKind.HELD}]
        who = ", ".join(dict.fromkeys(map(self._called, names)))
        links = [self._link_of(owed[event.notification]) for event in asked if event.notification in owed]
        taken = next((event for event in events if event.kind in _STEPS), None)
        if taken is not None and taken.kind is ResponseKind.REPEATED:
            told.rounds += 1
            if told.rounds <= ROUNDS_TOLD:
                text = f"{taken.text_en} {who} asked again, and so on until somebody answers"
                self._line(told.name, taken.time_us, text)
        elif taken is not None and told.rounds == 1:
            link = f", to answer at {links[0]}" if links and links[0] else ""
            whom = f" {who} asked{link}" if who else ""
            self._line(told.name, taken.time_us, f"{taken.text_en}{whom}")
        elif taken is None and asked:
            for event in asked:
                message = owed.get(event.notification)
                told.asked[event.notification] = event.person, self._link_of(message) if message else ""
        elif taken is None and who and events[0].time_us == told.raised_us and events[0].kind not in _KEPT_BACK:
            self._line(told.name, told.raised_us, f"asked: {who}, in one message with what else they are asked")
        for event in events:
            if event.kind in {ResponseKind.RELEASED, ResponseKind.LAPSED}:
                self._line(told.name, event.time_us, event.text_en, "dim")

    def _supervised(
        self, told: _Told, events: list[ResponseEvent], alike: dict[tuple[str, str], tuple[int, list[str]]]
    ) -> None:
        """Note in `alike`, which is told in one line for all that are alike, whose time runs out."""
        last = next((event for event in reversed(events) if event.kind in _COLOURS), None)
        if last is not None:
            colour, sign = _COLOURS[last.kind]
            alike.setdefault((f"{sign} {last.text_en}", colour), (last.time_us, []))[1].append(told.name)

    def _line(self, incident: str, time_us: int, text: str, style: str = "") -> None:
        told = self._open.get(incident)
        after = "" if told is None else f"+{(time_us - told.raised_us) / 1e6:.0f} s"
        self._screen.print(f"   {incident} {after:>6}  {text}", style=style)

    def _forget(self, events: Iterable[AlertEvent]) -> None:
        for event in events:
            if isinstance(event, IncidentEvent) and not event.incident.state.is_open:
                self._open.pop(event.incident.id, None)

    def _called(self, name: str) -> str:
        label = self._labels.get(name, name)
        return name if label == name else f"{label} ({name})"

    # ── how things stand ─────────────────────────────────────────────────────────────────────────────────────────

    async def report_status(self, core: Core) -> None:
        """Say every few seconds how things stand, until cancelled."""
        readings = _readings(core)
        while True:
            await asyncio.sleep(STATUS_EVERY_S)
            before, readings = readings, _readings(core)
            clock = time.strftime("%H:%M:%S", time.localtime())
            rate = (readings - before) / STATUS_EVERY_S
            self._screen.print(
                f"{clock}  {rate:.1f} readings/s, {readings} since the start, {_standing(core)}, "
                f"{self._digests} digests",
                style="dim",
            )


def _standing(core: Core) -> str:
    """Say how many incidents are open, unanswered, and late."""
    shard = core.shard
    open_ = [one for one in shard.incidents.open() if one.exercise is not Exercise.SYNTHETIC]
    waiting = sum(one.state is IncidentState.RAISED for one in open_)
    late = sum(shard.alerting.response.colour(one.id) is Colour.RED for one in open_)
    return f"{len(open_)} incidents open, {waiting} unanswered, {late} overdue"


def _readings(core: Core) -> int:
    return core.ingest_counters.readings
