"""Routes: from a topic and its metrics to channel rows, for devices and metrics that no ledger names too."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final
from zlib import crc32

from devices import Device, Flag, Lifecycle, Reason, RegistryChange, device_key
from devices.registry import UNKNOWN_PROFILE
from ingest.decoder import FAST, ONLINE, Form
from ingest.topics import Subject, parse_topic

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from devices import ChannelRow, DeviceRow, Metric, Registry
    from ingest.counters import IngestCounters
    from ingest.decoder import FastDecoder

__all__ = ["ALARM", "OVERFLOW", "Route", "Routes"]

ALARM: Final = "alarm"
"""The metric that says that a device has an alarm, of whatever kind."""
OVERFLOW: Final = "unregistered"
"""Names the device (and, beyond known sites, the site) that stands for unregistered devices beyond the bound."""
MARK_BITS: Final = 8
"""Bits of a route's mark that hold flags; above them is the device row."""

_MAX_LAYOUTS: Final = 32
_MAX_SHARED: Final = 4096
_NOTHING: Final[Mapping[Any, Any]] = MappingProxyType({})
_NO_ROWS: Final[array[int]] = array("i")
_OWN_METRICS: Final = frozenset({ALARM, ONLINE})


@dataclass(slots=True, eq=False)
class Route:
    """Where the messages of one topic go. There is one for every device and subject, so it holds nothing twice.

    subject:    None where the topic is none of ours
    crc:        crc32 of the topic, with which the digest of a message begins
    version:    the registry's version for which the rest holds
    device:     as registered, None while its discovery is not committed
    device_row: -1 where the topic is refused
    refused:    why no message of this topic can be taken, or None
    is_known:   a ledger names the device
    named:      the metrics that its profile names
    mark:       `device_row << MARK_BITS | flags`, so that one list carries both
    decode:     the fast decoder for the form that the device used last; None where every message is taken apart
    metrics:    the metrics of its first regular message, in order; None before
    rows:       their channel rows (int32)
    layouts:    the same for regular messages with other metrics
    """

    topic: str
    subject: Subject | None
    crc: int
    version: int
    device: Device | None = None
    device_row: int = -1
    refused: Reason | None = None
    is_known: bool = False
    named: Mapping[str, Metric] = field(default_factory=lambda: _NOTHING)
    mark: int = 0
    decode: FastDecoder | None = None
    metrics: tuple[str, ...] | None = None
    rows: array[int] = field(default_factory=lambda: _NO_ROWS)
    layouts: Mapping[tuple[str, ...], array[int]] = field(default_factory=lambda: _NOTHING)

    def learn(self, metrics: tuple[str, ...], rows: array[int]) -> None:
        """Remember the rows of a message with `metrics`, so that the next one needs no look at each metric.

        Bounded: a device that never sends the same metrics twice only pays for the look. `ts` names no layout: beside
        other metrics it is the time.
        """
        if "ts" in metrics or metrics == self.metrics:
            return
        if self.metrics is None:
            self.metrics, self.rows = metrics, rows
        elif isinstance(self.layouts, dict) and len(self.layouts) < _MAX_LAYOUTS:
            self.layouts[metrics] = rows
        else:
            self.layouts = {metrics: rows}


