"""Commands: what people decide, and what delivery reports; all of it goes through the journal.

by:     who, as the timeline shows it; the name of a person of the directory where it is one
origin: from where (`cli`, `api`, `link`, `sms`, `watch`, …), with the address where there is one
"""

from __future__ import annotations

import msgspec

from alerts.incident import NotificationStatus, Outcome

__all__ = [
    "Accept",
    "Arrive",
    "Audit",
    "Close",
    "Command",
    "Dispatch",
    "EndSilence",
    "External",
    "HandOver",
    "IncidentCommand",
    "Matcher",
    "NeedHelp",
    "Note",
    "Refuse",
    "Reopen",
    "Resolve",
    "Settle",
    "Silence",
    "StartDrill",
    "Subscribe",
    "Test",
    "Unsubscribe",
    "Verify",
    "decode_command",
    "encode_command",
]


class _Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What a person decides about one incident.

    incident:     id, as typed
    notification: id of the message that was answered, "" where it was none
    """

    incident: str
    by: str
    origin: str
    note: str = ""
    notification: str = ""


class Accept(_Decision, frozen=True, kw_only=True, tag="acknowledge"):
    """A person is on it, be it the first, one more, or whom it was handed over to."""


class Refuse(_Decision, frozen=True, kw_only=True, tag="refuse"):
    """A person cannot take it, or gives it back."""


class NeedHelp(_Decision, frozen=True, kw_only=True, tag="need_help"):
    """A person who is on it needs more people: the next step of the chain is taken at once."""


class HandOver(_Decision, frozen=True, kw_only=True, tag="hand_over"):
    """A person asks another to take it over; `to` is that person's name."""

    to: str


class Dispatch(_Decision, frozen=True, kw_only=True, tag="dispatch"):
    """Somebody is on the way; `to` names the team or station."""

    to: str = ""


class Arrive(_Decision, frozen=True, kw_only=True, tag="arrive"):
    """Somebody is there."""


class Verify(_Decision, frozen=True, kw_only=True, tag="verify"):
    """A person has seen what it is."""

    outcome: Outcome


class Resolve(_Decision, frozen=True, kw_only=True, tag="resolve"):
    """A person has dealt with it and says what it was; None where it was verified already."""

    outcome: Outcome | None = None


class Close(_Decision, frozen=True, kw_only=True, tag="close"):
    """A person rates how it went, 1 (bad) to 5; nothing is left to do."""

    rating: int


class Reopen(_Decision, frozen=True, kw_only=True, tag="reopen"):
    """A person wants it raised again."""


class Note(_Decision, frozen=True, kw_only=True, tag="note"):
    """A person adds a remark; `note` is not empty."""


class Settle(msgspec.Struct, frozen=True, kw_only=True, tag="settle"):
    """What became of a notification.

    status:    any but QUEUED and ANSWERED
    detail:    the receipt, or why there is none
    attempts:  tries since the service started
    reference: what the far end calls it; later receipts name that
    """

    notification: str
    status: NotificationStatus
    detail: str
    attempts: int
    by: str = "delivery"
    origin: str = "vigil"
    reference: str = ""


class Matcher(msgspec.Struct, frozen=True, kw_only=True):
    """Which incidents are meant: those that have all that is given; "" and None mean any."""

    site: str = ""
    grid: str = ""
    building: str = ""
    device: str = ""
    kind: str = ""
    rule: str = ""
    severity_at_most: str = ""


class Silence(msgspec.Struct, frozen=True, kw_only=True, tag="silence"):
    """A person wants nothing told of what matches, until `ends_us`.

    id:          "" for a new one, whose name is made from its place in the journal; else the one to be changed
    starts_us:   0 for at once
    reason:      not empty
    maintenance: work is going on: it is said so in the timeline and in lists
    life_safety: life-safety incidents are silenced too: a person answers for that by name; else they are told
    """

    matcher: Matcher
    ends_us: int
    by: str
    origin: str
    reason: str
    id: str = ""
    starts_us: int = 0
    maintenance: bool = False
    life_safety: bool = False


class EndSilence(msgspec.Struct, frozen=True, kw_only=True, tag="end_silence"):
    """A person ends a silence before its time."""

    id: str
    by: str
    origin: str


class StartDrill(msgspec.Struct, frozen=True, kw_only=True, tag="start_drill"):
    """An exercise with real people: an incident as if `rule` held on `device`, marked in every message.

    device: `site/name` of a registered device; rule: id of a rule of its profile
    """

    device: str
    rule: str
    by: str
    origin: str
    note: str = ""


class Test(msgspec.Struct, frozen=True, kw_only=True, tag="test"):
    """Everybody of `people` (all where empty) gets a test message by each of their channels, to be answered."""

    __test__ = False  # no test of pytest's

    by: str
    origin: str
    people: tuple[str, ...] = ()


class Subscribe(msgspec.Struct, frozen=True, kw_only=True, tag="subscribe"):
    """A person's browser takes web push: `subscription` is its JSON (endpoint and keys)."""

    person: str
    subscription: str
    origin: str


class Unsubscribe(msgspec.Struct, frozen=True, kw_only=True, tag="unsubscribe"):
    """A browser takes no more web push; `endpoint` names it."""

    endpoint: str
    origin: str


class External(msgspec.Struct, frozen=True, kw_only=True, tag="external"):
    """Another system's alert, such as one of Prometheus.

    source:      name of the system; fingerprint: what tells one alert of it from another
    severity:    as in `rules.Severity`; holds: False where it has ended
    since_us:    when it began, by its own word
    """

    source: str
    fingerprint: str
    name: str
    summary: str
    severity: str
    holds: bool
    since_us: int
    site: str = ""
    origin: str = "alertmanager"


class Audit(msgspec.Struct, frozen=True, kw_only=True, tag="audit"):
    """Somebody looked at what is protected: an elder's location or health data.

    what:    `location`, `health` or `contact`; subject: the device, `site/name`
    allowed: False where they were refused, which is noted as well
    """

    by: str
    origin: str
    subject: str
    what: str
    incident: str = ""
    allowed: bool = True


IncidentCommand = Accept | Refuse | NeedHelp | HandOver | Dispatch | Arrive | Verify | Resolve | Close | Reopen | Note
Command = (
    Accept
    | Refuse
    | NeedHelp
    | HandOver
    | Dispatch
    | Arrive
    | Verify
    | Resolve
    | Close
    | Reopen
    | Note
    | Settle
    | Silence
    | EndSilence
    | StartDrill
    | Test
    | Subscribe
    | Unsubscribe
    | External
    | Audit
)

_ENCODER = msgspec.msgpack.Encoder()
_DECODER: msgspec.msgpack.Decoder[Command] = msgspec.msgpack.Decoder(Command)


def encode_command(command: Command) -> bytes:
    """Return the body of a journal record of kind COMMAND."""
    return _ENCODER.encode(command)


def decode_command(body: bytes) -> Command:
    """Read the body of a journal record of kind COMMAND. Raises msgspec.DecodeError where it is none."""
    return _DECODER.decode(body)
