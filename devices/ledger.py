"""The ledger: the devices of a community as a table that people keep, in CSV or Excel, read whole or not at all."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, TypeVar

from devices.ledger_cells import NUMBER, as_cell
from devices.ledger_table import Row, read_table
from devices.ledger_xlsx import write_workbook
from devices.model import Device, Kind, Lifecycle, device_key

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from pathlib import Path

    from devices.profile import Profile

__all__ = ["COLUMNS", "LedgerFaults", "read_ledger", "write_ledger"]

COLUMNS = {
    "site": ("社区", "小区", "站点"),
    "device": ("设备编号", "设备", "设备号", "设备id"),
    "kind": ("类型", "设备类型"),
    "profile": ("配置", "设备配置"),
    "grid": ("网格", "网格号"),
    "building": ("楼栋", "楼号"),
    "floor": ("楼层",),
    "unit": ("房号", "户号", "位置"),
    "latitude": ("纬度",),
    "longitude": ("经度",),
    "gateway": ("网关", "网关编号"),
    "lifecycle": ("状态", "设备状态"),
}
"""The columns in the order of an export, and what else their headings may be called."""

REQUIRED = ("site", "device", "kind")
MAX_CHARACTERS = 64

_HEADINGS = {heading: column for column, others in COLUMNS.items() for heading in (column, *others)}
_KINDS = {kind.value: kind for kind in Kind if kind is not Kind.EXTERNAL} | {
    "烟感": Kind.SMOKE,
    "烟雾": Kind.SMOKE,
    "燃气": Kind.GAS,
    "可燃气体": Kind.GAS,
    "一氧化碳": Kind.CO,
    "消火栓": Kind.HYDRANT,
    "消防栓": Kind.HYDRANT,
    "水箱": Kind.TANK,
    "水池": Kind.TANK,
    "手表": Kind.WATCH,
    "老人手表": Kind.WATCH,
    "倾角": Kind.TILT,
    "倾斜": Kind.TILT,
    "网关": Kind.GATEWAY,
}
_LIFECYCLES = {lifecycle.value: lifecycle for lifecycle in Lifecycle} | {
    "未登记": Lifecycle.UNREGISTERED,
    "已登记": Lifecycle.REGISTERED,
    "已安装": Lifecycle.INSTALLED,
    "已验收": Lifecycle.VERIFIED,
    "维护中": Lifecycle.MAINTENANCE,
    "已报废": Lifecycle.RETIRED,
}
_Word = TypeVar("_Word", Kind, Lifecycle)
_NAMES = ("site", "device")
_DEGREES = {"latitude": 90.0, "longitude": 180.0}


class LedgerFaults(Exception):
    """Everything that is wrong with a ledger, each fault with its row and column."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


# ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def read_ledger(path: Path, profiles: Mapping[str, Profile], known: Collection[str] = frozenset()) -> list[Device]:
    """Return the devices of a ledger (.csv in UTF-8 or GB18030, or the first sheet of an .xlsx), top down.

    profiles: the loaded profiles by name
    known:    keys (`site/name`) of devices that a row may name as its gateway, beside those of the ledger
    Raises LedgerFaults with every fault; nothing is returned then.
    """
    try:
        table = read_table(path, _HEADINGS, REQUIRED)
    except OSError as error:
        raise LedgerFaults([f"{path}: cannot be read: {error.strerror or error}"]) from None
    except ValueError as error:
        raise LedgerFaults([f"{path}: {error}"]) from None
    devices: list[Device] = []
    if all(column in table.columns for column in REQUIRED):
        devices = [_device(row, profiles) for row in table.rows]
        _check_keys(table.rows, known)
    if table.faults:
        raise LedgerFaults([f"{path}: {fault}" for fault in table.faults])
    return devices


