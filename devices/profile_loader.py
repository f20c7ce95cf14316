"""The loader of profiles: those shipped, those a community adds, and every fault of all of them at once."""

from __future__ import annotations

import tomllib
from collections import Counter
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from devices.model import Kind
from devices.profile import MOST_ERRORS, Metric, MetricType, Profile
from devices.toml_lines import Place, line_of, lines_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from importlib.resources.abc import Traversable
    from pathlib import Path

    from pydantic_core import ErrorDetails

__all__ = ["ALARM_METRIC", "ProfileFaults", "load_profiles"]

ALARM_METRIC = "alarm"
"""What ingest sets where it cannot read or attribute a device's alarm; every profile has it, and a rule on it."""


class ProfileFaults(Exception):
    """Everything that is wrong with the profiles, each fault with its file, line and key."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


def load_profiles(extra: Sequence[Path] = ()) -> dict[str, Profile]:
    """Return the shipped profiles and those of `extra` (files, or folders of `*.toml`) by name, sorted.

    A profile is named by its file: `gas.toml` is `gas`. One of `extra` replaces a shipped one of the same name.
    Rule tables stay raw; `rules.loader` reads them.
    Raises ProfileFaults with every fault of every file.
    """
    faults: list[str] = []
    added = list(_files_of(extra, faults))
    for name in _repeated(file.name for file in added):
        origins = ", ".join(file.origin for file in added if file.name == name)
        faults.append(f"profile {name!r} is given more than once: {origins}; wanted one file")
    files = {file.name: file for file in [*_shipped(), *added]}
    profiles: dict[str, Profile] = {}
    for name, file in sorted(files.items()):
        try:
            profiles[name] = _profile(file)
        except ProfileFaults as found:
            faults += found.faults
    if faults:
        raise ProfileFaults(faults)
    return profiles


# ── files ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _File:
    """One profile's file, not yet read; `origin` is how messages call it."""

    name: str
    origin: str
    source: Traversable


def _shipped() -> Iterator[_File]:
    for source in (resources.files("devices") / "profiles").iterdir():
        if source.name.endswith(".toml"):
            yield _File(source.name.removesuffix(".toml"), f"devices/profiles/{source.name}", source)


def _files_of(extra: Sequence[Path], faults: list[str]) -> Iterator[_File]:
    for path in extra:
        if path.is_dir():
            found = sorted(path.glob("*.toml"))
            if not found:
                faults.append(f"{path}: holds no profile; wanted files named *.toml")
        elif path.suffix == ".toml":
            found = [path]
        else:
            found = []
            faults.append(f"{path}: is no profile; wanted a file named *.toml or a folder of them")
        yield from (_File(file.stem, str(file), file) for file in found)


def _repeated(names: Iterable[str]) -> list[str]:
    return [name for name, times in Counter(names).items() if times > 1]


def _profile(file: _File) -> Profile:
    try:
        text = file.source.read_text(encoding="utf-8")
        values = tomllib.loads(text)
    except OSError as error:
        raise ProfileFaults([f"{file.origin}: cannot be read: {error.strerror}"]) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ProfileFaults([f"{file.origin}: is not TOML in UTF-8: {error}"]) from None
    try:
        table = _ProfileTable.model_validate(values)
    except ValidationError as error:
        lines = lines_of(text)
        raise ProfileFaults([_fault(file.origin, lines, detail) for detail in error.errors()]) from None
    return Profile(
        name=file.name,
        kind=table.kind,
        label_en=table.label.en,
        label_zh=table.label.zh,
        reporting_s=table.reporting_s,
        metrics={name: metric.named(name) for name, metric in table.metrics.items()},
        rules=tuple(table.rules),
        origin=file.origin,
        lines=lines_of(text),
    )


# ── tables ───────────────────────────────────────────────────────────────────────────────────────────────────────────


