"""Where a click leads: to another board, with the time range and what is chosen here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from grafana_foundation_sdk.models import dashboard

from alerts.text import Text
from deploy.boards.words import both

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["DEVICE_DRILL", "TAG", "Drill", "board_link", "boards_menu", "field", "incident_drill", "series_label"]

TAG: Final = "vigil"
"""Of every board of ours; the menu lists what has it."""


def field(name: str) -> str:
    """Return the value of column `name` in the row that was clicked, for `Drill.chosen`."""
    return f'${{__data.fields["{name}"]:percentencode}}'


def series_label(name: str) -> str:
    """Return the label `name` of the series that was clicked, for `Drill.chosen`."""
    return f'${{__field.labels["{name}"]:percentencode}}'


@dataclass(frozen=True, slots=True)
class Drill:
    """A link of a value to a board, in the same time range.

    uid:    of the board
    kept:   variables that have the same name and values there
    chosen: variables and what they are set to: `field("site")`, `series_label("site")` or a word
    window: columns with the beginning and the end of a time range of its own, ms since the epoch
    """

    uid: str
    title: Text
    chosen: Mapping[str, str]
    kept: tuple[str, ...] = ()
    window: tuple[str, str] | None = None

    @property
    def url(self) -> str:
        """The address, as Grafana fills it in."""
        parts = ["${__url_time_range}"]
        if self.window is not None:
            parts = [f"{side}={field(name)}" for side, name in zip(("from", "to"), self.window, strict=True)]
        parts += [f"${{{name}:queryparam}}" for name in self.kept]
        parts += [f"var-{name}={value}" for name, value in self.chosen.items()]
        return f"/d/{self.uid}?{'&'.join(parts)}"

    def data_link(self) -> dashboard.DashboardLink:
        """Return it as a link of a field."""
        return _DataLink(both(self.title), self.url)


class _DataLink(dashboard.DashboardLink):
    """A link of a field has a title and an address; the toolkit takes it for one of a dashboard, which has more."""

    def __init__(self, title: str, url: str) -> None:
        super().__init__(title=title, url=url)

    def to_json(self) -> dict[str, object]:
        return {"targetBlank": False, "title": self.title, "url": self.url}


DEVICE_DRILL: Final = Drill(
    field("board"), Text("Open the device", "查看设备"), {"site": field("site"), "device": field("name")}
)
"""From a row with the columns site, name and board (uid) to the board of the device's class."""


def incident_drill(column: str = "incident_id", window: tuple[str, str] | None = None) -> Drill:
    """Return the link to the board of the incident whose id is in `column`, seen in the time range of `window`."""
    return Drill("vigil-incident", Text("Open the incident", "查看事件"), {"incident": field(column)}, window=window)


def boards_menu() -> dashboard.DashboardLink:
    """Return the menu of all boards; it keeps the time range and what is chosen."""
    return dashboard.DashboardLink(
        title="看板 · Boards",
        type_val=dashboard.DashboardLinkType.DASHBOARDS,
        icon="external link",
        tooltip="其他看板 · other boards",
        url="",
        tags=[TAG],
        as_dropdown=True,
        include_vars=True,
        keep_time=True,
    )


def board_link(uid: str, title: Text) -> dashboard.DashboardLink:
    """Return a link at the top of a board to the board `uid`; it keeps the time range and what is chosen."""
    return dashboard.DashboardLink(
        title=both(title),
        type_val=dashboard.DashboardLinkType.LINK,
        icon="dashboard",
        tooltip=both(title),
        url=f"/d/{uid}",
        include_vars=True,
        keep_time=True,
    )
