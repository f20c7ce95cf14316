"""The compose file as its readers see it: with its variables, and with what each container finds at its paths."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["COMPOSE", "CONTAINER", "Mount", "arguments", "composed", "lay_out", "mounts", "text", "values"]

ROOT: Final = Path(__file__).parents[2]
CONTAINER: Final = ROOT / "deploy" / "container"
COMPOSE: Final = CONTAINER / "compose.yaml"
SETTINGS: Final[Mapping[str, Path]] = {
    "vigil.toml": ROOT / "deploy" / "vigil.example.toml",
    "alertmanager.yml": ROOT / "deploy" / "alertmanager" / "alertmanager.yml",
}
"""What the head of compose.yaml has people copy into `settings`."""
VARIABLE: Final = re.compile(r"\$\{(?P<name>\w+)(?::(?P<kind>[-?])(?P<rest>[^}]*))?\}")


@dataclass(frozen=True, slots=True)
class Mount:
    """A file or folder of the host in a container."""

    source: Path
    target: str
    read_only: bool


def text() -> str:
    return COMPOSE.read_text("utf-8")


def values() -> dict[str, str]:
    """Return the variables of example.env."""
    lines = (CONTAINER / "example.env").read_text("utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def composed() -> dict[str, Any]:
    """Return the file with the variables of example.env filled in."""
    known = values()

    def filled(found: re.Match[str]) -> str:
        value = known.get(found["name"], "")
        if not value and found["kind"] == "?":
            raise AssertionError(f"{found['name']} is not in example.env")
        return value or (found["rest"] or "")

    whole: dict[str, Any] = yaml.safe_load(VARIABLE.sub(filled, text()))
    return whole


def mounts(service: Mapping[str, Any]) -> list[Mount]:
    """Return what of the host is mounted; named volumes are none of it."""
    found = []
    for volume in service.get("volumes", ()):
        if isinstance(volume, str):
            source, target, *mode = volume.split(":")
            if source.startswith("."):
                found.append(Mount((CONTAINER / source).resolve(), target, mode == ["ro"]))
        else:
            source = (CONTAINER / volume["source"]).resolve()
            found.append(Mount(source, volume["target"], volume.get("read_only", False)))
    return found


def lay_out(service: Mapping[str, Any], directory: Path) -> None:
    """Put what the container finds at a path at the same path below `directory`, as after the steps of the head."""
    settings = CONTAINER / "settings"
    for mount in mounts(service):
        target = directory / mount.target.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        if mount.source == settings:
            target.mkdir()
            for name, source in SETTINGS.items():
                shutil.copyfile(source, target / name)
        elif mount.source.parent == settings:
            shutil.copyfile(SETTINGS[mount.source.name], target)
        elif mount.source.is_dir():
            shutil.copytree(mount.source, target)
        else:
            shutil.copyfile(mount.source, target)


def arguments(service: Mapping[str, Any], directory: Path, **changes: str) -> list[str]:
    """Return the command of a container with its paths below `directory`. changes: flags with other values."""
    made = []
    for argument in service["command"]:
        flag, equals, value = argument.partition("=")
        value = changes.get(flag.lstrip("-"), f"{directory}{value}" if value.startswith("/") else value)
        made.append(f"{flag}{equals}{value}")
    return made
