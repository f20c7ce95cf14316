"""Digests: several messages to one person as one, with counts, the worst first, and where it is.

A digest is short enough for a text message: as many are named as there is room for, at most six, and how many more
there are is said.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

import msgspec

from alerts.identity import NOTIFICATION_CHARACTERS, identity
from alerts.notification import Purpose
from alerts.text import NAMES_SAID, NOTHING, Text
from rules.model import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from alerts.incident import Incident
    from alerts.notification import Notification

__all__ = ["BODY_CHARACTERS", "OTHERS_NAMED", "make_digest"]

OTHERS_NAMED: Final = 50
BODY_CHARACTERS: Final = 268
"""Of each language: four parts of a text message in Chinese, 67 characters each."""
NAME_CHARACTERS: Final = 60


def make_digest(covered: Sequence[Notification], now_us: int) -> Notification:
    """Return the one message in place of `covered`, which are of one person, channel and address, oldest first.

    It carries the worst incident, of those that want an answer where any does, and is then itself an ask. One message
    alone stays as it is. Either is of use for as long as if it had not waited: a night may be longer than that.
    """
    expires_us = max(one.expires_us + max(0, now_us - one.created_us) for one in covered)
    if len(covered) == 1:
        return msgspec.structs.replace(covered[0], expires_us=expires_us)
    newest = {notification.incident.id: notification.incident for notification in covered}
    asks = [notification for notification in covered if notification.purpose is Purpose.ASK]
    first = min(asks or covered, key=lambda notification: notification.urgency)
    incidents = sorted(newest.values(), key=_urgency)
    others = [incident.id for incident in incidents if incident.id != first.incident.id]
    title, body = _title(incidents), _body(incidents)
    return msgspec.structs.replace(
        first,
        id=identity("digest", covered[0].id, characters=NOTIFICATION_CHARACTERS),
        title_en=title.en,
        title_zh=title.zh,
        body_en=body.en,
        body_zh=body.zh,
        created_us=now_us,
        expires_us=expires_us,
        incident=newest[first.incident.id],
        purpose=Purpose.ASK if asks else Purpose.DIGEST,
        wants_answer=any(notification.wants_answer for notification in covered),
        others=tuple(others[:OTHERS_NAMED]),
        others_count=len(others),
    )


def _urgency(incident: Incident) -> tuple[bool, int, bool, int, str]:
    """Sorts what is open first, then as notifications are."""
    is_over = not incident.state.is_open
    return is_over, -incident.severity.rank, not incident.is_life_safety, incident.raised_us, incident.id


def _title(incidents: Sequence[Incident]) -> Text:
    """Say how many there are, by severity."""
    counts = Counter(incident.severity for incident in incidents)
    severities = [severity for severity in reversed(Severity) if counts[severity]]
    en = ", ".join(f"{counts[severity]} {severity}" for severity in severities)
    zh = "、".join(f"{_SEVERITY_ZH[severity]} {counts[severity]}" for severity in severities)
    total = len(incidents)
    return Text(
        f"[{severities[0].upper()}] {total} incident{'s' * (total != 1)}: {en}",
        f"【{_SEVERITY_ZH[severities[0]]}】共 {total} 起：{zh}",
    )


def _body(incidents: Sequence[Incident]) -> Text:
    """Name the worst, say how many are over, and where it is."""
    over = sum(not incident.state.is_open for incident in incidents)
    rest = _OVER.fill(n=over) if over else NOTHING
    places = _listed(_counted(_place(incident) for incident in incidents), _PLACES, BODY_CHARACTERS // 2)
    room = BODY_CHARACTERS - max(len(rest.en) + len(places.en), len(rest.zh) + len(places.zh))
    return _listed(_counted(_name(incident) for incident in incidents), _WORST, room).and_then(rest).and_then(places)


def _listed(counted: Mapping[Text, int], template: Text, room: int) -> Text:
    """Say as many of `counted` as there is room for, at least one, and how many incidents more there are."""
    total = sum(counted.values())
    text, said, rest = NOTHING, NOTHING, total
    for place, (name, n) in enumerate(counted.items()):
        if place == NAMES_SAID:
            break
        times = _TIMES.fill(n=n) if n > 1 else NOTHING
        said = said.and_then(_AND if place else NOTHING).and_then(name).and_then(times)
        rest -= n
        longer = template.fill(names=said.and_then(_MORE.fill(n=rest) if rest else NOTHING))
        if place and max(len(longer.en), len(longer.zh)) > room:
            break
        text = longer
    return text


def _counted(names: Iterable[Text]) -> Mapping[Text, int]:
    return Counter(names)  # in the order in which they come first


def _name(incident: Incident) -> Text:
    return Text(
        _short(f"{incident.rule_name_en} · {incident.place}"), _short(f"{incident.rule_name_zh} · {incident.place_zh}")
    )


def _place(incident: Incident) -> Text:
    if incident.building:
        return Text(f"building {incident.building}", f"楼栋{incident.building}")
    if incident.grid:
        return Text(f"grid {incident.grid}", f"网格{incident.grid}")
    return Text(incident.site, incident.site)


def _short(name: str) -> str:
    return name if len(name) <= NAME_CHARACTERS else name[: NAME_CHARACTERS - 1] + "…"


_SEVERITY_ZH: Final[Mapping[Severity, str]] = {
    Severity.EMERGENCY: "紧急",
    Severity.ALARM: "报警",
    Severity.WARNING: "预警",
    Severity.ADVISORY: "提示",
}
_WORST: Final = Text("{names}.", "{names}。")
_PLACES: Final = Text(" Where: {names}.", "位置：{names}。")
_OVER: Final = Text(" {n} of them over.", "其中 {n} 起已结束。")
_TIMES: Final = Text(" ×{n}", " ×{n}")
_AND: Final = Text("; ", "；")
_MORE: Final = Text("; and {n} more", "；另有 {n} 起")
