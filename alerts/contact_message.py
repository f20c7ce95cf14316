"""What a contact test sends: one message for each contact, about an exercise that stands for the danger."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from alerts.identity import NOTIFICATION_CHARACTERS, identity
from alerts.incident import EventKind, Exercise, Incident, IncidentState
from alerts.notification import Notification, Purpose
from alerts.text import Text
from devices.model import Kind
from rules.model import AlarmClass, Severity

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from alerts.people.model import Contact, Person

__all__ = ["RULE", "exercise", "message"]

RULE: Final = "service.contact-test"
DEVICE: Final = "vigil/service"


def exercise(test: str, by: str, started_us: int) -> Incident:
    """Return what stands for the danger in a test's messages; it is in no list of incidents."""
    what = Text("Test of contacts", "联系方式测试")
    return Incident(
        id=test,
        device=DEVICE,
        site="vigil",
        grid="",
        place="Vigil",
        place_zh="守望服务",
        latitude=None,
        longitude=None,
        kind=Kind.SERVICE,
        unregistered=False,
        rule_id=RULE,
        rule_name_en=what.en,
        rule_name_zh=what.zh,
        severity=Severity.ADVISORY,
        alarm_class=AlarmClass.TROUBLE,
        what_en=what.en,
        what_zh=what.zh,
        metric="",
        unit="",
        value=None,
        limit=None,
        source="design: a way that is not tried does not work",
        state=IncidentState.RAISED,
        condition_holds=False,
        late=False,
        raised_us=started_us,
        event_us=started_us,
        since_us=started_us,
        last_us=started_us,
        exercise=Exercise.DRILL,
        note=by,
    )


_TITLE: Final = Text("Test: please answer", "测试消息，请回复")
_BODY: Final = Text(
    "This tests whether Vigil reaches you by this way; nothing has happened. Please answer it by {until}.",
    "这是守望系统的联系方式测试，没有警情。请在 {until} 前回复本消息。",
)


def message(
    about: Incident, person: Person, contact: Contact, place: int, code: str, ends_us: int, zone: ZoneInfo
) -> Notification:
    """Return the message to one contact, the one at `place` among the person's. ends_us: until when it is answered."""
    until = datetime.fromtimestamp(ends_us / 1e6, UTC).astimezone(zone).strftime("%Y-%m-%d %H:%M")
    body = _BODY.fill(until=until)
    return Notification(
        id=identity(about.id, person.name, place, contact.channel, characters=NOTIFICATION_CHARACTERS),
        event=f"{about.id}-1",
        kind=EventKind.RAISED,
        recipient=person.name,
        channel=contact.channel,
        title_en=_TITLE.en,
        title_zh=_TITLE.zh,
        body_en=body.en,
        body_zh=body.zh,
        created_us=about.raised_us,
        expires_us=ends_us,
        incident=about,
        drill=True,
        purpose=Purpose.TEST,
        address=contact.address,
        wants_answer=True,
        code=code,
        languages=person.languages,
    )
