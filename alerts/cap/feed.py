"""The Atom feed of CAP messages: which incidents are in it, and where each one's newest message is. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree as ET  # it writes here, and reads nothing

from alerts.cap.document import CAP_TYPE, headline, xml_text
from alerts.cap.messages import MsgType
from alerts.incident import Exercise

if TYPE_CHECKING:
    from collections.abc import Iterable

    from alerts.cap.settings import CapSection
    from alerts.incident import Incident

__all__ = ["ATOM_TYPE", "atom", "in_feed", "is_told"]

ATOM_TYPE: Final = "application/atom+xml"
ATOM: Final = "http://www.w3.org/2005/Atom"
OPEN_SHOWN: Final = 1_000
"""Open incidents in a feed, the worst and newest; a subtitle says where there are more."""


def is_told(incident: Incident, section: CapSection) -> bool:
    """Say whether those outside learn of it."""
    return (
        incident.exercise is not Exercise.SYNTHETIC
        and incident.alarm_class in section.classes
        and incident.severity.rank >= section.min_severity.rank
    )


def in_feed(open_: Iterable[Incident], recent: Iterable[Incident], section: CapSection) -> tuple[list[Incident], int]:
    """Return the incidents of the feed, the open ones first, and how many open ones it has no room for.

    recent: newest first; those open are not counted again
    """
    here = [one for one in open_ if is_told(one, section)]
    here.sort(key=lambda one: (-one.severity.rank, -one.raised_us, one.id))
    ended = [one for one in recent if not one.state.is_open and is_told(one, section)]
    return [*here[:OPEN_SHOWN], *ended[: section.recent]], max(0, len(here) - OPEN_SHOWN)


def atom(incidents: Iterable[Incident], left_out: int, section: CapSection, url: str, now_us: int) -> bytes:
    """Return the feed as UTF-8 XML.

    left_out: open incidents that have no room; url: of the feed's folder, such as https://vigil.example/cap
    """
    feed = ET.Element("feed", {"xmlns": ATOM})
    ET.SubElement(feed, "id").text = f"urn:vigil:cap:{section.sender}"
    ET.SubElement(feed, "title").text = xml_text(section.sender_name or section.sender)
    if left_out:
        ET.SubElement(feed, "subtitle").text = f"{left_out} more are open"
    shown = list(incidents)
    ET.SubElement(feed, "updated").text = _rfc3339(max((_updated_us(one) for one in shown), default=now_us))
    author = ET.SubElement(feed, "author")
    ET.SubElement(author, "name").text = xml_text(section.sender_name or section.sender)
    ET.SubElement(feed, "link", {"rel": "self", "type": ATOM_TYPE, "href": f"{url}/feed.atom"})
    for incident in shown:
        type_ = MsgType.ALERT if incident.state.is_open else MsgType.CANCEL
        line = headline(incident, type_)
        entry = ET.SubElement(feed, "entry")
        ET.SubElement(entry, "id").text = f"urn:vigil:cap:{section.sender}:{incident.id}"
        ET.SubElement(entry, "title").text = xml_text(f"{line.zh} / {line.en}")
        ET.SubElement(entry, "updated").text = _rfc3339(_updated_us(incident))
        ET.SubElement(entry, "published").text = _rfc3339(incident.raised_us)
        ET.SubElement(entry, "category", {"term": str(incident.severity)})
        ET.SubElement(entry, "link", {"rel": "alternate", "type": CAP_TYPE, "href": f"{url}/{incident.id}.xml"})
    ET.indent(feed)
    text: bytes = ET.tostring(feed, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _updated_us(incident: Incident) -> int:
    times = (incident.raised_us, incident.verified_us, incident.closed_us)
    return max(time for time in times if time is not None)


def _rfc3339(at_us: int) -> str:
    return datetime.fromtimestamp(at_us // 1_000_000, UTC).isoformat().replace("+00:00", "Z")
