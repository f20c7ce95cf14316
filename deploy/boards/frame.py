"""What every panel has: a name, words, queries, how its values look. The makers of each kind are beside it."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from grafana_foundation_sdk.models import common, dashboard

from deploy.boards.query import HISTORY, PROMETHEUS, Prom, Query
from deploy.boards.words import both, told

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alerts.text import Text

__all__ = ["VERSION", "Head", "Panel", "legend_of", "made", "tooltip"]

VERSION: Final = "11.6.0"
"""Of the panels' options; without one Grafana takes them for old ones and migrates them."""


@dataclass(frozen=True, slots=True)
class Head:
    """What every panel has.

    key:   its name on the board, lower case; the panel's number is made from it, so that links to it last
    title, about: said at the top, and behind the "i": what it shows, and what to do about it
    width: of 24; height: in rows of 30 px
    """

    key: str
    title: Text
    about: Text
    width: int = 8
    height: int = 8

    @property
    def number(self) -> int:
        """The panel's id on its board."""
        return zlib.crc32(self.key.encode()) % 999_983 + 1


@dataclass(frozen=True, slots=True)
class Panel:
    """A panel that is not placed yet. model: without number and place, which the board gives it."""

    head: Head
    model: dashboard.Panel


def made(
    kind: str,
    head: Head,
    queries: Query | Sequence[Query],
    *,
    options: object,
    field: dashboard.FieldConfig,
    overrides: Sequence[dashboard.DashboardFieldConfigSourceOverrides] = (),
    transformations: Sequence[dashboard.DataTransformerConfig] = (),
    interval: str | None = None,
) -> Panel:
    """Return a panel of any kind: what the makers below share. Raises ValueError where its queries mix two sources."""
    asked = (queries,) if isinstance(queries, Query) else tuple(queries)
    sources = {type(query) for query in asked}
    if len(sources) > 1:
        raise ValueError(f"{head.key}: queries of both sources")
    return Panel(
        head,
        dashboard.Panel(
            type_val=kind,
            plugin_version=VERSION,
            title=both(head.title),
            description=told(head.about),
            targets=[query.target(chr(ord("A") + place)) for place, query in enumerate(asked)],
            datasource=PROMETHEUS if sources == {Prom} else HISTORY,
            transformations=list(transformations) or None,
            interval=interval,
            options=options,
            field_config=dashboard.FieldConfigSource(field, list(overrides)),
        ),
    )


def legend_of(shown: bool, calcs: Sequence[str]) -> common.VizLegendOptions:
    """Return the legend: names below, or a table of names and figures (`calcs`) beside."""
    return common.VizLegendOptions(
        display_mode=common.LegendDisplayMode.TABLE if calcs else common.LegendDisplayMode.LIST,
        placement=common.LegendPlacement.RIGHT if calcs else common.LegendPlacement.BOTTOM,
        show_legend=shown,
        calcs=list(calcs),
    )


def tooltip() -> common.VizTooltipOptions:
    """Return what shows under the pointer: every series, the largest first."""
    return common.VizTooltipOptions(mode=common.TooltipDisplayMode.MULTI, sort=common.SortOrder.DESCENDING)
