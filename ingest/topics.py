"""Topics: the names under which devices publish to us and we publish to them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "FILTERS",
    "MAX_NAME",
    "PREFIX",
    "Address",
    "Lane",
    "Subject",
    "ack_topic",
    "cmd_topic",
    "is_name",
    "parse_topic",
    "topic_filters",
]

PREFIX: Final = "vigil/v1"
MAX_NAME: Final = 64
"""Characters in the name of a site, a device or a metric."""


class Lane(IntEnum):
    """The two MQTT sessions: a backlog of telemetry never delays an alarm. The journal keeps the number."""

    ALARM = 0
    TELEMETRY = 1


class Subject(StrEnum):
    """What a device publishes: the last level of its topics."""

    READINGS = "readings"
    ALARM = "alarm"
    STATUS = "status"


@dataclass(frozen=True, slots=True)
class Address:
    """What a topic says: which device of which site speaks, and what about."""

    site: str
    device: str
    subject: Subject


_SUBJECTS: Final[Mapping[Lane, tuple[Subject, ...]]] = MappingProxyType(
    {Lane.ALARM: (Subject.ALARM,), Lane.TELEMETRY: (Subject.READINGS, Subject.STATUS)}
)


def topic_filters(lane: Lane, sites: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the filters to subscribe to for `lane`: of all sites, or of `sites` alone where any are given.

    Raises ValueError where a site is no name: it would subscribe to something else.
    """
    for site in sites:
        if not is_name(site):
            raise ValueError(f"{site!r} is no site name; wanted 1 to {MAX_NAME} printable characters without / + #")
    return tuple(f"{PREFIX}/{site}/+/{subject}" for site in sites or ("+",) for subject in _SUBJECTS[lane])


FILTERS: Final[Mapping[Lane, tuple[str, ...]]] = MappingProxyType({lane: topic_filters(lane) for lane in Lane})
"""The filters of each lane for all sites."""


def is_name(level: str) -> bool:
    """Say whether `level` can name a site or a device.

    Printable characters only: a name ends in database rows, log lines and topics of ours, where U+0000 and wildcards
    break things.
    """
    return 0 < len(level) <= MAX_NAME and level.isprintable() and not _RESERVED.intersection(level)


def parse_topic(topic: str) -> Address | None:
    """Return what `topic` says, or None where it is not `vigil/v1/<site>/<device>/<readings|alarm|status>`."""
    match topic.split("/"):
        case ["vigil", "v1", site, device, ("readings" | "alarm" | "status") as subject] if is_name(site) and is_name(
            device
        ):
            return Address(site, device, Subject(subject))
        case _:
            return None


def ack_topic(site: str, device: str) -> str:
    """Return the topic on which a device is told that its alarm is in the journal."""
    return f"{PREFIX}/{site}/{device}/ack"


def cmd_topic(site: str, device: str) -> str:
    """Return the topic on which a device is given commands."""
    return f"{PREFIX}/{site}/{device}/cmd"


_RESERVED: Final = frozenset("/+#")
