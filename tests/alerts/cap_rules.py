"""The rules of CAP 1.2 as a table: which elements, in which order, how many, with which content.

Written down anew from the OASIS standard (Common Alerting Protocol Version 1.2, 1 July 2010, section 3.2); it is not
the standard's own XML schema, which the tests do not have.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Final, NamedTuple
from xml.etree import ElementTree as ET

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["CAP", "faults", "text"]

CAP: Final = "{urn:oasis:names:tc:emergency:cap:1.2}"
MANY: Final = 1_000


def one_of(*words: str) -> Callable[[str], bool]:
    return lambda said: said in words


def time(said: str) -> bool:
    """Whole seconds with an offset; UTC is -00:00, and Z is none."""
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[-+]\d\d:\d\d", said) or said.endswith("+00:00"):
        return False
    return bool(datetime.fromisoformat(said))


def name(said: str) -> bool:
    """Without spaces, commas, < and &."""
    return re.fullmatch(r"[^\s,<&]+", said) is not None


def references(said: str) -> bool:
    """sender,identifier,sent, several parted by whitespace."""
    return all(
        len(parts := one.split(",")) == 3 and name(parts[0]) and name(parts[1]) and time(parts[2])
        for one in said.split()
    )


def circle(said: str) -> bool:
    """A point of WGS 84 and a radius in km."""
    place = re.fullmatch(r"(-?\d+(?:\.\d+)?),(-?\d+(?:\.\d+)?) (\d+(?:\.\d+)?)", said)
    return place is not None and abs(float(place[1])) <= 90 and abs(float(place[2])) <= 180


def words(said: str) -> bool:
    return bool(said.strip())


class Element(NamedTuple):
    """least, most: how often; content: of its text, None where it has elements of its own."""

    least: int
    most: int
    content: Callable[[str], bool] | None = words
    parts: str = ""


_PAIR: Final = {"valueName": Element(1, 1), "value": Element(1, 1)}
TABLE: Final[Mapping[str, Mapping[str, Element]]] = {
    "alert": {
        "identifier": Element(1, 1, name),
        "sender": Element(1, 1, name),
        "sent": Element(1, 1, time),
        "status": Element(1, 1, one_of("Actual", "Exercise", "System", "Test", "Draft")),
        "msgType": Element(1, 1, one_of("Alert", "Update", "Cancel", "Ack", "Error")),
        "source": Element(0, 1),
        "scope": Element(1, 1, one_of("Public", "Restricted", "Private")),
        "restriction": Element(0, 1),
        "addresses": Element(0, 1),
        "code": Element(0, MANY),
        "note": Element(0, 1),
        "references": Element(0, 1, references),
        "incidents": Element(0, 1),
        "info": Element(0, MANY, None, "info"),
    },
    "info": {
        "language": Element(0, 1, one_of("zh-CN", "en-US")),
        "category": Element(
            1,
            MANY,
            one_of(
                *("Geo", "Met", "Safety", "Security", "Rescue", "Fire", "Health"),
                *("Env", "Transport", "Infra", "CBRNE", "Other"),
            ),
        ),
        "event": Element(1, 1),
        "responseType": Element(
            0,
            MANY,
            one_of("Shelter", "Evacuate", "Prepare", "Execute", "Avoid", "Monitor", "Assess", "AllClear", "None"),
        ),
        "urgency": Element(1, 1, one_of("Immediate", "Expected", "Future", "Past", "Unknown")),
        "severity": Element(1, 1, one_of("Extreme", "Severe", "Moderate", "Minor", "Unknown")),
        "certainty": Element(1, 1, one_of("Observed", "Likely", "Possible", "Unlikely", "Unknown")),
        "audience": Element(0, 1),
        "eventCode": Element(0, MANY, None, "pair"),
        "effective": Element(0, 1, time),
        "onset": Element(0, 1, time),
        "expires": Element(0, 1, time),
        "senderName": Element(0, 1),
        "headline": Element(0, 1),
        "description": Element(0, 1),
        "instruction": Element(0, 1),
        "web": Element(0, 1),
        "contact": Element(0, 1),
        "parameter": Element(0, MANY, None, "pair"),
        "area": Element(0, MANY, None, "area"),
    },
    "area": {
        "areaDesc": Element(1, 1),
        "polygon": Element(0, MANY),
        "circle": Element(0, MANY, circle),
        "geocode": Element(0, MANY, None, "pair"),
        "altitude": Element(0, 1),
        "ceiling": Element(0, 1),
    },
    "pair": _PAIR,
}


def faults(body: bytes) -> list[str]:
    """Return what is wrong with a message."""
    root = ET.fromstring(body)
    if root.tag != f"{CAP}alert":
        return [f"the root is {root.tag}"]
    found = _faults_of(root, "alert")
    said = {child.tag.removeprefix(CAP): child.text or "" for child in root}
    if (said["scope"] == "Restricted") != ("restriction" in said):
        found.append("restriction goes with scope Restricted, and only with it")
    if (said["scope"] == "Private") and "addresses" not in said:
        found.append("scope Private needs addresses")
    if (said["msgType"] != "Alert") != ("references" in said):
        found.append("an update or a cancellation, and nothing else, has references")
    if said["status"] == "Exercise" and "note" not in said:
        found.append("an exercise needs a note that says what it is")
    return found


def _faults_of(element: ET.Element, table: str) -> list[str]:
    found: list[str] = []
    order = list(TABLE[table])
    place = 0
    count = dict.fromkeys(order, 0)
    for child in element:
        tag = child.tag.removeprefix(CAP)
        if tag not in count:
            found.append(f"{table}: no element {tag}")
            continue
        if order.index(tag) < place:
            found.append(f"{table}: {tag} is out of order")
        place = order.index(tag)
        count[tag] += 1
        rule = TABLE[table][tag]
        if rule.content is None:
            found += _faults_of(child, rule.parts)
        elif not rule.content(child.text or ""):
            found.append(f"{table}: {tag} is {child.text!r}")
    found += [
        f"{table}: {tag} is there {times} times"
        for tag, times in count.items()
        if not TABLE[table][tag].least <= times <= TABLE[table][tag].most
    ]
    return found


def text(body: bytes, *path: str) -> list[str]:
    """Return the text of every element at `path` below the root."""
    return [found.text or "" for found in ET.fromstring(body).findall("/".join(CAP + step for step in path))]
