"""What the settings file says about a short message centre."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, FilePath, SecretStr

from alerts.channels.sms.rate import SLOWEST_PER_S

__all__ = ["SmppSettings"]

ASCII_TEXT = r"^[ -~]*$"


class SmppSettings(BaseModel):
    """A message centre by SMPP 3.4, bound as a transceiver.

    password:     up to 8 characters by the specification; some centres take more
    sender:       the source address; source_ton, source_npi, dest_ton, dest_npi: as the centre wants them
    number_form:  how numbers are written: with their country's code, or without one's own
    country:      calling code of numbers that are written without one
    tls, ca_file: encrypted; PEM certificates to trust in place of the machine's
    has_gsm7:     the centre's default alphabet is that of GSM; else all goes as UCS-2
    hex_ids:      where message ids are hexadecimal while they are decimal on the other side
    enquire_s:    an idle connection is asked so often whether it lives
    answer_s:     for the centre's answer; window: messages that wait for theirs at once
    backoff_max_s: the longest wait before it is tried again
    parts, sign, messages_per_s, burst, takes_replies: as for SMS by HTTP
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: Literal["smpp"]
    host: str = Field(min_length=1)
    port: int = Field(default=2775, ge=1, le=65_535)
    system_id: str = Field(min_length=1, max_length=15, pattern=ASCII_TEXT)
    password: SecretStr = Field(max_length=64)
    system_type: str = Field(default="", max_length=12, pattern=ASCII_TEXT)
    service_type: str = Field(default="", max_length=5, pattern=ASCII_TEXT)
    sender: str = Field(default="", max_length=20, pattern=ASCII_TEXT)
    source_ton: int = Field(default=0, ge=0, le=6)
    source_npi: int = Field(default=0, ge=0, le=18)
    dest_ton: int = Field(default=1, ge=0, le=6)
    dest_npi: int = Field(default=1, ge=0, le=18)
    number_form: Literal["international", "national"] = "international"
    country: str = Field(default="86", pattern=r"^[1-9]\d{0,2}$")
    tls: bool = False
    ca_file: FilePath | None = None
    has_gsm7: bool = True
    hex_ids: Literal["nowhere", "in answers", "in receipts"] = "nowhere"
    enquire_s: float = Field(default=30.0, gt=0, le=3_600)
    answer_s: float = Field(default=6.0, gt=0, le=60)
    window: int = Field(default=10, ge=1, le=1_000)
    backoff_max_s: float = Field(default=60.0, gt=0, le=3_600)
    parts: int = Field(default=3, ge=1, le=10)
    sign: str = Field(default="", max_length=20)
    messages_per_s: float | None = Field(default=None, ge=SLOWEST_PER_S)
    burst: int = Field(default=1, ge=1)
    takes_replies: bool = True
