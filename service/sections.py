"""The tables of the settings file, each with its keys, defaults and faults."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Literal, Self

import psycopg
from psycopg.conninfo import conninfo_to_dict
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationInfo, field_validator, model_validator

from alerts.routing import Recipient
from devices.model import Kind
from rules.loader import TIMEZONE, is_timezone
from rules.model import AlarmClass, Severity
from storage.upkeep.settings import Retention

__all__ = [
    "AlertsSection",
    "BrokerSection",
    "DatabaseSection",
    "DeadmanSection",
    "DevicesSection",
    "DirectorySection",
    "HttpSection",
    "IngestSection",
    "JournalSection",
    "LogSection",
    "RecipientSection",
    "RulesSection",
    "Section",
    "SelfTestSection",
    "StorageSection",
    "TlsSection",
]


class Section(BaseModel):
    """A table of the file; a key that we do not know is a fault, not a wish."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class TlsSection(Section):
    """TLS towards the broker."""

    ca_file: Path | None = Field(None, description="certificates that sign the broker's; the system's where not given")
    certificate_file: Path | None = Field(None, description="our client certificate (PEM)")
    key_file: Path | None = Field(None, description="its private key (PEM)")
    server_name: str | None = Field(None, description="the name to expect in the broker's certificate")

    @model_validator(mode="after")
    def _files_are_there(self) -> Self:
        if (self.certificate_file is None) != (self.key_file is None):
            raise ValueError("certificate_file and key_file go together; one is missing")
        missing = [str(f) for f in (self.ca_file, self.certificate_file, self.key_file) if f and not f.is_file()]
        if missing:
            raise ValueError(f"no such file: {', '.join(missing)}")
        return self


class BrokerSection(Section):
    """The MQTT 5 broker that the devices publish to."""

    host: str = "127.0.0.1"
    port: int = Field(1883, ge=1, le=65535)
    client_id: str = Field(
        "vigil", min_length=1, max_length=50, description="fixed: the broker keeps our session under it"
    )
    username: str | None = None
    password: SecretStr | None = None
    tls: TlsSection | None = None
    keep_alive_s: int = Field(30, ge=5, le=600)
    session_expiry_s: int = Field(7 * 86400, ge=60, description="longer than the longest outage to be survived")
    receive_maximum: int = Field(5000, ge=20, le=65535, description="messages in hand and not yet in the journal")
    sites: tuple[str, ...] = Field((), description="sites to listen to; all where empty")


class DatabaseSection(Section):
    """Where the history goes."""

    dsn: str = Field("embedded", description="a PostgreSQL connection string, or 'embedded' for one of our own")
    owner_dsn: str | None = Field(
        None, description="who owns the schema, where `dsn` does not: for migrations and TimescaleDB's refreshes"
    )
    bin_dir: Path | None = Field(None, description="embedded: PostgreSQL's programs; the wheel's where not given")
    system_user: str = Field("vigil", description="embedded, started by root: the user that PostgreSQL runs as")

    @field_validator("dsn", "owner_dsn")
    @classmethod
    def _is_a_dsn(cls, dsn: str | None, info: ValidationInfo) -> str | None:
        if dsn is not None and not (dsn == "embedded" and info.field_name == "dsn"):
            try:
                conninfo_to_dict(dsn)
            except psycopg.Error as error:
                raise ValueError(f"no PostgreSQL connection string: {error}") from None
        return dsn


class StorageSection(Section):
    """How long each class of history is kept, in days; 0 for ever."""

    readings_days: int = Field(90, ge=0, description="every reading")
    minutes_days: int = Field(30, ge=0, description="rollups by the minute")
    hours_days: int = Field(1826, ge=0, description="rollups by the hour")
    days_days: int = Field(0, ge=0, description="rollups by the day")
    incidents_days: int = Field(0, ge=0, description="closed incidents with their timelines and notifications")
    shadow_days: int = Field(90, ge=0, description="what rules in shadow would have raised")
    audit_days: int = Field(1096, ge=0, description="looks at what is protected that belong to no incident")
    upkeep_s: float = Field(60.0, ge=1, description="between rounds of rolling up")

    @model_validator(mode="after")
    def _is_in_order(self) -> Self:
        self.retention()
        return self

    def retention(self) -> Retention:
        """Return it as the upkeep knows it. Raises ValueError where the order of the classes makes no sense."""
        kept = {
            name: timedelta(days=days) if (days := getattr(self, f"{name}_days")) else None
            for name in ("readings", "minutes", "hours", "days", "incidents", "shadow", "audit")
        }
        return Retention(**kept)


