"""What the settings file says about SMS: the channel, and the gateway that it goes through."""

from __future__ import annotations

from typing import Annotated, ClassVar, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from alerts.channels.sms.endpoint import Endpoint, HttpUrlText, TemplateEndpoint
from alerts.channels.sms.generic_settings import HttpSection
from alerts.channels.sms.rate import SLOWEST_PER_S

__all__ = ["AliyunSection", "SmsSettings", "TencentSection", "TwilioSection"]

PARTS_MOST: Final = 10
SIGN_CHARACTERS: Final = 20


class AliyunSection(TemplateEndpoint):
    """Alibaba Cloud SMS (Dysmsapi 2017-05-25, SendSms). params: by name, as in the template."""

    preset: Literal["aliyun"]
    endpoint: HttpUrlText = "https://dysmsapi.aliyuncs.com"
    access_key_id: str
    access_key_secret: SecretStr
    sign_name: str


class TencentSection(TemplateEndpoint):
    """Tencent Cloud SMS (2021-01-11, SendSms). params: in their order."""

    preset: Literal["tencent"]
    endpoint: HttpUrlText = "https://sms.tencentcloudapi.com"
    region: str = "ap-guangzhou"
    secret_id: str
    secret_key: SecretStr
    sdk_app_id: str
    sign_name: str = ""

    NAMED_PARAMS: ClassVar[bool] = False


class TwilioSection(Endpoint):
    """Twilio Messages (2010-04-01).

    sender:       a number, or a messaging service (`MG…`)
    callback_url: where Twilio sends receipts and replies to, as Twilio sees it; Vigil's own address where not given
    """

    preset: Literal["twilio"]
    endpoint: HttpUrlText = "https://api.twilio.com"
    account_sid: str = Field(min_length=1)
    auth_token: SecretStr
    sender: str = Field(min_length=1)
    callback_url: str = ""


class SmsSettings(BaseModel):
    """SMS by an HTTP gateway.

    parts:          a text is at most so many messages long; each is paid for
    sign:           what has to come first in the text, such as `【守望】`, where the gateway does not put it there
    sender:         `{sender}` in templates
    messages_per_s: what the gateway takes from us, `burst` of them at once; None for no bound
    takes_replies:  whether answers by SMS come back; else the text does not ask for them
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: Literal["sms"]
    gateway: Annotated[HttpSection | AliyunSection | TencentSection | TwilioSection, Field(discriminator="preset")]
    parts: int = Field(default=3, ge=1, le=PARTS_MOST)
    sign: str = Field(default="", max_length=SIGN_CHARACTERS)
    sender: str = ""
    messages_per_s: float | None = Field(default=None, ge=SLOWEST_PER_S)
    burst: int = Field(default=1, ge=1)
    takes_replies: bool = True
