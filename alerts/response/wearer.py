"""What the wearer of a watch answers by its button: `answer` 1 is "I am fine", 2 is "I need help"."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from alerts.command import Refuse, Verify
from alerts.incident import Outcome
from devices.batch import Flag

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alerts.command import IncidentCommand
    from alerts.incident import Incident
    from devices.batch import ReadingBatch
    from devices.registry import Registry

__all__ = ["FINE", "HELP", "METRIC", "wearers_answers"]

METRIC: Final = "answer"
FINE: Final = 1.0
HELP: Final = 2.0
ORIGIN: Final = "watch"


def wearers_answers(
    batch: ReadingBatch, registry: Registry, open_incidents: Sequence[Incident], residents: dict[str, str]
) -> list[IncidentCommand]:
    """Return what the readings of `batch` on the alarm topic decide about the incidents of their own device.

    residents: device, `site/name` → name of the person in the directory; the device's own key where it has none

    "I am fine" verifies a false alarm: a human has answered, so nobody else is asked, and somebody still has to resolve
    it. "I need help" ends the asking of the wearer, so that the next step is taken at once.
    """
    said: dict[str, float] = {}
    for index in np.flatnonzero(batch.flags & Flag.ALARM_LANE).tolist():
        channel = int(batch.channel[index])
        if batch.known[index] and registry.metric(channel) == METRIC:
            device = registry.device(int(registry.channel_device[channel]))
            if device is not None:
                said[device.key] = float(batch.value[index])
    if not said:
        return []
    return [
        _decision(incident, residents.get(incident.device, incident.device), said[incident.device])
        for incident in open_incidents
        if incident.device in said
    ]


def _decision(incident: Incident, by: str, answer: float) -> IncidentCommand:
    if answer == FINE:
        return Verify(
            incident=incident.id,
            by=by,
            origin=ORIGIN,
            outcome=Outcome.FALSE_ALARM,
            note="the wearer says: I am fine / 佩戴者表示：我没事",
        )
    return Refuse(
        incident=incident.id, by=by, origin=ORIGIN, note="the wearer says: I need help / 佩戴者表示：需要帮助"
    )
