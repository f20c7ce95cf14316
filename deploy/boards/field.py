"""How values look: unit, limits, colours, words for states, what an empty panel says, where a click leads."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, TypeVar

from grafana_foundation_sdk.models import common, dashboard

from alerts.incident import IncidentState, NotificationStatus, Outcome
from deploy.boards.words import (
    DEVICE_STATE,
    KIND,
    NOTHING_HERE,
    NOTIFICATION,
    OUTCOME,
    SEVERITY,
    STATE,
    both,
)
from rules.model import Severity

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from alerts.text import Text
    from deploy.boards.link import Drill

__all__ = [
    "DEVICE_STATES",
    "INCIDENT_STATES",
    "KINDS",
    "NOTIFICATIONS",
    "OUTCOMES",
    "PLAIN",
    "SEVERITIES",
    "Cell",
    "Column",
    "Field",
    "Line",
    "Step",
    "custom",
    "mapping",
]

_Mapping = dashboard.ValueMapping
_Value = TypeVar("_Value", bound=str)


@dataclass(frozen=True, slots=True)
class Step:
    """From `value` on (in the panel's unit; None for the lowest step) the value has this colour."""

    value: float | None
    colour: str


PLAIN: Final = (Step(None, "text"),)
"""No limits: a value has the colour of text."""


def mapping(words: Mapping[_Value, Text], colours: Mapping[_Value, str]) -> dashboard.ValueMap:
    """Return words and colours for values, in the order of `words`. Raises KeyError where one has no colour."""
    return dashboard.ValueMap(
        {
            str(value): dashboard.ValueMappingResult(text=both(text), color=colours[value], index=index)
            for index, (value, text) in enumerate(words.items())
        }
    )


DEVICE_STATES: Final = mapping(
    DEVICE_STATE,
    {
        "alarm": "red",
        "offline": "purple",
        "fault": "orange",
        "supervisory": "yellow",
        "unregistered": "blue",
        "maintenance": "light-blue",
        "normal": "green",
    },
)
SEVERITIES: Final = mapping(
    {severity: SEVERITY[severity] for severity in reversed(Severity)},
    {
        Severity.EMERGENCY: "dark-red",
        Severity.ALARM: "red",
        Severity.WARNING: "orange",
        Severity.ADVISORY: "yellow",
    },
)
INCIDENT_STATES: Final = mapping(
    STATE,
    {
        IncidentState.RAISED: "red",
        IncidentState.ACCEPTED: "orange",
        IncidentState.DISPATCHED: "yellow",
        IncidentState.ARRIVED: "blue",
        IncidentState.VERIFIED: "purple",
        IncidentState.RESOLVED: "green",
        IncidentState.CLOSED: "dark-green",
        IncidentState.CLEARED: "text",
    },
)
OUTCOMES: Final = mapping(
    OUTCOME,
    {
        Outcome.TRUE: "red",
        Outcome.FALSE_ALARM: "orange",
        Outcome.TEST: "blue",
        Outcome.UNFOUNDED: "yellow",
    },
)
NOTIFICATIONS: Final = mapping(
    NOTIFICATION,
    {
        NotificationStatus.QUEUED: "blue",
        NotificationStatus.HANDED: "light-green",
        NotificationStatus.RECEIVED: "green",
        NotificationStatus.ANSWERED: "dark-green",
        NotificationStatus.FAILED: "red",
        NotificationStatus.UNKNOWN: "orange",
        NotificationStatus.EXPIRED: "dark-orange",
        NotificationStatus.WITHDRAWN: "text",
    },
)
KINDS: Final = mapping(KIND, dict.fromkeys(KIND, "text"))


@dataclass(frozen=True, slots=True)
class Field:
    """How all values of a panel look, where no `Column` or `Line` says otherwise.

    unit:     Grafana's id (`s`, `percent`, `short`, `none`, …) or `suffix:MPa`; "none" for a bare number or text
    empty:    what the panel says where there is nothing
    steps:    limits with colours, the lowest first
    words:    words and colours of values
    links:    where a click on a value leads
    colour:   one colour for all; "" for those of the steps, or, in a time series, one a series
    decimals, low, high: digits after the point; ends of the axis or gauge; None for Grafana's own choice
    """

    unit: str
    empty: Text = NOTHING_HERE
    steps: Sequence[Step] = PLAIN
    words: Sequence[_Mapping] = ()
    links: Sequence[Drill] = ()
    colour: str = ""
    decimals: int | None = None
    low: float | None = None
    high: float | None = None

    def model(self, mode: dashboard.FieldColorModeId, options: object = None) -> dashboard.FieldConfig:
        """Return it as Grafana has it; `mode` colours where no colour is said, `options` are the panel's own."""
        if self.colour:
            colour = dashboard.FieldColor(dashboard.FieldColorModeId.FIXED, fixed_color=self.colour)
        else:
            colour = dashboard.FieldColor(mode)
        return dashboard.FieldConfig(
            unit=self.unit,
            decimals=self.decimals,
            min_val=self.low,
            max_val=self.high,
            mappings=list(self.words),
            thresholds=_thresholds(self.steps),
            color=colour,
            links=[link.data_link() for link in self.links] or None,
            no_value=both(self.empty),
            custom=options,
        )


class Cell(StrEnum):
    """How a table shows a column."""

    PLAIN = "auto"
    TEXT = "color-text"
    """Text in the colour of its step or word."""
    BACKGROUND = "color-background"


@dataclass(frozen=True, slots=True)
class Column:
    """What one column of a table has of its own. name: as the query calls it; title: None hides the column."""

    name: str
    title: Text | None
    unit: str = ""
    steps: Sequence[Step] = ()
    words: Sequence[_Mapping] = ()
    links: Sequence[Drill] = ()
    cell: Cell = Cell.PLAIN
    width: int | None = None
    decimals: int | None = None
    wraps: bool = False

    def override(self) -> dashboard.DashboardFieldConfigSourceOverrides:
        """Return it as Grafana has it."""
        if self.title is None:
            return _override("byName", self.name, {"custom.hidden": True})
        properties: dict[str, object] = {"displayName": both(self.title)}
        if self.unit:
            properties["unit"] = self.unit
        if self.decimals is not None:
            properties["decimals"] = self.decimals
        if self.steps:
            properties["thresholds"] = _thresholds(self.steps)
            properties["color"] = dashboard.FieldColor(dashboard.FieldColorModeId.THRESHOLDS)
        if self.words:
            properties["mappings"] = list(self.words)
        if self.links:
            properties["links"] = [link.data_link() for link in self.links]
        if (cell := self._cell()) is not None:
            properties["custom.cellOptions"] = cell
        if self.width is not None:
            properties["custom.width"] = self.width
        return _override("byName", self.name, properties)

    def _cell(self) -> common.TableCellOptions | None:
        match self.cell:
            case Cell.TEXT:
                return common.TableColorTextCellOptions()
            case Cell.BACKGROUND:
                return common.TableColoredBackgroundCellOptions(mode=common.TableCellBackgroundDisplayMode.BASIC)
            case Cell.PLAIN:
                return common.TableAutoCellOptions(wrap_text=True) if self.wraps else None


@dataclass(frozen=True, slots=True)
class Line:
    """What some series of a time series or bar chart have of their own.

    name:    of the series or of the column; `pattern` says that it is a regular expression
    title:   None where the name serves
    dashed:  as limits are drawn
    right:   on an axis of its own, at the right
    faint:   without a line, as the edge of a band; down_to: the title of the series to which the band reaches down
    """

    name: str
    title: Text | None = None
    colour: str = ""
    unit: str = ""
    pattern: bool = False
    dashed: bool = False
    right: bool = False
    faint: bool = False
    down_to: Text | None = None
    steps: Sequence[Step] = ()
    words: Sequence[_Mapping] = ()

    def override(self) -> dashboard.DashboardFieldConfigSourceOverrides:
        """Return it as Grafana has it."""
        properties: dict[str, object] = {}
        if self.title is not None:
            properties["displayName"] = both(self.title)
        if self.colour:
            properties["color"] = dashboard.FieldColor(dashboard.FieldColorModeId.FIXED, fixed_color=self.colour)
        if self.unit:
            properties["unit"] = self.unit
        if self.steps:
            properties["thresholds"] = _thresholds(self.steps)
        if self.words:
            properties["mappings"] = list(self.words)
        if self.dashed:
            properties["custom.lineStyle"] = common.LineStyle("dash", [8, 6])
            properties["custom.fillOpacity"] = 0
            properties["custom.lineWidth"] = 2
        if self.faint:
            properties["custom.lineWidth"] = 0
            properties["custom.showPoints"] = common.VisibilityMode.NEVER
        if self.down_to is not None:
            properties["custom.fillBelowTo"] = both(self.down_to)
            properties["custom.fillOpacity"] = 15
        if self.right:
            properties["custom.axisPlacement"] = common.AxisPlacement.RIGHT
        return _override("byRegexp" if self.pattern else "byName", self.name, properties)


def custom(name: str, pattern: str, value: object) -> dashboard.DashboardFieldConfigSourceOverrides:
    """Return an override of one property for what the regular expression `pattern` finds."""
    return _override("byRegexp", pattern, {name: value})


def _override(
    matcher: str, name: str, properties: Mapping[str, object]
) -> dashboard.DashboardFieldConfigSourceOverrides:
    return dashboard.DashboardFieldConfigSourceOverrides(
        dashboard.MatcherConfig(matcher, name),
        [dashboard.DynamicConfigValue(key, value) for key, value in properties.items()],
    )


def _thresholds(steps: Sequence[Step]) -> dashboard.ThresholdsConfig:
    if not steps or steps[0].value is not None:
        raise ValueError(f"the lowest step has no value: {steps}")
    return dashboard.ThresholdsConfig(
        dashboard.ThresholdsMode.ABSOLUTE, [dashboard.Threshold(step.value, step.colour) for step in steps]
    )
