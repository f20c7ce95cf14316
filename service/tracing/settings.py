"""`[tracing]`: where traces go, and of how many incidents."""

from __future__ import annotations

import importlib.util
from typing import Final
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from service.sections import Section

__all__ = ["TracingSection"]

PATH: Final = "/v1/traces"
"""Where a collector takes traces, unless the address says otherwise. Source: OTLP/HTTP."""
_EXPORTER: Final = "opentelemetry.exporter.otlp.proto.http"


class TracingSection(Section):
    """Traces of incidents, for a collector that takes OTLP by HTTP; without the table there are none."""

    endpoint: str = Field(description=f"the collector's address; without a path, {PATH} is meant")
    headers: dict[str, SecretStr] = Field(default_factory=dict, description="sent along, such as Authorization")
    sample: float = Field(
        1.0, ge=0, le=1, description="part of what is less than an alarm, and of synthetic alarms, that is traced"
    )
    queue: int = Field(4096, ge=256, le=100_000, description="spans that wait for the collector; beyond, none is taken")
    timeout_s: float = Field(5.0, gt=0, le=60, description="for one batch of spans, with what is tried again")

    @field_validator("endpoint")
    @classmethod
    def _is_an_address(cls, endpoint: str) -> str:
        wanted = "no address of a collector; wanted one like http://127.0.0.1:4318"
        try:
            parts = urlsplit(endpoint)
            usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
        except ValueError:
            raise ValueError(wanted) from None
        if not usable or parts.query or parts.fragment:
            raise ValueError(wanted)
        if parts.username or parts.password:
            raise ValueError("a name or a password does not belong in the address; give it in `headers`")
        return endpoint if parts.path.strip("/") else f"{parts.scheme}://{parts.netloc}{PATH}"

    @model_validator(mode="after")
    def _is_installed(self) -> TracingSection:
        try:
            found = importlib.util.find_spec(_EXPORTER) is not None
        except ModuleNotFoundError:
            found = False
        if not found:
            raise ValueError("OpenTelemetry is not installed; it comes with vigil-monitor[tracing]")
        return self
