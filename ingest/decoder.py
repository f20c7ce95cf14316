"""The native JSON of our topics: what a payload says, or why it cannot be read.

`{"smoke": 0.1}`, `{"ts": 1732243200123, "values": {"smoke": 0.1}}`, or a list of those, mixed as one likes: what
ThingsBoard's device API takes (https://thingsboard.io/docs/reference/mqtt-api/telemetry/). An object counts as the
second form only where `values` is an object; else it is the first, in which `ts` is the time all the same.

There are two ways to read. `FAST` decoders take one form of wholly regular payloads and refuse all else with
ValueError; they are for the hot path. `read_native` takes everything apart, value by value, and says what was wrong
with each; it never fails. Where both read a payload they read the same.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from enum import Enum, auto
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeAlias

import msgspec

from devices import Reason
from ingest.clock import event_us
from ingest.topics import MAX_NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = [
    "FAST",
    "ONLINE",
    "STATUS_WORDS",
    "Entry",
    "FastDecoder",
    "Fault",
    "Form",
    "Message",
    "Stamped",
    "Values",
    "read_native",
    "read_status",
]

ONLINE: Final = "online"
"""The metric that a status message becomes: 1 or 0."""
STATUS_WORDS: Final[Mapping[str, float]] = MappingProxyType({"online": 1.0, "offline": 0.0})
NAN: Final = float("nan")


class Form(Enum):
    """The forms of payload that have a fast decoder."""

    FLAT = auto()
    STAMPED = auto()
    HISTORY = auto()
    """A list of stamped ones."""


Values: TypeAlias = dict[str, float | bool | None]


class Stamped(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """`{"ts": …, "values": {…}}`."""

    ts: float
    values: Values


FastDecoder: TypeAlias = "Callable[[bytes], Values | Stamped | list[Stamped]]"


FAST: Final[Mapping[Form, FastDecoder]] = MappingProxyType(
    {
        Form.FLAT: msgspec.json.Decoder(Values).decode,
        Form.STAMPED: msgspec.json.Decoder(Stamped).decode,
        Form.HISTORY: msgspec.json.Decoder(list[Stamped]).decode,
    }
)


@dataclass(frozen=True, slots=True)
class Fault:
    """What was wrong with a part of a message.

    may_hide_alarm: what was set aside may have been an alarm; false for a zero, and for a time
    """

    reason: Reason
    detail: str
    may_hide_alarm: bool = True


@dataclass(frozen=True, slots=True)
class Entry:
    """The values of one time.

    stamp_us: µs since the epoch, NaN where the device gave no usable time
    values:   by metric; None where the device sent the metric without a value
    """

    stamp_us: float
    values: dict[str, float | None]


@dataclass(frozen=True, slots=True)
class Message:
    """What a payload says; one that cannot be read at all has a fault and no entries.

    form: the form whose fast decoder reads payloads like this, if there is one
    ts:   the newest time that the device gave, as it gave it, whether or not it can be one; for the receipt
    """

    entries: tuple[Entry, ...] = ()
    faults: tuple[Fault, ...] = ()
    form: Form | None = None
    ts: float | None = None


class _Unreadable(Exception):
    """Nothing in the message can be read."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.message = Message(faults=(Fault(reason, detail),))


@dataclass(slots=True)
class _Reading:
    """A payload that is being taken apart."""

    entries: list[Entry] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    ts: float | None = None


def read_native(payload: bytes) -> Message:
    """Take a payload apart, whatever it holds."""
    try:
        body = _parse(payload)
    except _Unreadable as why:
        return why.message
    items = body if isinstance(body, list) else [body]
    reading = _Reading()
    shapeless = [item for item in items if not _read_item(reading, item)]
    if len(shapeless) == len(items):
        return Message(faults=(Fault(Reason.WRONG_SHAPE, f"no object of values: {_brief(body)}"),))
    reading.faults.extend(Fault(Reason.WRONG_SHAPE, f"an item of a list is {_brief(item)}") for item in shapeless)
    form = None if reading.faults else _form_of(body)
    return Message(tuple(reading.entries), tuple(reading.faults), form, reading.ts)


