"""The town as the boards may show it, in plain Python: what `World` knows, less what is hidden of elders.

Each row is a mapping, as a view of the schema `board` has columns; times are in UTC.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from devices import Kind, Lifecycle
from rules import RuleKind
from rules.model import AlarmClass
from tests.boards.limits import limits
from tests.boards.world import instant

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from alerts.incident import Incident
    from devices import Device
    from tests.boards.world import World

__all__ = ["Facts", "Row", "bucket"]

Row = dict[str, Any]

VEILED: Final = frozenset({Kind.WATCH, Kind.UNKNOWN})
OPEN_METRICS: Final = {"battery_pct", "fault", "tamper", "online"}
"""What may always be seen of an elder's watch."""
LEAD: Final = timedelta(minutes=30)
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
WIDTHS: Final = {"1m": timedelta(minutes=1), "1h": timedelta(hours=1), "1d": timedelta(days=1)}
ALWAYS: Final = datetime(1, 1, 1, tzinfo=UTC)


def bucket(at: datetime, width: timedelta) -> datetime:
    """Return where the bucket of `width` begins that holds `at`."""
    return EPOCH + (at - EPOCH) // width * width


def _or_none(us: int | None) -> datetime | None:
    return None if us is None else instant(us)


def _s(later_us: int | None, earlier_us: int) -> float | None:
    return None if later_us is None else (later_us - earlier_us) / 1e6


