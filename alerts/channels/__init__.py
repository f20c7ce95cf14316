"""Channels: the ways on which a notification leaves; each proves by a receipt that it arrived."""

from alerts.channels.channel import Channel, DeliveryError
from alerts.channels.console import ConsoleChannel
from alerts.channels.mqtt import Broker
from alerts.channels.settings import (
    AppriseSettings,
    ChannelSettings,
    ConsoleSettings,
    MqttSettings,
    WebhookSettings,
    make_channel,
)

__all__ = [
    "AppriseSettings",
    "Broker",
    "Channel",
    "ChannelSettings",
    "ConsoleChannel",
    "ConsoleSettings",
    "DeliveryError",
    "MqttSettings",
    "WebhookSettings",
    "make_channel",
]
