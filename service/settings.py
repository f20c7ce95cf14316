"""Settings: one TOML file and the environment, every fault reported together with its place."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

import psycopg
from psycopg.conninfo import conninfo_to_dict
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from alerts.channels import ChannelSettings, ConsoleSettings
from alerts.routing import Recipient
from rules.loader import TIMEZONE, is_timezone
from rules.model import Severity

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

__all__ = [
    "BrokerSection",
    "DatabaseSection",
    "Settings",
    "SettingsFaults",
    "default_data_dir",
    "load_settings",
]


class SettingsFaults(Exception):
    """Everything that is wrong with the settings, each fault with its place."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


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
    bin_dir: Path | None = Field(None, description="embedded: PostgreSQL's programs; the wheel's where not given")
    system_user: str = Field("vigil", description="embedded, started by root: the user that PostgreSQL runs as")

    @field_validator("dsn")
    @classmethod
    def _is_a_dsn(cls, dsn: str) -> str:
        if dsn != "embedded":
            try:
                conninfo_to_dict(dsn)
            except psycopg.Error as error:
                raise ValueError(f"no PostgreSQL connection string: {error}") from None
        return dsn


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

    reopen_within_s: float = Field(600.0, ge=0)
    deadline_s: float = Field(3600.0, gt=0, description="how long a delivery is tried")


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
    updates: bool = Field(False, description="also told of acknowledgements and ends")

    def recipient(self) -> Recipient:
        """Return it as alerting knows it."""
        return Recipient(
            name=self.name,
            sites=self.sites,
            grids=self.grids,
            min_severity=self.min_severity,
            channels=self.channels,
            updates=self.updates,
        )


def default_data_dir() -> Path:
    """Return where the journal and the embedded database live unless told: a place that outlives a reboot."""
    if os.geteuid() == 0:
        return Path("/var/lib/vigil")
    home = os.environ.get("XDG_DATA_HOME")
    return (Path(home) if home else Path.home() / ".local" / "share") / "vigil"


class Settings(BaseSettings):
    """All settings of the service. `VIGIL_BROKER__HOST=…` in the environment overrides `host` of `[broker]`."""

    model_config = SettingsConfigDict(
        env_prefix="VIGIL_",
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        nested_model_default_partial_update=True,
    )

    data_dir: Path = Field(default_factory=default_data_dir)
    broker: BrokerSection = BrokerSection()
    database: DatabaseSection = DatabaseSection()
    journal: JournalSection = JournalSection()
    ingest: IngestSection = IngestSection()
    devices: DevicesSection = DevicesSection()
    rules: RulesSection = RulesSection()
    alerts: AlertsSection = AlertsSection()
    http: HttpSection = HttpSection()
    log: LogSection = LogSection()
    channels: dict[str, Annotated[ChannelSettings, Field(discriminator="type")]] = Field(
        default_factory=lambda: dict[str, ChannelSettings](console=ConsoleSettings(type="console"))
    )
    recipients: tuple[RecipientSection, ...] = ()

    @model_validator(mode="after")
    def _channels_exist(self) -> Self:
        faults = [
            f"recipient {recipient.name!r} names channel {channel!r}"
            for recipient in self.recipients
            for channel in recipient.channels
            if channel not in self.channels
        ]
        if faults:
            raise ValueError(f"{'; '.join(faults)}; there are {', '.join(sorted(self.channels)) or 'none'}")
        return self


# Keys whose values are never shown.
_SECRETS = {"password", "secret", "url", "dsn"}
# Keys that hold paths, as (table, …, key): in a file they are relative to the file.
_PATHS = (
    ("data_dir",),
    ("database", "bin_dir"),
    ("devices", "ledger"),
    ("devices", "profiles"),
    ("rules", "files"),
    ("broker", "tls", "ca_file"),
    ("broker", "tls", "certificate_file"),
    ("broker", "tls", "key_file"),
)


def load_settings(file: Path | None = None, **given: Any) -> Settings:
    """Read the settings from `file` (TOML) and the environment; `given` wins over both.

    Paths in the file are relative to the file. Raises SettingsFaults with every fault.
    """
    values = {} if file is None else _read_toml(file)

    class FromFile(Settings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            del dotenv_settings, file_secret_settings
            return (init_settings, env_settings, InitSettingsSource(settings_cls, init_kwargs=values))

    try:
        return FromFile(**given)
    except ValidationError as error:
        raise SettingsFaults([_fault(file, detail) for detail in error.errors()]) from None
    except SettingsError as error:
        raise SettingsFaults([f"environment: {error}"]) from None


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        values = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsFaults([f"{file}: cannot be read: {error.strerror}"]) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsFaults([f"{file}: not TOML: {error}"]) from None
    for *tables, key in _PATHS:
        table: Any = values
        for name in tables:
            table = table.get(name, {}) if isinstance(table, dict) else {}
        if isinstance(table, dict) and key in table:
            table[key] = _beside(file, table[key])
    return values


def _beside(file: Path, path: object) -> object:
    """Return `path` (one or a list) as seen from the folder of `file`; what is no path is the model's to fault."""
    if isinstance(path, list):
        return [_beside(file, one) for one in path]
    return file.parent / path if isinstance(path, str) else path


def _fault(file: Path | None, detail: ErrorDetails) -> str:
    place = ".".join(str(part) for part in detail["loc"]) or "the whole"
    given = detail["input"]
    if _SECRETS.intersection(detail["loc"]):
        given = None
    shown = f" (given: {given!r})" if isinstance(given, str | int | float | bool) else ""
    return f"{file or 'settings'}: {place}: {detail['msg']}{shown}"