def _device(row: Row, profiles: Mapping[str, Profile]) -> Device:
    """Return the row's device; whatever it says that is wrong is noted, and a stand-in takes its place."""
    for column in COLUMNS:
        if wrong := _wrong_text(column, row.text(column)):
            row.fault(column, wrong)
        elif column in REQUIRED and not row.says(column):
            row.fault(column, "is blank; wanted a value")
    kind = _choice(row, "kind", _KINDS, Kind.UNKNOWN)
    profile = row.text("profile") or kind.value
    if profile not in profiles:
        row.fault("profile", f"{profile!r} is no profile; wanted one of {', '.join(profiles)}")
    elif row.text("kind").casefold() in _KINDS and profiles[profile].kind is not kind:
        row.fault("profile", f"{profile!r} is for kind {profiles[profile].kind}, and the row's kind is {kind}")
    latitude, longitude = _degrees(row, "latitude"), _degrees(row, "longitude")
    if row.says("latitude") != row.says("longitude"):
        row.fault("latitude", "one coordinate without the other; wanted both or neither")
    return Device(
        site=row.text("site"),
        name=row.text("device"),
        kind=kind,
        profile=profile,
        grid=row.text("grid"),
        building=row.text("building"),
        floor=row.text("floor"),
        unit=row.text("unit"),
        latitude=latitude,
        longitude=longitude,
        gateway=row.text("gateway"),
        lifecycle=_choice(row, "lifecycle", _LIFECYCLES, Lifecycle.REGISTERED),
    )


def _choice(row: Row, column: str, choices: Mapping[str, _Word], default: _Word) -> _Word:
    said = row.text(column)
    if said and said.casefold() not in choices:
        row.fault(column, f"{said!r} is no {column}; wanted one of {', '.join(choices)}")
    return choices.get(said.casefold(), default)


def _degrees(row: Row, column: str) -> float | None:
    said, limit = row.text(column), _DEGREES[column]
    if not said:
        return None
    if not NUMBER.fullmatch(said) or abs(float(said)) > limit:
        row.fault(column, f"{said!r} is no {column}; wanted degrees from -{limit:g} to {limit:g}")
        return None
    return float(said)


def _check_keys(rows: Iterable[Row], known: Collection[str]) -> None:
    """Note every device that is there twice, and every gateway that is not there."""
    first: dict[str, int] = {}
    for row in rows:
        if row.text("site") and row.text("device"):
            key = device_key(row.text("site"), row.text("device"))
            if first.setdefault(key, row.number) != row.number:
                row.fault("device", f"{key} is already in row {first[key]}")
    for row in rows:
        if gateway := row.text("gateway"):
            key = device_key(row.text("site"), gateway)
            if gateway == row.text("device"):
                row.fault("gateway", "is the device itself")
            elif key not in first and key not in known:
                row.fault("gateway", f"{key} is neither in the ledger nor registered")


def _wrong_text(column: str, text: str) -> str | None:
    """Say what keeps `text` from standing in `column` of a ledger, or None."""
    if len(text) > MAX_CHARACTERS:
        return f"has {len(text)} characters; wanted at most {MAX_CHARACTERS}"
    if not text.isprintable():
        return f"{text!r} holds a character that cannot be seen"
    if column in _NAMES and (unfit := sorted(set("/+#") & set(text))):
        return f"{text!r} holds {' '.join(unfit)}, which a level of an MQTT topic cannot"
    return None


# ── writing ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def write_ledger(path: Path, devices: Iterable[Device]) -> None:
    """Write a ledger that `read_ledger` reads back exactly; what `path` held before stays until all is written.

    CSV is UTF-8 with a byte-order mark, by which spreadsheet programs know it.
    Raises LedgerFaults where a device has a text that a ledger cannot hold, or `path` is of neither format.
    """
    table: list[list[str | float | None]] = [list(COLUMNS)]
    faults: list[str] = []
    for device in devices:
        texts = _texts(device)
        for column, text in texts.items():
            if wrong := _wrong_text(column, text):
                faults.append(f"{path}: device {device.key!r}, {column}: {wrong}")
        cells = {column: as_cell(text) for column, text in texts.items()}
        degrees = {"latitude": device.latitude, "longitude": device.longitude}
        table.append([degrees[column] if column in degrees else cells[column] for column in COLUMNS])
    suffix = path.suffix.lower()
    if suffix not in (".csv", ".xlsx"):
        faults.append(f"{path}: is neither .csv nor .xlsx")
    if faults:
        raise LedgerFaults(faults)
    unfinished = path.with_name(f".{path.name}.part")
    if suffix == ".xlsx":
        write_workbook(unfinished, table)
    else:
        with unfinished.open("w", encoding="utf-8-sig", newline="") as file:
            csv.writer(file).writerows(table)
    unfinished.replace(path)


def _texts(device: Device) -> dict[str, str]:
    return {
        "site": device.site,
        "device": device.name,
        "kind": device.kind.value,
        "profile": device.profile,
        "grid": device.grid,
        "building": device.building,
        "floor": device.floor,
        "unit": device.unit,
        "gateway": device.gateway,
        "lifecycle": device.lifecycle.value,
    }
