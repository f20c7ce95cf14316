"""A map: a dot a row of the answer, coloured by a column."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grafana_foundation_sdk.models import common, dashboard
from grafana_foundation_sdk.models import geomap as models

from deploy.boards.frame import made
from deploy.boards.words import both

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alerts.text import Text
    from deploy.boards.field import Column, Field
    from deploy.boards.frame import Head, Panel
    from deploy.boards.query import Query

__all__ = ["geomap"]


def geomap(
    head: Head,
    query: Query,
    field: Field,
    columns: Sequence[Column],
    *,
    layer: Text,
    colour_by: str,
    size_by: str = "",
    label_by: str = "",
) -> Panel:
    """Return a map of the rows by their columns `latitude` and `longitude`; rows without are not shown.

    colour_by: column whose words (or steps) colour the dots; size_by: a number that makes them larger
    label_by:  column written beside them
    The map itself is the one that Grafana's own settings name, so that a network without internet has its own.
    """
    size: dict[str, object] = {"fixed": 7, "min": 6, "max": 18}
    if size_by:
        size["field"] = size_by
    style: dict[str, object] = {
        "color": {"field": colour_by, "fixed": "blue"},
        "opacity": 0.8,
        "rotation": {"fixed": 0, "max": 360, "min": -360, "mode": "mod"},
        "size": size,
        "symbol": {"fixed": "img/icons/marker/circle.svg", "mode": "fixed"},
        "symbolAlign": {"horizontal": "center", "vertical": "center"},
        "textConfig": {
            "fontSize": 12,
            "offsetX": 0,
            "offsetY": -14,
            "textAlign": "center",
            "textBaseline": "middle",
        },
    }
    if label_by:
        style["text"] = {"field": label_by, "fixed": "", "mode": "field"}
    return made(
        "geomap",
        head,
        query,
        options=models.Options(
            view=models.MapViewConfig("fit", lat=0, lon=0, zoom=15, max_zoom=17, padding=10, all_layers=True),
            controls=models.ControlsOptions(
                show_zoom=True, mouse_wheel_zoom=True, show_attribution=True, show_scale=True, show_debug=False
            ),
            basemap=common.MapLayerOptions("default", both(layer), config={}),
            layers=[
                common.MapLayerOptions(
                    "markers",
                    both(layer),
                    config={"showLegend": True, "style": style},
                    location=common.FrameGeometrySource(
                        common.FrameGeometrySourceMode.COORDS, latitude="latitude", longitude="longitude"
                    ),
                    tooltip=True,
                )
            ],
            tooltip=models.TooltipOptions(models.TooltipMode.DETAILS),
        ),
        field=field.model(dashboard.FieldColorModeId.THRESHOLDS, models_field()),
        overrides=[column.override() for column in columns],
    )


def models_field() -> object:
    """Return the options that a map's fields have of their own: none is hidden."""
    return {"hideFrom": {"legend": False, "tooltip": False, "viz": False}}
