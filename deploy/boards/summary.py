"""Panels of what is so now, or over the whole range: figures, dials, bars, rows, words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from grafana_foundation_sdk.models import barchart as bar_models
from grafana_foundation_sdk.models import bargauge as bargauge_models
from grafana_foundation_sdk.models import common, dashboard
from grafana_foundation_sdk.models import gauge as gauge_models
from grafana_foundation_sdk.models import stat as stat_models
from grafana_foundation_sdk.models import table as table_models
from grafana_foundation_sdk.models import text as text_models

from deploy.boards.field import Column, Field, Line
from deploy.boards.frame import VERSION, Head, Panel, legend_of, made, tooltip
from deploy.boards.words import both, told

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alerts.text import Text
    from deploy.boards.query import Query

__all__ = ["barchart", "bargauge", "gauge", "stat", "table", "text"]

_COLOUR: Final = dashboard.FieldColorModeId


def stat(
    head: Head,
    queries: Query | Sequence[Query],
    field: Field,
    lines: Sequence[Line] = (),
    *,
    each: bool = False,
    named: bool = False,
    curve: bool = False,
    background: bool = True,
    calc: str = "lastNotNull",
    values: str = "",
) -> Panel:
    """Return large figures.

    each:  one figure a row of the answer, not one for all; named: with the series' or column's name
    curve: its course behind the figure; background: in colour, else the figure is
    calc:  what becomes of many values; values: regular expression of the columns to show, "/.*/" for text, too
    """
    return made(
        "stat",
        head,
        queries,
        options=stat_models.Options(
            graph_mode=common.BigValueGraphMode.AREA if curve else common.BigValueGraphMode.NONE,
            color_mode=common.BigValueColorMode.BACKGROUND if background else common.BigValueColorMode.VALUE,
            justify_mode=common.BigValueJustifyMode.CENTER,
            text_mode=common.BigValueTextMode.VALUE_AND_NAME if named else common.BigValueTextMode.AUTO,
            wide_layout=True,
            show_percent_change=False,
            reduce_options=common.ReduceDataOptions(values=each, calcs=[calc], fields=values),
            orientation=common.VizOrientation.AUTO,
        ),
        field=field.model(_COLOUR.THRESHOLDS),
        overrides=[line.override() for line in lines],
    )


def gauge(head: Head, queries: Query | Sequence[Query], field: Field, *, each: bool = False) -> Panel:
    """Return dials from `field.low` to `field.high`; each: one a row of the answer."""
    return made(
        "gauge",
        head,
        queries,
        options=gauge_models.Options(
            show_threshold_labels=False,
            show_threshold_markers=True,
            sizing=common.BarGaugeSizing.AUTO,
            min_viz_width=75,
            min_viz_height=75,
            reduce_options=common.ReduceDataOptions(values=each, calcs=["lastNotNull"], fields=""),
            orientation=common.VizOrientation.AUTO,
        ),
        field=field.model(_COLOUR.THRESHOLDS),
    )


def bargauge(head: Head, queries: Query | Sequence[Query], field: Field, *, each: bool = True) -> Panel:
    """Return a lying bar a row of the answer, with its name; each=False: one a series, of its last value."""
    return made(
        "bargauge",
        head,
        queries,
        options=bargauge_models.Options(
            display_mode=common.BarGaugeDisplayMode.BASIC,
            value_mode=common.BarGaugeValueMode.TEXT,
            name_placement=common.BarGaugeNamePlacement.LEFT,
            show_unfilled=True,
            sizing=common.BarGaugeSizing.AUTO,
            min_viz_width=8,
            min_viz_height=16,
            max_viz_height=300,
            legend=legend_of(shown=False, calcs=()),
            reduce_options=common.ReduceDataOptions(values=each, calcs=["lastNotNull"], fields=""),
            orientation=common.VizOrientation.HORIZONTAL,
        ),
        field=field.model(_COLOUR.THRESHOLDS),
    )


def barchart(
    head: Head,
    queries: Query | Sequence[Query],
    field: Field,
    lines: Sequence[Line] = (),
    *,
    x: str,
    stacked: bool = False,
    lying: bool = False,
    legend: bool = True,
) -> Panel:
    """Return bars: a text column `x` names them, and each number column is a bar, or a part of one where stacked."""
    return made(
        "barchart",
        head,
        queries,
        options=bar_models.Options(
            x_field=x,
            orientation=common.VizOrientation.HORIZONTAL if lying else common.VizOrientation.VERTICAL,
            bar_radius=0,
            x_tick_label_rotation=0,
            x_tick_label_max_length=24,
            x_tick_label_spacing=0,
            stacking=common.StackingMode.NORMAL if stacked else common.StackingMode.NONE,
            show_value=common.VisibilityMode.AUTO,
            bar_width=0.9,
            group_width=0.7,
            legend=legend_of(legend, ()),
            tooltip=tooltip(),
            full_highlight=False,
        ),
        field=field.model(
            _COLOUR.PALETTE_CLASSIC,
            bar_models.FieldConfig(
                line_width=1,
                fill_opacity=80,
                gradient_mode=common.GraphGradientMode.NONE,
                axis_soft_min=0,
                thresholds_style=common.GraphThresholdsStyleConfig(common.GraphThresholdsStyleMode.OFF),
            ),
        ),
        overrides=[line.override() for line in lines],
    )


def table(
    head: Head,
    queries: Query | Sequence[Query],
    field: Field,
    columns: Sequence[Column],
    *,
    sort: str = "",
    descending: bool = True,
    filters: bool = True,
    transformations: Sequence[dashboard.DataTransformerConfig] = (),
) -> Panel:
    """Return rows; each column is named in both languages by its `Column`.

    sort: column as shown (`both(title)`) to sort by; "" keeps the order of the query, which is better
    """
    options = common.TableFieldOptions(
        align=common.FieldTextAlignment.AUTO,
        cell_options=common.TableAutoCellOptions(),
        filterable=filters,
        inspect=False,
    )
    return made(
        "table",
        head,
        queries,
        options=table_models.Options(
            show_header=True,
            cell_height=common.TableCellHeight.SM,
            sort_by=[common.TableSortByFieldState(sort, descending)] if sort else None,
        ),
        field=field.model(_COLOUR.THRESHOLDS, options),
        overrides=[column.override() for column in columns],
        transformations=transformations,
    )


def text(head: Head, content: Text) -> Panel:
    """Return words in Markdown, Chinese first."""
    return Panel(
        head,
        dashboard.Panel(
            type_val="text",
            plugin_version=VERSION,
            title=both(head.title),
            description=told(head.about),
            options=text_models.Options(mode=text_models.TextMode.MARKDOWN, content=told(content)),
            field_config=dashboard.FieldConfigSource(Field("none").model(_COLOUR.THRESHOLDS)),
        ),
    )
