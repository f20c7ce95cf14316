"""What a person can choose at the top of a board: places, one inside the other, a device, an incident."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.models import dashboard

from alerts.text import Text
from deploy.boards.query import HISTORY, sql_beside
from deploy.boards.words import both
from rules.model import AlarmClass

__all__ = ["alarm_class", "building", "choice", "device", "grid", "incident", "site"]

_SQL: Final = sql_beside("variable")
_EVERY: Final = dashboard.VariableOption(selected=True, text=["All"], value=["$__all"])


def choice(
    name: str,
    label: Text,
    sql: str,
    *,
    many: bool = True,
    every: bool = True,
    by_time: bool = False,
    first: tuple[str, ...] = (),
    typed: bool = False,
) -> dashboard.VariableModel:
    """Return a variable whose values a query of the history finds, as a column of values or `__value` and `__text`.

    many:    several may be chosen; `every`: "All" may, and is at first, unless `first` says what is
    by_time: what there is to choose depends on the time range
    typed:   a value that the query does not find may be typed in
    In SQL: `site IN (${site:sqlstring})`; so each query must find one row at least, even in an empty database.
    """
    return dashboard.VariableModel(
        type_val=dashboard.VariableType.QUERY,
        name=name,
        label=both(label),
        hide=dashboard.VariableHide.DONT_HIDE,
        query=sql,
        datasource=HISTORY,
        current=_chosen(first) if first else _EVERY if every else None,
        multi=many,
        allow_custom_value=typed,
        options=[],
        refresh=dashboard.VariableRefresh.ON_TIME_RANGE_CHANGED
        if by_time
        else dashboard.VariableRefresh.ON_DASHBOARD_LOAD,
        sort=dashboard.VariableSort.DISABLED,  # as the query sorts
        include_all=every,
        auto=None,
        auto_min=None,
        auto_count=None,
    )


def _chosen(values: tuple[str, ...]) -> dashboard.VariableOption:
    return dashboard.VariableOption(selected=True, text=list(values), value=list(values))


def site(*, many: bool = True, every: bool = True) -> dashboard.VariableModel:
    """Return `$site`."""
    return choice("site", Text("Site", "社区"), _SQL["sites"], many=many, every=every)


def grid() -> dashboard.VariableModel:
    """Return `$grid`, of the sites that are chosen."""
    return choice("grid", Text("Grid", "网格"), _SQL["grids"])


def building() -> dashboard.VariableModel:
    """Return `$building`, of the sites and grids that are chosen."""
    return choice("building", Text("Building", "楼栋"), _SQL["buildings"])


def device(kinds: tuple[str, ...], *, many: bool = False, every: bool = False) -> dashboard.VariableModel:
    """Return `$device`: names of devices of `kinds` within the sites, grids and buildings that are chosen."""
    named = ", ".join(f"'{kind}'" for kind in kinds)
    return choice("device", Text("Device", "设备"), _SQL["devices"].replace("'any'", named), many=many, every=every)


def incident() -> dashboard.VariableModel:
    """Return `$incident`: the newest of the time range, open ones first; any other id may be typed in."""
    label = Text("Incident", "事件")
    return choice("incident", label, _SQL["incidents"], many=False, every=False, by_time=True, typed=True)


def alarm_class() -> dashboard.VariableModel:
    """Return `$class`: what is at stake; life safety at first."""
    return choice("class", Text("Class", "类别"), _SQL["classes"], first=(AlarmClass.LIFE_SAFETY,))
