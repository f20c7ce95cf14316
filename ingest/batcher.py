"""The batcher: the packets of one lane become a columnar block, and each packet id is owed its acknowledgement once.

Regular messages take the short way in `feed`: one look-up of the topic, one decode into floats, one look-up of the
metrics, a few appends. Whatever does not fit there (the first message of its kind, a wrong type, an alarm, a status) is
taken apart in `_take_apart`. Everything per reading waits for `take`, where it is done for the whole block at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from zlib import crc32

import numpy as np

from devices import Flag, Reason
from ingest.block import Block, Deliveries, Receipt
from ingest.clock import event_us
from ingest.columns import Columns
from ingest.decoder import FAST, ONLINE, Fault, Message, read_native, read_status
from ingest.heard import Heard
from ingest.quarantine import Quarantine
from ingest.routes import ALARM
from ingest.topics import Subject

if TYPE_CHECKING:
    from collections.abc import Callable

    from mqtt5 import PublishPacket

    from devices import Registry
    from ingest.counters import IngestCounters
    from ingest.decoder import Entry, Stamped
    from ingest.limits import BatcherLimits
    from ingest.redelivery import RedeliveryWindow
    from ingest.routes import Route
    from ingest.topics import Lane

__all__ = ["Batcher", "may_be_alarm"]

NAN: Final = float("nan")
_EXACT: Final = 2.0**53
_RETAINED: Final = int(Flag.RETAINED)


class Batcher:
    """Collects the messages of one lane until `take`.

    redelivery: what the journal holds of this lane's session after the replay; copied, since the batcher's own window
                runs ahead of the journal
    heard:      shared by the lanes of one service; None where there is one lane only
    opened_us:  arrival of the oldest message that waits, None where none does
    """

    def __init__(
        self,
        lane: Lane,
        registry: Registry,
        clock_us: Callable[[], int],
        limits: BatcherLimits,
        redelivery: RedeliveryWindow,
        counters: IngestCounters,
        heard: Heard | None = None,
    ) -> None:
        self.lane = lane
        self.opened_us: int | None = None
        self._registry = registry
        self._limits = limits
        self._counters = counters
        self._heard = Heard(registry, clock_us, limits, counters) if heard is None else heard
        self._routes = self._heard.routes
        self._redelivery = redelivery.copy()
        self._quarantine = Quarantine(limits.samples, counters)
        self._start()

    def _start(self) -> None:
        """Begin an empty block."""
        self.opened_us = None
        self._columns = Columns()
        self._packet_ids: list[int] = []
        self._digests: list[int] = []
        self._n_remembered = 0
        self._epochs: list[tuple[int, int]] = []
        self._receipts: list[Receipt] = []
        self._messages = 0
        self._newest_us = self._heard.clock.last_us

    @property
    def pending(self) -> int:
        """Readings that wait."""
        return len(self._columns.rows)

    # ── taking messages in ───────────────────────────────────────────────────────────────────────────────────────

    def feed(self, epoch: int, packets: list[PublishPacket]) -> None:
        """Take in the packets of one wake-up of the connection `epoch`, in order of receipt."""
        if not packets:
            return
        arrival_us = self._open(epoch, len(packets)) - 1
        self._messages += len(packets)
        version = self._registry.version
        cached = self._routes.cached.get
        payload_bytes = self._limits.payload_bytes
        columns = self._columns
        rows, values, counts = columns.rows.extend, columns.values.extend, columns.counts.append
        stamps, arrivals, marks = columns.stamps.append, columns.arrivals.append, columns.marks.append
        packet_ids, digests = self._packet_ids.append, self._digests.append
        for packet in packets:
            arrival_us += 1
            topic = packet.topic
            payload = packet.payload
            route = cached(topic)
            if route is None or route.version != version:
                route = self._routes.find(topic)
            packet_id = packet.packet_id
            if packet_id is not None:
                digest = crc32(payload, route.crc)
                was_taken = packet.duplicate and self._was_taken(packet_id, digest)
                packet_ids(packet_id)
                digests(digest)
                if was_taken:
                    self._take_again(route, payload, arrival_us)
                    continue
            if packet.retain or route.decode is None or len(payload) > payload_bytes:
                self._take_apart(route, payload, arrival_us, _RETAINED if packet.retain else 0)
                continue
            try:
                body = route.decode(payload)
                if isinstance(body, dict):
                    said, stamp_us = body, NAN
                elif isinstance(body, list):
                    self._take_history(route, body, arrival_us)
                    continue
                else:
                    said, stamp_us = body.values, event_us(body.ts)
                metrics = tuple(said)
                layout = route.rows if metrics == route.metrics else route.layouts[metrics]
            except (ValueError, KeyError, RecursionError):
                self._take_apart(route, payload, arrival_us)
                continue
            rows(layout)
            values(said.values())
            counts(len(layout))
            stamps(stamp_us)
            arrivals(arrival_us)
            marks(route.mark)
        self._remember()

    def _take_history(self, route: Route, history: list[Stamped], arrival_us: int) -> None:
        """Take in a regular list. Raises ValueError or KeyError, and takes nothing, where it is not."""
        if not history:
            raise ValueError("the list is empty")
        entries = []
        for item in history:
            metrics = tuple(item.values)
            layout = route.rows if metrics == route.metrics else route.layouts[metrics]
            entries.append((layout, item.values.values(), event_us(item.ts)))
        for layout, values, stamp_us in entries:
            self._columns.append(layout, values, stamp_us, arrival_us, route.mark)

    def malformed(self, epoch: int, raw: bytes, detail: str, packet_id: int | None) -> None:
        """Set aside a packet that is not MQTT; its id, where it has one, is owed an acknowledgement all the same."""
        arrival_us = self._open(epoch, 1)
        self._quarantine.add(Reason.MALFORMED_PACKET, arrival_us, "", raw, detail)
        if packet_id is not None:
            self._packet_ids.append(packet_id)
            self._digests.append(crc32(raw))
            self._remember()

    def forget_session(self) -> None:
        """Take the broker to begin anew: its packet ids no longer mean what they did."""
        self._redelivery.clear()

    def _open(self, epoch: int, n: int) -> int:
        """Note that `n` messages arrive on `epoch`; return the arrival time of the first."""
        first_us = self._heard.clock.reserve(n)
        self._newest_us = first_us + n - 1
        if self.opened_us is None:
            self.opened_us = first_us
        if not self._epochs or self._epochs[-1][0] != epoch:
            self._epochs.append((epoch, len(self._packet_ids)))
        return first_us

    def _was_taken(self, packet_id: int, digest: int) -> bool:
        self._remember()
        return self._redelivery.holds(packet_id, digest)

    def _remember(self) -> None:
        """Put the packets that came since the last call into the redelivery window."""
        start = self._n_remembered
        self._redelivery.add(self._packet_ids[start:], self._digests[start:])
        self._n_remembered = len(self._packet_ids)

    # ── taking one message apart ─────────────────────────────────────────────────────────────────────────────────

    def _take_apart(self, route: Route, payload: bytes, arrival_us: int, flags: int = 0) -> None:
        """Take in a message value by value, setting aside what cannot be taken.

        flags: of its packet, beside those of the route
        """
        if route.refused is not None:
            self._refuse(route, route.refused, payload, arrival_us, flags)
            return
        message = self._read(route, payload)
        for fault in message.faults:
            self._quarantine.add(fault.reason, arrival_us, route.topic, payload, fault.detail)
        for entry in message.entries:
            self._take_entry(route, entry, payload, arrival_us, flags)
        if message.form is not None and route.decode is not None:
            route.decode = FAST[message.form]
        if route.subject is Subject.ALARM:
            says_alarm = any(entry.values.get(ALARM) for entry in message.entries)
            if not says_alarm and may_be_alarm(message, route):
                self._assume_alarm(route, arrival_us, flags)
            self._owe_receipt(route, message.ts, arrival_us)

    def _take_entry(self, route: Route, entry: Entry, payload: bytes, arrival_us: int, flags: int) -> None:
        rows: list[int] = []
        values: list[float | None] = []
        for metric, value in entry.values.items():
            row = self._routes.channel(route, metric)
            if row is None:
                self._quarantine.add(Reason.TOO_MANY_METRICS, arrival_us, route.topic, payload, f"metric {metric}")
            else:
                rows.append(row)
                values.append(value)
        if len(rows) == len(entry.values):
            self._routes.learn(route, tuple(entry.values), rows)
        if route.subject is Subject.STATUS and entry.values[ONLINE] == 0.0:
            flags |= Flag.OFFLINE
        if rows:
            self._columns.append(rows, values, entry.stamp_us, arrival_us, route.mark | flags)

    def _refuse(self, route: Route, reason: Reason, payload: bytes, arrival_us: int, flags: int) -> None:
        """Set aside a message of a topic that gets no rows. If it may be an alarm, somebody is told all the same."""
        self._quarantine.add(reason, arrival_us, route.topic, payload, "")
        if route.subject is Subject.ALARM:
            message = self._read(route, payload)
            if may_be_alarm(message, route):
                self._assume_alarm(self._routes.overflow(route), arrival_us, flags)
            self._owe_receipt(route, message.ts, arrival_us)

    def _take_again(self, route: Route, payload: bytes, arrival_us: int) -> None:
        """Take in a message that was taken before: nothing but its receipt, which may not have reached the device."""
        self._counters.redelivered += 1
        if route.subject is Subject.ALARM:
            self._owe_receipt(route, self._read(route, payload).ts, arrival_us)

    def _read(self, route: Route, payload: bytes) -> Message:
        if len(payload) > self._limits.payload_bytes:
            detail = f"{len(payload)} bytes; at most {self._limits.payload_bytes} are read"
            return Message(faults=(Fault(Reason.TOO_LARGE, detail),))
        return read_status(payload) if route.subject is Subject.STATUS else read_native(payload)

    def _assume_alarm(self, route: Route, arrival_us: int, flags: int) -> None:
        """Raise the device's `alarm` channel at the time of arrival."""
        row = self._routes.channel(route, ALARM)
        if row is None:
            raise AssertionError(f"no bound holds for the metric {ALARM}")
        self._columns.append([row], [1.0], NAN, arrival_us, route.mark | flags)
        self._counters.assumed_alarms += 1

    def _owe_receipt(self, route: Route, ts: float | None, arrival_us: int) -> None:
        said = "null" if ts is None or abs(ts) >= _EXACT else f"{ts:.0f}" if ts.is_integer() else repr(ts)
        payload = f'{{"received":{arrival_us // 1000},"ts":{said}}}'
        self._receipts.append(Receipt(route.topic.removesuffix(Subject.ALARM) + "ack", payload.encode()))
        self._counters.receipts += 1

    # ── giving the block away ────────────────────────────────────────────────────────────────────────────────────

    def take(self) -> Block:
        """Return everything that waits, and begin an empty block.

        Blocks must reach the journal in the order in which they were taken, over all lanes that share a `Heard`: a
        block may name rows that the one before it brought.
        """
        packet_id = np.fromiter(self._packet_ids, np.uint16, len(self._packet_ids))
        digest = np.fromiter(self._digests, np.uint32, len(self._digests))
        ends = [*(start for _, start in self._epochs[1:]), len(packet_id)]
        acks = [(epoch, packet_id[start:end]) for (epoch, start), end in zip(self._epochs, ends, strict=False)]
        self._counters.messages[self.lane] += self._messages
        block = Block(
            self.lane,
            self._columns.settle(self._heard, self._limits.future_us, self._newest_us, self._counters),
            self._routes.take_discovered(),
            self._quarantine.take(),
            Deliveries(tuple(ack for ack in acks if len(ack[1])), packet_id, digest),
            tuple(self._receipts),
            self._messages,
        )
        self._start()
        return block


def may_be_alarm(message: Message, route: Route) -> bool:
    """Say whether a message on the alarm topic may be an alarm beyond what the device's profile explains.

    It may where something of it could not be read, where it carries a value other than 0 under a metric that the
    profile does not name, and, from a device that no ledger knows, where it carries any value other than 0.
    `{"smoke": 0}` is no alarm, whoever says it.
    """
    return any(fault.may_hide_alarm for fault in message.faults) or any(
        value and not (route.is_known and metric in route.named)
        for entry in message.entries
        for metric, value in entry.values.items()
    )