class JournalSection(Section):
    """How much the journal may hold."""

    telemetry_mib: int = Field(2048, ge=16, description="beyond it the oldest telemetry is shed, and a gap is shown")
    control_mib: int = Field(1024, ge=16, description="alarms and commands; never shed, a metric shows when it is near")
    checkpoint_s: float = Field(30.0, gt=0)


class IngestSection(Section):
    """What is taken from a device, and how far its clock is believed."""

    max_payload_bytes: int = Field(65536, ge=256)
    future_tolerance_s: float = Field(300.0, ge=0)
    block_readings: int = Field(5000, ge=1)
    block_ms: float = Field(20.0, ge=0)
    max_unregistered: int = Field(10_000, ge=0)


class DevicesSection(Section):
    """What is registered when the service starts."""

    ledger: Path | None = Field(None, description="CSV or XLSX; devices in it that are not registered yet are added")
    profiles: tuple[Path, ...] = Field((), description="files or folders of profiles beside the ones shipped")


class RulesSection(Section):
    """What a community adds to the rules of the profiles, and changes of them."""

    files: tuple[Path, ...] = Field((), description="rules files, or folders of them")
    timezone: str = Field(TIMEZONE, description="of schedules and of the hours of the week, where no file gives one")

    @field_validator("timezone")
    @classmethod
    def _is_a_timezone(cls, timezone: str) -> str:
        if not is_timezone(timezone):
            raise ValueError(f"no time zone; wanted a name like {TIMEZONE!r}")
        return timezone


class AlertsSection(Section):
    """Incidents and their notifications."""

    reopen_within_s: float = Field(600.0, ge=0, description="a danger that returns so soon is the same one")
    press_again_s: float = Field(60.0, ge=0, description="a button pressed again later than this is told anew")
    deadline_s: float = Field(3600.0, gt=0, description="how long a delivery is tried; life safety: a day")
    handover_s: float = Field(120.0, gt=0, description="who is asked to take over has so long to accept it")
    whistle_every_s: float | None = Field(
        None, gt=0, description="once a step is overdue, one level up after each; the step's limit where not given"
    )
    drill_s: float = Field(7200.0, gt=0, description="a drill that nobody ends is over after so long")


class HttpSection(Section):
    """The endpoint of /metrics, /healthz and /readyz."""

    host: str = "127.0.0.1"
    port: int = Field(9464, ge=0, le=65535, description="0: any free port, said in the log")


class LogSection(Section):
    """What is logged, and how."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "console", "json"] = "auto"


class RecipientSection(Section):
    """Somebody who is told."""

    name: str = Field(min_length=1)
    sites: tuple[str, ...] = ()
    grids: tuple[str, ...] = ()
    min_severity: Severity = Severity.WARNING
    channels: tuple[str, ...] = Field(min_length=1)
    kinds: tuple[Kind, ...] = Field((), description="kinds of device; all where empty")
    classes: tuple[AlarmClass, ...] = Field((), description="classes of alarm; all where empty")
    updates: bool = Field(False, description="also told of what people do about it, and of its end")
    exercises: bool = Field(False, description="also told of the synthetic alarm")

    def recipient(self) -> Recipient:
        """Return it as alerting knows it."""
        return Recipient(
            name=self.name,
            sites=self.sites,
            grids=self.grids,
            min_severity=self.min_severity,
            channels=self.channels,
            kinds=self.kinds,
            classes=self.classes,
            updates=self.updates,
            exercises=self.exercises,
        )


class DirectorySection(Section):
    """Where the people are written down, beside the settings file itself."""

    files: tuple[Path, ...] = Field((), description="TOML files of people, rotas, chains …, or folders of them")
    timezone: str = Field("", description=f"of rotas and quiet hours, where they name none; {TIMEZONE} unless given")

    @field_validator("timezone")
    @classmethod
    def _is_a_timezone(cls, timezone: str) -> str:
        if timezone and not is_timezone(timezone):
            raise ValueError(f"no time zone; wanted a name like {TIMEZONE!r}")
        return timezone


class DeadmanSection(Section):
    """The synthetic alarm that goes through the whole path, and whose absence pages."""

    enabled: bool = True
    every_s: float = Field(300.0, ge=10)
    limit_s: float = Field(30.0, ge=1, description="for the whole way, from the broker to the receipt")

    @model_validator(mode="after")
    def _is_shorter(self) -> Self:
        if self.limit_s >= self.every_s:
            raise ValueError("limit_s must be less than every_s")
        return self


class SelfTestSection(Section):
    """The monthly test of every contact."""

    day: int = Field(1, ge=0, le=31, description="of the month, or its last; 0: only `vigil contacts test`")
    hour: int = Field(10, ge=0, le=23, description="local time of the directory")
