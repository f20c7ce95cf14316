"""The outbox written down and read again.

Version 2 writes each incident and each text once, however many messages say it: many are told the same, and that is the
most of a message. Version 1 wrote whole messages, and the bare ids of those settled.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import attrgetter
from typing import Any, Final

import msgspec

from alerts.incident import EventKind, Incident, NotificationStatus
from alerts.notification import Notification, Purpose
from alerts.people.model import Language

__all__ = ["Done", "InHand", "State", "decode", "encode"]

VERSION: Final = 2


class InHand(msgspec.Struct, frozen=True):
    """A message that is handed over and may still be received. handed_us: journal time."""

    notification: Notification
    reference: str
    handed_us: int


class Done(msgspec.Struct, frozen=True, array_like=True):
    """What is kept of a message with which there is little left to do; later reports are told of it.

    handed_us: journal time, 0 where it never was
    """

    status: NotificationStatus
    incident: str
    recipient: str
    channel: str
    purpose: Purpose
    created_us: int
    handed_us: int


class State(msgspec.Struct, frozen=True):
    """The outbox: what is queued and what is in hand, oldest first, and the newest of the done by id.

    done: None stands for one that version 1 settled, which did not note how
    """

    queued: tuple[Notification, ...]
    in_hand: tuple[InHand, ...]
    done: dict[str, Done | None]


class _Own(msgspec.Struct, frozen=True, array_like=True):
    """A message without its incident and its texts. New fields come last and have a default."""

    id: str
    event: str
    kind: EventKind
    recipient: str
    channel: str
    created_us: int
    expires_us: int
    drill: bool
    purpose: Purpose
    address: str
    wants_answer: bool
    code: str
    languages: tuple[Language, ...]
    others: tuple[str, ...]
    others_count: int


class _Messages(msgspec.Struct, frozen=True):
    """Messages, column by column. incidents, texts: places in `_Snapshot.incidents` and `_Snapshot.texts`."""

    incidents: Sequence[int]
    texts: Sequence[int]
    own: Sequence[_Own]


class _Snapshot(msgspec.Struct, frozen=True):
    incidents: Sequence[Incident]
    texts: Sequence[tuple[str, str, str, str]]
    queued: _Messages
    in_hand: _Messages
    handed: Sequence[tuple[str, int]]
    done: dict[str, Done | None]


class _First(msgspec.Struct, frozen=True):
    """Version 1."""

    pending: tuple[Notification, ...]
    settled: tuple[str, ...]


_OWN: Final = _Own.__struct_fields__
_OWN_OF: Final[Callable[[Any], Any]] = attrgetter(*_OWN)
_TEXTS: Final = ("title_en", "title_zh", "body_en", "body_zh")
_TEXTS_OF: Final = attrgetter(*_TEXTS)
_INCIDENT_OF: Final = attrgetter("incident")
_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(_Snapshot)


class _Shared:
    """What messages have in common, each thing once, in the order in which it is first met.

    Columns are made by `map` over whole lists: there may be 100,000 messages, and alarms wait meanwhile.
    """

    def __init__(self) -> None:
        self.incidents: list[Incident] = []
        self.texts: dict[tuple[str, str, str, str], int] = {}
        self._places: dict[tuple[str, int], int] = {}

    def columns(self, notifications: Sequence[Notification]) -> _Messages:
        """Return the messages as columns."""
        incidents = list(map(_INCIDENT_OF, notifications))
        objects = list(map(id, incidents))
        places = {name: self._place(incident) for name, incident in dict(zip(objects, incidents, strict=True)).items()}
        texts = list(map(_TEXTS_OF, notifications))
        for text in dict.fromkeys(texts):
            self.texts.setdefault(text, len(self.texts))
        return _Messages(
            list(map(places.__getitem__, objects)),
            list(map(self.texts.__getitem__, texts)),
            list(map(_OWN_OF, notifications)),
        )

    def _place(self, incident: Incident) -> int:
        """Return the place of an incident; those that are equal have one, be they one object or not."""
        key = incident.id, incident.revision
        place = self._places.get(key)
        if place is not None and self.incidents[place] == incident:
            return place
        self.incidents.append(incident)
        self._places[key] = len(self.incidents) - 1
        return len(self.incidents) - 1


def encode(queued: Iterable[Notification], in_hand: Iterable[InHand], done: dict[str, Done | None]) -> bytes:
    """Return a snapshot; the same state gives the same bytes."""
    shared = _Shared()
    waiting = shared.columns(list(queued))
    held = list(in_hand)
    handed = shared.columns([one.notification for one in held])
    at = [(one.reference, one.handed_us) for one in held]
    snapshot = bytearray([VERSION])
    _ENCODER.encode_into(_Snapshot(shared.incidents, list(shared.texts), waiting, handed, at, done), snapshot, 1)
    return bytes(snapshot)


def decode(snapshot: bytes) -> State:
    """Read a snapshot. Raises ValueError where it is of a version that this program does not read."""
    version = snapshot[0] if snapshot else None
    if version == 1:
        first = msgspec.msgpack.decode(memoryview(snapshot)[1:], type=_First)
        return State(first.pending, (), dict.fromkeys(first.settled))
    if version != VERSION:
        raise ValueError(f"outbox snapshot of version {snapshot[:1]!r}; wanted {VERSION} or 1")
    state = _DECODER.decode(memoryview(snapshot)[1:])
    handed = zip(_read(state.in_hand, state), state.handed, strict=True)
    return State(
        tuple(_read(state.queued, state)),
        tuple(InHand(notification, reference, at) for notification, (reference, at) in handed),
        state.done,
    )


def _read(messages: _Messages, state: _Snapshot) -> Iterator[Notification]:
    for place, text, row in zip(messages.incidents, messages.texts, messages.own, strict=True):
        own: dict[str, Any] = dict(zip(_OWN, _OWN_OF(row), strict=True))
        texts: dict[str, Any] = dict(zip(_TEXTS, state.texts[text], strict=True))
        yield Notification(incident=state.incidents[place], **own, **texts)
