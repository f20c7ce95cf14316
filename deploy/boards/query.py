"""What panels ask: SQL of the history, read by name from the file beside a board, and PromQL of the service."""

from __future__ import annotations

import importlib.resources
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models.dashboard import DataSourceRef
from grafana_foundation_sdk.models.prometheus import Dataquery as PrometheusQuery
from grafana_foundation_sdk.models.prometheus import PromQueryFormat, QueryEditorMode

from storage.sql import parse_queries

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["HISTORY", "PROMETHEUS", "Prom", "Query", "Shape", "Sql", "SqlTarget", "sql_beside"]

HISTORY: Final = DataSourceRef("grafana-postgresql-datasource", "vigil-history")
PROMETHEUS: Final = DataSourceRef("prometheus", "vigil-prometheus")


class Shape(StrEnum):
    """What a panel makes of the rows."""

    TABLE = "table"
    """Rows and columns as they come."""
    SERIES = "time_series"
    """A column `time` in rising order, text columns as names of the series (`metric` alone is the whole name), "
    "numbers."""
    HEATMAP = "heatmap"
    """Of Prometheus only: buckets of a histogram."""


@dataclass(frozen=True, slots=True)
class Sql:
    """One query of the history. text: SQL with Grafana's macros and `${name:sqlstring}`; shape: TABLE or SERIES."""

    text: str
    shape: Shape = Shape.TABLE

    def target(self, ref: str) -> Dataquery:
        """Return it as the query `ref` of a panel."""
        return SqlTarget(self.text, self.shape, ref)


@dataclass(frozen=True, slots=True)
class Prom:
    """One query of Prometheus.

    expr:    PromQL; `$__rate_interval` and `$__range` are Grafana's
    legend:  name of each series, "{{label}}" filled in
    instant: only what is true at the end of the time range, as tables and single figures want it
    exemplar: show the traces that the histogram's buckets name
    """

    expr: str
    legend: str = ""
    instant: bool = False
    shape: Shape = Shape.SERIES
    exemplar: bool = False

    def target(self, ref: str) -> Dataquery:
        """Return it as the query `ref` of a panel."""
        return PrometheusQuery(
            expr=self.expr,
            instant=self.instant,
            range_val=not self.instant,
            exemplar=True if self.exemplar else None,
            editor_mode=QueryEditorMode.CODE,
            format_val=PromQueryFormat(self.shape),
            legend_format=self.legend or "__auto",
            ref_id=ref,
            datasource=PROMETHEUS,
        )


Query = Sql | Prom


@dataclass(frozen=True, slots=True)
class SqlTarget(Dataquery):
    """A query of the history as Grafana keeps it; the toolkit has no type for PostgreSQL."""

    text: str
    shape: Shape
    ref: str

    def to_json(self) -> dict[str, object]:
        """Return the fields that Grafana's SQL data sources read."""
        return {
            "datasource": HISTORY,
            "editorMode": "code",
            "format": self.shape,
            "rawQuery": True,
            "rawSql": self.text,
            "refId": self.ref,
        }


def sql_beside(board: str) -> Mapping[str, str]:
    """Return the queries of `deploy/boards/<board>.sql` by name, without the semicolon, which macros may not follow."""
    text = (importlib.resources.files("deploy.boards") / f"{board}.sql").read_text("utf-8")
    return {name: body.decode().strip().removesuffix(";").rstrip() for name, body in parse_queries(text).items()}
