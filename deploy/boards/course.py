"""Panels over time: lines, states, how often which value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from grafana_foundation_sdk.models import common, dashboard
from grafana_foundation_sdk.models import heatmap as heatmap_models
from grafana_foundation_sdk.models import statetimeline as state_models
from grafana_foundation_sdk.models import timeseries as time_models
from grafana_foundation_sdk.models import trend as trend_models

from deploy.boards.frame import Head, Panel, legend_of, made, tooltip

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deploy.boards.field import Field, Line
    from deploy.boards.query import Query

__all__ = ["heatmap", "statetimeline", "timeseries", "trend"]

_COLOUR: Final = dashboard.FieldColorModeId


def timeseries(
    head: Head,
    queries: Query | Sequence[Query],
    field: Field,
    lines: Sequence[Line] = (),
    *,
    fill: int = 0,
    stacked: bool = False,
    bars: bool = False,
    steps: bool = False,
    points: bool = False,
    limits: bool = False,
    legend: bool = True,
    calcs: Sequence[str] = (),
    gaps_over_s: float | None = None,
    breaks: bool = False,
    log: bool = False,
    transformations: Sequence[dashboard.DataTransformerConfig] = (),
) -> Panel:
    """Return lines over time.

    fill:    0 to 100 % under the lines; stacked: on top of one another; bars instead of lines
    steps:   each value holds until the next
    points:  show each reading; limits: draw the field's steps as dashed lines
    calcs:   figures of each series, in a table beside the lines ("min", "max", "mean", "lastNotNull")
    gaps_over_s: where readings are further apart, no line is drawn; None joins whatever comes
    breaks:  a row of the answer without a value ends the line
    log:     an axis by powers of ten
    """
    options = time_models.FieldConfig(
        draw_style=common.GraphDrawStyle.BARS if bars else common.GraphDrawStyle.LINE,
        line_interpolation=common.LineInterpolation.STEP_AFTER if steps else common.LineInterpolation.LINEAR,
        line_width=1,
        fill_opacity=80 if bars and not fill else fill,
        show_points=common.VisibilityMode.ALWAYS if points else common.VisibilityMode.AUTO,
        point_size=4,
        span_nulls=not breaks if gaps_over_s is None else gaps_over_s * 1000,
        insert_nulls=False if gaps_over_s is None else gaps_over_s * 1000,
        stacking=common.StackingConfig(common.StackingMode.NORMAL if stacked else common.StackingMode.NONE, "A"),
        thresholds_style=common.GraphThresholdsStyleConfig(
            common.GraphThresholdsStyleMode.DASHED if limits else common.GraphThresholdsStyleMode.OFF
        ),
        scale_distribution=common.ScaleDistributionConfig(common.ScaleDistribution.LOG, log=10) if log else None,
    )
    return made(
        "timeseries",
        head,
        queries,
        options=time_models.Options(legend=legend_of(legend, calcs), tooltip=tooltip()),
        field=field.model(_COLOUR.PALETTE_CLASSIC_BY_NAME, options),
        overrides=[line.override() for line in lines],
        transformations=transformations,
    )


def trend(head: Head, queries: Query | Sequence[Query], field: Field, lines: Sequence[Line] = (), *, x: str) -> Panel:
    """Return lines over the number column `x`, which rises: for what lies beyond the board's time range."""
    options = trend_models.FieldConfig(
        draw_style=common.GraphDrawStyle.LINE,
        line_interpolation=common.LineInterpolation.LINEAR,
        line_width=1,
        fill_opacity=0,
        show_points=common.VisibilityMode.NEVER,
        span_nulls=False,
    )
    return made(
        "trend",
        head,
        queries,
        options=trend_models.Options(legend=legend_of(shown=True, calcs=()), tooltip=tooltip(), x_field=x),
        field=field.model(_COLOUR.PALETTE_CLASSIC_BY_NAME, options),
        overrides=[line.override() for line in lines],
    )


def statetimeline(
    head: Head,
    queries: Query | Sequence[Query],
    field: Field,
    lines: Sequence[Line] = (),
    *,
    transformations: Sequence[dashboard.DataTransformerConfig] = (),
) -> Panel:
    """Return a band of states a series over time.

    Of the history, ask for numbers as `Shape.SERIES` and give the numbers words and colours: text columns of a
    series are its name, and text itself shows only from a `Shape.TABLE` with one column a band.
    """
    return made(
        "state-timeline",
        head,
        queries,
        options=state_models.Options(
            show_value=common.VisibilityMode.AUTO,
            row_height=0.9,
            merge_values=True,
            align_value=common.TimelineValueAlignment.LEFT,
            legend=legend_of(shown=False, calcs=()),
            tooltip=tooltip(),
            per_page=20,
        ),
        field=field.model(_COLOUR.THRESHOLDS, state_models.FieldConfig(line_width=0, fill_opacity=80)),
        overrides=[line.override() for line in lines],
        transformations=transformations,
    )


def heatmap(head: Head, query: Query, field: Field, *, unit: str) -> Panel:
    """Return how often which value over time, from buckets of a histogram. unit: of the values, which go upwards."""
    return made(
        "heatmap",
        head,
        query,
        options=heatmap_models.Options(
            calculate=False,
            color=heatmap_models.HeatmapColorOptions(
                mode=heatmap_models.HeatmapColorMode.SCHEME,
                scheme="Oranges",
                fill="dark-orange",
                scale=heatmap_models.HeatmapColorScale.EXPONENTIAL,
                exponent=0.5,
                steps=64,
                reverse=False,
            ),
            filter_values=heatmap_models.FilterValueRange(le=1e-9),
            rows_frame=heatmap_models.RowsHeatmapOptions(layout=common.HeatmapCellLayout.AUTO),
            cell_gap=1,
            y_axis=heatmap_models.YAxisConfig(unit=unit, axis_placement=common.AxisPlacement.LEFT),
            cell_values=heatmap_models.CellValues(unit=field.unit),
            legend=heatmap_models.HeatmapLegend(show=True),
            tooltip=heatmap_models.HeatmapTooltip(
                mode=common.TooltipDisplayMode.SINGLE, y_histogram=True, show_color_scale=False
            ),
            exemplars=heatmap_models.ExemplarConfig("rgba(255,0,255,0.7)"),
        ),
        field=field.model(_COLOUR.PALETTE_CLASSIC, heatmap_models.FieldConfig()),
    )
