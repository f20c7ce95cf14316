"""The files that are made of the boards and alert rules: what each should hold, whether it does, and writing them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from deploy.boards.alerting import provisioned
from deploy.boards.every import BOARDS

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["GRAFANA", "made", "stale", "write"]

GRAFANA: Final = Path(__file__).parents[1] / "grafana"
_ALERTS: Final = Path("provisioning/alerting/vigil-rules.yaml")
_DASHBOARDS: Final = Path("dashboards")


def made() -> Mapping[Path, str]:
    """Return what each file should hold, by its path below `deploy/grafana`."""
    files = {_DASHBOARDS / f"{board.uid}.json": board.json() for board in BOARDS}
    if len(files) < len(BOARDS):
        raise ValueError("two boards have one uid")
    return {**files, _ALERTS: provisioned()}


def stale(folder: Path = GRAFANA) -> list[Path]:
    """Return the files below `folder` that are missing, hold something else, or are boards that no code makes."""
    wanted = made()
    differing = [
        path
        for path, text in wanted.items()
        if not (folder / path).is_file() or (folder / path).read_text("utf-8") != text
    ]
    return sorted(differing + _orphans(folder, wanted))


def write(folder: Path = GRAFANA) -> list[Path]:
    """Bring the files below `folder` up to date; return those that were written or removed."""
    wanted = made()
    changed = stale(folder)
    for path in changed:
        file = folder / path
        if path in wanted:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(wanted[path], "utf-8")
        else:
            file.unlink()
    return changed


def _orphans(folder: Path, wanted: Mapping[Path, str]) -> list[Path]:
    """Return boards that no code makes any more: Grafana would go on showing them."""
    there = [file.relative_to(folder) for file in (folder / _DASHBOARDS).glob("*.json")]
    return [path for path in there if path not in wanted]
