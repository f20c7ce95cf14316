"""The channels of the settings, made with what the running service gives them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from alerts.channels import Broker, ChannelContext, FailoverSettings, make_channel
from ingest import BrokerSettings, TlsSettings
from service.settings import SettingsFaults

if TYPE_CHECKING:
    from alerts.channels import Channel
    from service.sections import BrokerSection
    from service.settings import Settings

__all__ = ["broker_settings", "make_channels", "own_broker"]


def broker_settings(section: BrokerSection, role: str) -> BrokerSettings:
    """Return one session's settings: each has a client id of its own, made from the configured one."""
    tls = section.tls
    return BrokerSettings(
        host=section.host,
        port=section.port,
        client_id=f"{section.client_id}-{role}",
        username=section.username,
        password=section.password.get_secret_value() if section.password else None,
        tls=TlsSettings(tls.ca_file, tls.certificate_file, tls.key_file, tls.server_name) if tls else None,
        keep_alive_s=section.keep_alive_s,
        session_expiry_s=section.session_expiry_s,
        receive_maximum=section.receive_maximum,
    )


def own_broker(settings: Settings) -> Broker:
    """Return the broker that devices publish to, as a client finds it."""
    broker, tls = settings.broker, broker_settings(settings.broker, "downlink").tls
    return Broker(
        broker.host,
        broker.port,
        broker.username,
        broker.password.get_secret_value() if broker.password else None,
        tls.context() if tls else None,
    )


def make_channels(settings: Settings, context: ChannelContext) -> dict[str, Channel]:
    """Return the channels by name, those that stand before others last. Raises SettingsFaults with every fault."""
    channels: dict[str, Channel] = {}
    faults: list[str] = []
    context = replace(context, members=channels)
    for name, section in sorted(settings.channels.items(), key=lambda one: isinstance(one[1], FailoverSettings)):
        try:
            channels[name] = make_channel(name, section, context)
        except ValueError as error:
            faults.append(f"channels.{name}: {error}")
    if faults:
        raise SettingsFaults(faults)
    return channels
