"""Settings: one TOML file and the environment, every fault reported together with its place."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import Field, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from alerts import AlertingLimits, Routing
from alerts.cap.settings import CapSection
from alerts.channels import ChannelSettings, ConsoleSettings
from alerts.contact_tests import SelfTest
from alerts.incidents import IncidentLimits
from alerts.noise.settings import InhibitionFaults, InhibitionSection, NoiseSection, make_inhibitions
from alerts.outbox import OutboxLimits
from alerts.people.sections import (
    DirectoryArrays,
    DirectorySections,
)
from alerts.response.limits import ResponseLimits
from console.alertmanager import PrometheusSection
from console.settings import ConsoleSection
from service.sections import (
    AlertsSection,
    BrokerSection,
    DatabaseSection,
    DeadmanSection,
    DevicesSection,
    DirectorySection,
    HttpSection,
    IngestSection,
    JournalSection,
    LogSection,
    RecipientSection,
    RulesSection,
    SelfTestSection,
    StorageSection,
)
from service.tracing import TracingSection
from storage.upkeep import UpkeepSettings

if TYPE_CHECKING:
    from collections.abc import Collection

    from pydantic_core import ErrorDetails

__all__ = ["Settings", "SettingsFaults", "default_data_dir", "load_settings"]


class SettingsFaults(Exception):
    """Everything that is wrong with the settings, each fault with its place.

    tables: the tables and keys of the top that have a fault; empty where the file cannot be read at all
    """

    def __init__(self, faults: list[str], tables: frozenset[str] = frozenset()) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults
        self.tables = tables


def default_data_dir() -> Path:
    """Return where the journal and the embedded database live unless told: a place that outlives a reboot."""
    if os.geteuid() == 0:
        return Path("/var/lib/vigil")
    home = os.environ.get("XDG_DATA_HOME")
    return (Path(home) if home else Path.home() / ".local" / "share") / "vigil"


class Settings(DirectoryArrays, BaseSettings):
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
    storage: StorageSection = StorageSection()
    journal: JournalSection = JournalSection()
    ingest: IngestSection = IngestSection()
    devices: DevicesSection = DevicesSection()
    rules: RulesSection = RulesSection()
    alerts: AlertsSection = AlertsSection()
    noise: NoiseSection = NoiseSection()
    inhibitions: tuple[InhibitionSection, ...] = ()
    deadman: DeadmanSection = DeadmanSection()
    self_test: SelfTestSection = SelfTestSection()
    console: ConsoleSection = ConsoleSection()
    prometheus: PrometheusSection = PrometheusSection()
    cap: CapSection = CapSection()
    http: HttpSection = HttpSection()
    log: LogSection = LogSection()
    tracing: TracingSection | None = None
    channels: dict[str, Annotated[ChannelSettings, Field(discriminator="type")]] = Field(
        default_factory=lambda: dict[str, ChannelSettings](console=ConsoleSettings(type="console"))
    )
    recipients: tuple[RecipientSection, ...] = ()
    directory: DirectorySection = DirectorySection()

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

    @model_validator(mode="after")
    def _inhibitions_can_be(self) -> Self:
        try:
            make_inhibitions(self.inhibitions, defaults=self.noise.default_inhibitions)
        except InhibitionFaults as faults:
            raise ValueError(str(faults)) from None
        return self

    def directory_sections(self) -> DirectorySections:
        """Return what the settings themselves say of people."""
        arrays = {name: getattr(self, name) for name in DirectoryArrays.model_fields}
        return DirectorySections(**arrays, timezone=self.directory.timezone)

    def routing(self) -> Routing:
        """Return the systems and displays that are told."""
        return Routing([section.recipient() for section in self.recipients])

    def upkeep_settings(self) -> UpkeepSettings:
        """Return how storage is kept up."""
        return UpkeepSettings(retention=self.storage.retention(), every_s=self.storage.upkeep_s)

    def alerting_limits(self) -> AlertingLimits:
        """Return what the parts of alerting are bounded by."""
        alerts, test = self.alerts, self.self_test
        return AlertingLimits(
            incidents=IncidentLimits(
                reopen_within_s=alerts.reopen_within_s, press_again_s=alerts.press_again_s, drill_s=alerts.drill_s
            ),
            outbox=OutboxLimits(),
            noise=self.noise.noise_limits(),
            post=self.noise.post_limits(),
            response=ResponseLimits(
                deadline_s=alerts.deadline_s, handover_s=alerts.handover_s, whistle_every_s=alerts.whistle_every_s
            ),
            inhibitions=make_inhibitions(self.inhibitions, defaults=self.noise.default_inhibitions),
            self_test=SelfTest(
                day=test.day or None, hour=test.hour, timezone=self.directory.timezone or self.rules.timezone
            ),
        )


# Keys whose values are never shown.
_IS_SECRET = re.compile(
    "password|secret|token|key|url|proxy|dsn|header|auth|contact|phone|address|endpoint", re.IGNORECASE
)
# What is checked of several tables together, and then has no place of its own.
_JOINED = frozenset({"recipients", "inhibitions"})
# Keys that hold paths, as (table, …, key): in a file they are relative to the file.
_PATHS = (
    ("data_dir",),
    ("database", "bin_dir"),
    ("devices", "ledger"),
    ("devices", "profiles"),
    ("rules", "files"),
    ("directory", "files"),
    ("broker", "tls", "ca_file"),
    ("broker", "tls", "certificate_file"),
    ("broker", "tls", "key_file"),
)


def load_settings(file: Path | None = None, *, without: Collection[str] = (), **given: Any) -> Settings:
    """Read the settings from `file` (TOML) and the environment; `given` wins over both.

    without: tables of the file that are left out, for a check of the rest; of its channels the names stay
    Paths in the file are relative to the file. Raises SettingsFaults with every fault.
    """
    values = {} if file is None else _without(_read_toml(file), without)

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
        details = error.errors()
        tables = {str(detail["loc"][0]) for detail in details if detail["loc"]} or _JOINED
        raise SettingsFaults([_fault(file, detail) for detail in details], frozenset(tables)) from None
    except SettingsError as error:
        raise SettingsFaults([f"environment: {error}"]) from None


def _without(values: dict[str, Any], tables: Collection[str]) -> dict[str, Any]:
    left = {name: value for name, value in values.items() if name not in tables}
    channels = values.get("channels")
    if "channels" in tables and isinstance(channels, dict):
        left["channels"] = {name: {"type": "console"} for name in channels}
    return left


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
    if _IS_SECRET.search(place) or detail["type"] == "extra_forbidden":  # a secret's name may be misspelt
        given = None
    shown = f" (given: {given!r})" if isinstance(given, str | int | float | bool) else ""
    return f"{file or 'settings'}: {place}: {detail['msg']}{shown}"
