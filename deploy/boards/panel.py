"""The panels, one maker a kind: what boards import. Maps are in `deploy.boards.map`."""

from deploy.boards.course import heatmap, statetimeline, timeseries, trend
from deploy.boards.frame import Head, Panel, made
from deploy.boards.summary import barchart, bargauge, gauge, stat, table, text

__all__ = [
    "Head",
    "Panel",
    "barchart",
    "bargauge",
    "gauge",
    "heatmap",
    "made",
    "stat",
    "statetimeline",
    "table",
    "text",
    "timeseries",
    "trend",
]
