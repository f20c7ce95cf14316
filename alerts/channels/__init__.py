"""Channels: the ways on which a notification leaves, and what the far end says to it."""

from alerts.channels.channel import Channel, DeliveryError, Handed
from alerts.channels.console import ConsoleChannel
from alerts.channels.context import ChannelContext
from alerts.channels.failover import FailoverChannel, MemberOutcome, Resend
from alerts.channels.mqtt import Broker
from alerts.channels.push_settings import vapid_public_key
from alerts.channels.settings import (
    AlertmanagerSettings,
    AppriseSettings,
    ChannelSettings,
    ChatbotSettings,
    ConsoleSettings,
    FailoverSettings,
    HeartbeatSettings,
    MqttSettings,
    PushSettings,
    SmppSettings,
    SmsSettings,
    VoiceSettings,
    WebhookSettings,
    make_channel,
)

__all__ = [
    "AlertmanagerSettings",
    "AppriseSettings",
    "Broker",
    "Channel",
    "ChannelContext",
    "ChannelSettings",
    "ChatbotSettings",
    "ConsoleChannel",
    "ConsoleSettings",
    "DeliveryError",
    "FailoverChannel",
    "FailoverSettings",
    "Handed",
    "HeartbeatSettings",
    "MemberOutcome",
    "MqttSettings",
    "PushSettings",
    "Resend",
    "SmppSettings",
    "SmsSettings",
    "VoiceSettings",
    "WebhookSettings",
    "make_channel",
    "vapid_public_key",
]