class _Table(BaseModel):
    """A table of the file: no key that we do not know, and no value that must first be guessed at."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class _Label(_Table):
    en: str = Field(min_length=1)
    zh: str = Field(min_length=1)


class _MetricTable(_Table):
    type: Annotated[MetricType, Field(strict=False)]
    label: _Label
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    errors: list[float] = Field([], max_length=MOST_ERRORS)

    @model_validator(mode="after")
    def _fits_its_type(self) -> Self:
        if self.type is MetricType.GAUGE:
            if not self.unit:
                raise ValueError("a gauge without a unit; wanted `unit`")
        elif self.unit or self.minimum is not None or self.maximum is not None or self.errors:
            raise ValueError(f"{self.type} with a unit or a range or error codes; wanted none: it is 0 or 1")
        if self.minimum is not None and self.maximum is not None and self.minimum >= self.maximum:
            raise ValueError(f"minimum {self.minimum:g} is not below maximum {self.maximum:g}")
        return self

    def named(self, name: str) -> Metric:
        """Return it as the rest of Vigil knows it."""
        label = self.label
        return Metric(
            name, self.type, self.unit, label.en, label.zh, self.minimum, self.maximum, tuple(sorted(set(self.errors)))
        )


def _named(rule: dict[str, object]) -> dict[str, object]:
    if not isinstance(rule.get("id"), str) or not rule["id"]:
        raise ValueError("a rule without `id`; wanted a text that is not empty")
    return rule


class _ProfileTable(_Table):
    kind: Annotated[Kind, Field(strict=False)]
    label: _Label
    reporting_s: float = Field(gt=0)
    metrics: dict[Annotated[str, Field(pattern=r"^\S{1,64}$")], _MetricTable]
    rules: list[Annotated[dict[str, object], AfterValidator(_named)]]

    @field_validator("metrics")
    @classmethod
    def _has_the_alarm_metric(cls, metrics: dict[str, _MetricTable]) -> dict[str, _MetricTable]:
        if ALARM_METRIC not in metrics or metrics[ALARM_METRIC].type is not MetricType.EVENT:
            raise ValueError(
                f"no metric {ALARM_METRIC!r} of type event; wanted one: an alarm message that cannot be read sets it"
            )
        return metrics

    @field_validator("rules")
    @classmethod
    def _have_one_for_unread_alarms(cls, rules: list[dict[str, object]]) -> list[dict[str, object]]:
        repeated = _repeated(str(rule["id"]) for rule in rules)
        if repeated:
            raise ValueError(f"more than one rule with the id {', '.join(repeated)}")
        if not any(rule.get("kind") == "alarm" and rule.get("metric") == ALARM_METRIC for rule in rules):
            raise ValueError(
                f"no rule of kind 'alarm' on metric {ALARM_METRIC!r}; wanted one, or an unreadable alarm pages nobody"
            )
        return rules


# ── faults and their places ──────────────────────────────────────────────────────────────────────────────────────────


def _fault(origin: str, lines: dict[Place, int], detail: ErrorDetails) -> str:
    place = tuple(part for part in detail["loc"] if part != "[key]")
    given = detail["input"]
    match detail["type"]:
        case "missing":
            said = "is missing"
        case "extra_forbidden":
            said = f"is no key here; wanted only {', '.join(_keys_beside(place))}"
        case "value_error":
            said = str(detail["ctx"]["error"])
        case _:
            said = detail["msg"]
            if isinstance(given, str | int | float | bool):
                said += f" (given: {given!r})"
    return f"{origin}:{line_of(lines, place)}: {'.'.join(str(part) for part in place)}: {said}"


def _keys_beside(place: Place) -> Iterable[str]:
    """Return the keys that the table holding `place` may have."""
    if len(place) == 1:
        return _ProfileTable.model_fields
    return _Label.model_fields if place[-2] == "label" and place[-3:-2] != ("metrics",) else _MetricTable.model_fields
