"""A message of the Common Alerting Protocol, version 1.2 (OASIS standard, 1 July 2010), as XML. Pure.

A community's alarms are for those who answer them and not for the public, so the scope is Restricted or Private. What a
watch says is about one elder: neither where they are nor how they are is in any message, only that somebody is needed.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree as ET  # it writes here, and reads nothing
from zoneinfo import ZoneInfo

from alerts.cap.messages import MsgType
from alerts.cap.words import (
    CATEGORY,
    ENDED,
    FORESEEN,
    HEADLINE,
    INSTRUCTION,
    OUTCOME,
    SEVERITY,
    SOMEBODY,
    SOMEBODY_EVENT,
    STATUS,
    URGENCY,
)
from alerts.incident import Outcome
from alerts.people.model import Language
from alerts.text import Text
from devices.model import Kind

if TYPE_CHECKING:
    from alerts.cap.messages import Message
    from alerts.cap.settings import CapSection
    from alerts.incident import Incident

__all__ = ["CAP_TYPE", "NAMESPACE", "headline", "is_personal", "render", "sent", "xml_text"]

NAMESPACE: Final = "urn:oasis:names:tc:emergency:cap:1.2"
CAP_TYPE: Final = "application/cap+xml"
EXPIRES_US: Final = 86_400_000_000
"""Who hears no more of an alert forgets it after a day."""
RADIUS_KM: Final = 0.05
"""What a detector guards, and how well its place is known."""
_LANGUAGES: Final = ((Language.ZH, "zh-CN"), (Language.EN, "en-US"))
_UNSPEAKABLE: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 has no way to write."""


def render(message: Message, section: CapSection) -> bytes:
    """Return the message as UTF-8 XML; the same message gives the same bytes."""
    zone = ZoneInfo(section.timezone)
    incident = message.incident
    alert = ET.Element("alert", {"xmlns": NAMESPACE})
    _add(alert, "identifier", message.identifier)
    _add(alert, "sender", section.sender)
    _add(alert, "sent", sent(message.sent_us, zone))
    _add(alert, "status", STATUS[incident.exercise])
    _add(alert, "msgType", message.type)
    _add(alert, "scope", section.scope)
    if section.scope == "Restricted":
        _add(alert, "restriction", section.restriction)
    else:
        _add(alert, "addresses", " ".join(f'"{one}"' if " " in one else one for one in section.addresses))
    if incident.exercise is not None:
        _add(alert, "note", "An exercise: nothing has happened. 演练：没有警情。")  # required where status is Exercise
    if message.references:
        earlier = (f"{section.sender},{one.identifier},{sent(one.sent_us, zone)}" for one in message.references)
        _add(alert, "references", " ".join(earlier))
    _add(alert, "incidents", incident.id)
    for language, tag in _LANGUAGES:
        _info(alert, message, section, zone, language, tag)
    ET.indent(alert)
    text: bytes = ET.tostring(alert, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def headline(incident: Incident, type_: MsgType) -> Text:
    """Return one line that says what and where, as far as that is for others."""
    where = Text(incident.site, incident.site) if is_personal(incident) else Text(incident.place, incident.place_zh)
    template = ENDED if type_ is MsgType.CANCEL else HEADLINE
    return template.fill(event=_event(incident), place=where)


def is_personal(incident: Incident) -> bool:
    """Say whether it is about one person's health and whereabouts."""
    return incident.kind is Kind.WATCH


def sent(at_us: int, zone: ZoneInfo) -> str:
    """Return a time as CAP has it: whole seconds and an offset, which is `-00:00` for UTC and never `Z`."""
    text = datetime.fromtimestamp(at_us // 1_000_000, UTC).astimezone(zone).isoformat(timespec="seconds")
    return text.removesuffix("+00:00") + "-00:00" if text.endswith("+00:00") else text


def xml_text(text: str) -> str:
    """Return `text` without what XML cannot hold."""
    return _UNSPEAKABLE.sub("�", text)


def _event(incident: Incident) -> Text:
    return SOMEBODY_EVENT if is_personal(incident) else Text(incident.rule_name_en, incident.rule_name_zh)


def _info(
    alert: ET.Element, message: Message, section: CapSection, zone: ZoneInfo, language: Language, tag: str
) -> None:
    incident, over = message.incident, message.type is MsgType.CANCEL
    category = CATEGORY[incident.kind]
    said = SOMEBODY if is_personal(incident) else Text(f"{incident.what_en}.", f"{incident.what_zh}。")

    def in_this(text: Text) -> str:
        return text.zh if language is Language.ZH else text.en

    info = ET.SubElement(alert, "info")
    _add(info, "language", tag)
    _add(info, "category", category)
    _add(info, "event", in_this(_event(incident)))
    _add(info, "responseType", "AllClear" if over else "Execute")
    _add(info, "urgency", "Past" if over else URGENCY[incident.severity])
    _add(info, "severity", SEVERITY[incident.severity])
    _add(info, "certainty", _certainty(incident))
    if not is_personal(incident):
        _pair(info, "eventCode", "rule", incident.rule_id)
    _add(info, "onset", sent(incident.since_us, zone))
    if not over:
        _add(info, "expires", sent(message.sent_us + EXPIRES_US, zone))
    _add(info, "senderName", section.sender_name or section.sender)
    _add(info, "headline", in_this(headline(incident, message.type)))
    _add(info, "description", in_this(said.and_then(OUTCOME[incident.outcome])))
    if not over:
        _add(info, "instruction", in_this(INSTRUCTION[category]))
    if section.web:
        _add(info, "web", section.web)
    if section.contact:
        _add(info, "contact", section.contact)
    _area(info, incident, in_this(Text(incident.place, incident.place_zh)))


def _area(info: ET.Element, incident: Incident, place: str) -> None:
    """Say where: of an elder the community alone."""
    area = ET.SubElement(info, "area")
    if is_personal(incident):
        _add(area, "areaDesc", incident.site)
        _pair(area, "geocode", "site", incident.site)
        return
    _add(area, "areaDesc", place)
    if incident.latitude is not None and incident.longitude is not None:
        _add(area, "circle", f"{incident.latitude:.6f},{incident.longitude:.6f} {RADIUS_KM:g}")
    for name in ("site", "grid", "building"):
        if value := getattr(incident, name):
            _pair(area, "geocode", name, value)


def _certainty(incident: Incident) -> str:
    match incident.outcome:
        case Outcome.TRUE:
            return "Observed"
        case None:
            return "Possible" if incident.rule_kind in FORESEEN else "Likely"
        case _:
            return "Unlikely"


def _pair(parent: ET.Element, tag: str, name: str, value: str) -> None:
    pair = ET.SubElement(parent, tag)
    _add(pair, "valueName", name)
    _add(pair, "value", value)


def _add(parent: ET.Element, tag: str, text: str) -> None:
    ET.SubElement(parent, tag).text = xml_text(text)
