"""What the settings file says about calls."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from alerts.channels.sms.endpoint import Endpoint, HttpUrlText, TemplateEndpoint
from alerts.channels.sms.generic_settings import HttpSection
from alerts.channels.sms.rate import SLOWEST_PER_S

__all__ = ["AliyunVoiceSection", "TwilioVoiceSection", "VoiceSettings"]


class AliyunVoiceSection(TemplateEndpoint):
    """Alibaba Cloud voice (Dyvmsapi 2017-05-25, SingleCallByTts). params: by name, as in the text-to-speech template.

    show_number: the number that is shown; "" for one of the public pool
    """

    preset: Literal["aliyun-voice"]
    endpoint: HttpUrlText = "https://dyvmsapi.aliyuncs.com"
    access_key_id: str
    access_key_secret: SecretStr
    show_number: str = ""


class TwilioVoiceSection(Endpoint):
    """Twilio Calls (2010-04-01).

    callback_url:    where Twilio sends what became of a call, and the key that was pressed; Vigil's own address if ""
    detect_machines: have Twilio tell an answering machine from a person; it costs some seconds of silence
    """

    preset: Literal["twilio-voice"]
    endpoint: HttpUrlText = "https://api.twilio.com"
    account_sid: str = Field(min_length=1)
    auth_token: SecretStr
    sender: str = Field(min_length=1)
    callback_url: str = ""
    detect_machines: bool = False


class VoiceSettings(BaseModel):
    """Calls that speak the message and take a key as the answer.

    times:       how often the text is said
    takes_keys:  keys that are pressed come back; else the text does not ask for them
    calls_per_s: what the gateway takes from us, `burst` of them at once; None for no bound
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: Literal["voice"]
    gateway: Annotated[HttpSection | AliyunVoiceSection | TwilioVoiceSection, Field(discriminator="preset")]
    times: int = Field(default=2, ge=1, le=3)
    takes_keys: bool = True
    calls_per_s: float | None = Field(default=None, ge=SLOWEST_PER_S)
    burst: int = Field(default=1, ge=1)
