"""The files that Grafana loads: the generated boards and alert rules, as far as queries go."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml

from deploy.boards.grafana import DEFAULT_POINTS, Board, Query, QueryKind, Variable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["alerts", "boards", "least_interval", "read_board"]

GRAFANA: Final = Path(__file__).parents[2] / "deploy" / "grafana"
DASHBOARDS: Final = GRAFANA / "dashboards"
PROVISIONING: Final = GRAFANA / "provisioning"
HISTORY: Final = "vigil-history"
"""Uid of the data source whose queries are SQL."""
DEFAULT_INTERVAL: Final = "1m"
"""What the SQL data sources take for their least interval, where their settings give none."""


def boards(folder: Path = DASHBOARDS) -> tuple[Board, ...]:
    """Return every board of `folder`, in order of their files' names."""
    return tuple(read_board(json.loads(file.read_text("utf-8"))) for file in sorted(folder.glob("*.json")))


def read_board(model: Mapping[str, Any]) -> Board:
    """Return a board from its JSON model."""
    uid = model["uid"]
    variables = tuple(_variable(one) for one in model.get("templating", {}).get("list", ()))
    queries = [
        Query(uid, one.name, QueryKind.VARIABLE, one.query) for one in variables if one.type == "query" and one.query
    ]
    for annotation in model.get("annotations", {}).get("list", ()):
        if _is_history(annotation.get("datasource")):
            target = annotation.get("target") or {}
            sql = target.get("rawSql") or annotation.get("rawQuery") or ""
            queries.append(Query(uid, annotation["name"], QueryKind.ANNOTATION, sql, "table", least_interval(), 100))
    for panel in _panels(model.get("panels", ())):
        queries += _targets(uid, panel)
    return Board(uid, model["title"], variables, tuple(queries), model)


def _panels(panels: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for panel in panels:
        yield panel
        yield from _panels(panel.get("panels", ()))


def _targets(uid: str, panel: Mapping[str, Any]) -> Iterator[Query]:
    for target in panel.get("targets", ()):
        if _is_history(target.get("datasource") or panel.get("datasource")) and not target.get("hide"):
            yield Query(
                uid,
                f"{panel['title']}/{target.get('refId', 'A')}",
                QueryKind.PANEL,
                target.get("rawSql", ""),
                target.get("format", "time_series"),
                panel.get("interval") or least_interval(),
                panel.get("maxDataPoints") or DEFAULT_POINTS,
                panel["type"],
            )


def _is_history(source: object) -> bool:
    return isinstance(source, dict) and source.get("uid") == HISTORY


def _variable(model: Mapping[str, Any]) -> Variable:
    query = model.get("query", "")
    if isinstance(query, dict):
        query = query.get("rawSql") or query.get("query") or ""
    current = model.get("current", {}).get("value", "")
    is_query = model["type"] == "query"
    return Variable(
        model["name"],
        model["type"],
        query if is_query else "",
        () if is_query else tuple(one.strip() for one in str(query).split(",") if one.strip()),
        bool(model.get("multi")),
        bool(model.get("includeAll")),
        model.get("allValue") or "",
        tuple(current) if isinstance(current, list) else str(current),
        model.get("regex") or "",
    )


def alerts(folder: Path = PROVISIONING / "alerting") -> tuple[tuple[Query, int], ...]:
    """Return the SQL of every alert rule under `folder`, each with how far it looks back, s."""
    found = []
    for file in sorted(folder.glob("*.y*ml")):
        for group in (yaml.safe_load(file.read_text("utf-8")) or {}).get("groups", ()):
            for rule in group["rules"]:
                for data in rule["data"]:
                    model = data["model"]
                    if data.get("datasourceUid") == HISTORY and model.get("rawSql"):
                        looks_back_s = int(data.get("relativeTimeRange", {}).get("from", 600))
                        sql, form = model["rawSql"], model.get("format", "time_series")
                        query = Query(rule["uid"], data["refId"], QueryKind.ALERT, sql, form, least_interval())
                        found.append((query, looks_back_s))
    return tuple(found)


@cache
def least_interval() -> str:
    """Return the least interval that the provisioned history source gives, or the SQL sources' own."""
    for file in sorted((PROVISIONING / "datasources").glob("*.y*ml")):
        for source in (yaml.safe_load(file.read_text("utf-8")) or {}).get("datasources", ()):
            if source.get("uid") == HISTORY:
                return str((source.get("jsonData") or {}).get("timeInterval") or DEFAULT_INTERVAL)
    return DEFAULT_INTERVAL
