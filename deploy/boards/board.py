"""Boards as code: what a board is made of, and the JSON that Grafana loads. The toolkit is grafana-foundation-sdk 11.6.

A board's module has `SQL = sql_beside("site")` and `BOARD = Board(...)`, and is named in `deploy.boards.every`:

    BOARD = Board(
        uid="vigil-site",
        title=Text("Site", "社区"),                       # Text(english, chinese), shown as "社区 · Site"
        about=Text("Floors and devices.", "楼层与设备。"),
        variables=(site(), grid(), building()),           # deploy.boards.variable; others by `choice(name, label, sql)`
        links=(board_link("vigil-district", Text("District", "全区")),),      # besides the menu of all boards
        rows=(
            Row(Text("Now", "当前"), (
                stat(Head("open", Text(…), Text(…), width=4, height=4), Sql(SQL["open"]), Field("none", empty=…)),
                table(Head(…), Sql(SQL["devices"]), Field("none"), (Column("device", Text(…), links=(Drill(…),)), …)),
            )),
        ),
        incidents=True,                                   # draw $site's incidents on every panel over time
    )

- `deploy.boards.query`: `Sql(text, shape)`, `Prom(expr, legend, instant=…)`; `Shape.TABLE`, `SERIES` (columns time,
  [metric], value, ORDER BY time), `HEATMAP`; `sql_beside(board)` reads `<board>.sql`.
- `deploy.boards.panel`: `Head(key, title, about, width, height)`; makers `timeseries trend statetimeline heatmap stat
  gauge bargauge barchart table text`; `deploy.boards.map`: `geomap`.
- `deploy.boards.field`: `Field(unit, empty, steps, words, links, …)` is how values look; `Column` and `Line` are what
  one column or series has of its own; `Step(from, colour)` limits; words with colours: `DEVICE_STATES SEVERITIES
  INCIDENT_STATES OUTCOMES NOTIFICATIONS KINDS`, others by `mapping(words, colours)`.
- `deploy.boards.link`: `Drill(uid, title, {"site": field("site")}, kept=("grid",))` is a click that keeps the time
  range; `incident_drill()` and `DEVICE_DRILL` lead to one incident, and to the class of one device.
- A panel's number comes from its key, its place from the order: left to right, wrapping at 24.

Where a board is stale, `python -m deploy.boards --check` says so; `python -m deploy.boards` writes all of them.
"""

from __future__ import annotations

import json
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard

from alerts.text import Text
from deploy.boards.frame import Head
from deploy.boards.link import TAG, boards_menu
from deploy.boards.query import HISTORY, Shape, Sql, SqlTarget, sql_beside
from deploy.boards.words import both, told

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deploy.boards.frame import Panel

__all__ = ["COLUMNS", "Board", "BoardFault", "Row"]

COLUMNS: Final = 24
"""Of Grafana's grid."""
ROW_HEIGHT: Final = 1
_ANNOTATIONS: Final = sql_beside("board")


class BoardFault(ValueError):
    """A board that Grafana would not show as it was meant."""


@dataclass(frozen=True, slots=True)
class Row:
    """A heading with the panels under it. folded: they show, and ask, only once somebody opens it."""

    title: Text
    panels: tuple[Panel, ...]
    folded: bool = False


@dataclass(frozen=True, slots=True)
class Board:
    """One board.

    since:     how far back it shows at first, in Grafana's words ("now-6h")
    refresh:   how often it asks anew; "" for by hand
    incidents: whether incidents are drawn over time; takes the variable `$site`, or `$incident` for one alone
    links:     at the top, besides the menu of all boards
    """

    uid: str
    title: Text
    about: Text
    rows: tuple[Row, ...]
    variables: tuple[dashboard.VariableModel, ...] = ()
    links: tuple[dashboard.DashboardLink, ...] = ()
    since: str = "now-6h"
    until: str = "now"
    refresh: str = "1m"
    incidents: bool = False

    @property
    def panels(self) -> tuple[Panel, ...]:
        """Every panel, in order."""
        return tuple(panel for row in self.rows for panel in row.panels)

    def model(self) -> dashboard.Dashboard:
        """Return it as the toolkit has it. Raises BoardFault where two panels share a number, or one is too wide."""
        return dashboard.Dashboard(
            uid=self.uid,
            title=both(self.title),
            description=told(self.about),
            tags=[TAG],
            timezone="browser",
            editable=False,
            graph_tooltip=dashboard.DashboardCursorSync.CROSSHAIR,
            time=dashboard.DashboardDashboardTime(self.since, self.until),
            timepicker=dashboard.TimePickerConfig(refresh_intervals=["10s", "30s", "1m", "5m", "15m", "1h"]),
            week_start="monday",
            refresh=self.refresh,
            panels=list(self._placed()),
            templating=dashboard.DashboardDashboardTemplating(list(self.variables)),
            annotations=dashboard.AnnotationContainer(list(self._annotations())),
            links=[boards_menu(), *self.links],
        )

    def json(self) -> str:
        """Return it as Grafana loads it: the same board gives the same bytes."""
        return json.dumps(self.model(), cls=JSONEncoder, ensure_ascii=False, indent=2, sort_keys=True) + "\n"

    def _placed(self) -> Iterator[dashboard.Panel | dashboard.RowPanel]:
        numbers: dict[int, str] = {}
        top = 0
        for place, row in enumerate(self.rows):
            heading = dashboard.RowPanel(
                collapsed=row.folded,
                title=both(row.title),
                grid_pos=dashboard.GridPos(x=0, y=top, w=COLUMNS, h=ROW_HEIGHT),
                id_val=Head(f"row {row.title.en}", row.title, row.title).number,
            )
            self._take(numbers, heading.id_val, f"row {place}")
            top += ROW_HEIGHT
            left = line = 0
            placed: list[dashboard.Panel] = []
            for panel in row.panels:
                head = panel.head
                if head.width > COLUMNS:
                    raise BoardFault(f"{self.uid}: {head.key} is {head.width} wide, of {COLUMNS}")
                if left + head.width > COLUMNS:
                    top, left, line = top + line, 0, 0
                self._take(numbers, head.number, head.key)
                model = copy(panel.model)
                model.id_val = head.number
                model.grid_pos = dashboard.GridPos(x=left, y=top, w=head.width, h=head.height)
                placed.append(model)
                left, line = left + head.width, max(line, head.height)
            top += line
            if row.folded:
                heading.panels = placed
                yield heading
            else:
                yield heading
                yield from placed

    def _take(self, numbers: dict[int, str], number: int, key: str) -> None:
        if number in numbers:
            raise BoardFault(f"{self.uid}: {key} and {numbers[number]} have the same number; give one another key")
        numbers[number] = key

    def _annotations(self) -> Iterator[dashboard.AnnotationQuery]:
        if self.incidents:
            one = any(variable.name == "incident" for variable in self.variables)
            yield _Incidents(_ANNOTATIONS["incident_drawn" if one else "incidents_drawn"])


class _Incidents(dashboard.AnnotationQuery):
    """Incidents drawn over time; the toolkit has no annotations that a query of a database finds."""

    def __init__(self, sql: str) -> None:
        super().__init__(
            name=both(Text("Incidents", "事件")), datasource=HISTORY, enable=True, hide=False, icon_color="red"
        )
        self.sql = sql

    def to_json(self) -> dict[str, object]:
        return {**super().to_json(), "target": SqlTarget(Sql(self.sql).text, Shape.TABLE, "Incidents")}
