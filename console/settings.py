"""`ConsoleSection`: what the settings file says of the page, the API and the inbound addresses."""

from __future__ import annotations

import string
from enum import StrEnum
from typing import Final, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

__all__ = ["ConsoleSection", "May", "TokenSection"]

SECRET_CHARACTERS: Final = 20
_MAP_FIELDS: Final = ("latitude", "longitude")


class May(StrEnum):
    """What the bearer of a token may do."""

    READ = "read"
    """See incidents, who is asked, silences."""
    DECIDE = "decide"
    """Answer and lead incidents."""
    SILENCE = "silence"
    DRILL = "drill"
    """Start drills and contact tests."""
    ADMIN = "admin"
    """Report for other systems: receipts, external alerts, subscriptions, looks at protected data."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TokenSection(_Section):
    """A system that may use the API.

    secret: sent as `Authorization: Bearer …`; 20 characters or more
    sites:  nothing of other sites exists for it; all where empty
    """

    name: str = Field(min_length=1, max_length=50)
    secret: SecretStr
    may: tuple[May, ...] = (May.READ,)
    sites: tuple[str, ...] = ()

    @field_validator("secret")
    @classmethod
    def _is_long_enough(cls, secret: SecretStr) -> SecretStr:
        value = secret.get_secret_value()
        if len(value) < SECRET_CHARACTERS or not value.isascii() or " " in value:
            raise ValueError(f"wanted {SECRET_CHARACTERS} characters of ASCII or more, without spaces")
        return secret


class ConsoleSection(_Section):
    """The page that links open, the API, and the addresses that gateways report to."""

    host: str = "127.0.0.1"
    port: int = Field(9465, ge=0, le=65535, description="0: any free port, said in the log")
    public_url: str = Field("", description="how people's phones reach it, https://…; without it messages have no link")
    link_days: float = Field(7.0, gt=0, le=365, description="how long after its event a message can be answered")
    duty_phone: str = Field("", description="the duty desk's number, on every page that cannot help further")
    map_url: str = Field(
        "https://uri.amap.com/marker?position={longitude},{latitude}&coordinate=wgs84",
        description="a map for phones that cannot open geo: addresses; may be empty",
    )
    inbound_secrets: dict[str, SecretStr] = Field(
        default_factory=dict, description="channel name = the last part of the address that its gateway reports to"
    )
    max_body_bytes: int = Field(65_536, ge=1024, le=16_777_216)
    tokens: tuple[TokenSection, ...] = ()

    @field_validator("public_url")
    @classmethod
    def _is_an_address(cls, url: str) -> str:
        parts = urlsplit(url)
        further = parts.path.strip("/") or parts.query or parts.fragment
        if url and (parts.scheme not in {"http", "https"} or not parts.netloc or further):
            raise ValueError("wanted an address without a path, such as https://vigil.example")
        return url.rstrip("/")

    @field_validator("map_url")
    @classmethod
    def _is_a_map(cls, url: str) -> str:
        wrong = [
            name for _, name, _, _ in string.Formatter().parse(url) if name is not None and name not in _MAP_FIELDS
        ]
        if wrong:
            raise ValueError(f"no field {', '.join(map(repr, wrong))}; there are {', '.join(_MAP_FIELDS)}")
        if url and urlsplit(url).scheme != "https":
            raise ValueError("wanted an https address")
        return url

    @field_validator("inbound_secrets")
    @classmethod
    def _are_long_enough(cls, secrets: dict[str, SecretStr]) -> dict[str, SecretStr]:
        for channel, secret in secrets.items():
            value = secret.get_secret_value()
            if len(value) < SECRET_CHARACTERS or not (value.isascii() and value.replace("-", "").isalnum()):
                raise ValueError(f"{channel}: wanted {SECRET_CHARACTERS} letters, digits and hyphens or more")
        return secrets

    @model_validator(mode="after")
    def _tokens_differ(self) -> Self:
        for what, values in (
            ("name", [token.name for token in self.tokens]),
            ("secret", [token.secret.get_secret_value() for token in self.tokens]),
        ):
            if len(set(values)) < len(values):
                raise ValueError(f"two tokens have the same {what}")
        return self
