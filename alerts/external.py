"""Another system's alert as an incident of ours: trouble, told like any other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from alerts.incident import Incident
from alerts.lifecycle import OPENING, CommandRejected
from alerts.text import Text
from devices.model import Kind
from rules.model import AlarmClass, Severity

if TYPE_CHECKING:
    from alerts.command import External

__all__ = ["told_by"]

MOST_NAME: Final = 200
MOST_SUMMARY: Final = 1_000
"""Longer texts of other systems are cut."""

_SAID: Final = Text("{source} says: {summary}", "{source} 告警：{summary}")
_ENDED: Final = Text("{source} says that it is over: {summary}", "{source} 告警已解除：{summary}")


def told_by(command: External, now_us: int) -> Incident:
    """Return the incident, without a name, as `command` alone tells it.

    Its device is `source/fingerprint`, so one alert of one system is one danger.
    Raises CommandRejected where it has no fingerprint or a severity that is none of ours.
    """
    source, name, fingerprint = command.source[:MOST_NAME], command.name[:MOST_NAME], command.fingerprint[:MOST_NAME]
    if not source or not fingerprint:
        raise CommandRejected("an alert without a source or a fingerprint")
    try:
        severity = Severity(command.severity)
    except ValueError:
        raise CommandRejected(f"an alert of severity {command.severity[:MOST_NAME]!r}") from None
    site = command.site[:MOST_NAME] or source
    summary = command.summary[:MOST_SUMMARY] or name
    since_us = min(max(command.since_us, 0), now_us)  # its own word, which may be any number
    what = (_SAID if command.holds else _ENDED).fill(source=source, summary=summary)
    return Incident(
        id="",
        device=f"{source}/{fingerprint}",
        site=site,
        grid="",
        place=site,
        place_zh=site,
        latitude=None,
        longitude=None,
        kind=Kind.EXTERNAL,
        unregistered=False,
        rule_id=f"external.{name}",
        rule_name_en=name or source,
        rule_name_zh=name or source,
        severity=severity,
        alarm_class=AlarmClass.TROUBLE,
        what_en=what.en,
        what_zh=what.zh,
        metric="",
        unit="",
        value=None,
        limit=None,
        source=source,
        state=OPENING.state,
        condition_holds=command.holds,
        late=False,
        raised_us=now_us,
        event_us=since_us,
        since_us=since_us,
        last_us=now_us,
    )