def read_status(payload: bytes) -> Message:
    """Read `online` or `offline`, bare or as JSON: a string, or an object with `status` and perhaps `ts`."""
    online = STATUS_WORDS.get(payload.strip().lower().decode("ascii", "replace"))
    if online is not None:
        return Message((Entry(NAN, {ONLINE: online}),))
    try:
        body = _parse(payload)
    except _Unreadable as why:
        return why.message
    status = body.get("status") if isinstance(body, dict) else body
    online = STATUS_WORDS.get(status.strip().lower()) if isinstance(status, str) else None
    if online is None:
        return Message(faults=(Fault(Reason.WRONG_SHAPE, f"neither online nor offline: {_brief(body)}"),))
    reading = _Reading()
    stamp_us = _read_time(reading, body.get("ts")) if isinstance(body, dict) else NAN
    return Message((Entry(stamp_us, {ONLINE: online}),), tuple(reading.faults), None, reading.ts)


def _form_of(body: object) -> Form | None:
    """Return the form of a payload without faults; None where no fast decoder reads it."""
    if isinstance(body, list):
        return Form.HISTORY if all(_form_of(item) is Form.STAMPED for item in body) else None
    if isinstance(body, dict) and isinstance(body.get("values"), dict):
        return Form.STAMPED if isinstance(body.get("ts"), float) else None
    return Form.FLAT


def _read_item(reading: _Reading, item: object) -> bool:
    """Read one object of values into `reading`; say whether it was one."""
    if not isinstance(item, dict):
        return False
    values = item.get("values")
    if isinstance(values, dict):
        stray = sorted(item.keys() - {"ts", "values"})
        if stray:
            reading.faults.append(Fault(Reason.WRONG_SHAPE, f"beside ts and values there is {_brief(stray)}"))
    else:
        values = {metric: value for metric, value in item.items() if metric != "ts"}
    if not values:
        return False
    stamp_us = _read_time(reading, item.get("ts"))
    kept: dict[str, float | None] = {}
    for metric, value in values.items():
        fault = _fault_of(metric, value)
        if fault is None:
            kept[metric] = None if value is None else float(value)
        else:
            reading.faults.append(fault)
    if kept:
        reading.entries.append(Entry(stamp_us, kept))
    return True


def _fault_of(metric: str, value: object) -> Fault | None:
    if not 0 < len(metric) <= MAX_NAME or not metric.isprintable():
        is_quiet = value is None or (isinstance(value, (bool, float)) and value == 0)
        return Fault(Reason.BAD_METRIC, f"metric {_brief(metric)}", not is_quiet)
    if value is None or isinstance(value, bool):
        return None
    if not isinstance(value, float):
        return Fault(Reason.WRONG_TYPE, f"{_brief(metric)} is {_brief(value)}")
    if not math.isfinite(value):
        return Fault(Reason.NOT_FINITE, f"{_brief(metric)} is {value}")
    return None


def _read_time(reading: _Reading, ts: object) -> float:
    """Return the µs since the epoch that `ts` means; NaN where there is none, and a fault where it is no time."""
    if ts is None:
        return NAN
    why = f"ts is {_brief(ts)}"
    if isinstance(ts, float):
        if math.isfinite(ts):
            reading.ts = ts if reading.ts is None else max(ts, reading.ts)
        try:
            return event_us(ts)
        except ValueError as error:
            why = str(error)
    reading.faults.append(Fault(Reason.BAD_TIME, why, may_hide_alarm=False))
    return NAN


def _parse(payload: bytes) -> object:
    """Decode JSON, all numbers as floats; NaN, Infinity and what a double cannot hold come back as NaN or infinite.

    The decoder of the standard library: msgspec refuses the whole message for one such number.
    """
    try:
        return _DECODER.decode(payload.decode())
    except UnicodeDecodeError as error:
        raise _Unreadable(Reason.NOT_UTF8, f"byte {error.start}: {error.reason}") from None
    except RecursionError:
        raise _Unreadable(Reason.TOO_DEEP, "nested deeper than this program reads") from None
    except ValueError as error:
        raise _Unreadable(Reason.NOT_JSON, str(error)) from None


def _brief(value: object) -> str:
    """Return `value` as a person may read it, ASCII, cut at 80 characters."""
    text = ascii(value)
    return text if len(text) <= _BRIEF else text[:_BRIEF] + "..."


_BRIEF: Final = 80
_DECODER: Final = json.JSONDecoder(parse_int=float)
