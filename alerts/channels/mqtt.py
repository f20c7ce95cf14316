"""MQTT downlink: sirens, speakers and watches get the document on a topic of their own."""

from __future__ import annotations

import asyncio
import logging
import math
import string
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aiomqtt import Client, MqttCodeError, MqttError, ProtocolVersion
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from alerts.channels.channel import DeliveryError, Handed
from alerts.channels.document import document

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from alerts.notification import Notification

__all__ = ["TOPIC_FIELDS", "Broker", "MqttChannel"]

TIMEOUT_S: Final = 10.0
"""For the broker's CONNACK and PUBACK."""
EXPIRY_MAX_S: Final = 2**32 - 1
TOPIC_FIELDS: Final = ("site", "device", "severity", "recipient", "address")
"""What a topic template may name in braces; an address may be a device's, `site/name`."""
_log = logging.getLogger("vigil.alerts.mqtt")
_log.setLevel(logging.ERROR)  # what goes wrong is in the DeliveryError


@dataclass(frozen=True, slots=True)
class Broker:
    """Where a broker is and how to come in; `tls` is None for a plain connection."""

    host: str
    port: int
    username: str | None = None
    password: str | None = None
    tls: ssl.SSLContext | None = None


class MqttChannel:
    """Publishes at QoS 1 on a topic made of the incident; the broker's PUBACK is the receipt.

    topic:  a template with `TOPIC_FIELDS` in braces, such as `vigil/v1/{site}/{device}/cmd`
    now_us: µs since the epoch: a message that has expired must not sound a siren that comes back next week

    One connection, made when first needed and made anew when it is lost. The device itself is not heard: that it acted
    is known only where it says so.
    """

    idempotent = True  # the document has the notification's id
    at_once = 64

    def __init__(self, broker: Broker, topic: str, client_id: str, now_us: Callable[[], int]) -> None:
        self._broker = broker
        self._topic = topic
        self._fields = [name for _, name, _, _ in string.Formatter().parse(topic) if name is not None]
        self._client_id = client_id
        self._now_us = now_us
        self._connection: asyncio.Task[Client] | None = None

    async def send(self, notification: Notification) -> Handed:
        """Publish and return when the broker has it. Raises DeliveryError to retry where it is not reached."""
        topic = self._topic_of(notification)
        left_s = (notification.expires_us - self._now_us()) / 1e6
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        properties.MessageExpiryInterval = min(max(1, math.ceil(left_s)), EXPIRY_MAX_S)
        properties.ContentType = "application/json"
        body = document(notification)
        connection, is_old = self._connected()
        try:
            await self._publish(connection, topic, body, properties)
        except MqttCodeError as error:
            if not is_old or error.rc != MQTTErrorCode.MQTT_ERR_NO_CONN:
                raise DeliveryError(f"broker: {error}", retry=True) from error
            connection, _ = self._connected()  # the connection was lost since: nothing has left yet
            try:
                await self._publish(connection, topic, body, properties)
            except MqttError as again:
                raise DeliveryError(f"broker: {again}", retry=True) from again
        except MqttError as error:
            raise DeliveryError(f"broker: {error}", retry=True) from error
        return Handed(f"PUBACK for {topic}")

    async def close(self) -> None:
        """Say good-bye to the broker."""
        if self._connection is not None:
            self._connection.cancel()  # nothing, where it is made already
            await asyncio.wait([self._connection])
            await self._drop(self._connection)

    def _topic_of(self, notification: Notification) -> str:
        incident = notification.incident
        device = incident.device.removeprefix(f"{incident.site}/")
        values = (incident.site, device, str(incident.severity), notification.recipient, notification.address)
        fields = dict(zip(TOPIC_FIELDS, values, strict=True))
        for name in self._fields:
            # An address may be that of a device, `site/name`: two levels.
            levels = fields[name].split("/") if name == "address" else [fields[name]]
            if any(not level or any(character in level for character in "/+#\0") for level in levels):
                raise DeliveryError(f"the {name} cannot be a level of a topic", retry=False)
        return self._topic.format_map(fields)

    def _connected(self) -> tuple[asyncio.Task[Client], bool]:
        """Return the connection, made or being made, and whether it is there already."""
        if self._connection is None or _has_failed(self._connection):
            self._connection = asyncio.create_task(self._connect())
        return self._connection, self._connection.done()

    async def _connect(self) -> Client:
        broker = self._broker
        client = Client(
            broker.host,
            broker.port,
            username=broker.username,
            password=broker.password,
            identifier=self._client_id,
            protocol=ProtocolVersion.V5,
            tls_context=broker.tls,
            timeout=TIMEOUT_S,
            logger=_log,
        )
        try:
            return await client.__aenter__()
        except MqttError:
            # Else a socket that got no CONNACK stays, and takes the session over from the next one when it gets it.
            with suppress(MqttError):
                await client.__aexit__(None, None, None)
            raise

    async def _publish(self, connection: asyncio.Task[Client], topic: str, body: bytes, properties: Properties) -> None:
        try:
            # An attempt that runs out of time leaves the connecting to those who come after it.
            client = await asyncio.shield(connection)
            await client.publish(topic, body, qos=1, properties=properties)
        except MqttError:
            await self._drop(connection)
            raise

    async def _drop(self, connection: asyncio.Task[Client]) -> None:
        if self._connection is connection:
            self._connection = None
            if connection.done() and not _has_failed(connection):
                with suppress(MqttError):
                    await connection.result().__aexit__(None, None, None)


def _has_failed(connection: asyncio.Task[Client]) -> bool:
    return connection.done() and (connection.cancelled() or connection.exception() is not None)
