"""SMS by HTTP gateways: any that a template can describe, and Alibaba Cloud, Tencent Cloud and Twilio."""

from alerts.channels.sms.gateway import GatewayChannel, make_sms
from alerts.channels.sms.settings import SmsSettings

__all__ = ["GatewayChannel", "SmsSettings", "make_sms"]
