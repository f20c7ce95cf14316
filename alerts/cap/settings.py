"""`CapSection`: what the settings file says about the CAP feed."""

from __future__ import annotations

from typing import Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from rules.model import AlarmClass, Severity

__all__ = ["CapSection"]


class CapSection(BaseModel):
    """Who speaks, to whom, and of what."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sender: str = Field(
        "", pattern=r"^[^\s,<&]*$", description="unique, such as vigil@shuibei.example; without it there is no feed"
    )
    sender_name: str = Field("", description="who that is, for people")
    scope: Literal["Restricted", "Private"] = "Restricted"
    restriction: str = Field(
        "For those who answer the alarms of this community", description="Restricted: who may see it"
    )
    addresses: tuple[str, ...] = Field((), description="Private: whom it is for")
    contact: str = Field("", description="how a reader asks back, such as the duty desk's number")
    web: str = Field("", description="where a reader finds more")
    timezone: str = Field("Asia/Shanghai", description="of the times in messages")
    classes: tuple[AlarmClass, ...] = (AlarmClass.LIFE_SAFETY, AlarmClass.PROPERTY)
    min_severity: Severity = Severity.WARNING
    recent: int = Field(100, ge=0, le=1000, description="incidents that have ended and are still in the feed, at most")

    @field_validator("addresses")
    @classmethod
    def _have_no_quotes(cls, addresses: tuple[str, ...]) -> tuple[str, ...]:
        if any('"' in address or not address for address in addresses):
            raise ValueError("an address is not empty and has no quotes")
        return addresses

    @field_validator("timezone")
    @classmethod
    def _is_a_timezone(cls, timezone: str) -> str:
        try:
            ZoneInfo(timezone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError("no time zone; wanted a name like 'Asia/Shanghai'") from None
        return timezone

    @model_validator(mode="after")
    def _says_to_whom(self) -> Self:
        if self.scope == "Private" and not self.addresses:
            raise ValueError("scope Private needs addresses")
        if self.scope == "Restricted" and not self.restriction:
            raise ValueError("scope Restricted needs restriction")
        return self