class Routes:
    """The routes of all lanes, and the rows planned for what was heard on them.

    cached:               routes by topic, for the hot path to look into; bounded by the devices with rows of their own
    unregistered_devices: how many devices that no ledger names get rows, those that stand for others included
    extra_metrics:        how many metrics that its profile does not name a device gets rows for, beside `alarm` and
                          `online`
    """

    def __init__(
        self, registry: Registry, unregistered_devices: int, extra_metrics: int, counters: IngestCounters
    ) -> None:
        self.cached: dict[str, Route] = {}
        self._registry = registry
        self._max_unregistered = unregistered_devices
        self._max_extra = extra_metrics
        self._counters = counters
        self._devices: list[DeviceRow] = []
        self._channels: list[ChannelRow] = []
        self._unregistered: set[int] = set()
        self._unregistered_version = -1
        self._shared: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._sites: frozenset[str] = frozenset()
        self._sites_version = -1

    def find(self, topic: str) -> Route:
        """Return the route of `topic` as the registry stands, and plan rows for its device if it has none."""
        route = self.cached.get(topic)
        if route is not None and route.device is self._registry.device(route.device_row):
            route.version = self._registry.version
            return route
        route = Route(topic, None, crc32(topic.encode("utf-8", "surrogatepass")), self._registry.version)
        address = parse_topic(topic)
        if address is None:
            route.refused = Reason.BAD_TOPIC
            return route
        route.subject = address.subject
        row = self._device_row(address.site, address.device)
        if row is None:
            route.refused = Reason.TOO_MANY_DEVICES
            return route
        self._lead(route, row)
        self.cached[topic] = route
        return route

    def overflow(self, route: Route) -> Route:
        """Return the route to the device that stands for the refused one: of its site, if a ledger knows the site."""
        address = parse_topic(route.topic)
        site = address.site if address is not None and self._is_known_site(address.site) else OVERFLOW
        row = self._registry.device_row(device_key(site, OVERFLOW))
        stand_in = Route(route.topic, route.subject, route.crc, route.version)
        self._lead(stand_in, self._discover(site, OVERFLOW) if row is None else row)
        return stand_in

    def channel(self, route: Route, metric: str) -> int | None:
        """Return the row of `metric`, planning one where there is none; None where the device has too many."""
        channels = self._registry.channels_of(route.device_row)
        row = channels.get(metric)
        if row is not None:
            return row
        if metric not in _OWN_METRICS and metric not in route.named:
            extra = sum(name not in _OWN_METRICS and name not in route.named for name in channels)
            if extra >= self._max_extra:
                return None
        planned = self._registry.plan_channel(route.device_row, metric)
        self._channels.append(planned)
        self._counters.discovered_channels += 1
        return planned.row

    def learn(self, route: Route, metrics: tuple[str, ...], rows: Sequence[int]) -> None:
        """Let `route` remember the rows of `metrics`. Devices of a kind send the same ones, and share the tuple."""
        if len(self._shared) >= _MAX_SHARED:
            self._shared.clear()
        route.learn(self._shared.setdefault(metrics, metrics), array("i", rows))

    def take_discovered(self) -> RegistryChange:
        """Return the rows planned since the last call, on whichever lane: they go into the journal with the next block.

        A device that was registered meanwhile is left out, so that its discovery cannot undo that.
        """
        change = RegistryChange(
            tuple(row for row in self._devices if self._registry.device(row.row) is None), tuple(self._channels)
        )
        self._devices, self._channels = [], []
        return change

    def _lead(self, route: Route, row: int) -> None:
        """Make `route` lead to the device of `row`."""
        device = self._registry.device(row)
        profile = self._registry.profiles.get(UNKNOWN_PROFILE if device is None else device.profile)
        flags = Flag.ALARM_LANE if route.subject is Subject.ALARM else Flag(0)
        route.is_known = device is not None and device.lifecycle is not Lifecycle.UNREGISTERED
        if not route.is_known:
            flags |= Flag.UNREGISTERED
        route.device = device
        route.device_row = row
        route.named = _NOTHING if profile is None else profile.metrics
        route.mark = row << MARK_BITS | flags
        route.decode = FAST[Form.FLAT] if route.subject is Subject.READINGS else None

    def _device_row(self, site: str, name: str) -> int | None:
        """Return the device's row, planning one where there is none; None where there are too many devices."""
        row = self._registry.device_row(device_key(site, name))
        if row is None and self._has_room():
            row = self._discover(site, name)
            self._unregistered.add(row)
        return row

    def _discover(self, site: str, name: str) -> int:
        planned = self._registry.plan_discovery(site, name)
        self._devices.extend(planned.devices)
        self._channels.extend(planned.channels)
        self._counters.discovered_devices += 1
        return planned.devices[0].row

    def _has_room(self) -> bool:
        """Say whether one more unregistered device gets a row; before a no, count anew once a version."""
        registry = self._registry
        if self._unregistered_version < 0 or (
            len(self._unregistered) >= self._max_unregistered and self._unregistered_version != registry.version
        ):
            self._unregistered_version = registry.version
            planned = {row for row in self._unregistered if registry.device(row) is None}
            heard = {row for row, device in registry.devices() if device.lifecycle is Lifecycle.UNREGISTERED}
            self._unregistered = planned | heard
        return len(self._unregistered) < self._max_unregistered

    def _is_known_site(self, site: str) -> bool:
        """Say whether a ledger names a device of `site`."""
        if self._sites_version != self._registry.version:
            self._sites_version = self._registry.version
            self._sites = frozenset(
                device.site for _, device in self._registry.devices() if device.lifecycle is not Lifecycle.UNREGISTERED
            )
        return site in self._sites
