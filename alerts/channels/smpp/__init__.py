"""SMS by a message centre over SMPP 3.4."""

from alerts.channels.smpp.channel import SmppChannel
from alerts.channels.smpp.settings import SmppSettings

__all__ = ["SmppChannel", "SmppSettings"]
