"""The JSON document that machines get, by webhook and by MQTT alike; docs/webhook.md describes it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from alerts.incident import Exercise
from alerts.privacy import shown

if TYPE_CHECKING:
    from alerts.notification import Notification

__all__ = ["document"]


def document(notification: Notification) -> bytes:
    """Return the notification as UTF-8 JSON; the same notification gives the same bytes.

    What answers it is not in it: a machine is told, and answers by the API under its own name.
    """
    return msgspec.json.encode(
        {
            "type": f"incident.{notification.kind}",
            "timestamp": datetime.fromtimestamp(notification.created_us / 1e6, UTC),
            "data": {
                "notification": notification.id,
                "event": notification.event,
                "recipient": notification.recipient,
                "purpose": notification.purpose,
                "address": notification.address,
                "wants_answer": notification.wants_answer,
                "languages": notification.languages,
                "drill": notification.drill or notification.incident.exercise is Exercise.DRILL,
                "expires_us": notification.expires_us,
                "title_en": notification.title_en,
                "title_zh": notification.title_zh,
                "body_en": notification.body_en,
                "body_zh": notification.body_zh,
                "others": notification.others,
                "others_count": notification.others_count,
                "incident": shown(notification.incident),
            },
        }
    )
