"""Alerts as Prometheus and its Alertmanager know them (API v2): an incident told to them, and theirs told to Vigil.

An alert is its labels: the same labels are the same alert, whoever says them again. What came from Vigil itself carries
the label `monitor="vigil"` and is not taken back, so that two who tell each other do not go on for ever.
"""

from __future__ import annotations

import hashlib
import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec

from alerts.command import External
from alerts.text import number
from alerts.wording import title
from rules.model import Severity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from alerts.incident import EventKind, Incident
    from alerts.text import Text

__all__ = [
    "ALIVE",
    "MONITOR",
    "MOST_LABELS",
    "PrometheusAlert",
    "external_of",
    "fingerprint",
    "is_ours",
    "posted",
    "severity_of",
    "time_us",
]

MONITOR: Final = ("monitor", "vigil")
"""The label, and its value, of what Vigil says."""
ALIVE: Final = frozenset({"watchdog", "deadmansswitch", "deadmanswitch"})
"""Names, in small letters, of alerts that always hold, so that their absence says that the way is broken."""
MOST_LABELS: Final = 64
NAME_CHARACTERS: Final = 200
SUMMARY_CHARACTERS: Final = 1_000
_SEVERITIES: Final[Mapping[str, Severity]] = {
    "emergency": Severity.EMERGENCY,
    "critical": Severity.ALARM,
    "page": Severity.ALARM,
    "alarm": Severity.ALARM,
    "error": Severity.ALARM,
    "high": Severity.ALARM,
    "warning": Severity.WARNING,
    "warn": Severity.WARNING,
    "medium": Severity.WARNING,
    "info": Severity.ADVISORY,
    "information": Severity.ADVISORY,
    "informational": Severity.ADVISORY,
    "low": Severity.ADVISORY,
    "none": Severity.ADVISORY,
    "advisory": Severity.ADVISORY,
    "debug": Severity.ADVISORY,
}


class PrometheusAlert(msgspec.Struct, frozen=True, rename="camel"):
    """One alert, as `POST /api/v2/alerts` and the webhook of an Alertmanager have it; further members are ignored.

    starts_at, ends_at: RFC 3339; "" and the year 1 where not given
    """

    labels: dict[str, str]
    annotations: dict[str, str] = {}
    starts_at: str = ""
    ends_at: str = ""
    status: str = ""
    fingerprint: str = ""


def posted(
    kind: EventKind,
    incident: Incident,
    text: Text,
    ends_us: int,
    labels: Mapping[str, str],
    url: str,
) -> dict[str, Any]:
    """Return an incident as an element of `POST /api/v2/alerts`.

    text:    the whole story; ends_us: when it ended, or until when it holds unless said again, µs since the epoch
    labels:  further ones, the same for all; url: where a person may look at it, "" for nowhere
    """
    said = {
        "alertname": incident.rule_id,
        "incident": incident.id,
        "site": incident.site,
        "grid": incident.grid,
        "building": incident.building,
        "device": incident.device,
        "kind": str(incident.kind),
        "severity": str(incident.severity),
        "class": str(incident.alarm_class),
        "exercise": str(incident.exercise or ""),
        **labels,
        MONITOR[0]: MONITOR[1],
    }
    head = title(kind, incident)
    annotations = {
        "summary": head.en,
        "summary_zh": head.zh,
        "description": text.en,
        "description_zh": text.zh,
        "place": incident.place,
        "place_zh": incident.place_zh,
        "state": str(incident.state),
        "value": "" if incident.value is None else f"{number(incident.value)} {incident.unit}".rstrip(),
        "limit": "" if incident.limit is None else number(incident.limit),
    }
    document: dict[str, Any] = {
        "labels": {name: value for name, value in said.items() if value},
        "annotations": {name: value for name, value in annotations.items() if value},
        "startsAt": _rfc3339(min(incident.raised_us, ends_us)),
        "endsAt": _rfc3339(ends_us),
    }
    if url:
        document["generatorURL"] = url
    return document


def is_ours(labels: Mapping[str, str]) -> bool:
    """Say whether an alert came from Vigil, whichever way it took."""
    return labels.get(MONITOR[0]) == MONITOR[1]


def fingerprint(labels: Mapping[str, str]) -> str:
    """Return 16 hexadecimal digits that tell one set of labels from another; empty labels count as absent.

    An Alertmanager sends its own fingerprint beside the alert. It is not used: the same alert coming straight from
    Prometheus has none, and must be the same alert.
    """
    digest = hashlib.blake2b(digest_size=8)
    for name in sorted(labels):
        if labels[name]:
            digest.update(f"{name}\x00{labels[name]}\x00".encode())
    return digest.hexdigest()


def severity_of(labels: Mapping[str, str]) -> Severity:
    """Return what the label `severity` means here; an unknown word, or none, is a warning."""
    return _SEVERITIES.get(labels.get("severity", "").strip().lower(), Severity.WARNING)


def time_us(text: str) -> int | None:
    """Return a time of RFC 3339 as µs since the epoch, None where it is missing or the year 1, which says the same.

    Raises ValueError where it is no such time.
    """
    if not text or text.startswith("0001-"):
        return None
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"{text!r}: wanted a time with its zone, as in RFC 3339")
    return math.floor(at.timestamp()) * 1_000_000 + at.microsecond


def external_of(alert: PrometheusAlert, source: str, now_us: int, sites: frozenset[str]) -> External:
    """Return the command that says an alert of `source`.

    sites: the ones there are: the label `site` counts where it names one of them
    Raises ValueError where the alert has no name, too many labels, or a time that is none.
    """
    name = alert.labels.get("alertname", "")
    if not name:
        raise ValueError("an alert without the label alertname")
    if len(alert.labels) > MOST_LABELS:
        raise ValueError(f"{len(alert.labels)} labels; wanted {MOST_LABELS} or fewer")
    ends_us = time_us(alert.ends_at)
    since_us = time_us(alert.starts_at)
    site = alert.labels.get("site", "")
    return External(
        source=source,
        fingerprint=fingerprint(alert.labels),
        name=name[:NAME_CHARACTERS],
        summary=_summary(alert)[:SUMMARY_CHARACTERS],
        severity=severity_of(alert.labels),
        holds=alert.status != "resolved" and (ends_us is None or ends_us > now_us),
        since_us=now_us if since_us is None else min(since_us, now_us),
        site=site if site in sites else "",
    )


def _summary(alert: PrometheusAlert) -> str:
    """Return what it says of itself; where it says nothing, its labels."""
    for name in ("summary", "description", "message", "title"):
        if said := alert.annotations.get(name, "").strip():
            return said
    return ", ".join(f"{name}={alert.labels[name]}" for name in sorted(alert.labels) if name != "alertname")


def _rfc3339(at_us: int) -> str:
    return datetime.fromtimestamp(at_us // 1_000_000, UTC).replace(microsecond=at_us % 1_000_000).isoformat()