@dataclass
class Facts:
    """What the boards may show of a world."""

    world: World
    _made: dict[tuple[str, str, str], list[Row]] = field(default_factory=dict)

    # ── who may be seen ──────────────────────────────────────────────────────────────────────────────────────────

    @cached_property
    def open_of(self) -> Mapping[str, Sequence[Incident]]:
        """Open incidents that are no exercise, by device."""
        found: defaultdict[str, list[Incident]] = defaultdict(list)
        for incident in self.world.incidents.values():
            if incident.closed_us is None and incident.exercise is None:
                found[incident.device].append(incident)
        return found

    def _is_placed(self, device: Device) -> bool:
        return device.kind not in VEILED or device.key in self.open_of

    def visible_from(self, device: Device, metric: str) -> datetime | None:
        """Return from when readings may be seen; None for never."""
        if device.kind not in VEILED or metric in OPEN_METRICS:
            return ALWAYS
        its = self.open_of.get(device.key)
        return instant(min(one.event_us for one in its)) - LEAD if its else None

    def state(self, device: Device) -> str:
        """Return the worst that is so of a device."""
        its = [one for one in self.open_of.get(device.key, ()) if one.condition_holds]
        classes = {one.alarm_class for one in its}
        if classes & {AlarmClass.LIFE_SAFETY, AlarmClass.PROPERTY}:
            return "alarm"
        if any(one.rule_kind is RuleKind.NO_DATA for one in its):
            return "offline"
        if AlarmClass.TROUBLE in classes:
            return "fault"
        if AlarmClass.SUPERVISORY in classes:
            return "supervisory"
        if device.lifecycle in {Lifecycle.UNREGISTERED, Lifecycle.MAINTENANCE}:
            return device.lifecycle.value
        return "normal"

    # ── devices and what they said ───────────────────────────────────────────────────────────────────────────────

    @cached_property
    def devices(self) -> list[Row]:
        """`board.devices`, without its ids."""
        rows = []
        for device in self.world.devices.values():
            if device.lifecycle is Lifecycle.RETIRED:
                continue
            placed = self._is_placed(device)
            heard = [found[-1].time_us for (key, _), found in self.world.readings.items() if key == device.key]
            rows.append(
                {
                    "device": device.key,
                    "site": device.site,
                    "name": device.name,
                    "kind": device.kind.value,
                    "profile": device.profile,
                    "grid": device.grid,
                    "building": device.building if placed else "",
                    "floor": device.floor if placed else "",
                    "unit": device.unit if placed else "",
                    "latitude": device.latitude if placed else None,
                    "longitude": device.longitude if placed else None,
                    "gateway": device.gateway,
                    "lifecycle": device.lifecycle.value,
                    "state": self.state(device),
                    "last_heard": instant(max(heard)) if heard else None,
                }
            )
        return rows

    @cached_property
    def channels(self) -> list[Row]:
        """`board.channels`, without its ids."""
        by_device = {row["device"]: row for row in self.devices}
        return [
            {
                **{name: by_device[key][name] for name in ("device", "site", "name", "kind", "profile", "grid")},
                **{name: by_device[key][name] for name in ("building", "floor")},
                "metric": metric,
                "unit": unit,
                "visible_from": self.visible_from(self.world.devices[key], metric),
            }
            for (key, metric), unit in self.world.units.items()
            if key in by_device
        ]

    @cached_property
    def latest(self) -> list[Row]:
        """`board.latest`."""
        rows = []
        for channel in self.channels:
            readings = self.world.readings.get((channel["device"], channel["metric"]))
            if readings and channel["visible_from"] is not None:
                newest = readings[-1]
                if instant(newest.time_us) >= channel["visible_from"]:
                    rows.append(
                        {**channel, "time": instant(newest.time_us), "value": newest.value, "flags": newest.flags}
                    )
        return rows

    def series(
        self,
        level: str,
        sites: Collection[str] | None,
        names: Collection[str] | None,
        metrics: Collection[str],
        since: datetime,
        until: datetime,
    ) -> Iterator[Row]:
        """Yield what `board.series` returns, in no order."""
        for channel in self.channels:
            seen_from = channel["visible_from"]
            if (
                (sites is None or channel["site"] in sites)
                and (names is None or channel["name"] in names)
                and channel["metric"] in metrics
                and seen_from is not None
                and seen_from <= until
            ):
                head = {name: channel[name] for name in ("site", "name", "metric", "unit")}
                for row in self._points(channel["device"], channel["metric"], level):
                    if max(since, seen_from) <= row["time"] <= until:
                        yield {**head, **row}

    def _points(self, device: str, metric: str, level: str) -> list[Row]:
        name = device, metric, level
        if name not in self._made:
            self._made[name] = list(self._make(*name))
        return self._made[name]

    def _make(self, device: str, metric: str, level: str) -> Iterator[Row]:
        readings = self.world.readings.get((device, metric), ())
        if level == "raw":
            for one in readings:
                value = one.value
                yield {
                    "time": instant(one.time_us),
                    "mean": value,
                    "min": value,
                    "max": value,
                    "last": value,
                    "count": 1,
                }
            return
        groups: defaultdict[datetime, list[float]] = defaultdict(list)
        for one in readings:
            if one.value is not None:
                groups[bucket(instant(one.time_us), WIDTHS[level])].append(one.value)
        for at, values in groups.items():
            yield {
                "time": at,
                "mean": sum(values) / len(values),
                "min": min(values),
                "max": max(values),
                "last": values[-1],
                "count": len(values),
            }

    @cached_property
    def limits(self) -> list[Row]:
        """`board.limits`."""
        return limits(self.world, self.channels)

    # ── incidents ────────────────────────────────────────────────────────────────────────────────────────────────

    @cached_property
    def incidents(self) -> list[Row]:
        """`board.incidents`, the newest first."""
        rows = [self._incident(one) for one in self.world.incidents.values()]
        return sorted(rows, key=lambda row: (row["raised"], row["incident_id"]), reverse=True)

    @property
    def real(self) -> list[Row]:
        """Incidents that are no exercise, the newest first."""
        return [row for row in self.incidents if row["exercise"] is None]

    def _incident(self, one: Incident) -> Row:
        shown = one.kind is not Kind.WATCH or one.closed_us is None
        return {
            "incident_id": one.id,
            "device": one.device,
            "site": one.site,
            "name": one.device.removeprefix(f"{one.site}/"),
            "grid": one.grid,
            "building": one.building if shown else "",
            "floor": one.floor if shown else "",
            "unit_name": one.unit_name if shown else "",
            "place": one.place if shown else one.site,
            "place_zh": one.place_zh if shown else one.site,
            "latitude": one.latitude if shown else None,
            "longitude": one.longitude if shown else None,
            "kind": one.kind.value,
            "unregistered": one.unregistered,
            "rule_id": one.rule_id,
            "rule_kind": None if one.rule_kind is None else one.rule_kind.value,
            "rule_name_en": one.rule_name_en,
            "rule_name_zh": one.rule_name_zh,
            "severity": one.severity.value,
            "alarm_class": one.alarm_class.value,
            "what_en": one.what_en if shown else "not shown any more: it is not open",
            "what_zh": one.what_zh if shown else "事件已结束，不再显示",
            "metric": one.metric,
            "unit": one.unit,
            **{
                name: getattr(one, name.removesuffix("_value")) if shown else None
                for name in ("value", "limit_value", "measure", "reference", "low", "high")
            },
            "state": one.state.value,
            "is_open": one.closed_us is None,
            "condition_holds": one.condition_holds,
            "late": one.late,
            "raised": instant(one.raised_us),
            "event": instant(one.event_us),
            "since": instant(one.since_us),
            "last": instant(one.last_us),
            "repeats": one.repeats,
            "accepted": _or_none(one.accepted_us),
            "accepted_by": one.accepted_by,
            "dispatched": _or_none(one.dispatched_us),
            "station": one.dispatched_to,
            "arrived": _or_none(one.arrived_us),
            "verified": _or_none(one.verified_us),
            "closed": _or_none(one.closed_us),
            "closed_by": one.closed_by,
            "outcome": None if one.outcome is None else one.outcome.value,
            "rating": one.rating,
            "exercise": None if one.exercise is None else one.exercise.value,
            "members_count": one.members_count,
            "accept_s": _s(one.accepted_us, one.raised_us),
            "arrive_s": _s(one.arrived_us, one.raised_us),
            "resolve_s": _s(one.closed_us, one.raised_us),
        }

    @cached_property
    def timeline(self) -> list[Row]:
        """`board.timeline`, in order of place within an incident."""
        world = self.world
        rows = [
            {
                "incident_id": line.incident.id, "place": line.place, "time": instant(line.time_us), "what": "incident",
                "kind": line.kind.value, "who": line.by, "via": line.origin, "text_en": line.text_en,
                "text_zh": line.text_zh, "detail": "",
            }
            for line in world.timeline
        ]  # fmt: skip
        rows += [
            {
                "incident_id": note.incident, "place": note.place, "time": instant(note.time_us),
                "what": "notification", "kind": note.status.value, "who": note.recipient, "via": note.channel,
                "text_en": "", "text_zh": "", "detail": note.detail,
            }
            for note in world.notes
        ]  # fmt: skip
        rows += [
            {
                "incident_id": line.incident, "place": line.place, "time": instant(line.time_us), "what": "response",
                "kind": line.kind.value, "who": line.person, "via": "", "text_en": line.text_en,
                "text_zh": line.text_zh, "detail": line.detail,
            }
            for line in world.responses
        ]  # fmt: skip
        shown = {one.id for one in world.incidents.values() if one.kind is not Kind.WATCH or one.closed_us is None}
        rows = [row for row in rows if row["incident_id"] in shown]
        return sorted(rows, key=lambda row: (row["incident_id"], row["place"]))

    @cached_property
    def notifications(self) -> list[Row]:
        """`board.notifications`, each as its newest line left it."""
        found: dict[str, Row] = {}
        for note in self.world.notes:
            before = found.get(note.notification)
            at = instant(note.time_us)
            if before is not None and before["time"] > at:
                continue
            incident = self.world.incidents.get(note.incident)
            if incident is not None:
                found[note.notification] = {
                    "notification_id": note.notification,
                    "incident_id": note.incident,
                    "site": incident.site,
                    "grid": incident.grid,
                    "recipient": note.recipient,
                    "channel": note.channel,
                    "status": note.status.value,
                    "time": at,
                    "attempts": note.attempts,
                }
        return list(found.values())

    @cached_property
    def responses(self) -> list[Row]:
        """`board.responses`, in order of time."""
        rows = []
        for line in self.world.responses:
            incident = self.world.incidents[line.incident]
            if incident.exercise is None:
                rows.append(
                    {
                        "incident_id": line.incident,
                        "site": incident.site,
                        "grid": incident.grid,
                        "station": incident.dispatched_to,
                        "kind": line.kind.value,
                        "person": line.person,
                        "step": line.step,
                        "time": instant(line.time_us),
                        "detail": line.detail,
                    }
                )
        return sorted(rows, key=lambda row: row["time"])
