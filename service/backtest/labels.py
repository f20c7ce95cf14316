"""Labels: what an alarm turned out to be, as people said in the incident or wrote into a table."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import msgspec

from alerts import Outcome
from devices import device_key
from devices.ledger_table import Row, read_table
from service.backtest.times import exact_time, parse_time

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from zoneinfo import ZoneInfo

__all__ = ["Label", "LabelFaults", "read_labels", "write_labels"]

COLUMNS = {
    "site": ("社区", "小区", "站点"),
    "device": ("设备编号", "设备", "设备号"),
    "from": ("开始", "开始时间"),
    "to": ("结束", "结束时间"),
    "outcome": ("结果", "核实结果"),
    "rule": ("规则",),
}
"""The columns in the order in which they are written, and what else their headings may be called."""

REQUIRED = ("device", "from", "outcome")

_HEADINGS = {heading: column for column, others in COLUMNS.items() for heading in (column, *others)}
_OUTCOMES = {outcome.value: outcome for outcome in Outcome} | {
    "真警": Outcome.TRUE,
    "真实": Outcome.TRUE,
    "误报": Outcome.FALSE_ALARM,
    "测试": Outcome.TEST,
    "查无实情": Outcome.UNFOUNDED,
}


class LabelFaults(Exception):
    """Everything that is wrong with a table of labels, each fault with its row and column."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class Label(msgspec.Struct, frozen=True, kw_only=True):
    """What was really there.

    device:         `site/name`
    from_us, to_us: event time, both included
    rule:           the id of the rule that it is about; "" where it is about every rule of the device
    """

    device: str
    from_us: int
    to_us: int
    outcome: Outcome
    rule: str = ""

    def is_about(self, rule_id: str) -> bool:
        """Say whether it judges what `rule_id` says."""
        return self.rule in ("", rule_id)


def read_labels(path: Path, zone: ZoneInfo) -> list[Label]:
    """Return the labels of a table (.csv in UTF-8 or GB18030, or an .xlsx), top down.

    `device` is `site/name`, or the name where there is a column `site`; without `to` it is one moment.
    zone: of times without an offset
    Raises LabelFaults with every fault; nothing is returned then.
    """
    try:
        table = read_table(path, _HEADINGS, REQUIRED)
    except OSError as error:
        raise LabelFaults([f"{path}: cannot be read: {error.strerror or error}"]) from None
    except ValueError as error:
        raise LabelFaults([f"{path}: {error}"]) from None
    labels = [_label(row, zone) for row in table.rows] if all(name in table.columns for name in REQUIRED) else []
    if table.faults:
        raise LabelFaults([f"{path}: {fault}" for fault in table.faults])
    return labels


def _label(row: Row, zone: ZoneInfo) -> Label:
    """Return the row's label; whatever it says that is wrong is noted, and a stand-in takes its place."""
    device = device_key(row.text("site"), row.text("device")) if row.says("site") else row.text("device")
    if device.count("/") != 1 or not all(device.split("/")):
        row.fault("device", f"{device!r} is no device; wanted site/name, or a column site")
    from_us = _time(row, "from", zone) or 0
    to_us = _time(row, "to", zone) if row.says("to") else from_us
    if to_us is not None and to_us < from_us:
        row.fault("to", "is before from")
    said = row.text("outcome").casefold()
    if said not in _OUTCOMES:
        row.fault("outcome", f"{said!r} is no outcome; wanted one of {', '.join(_OUTCOMES)}")
    return Label(
        device=device,
        from_us=from_us,
        to_us=from_us if to_us is None else to_us,
        outcome=_OUTCOMES.get(said, Outcome.TEST),
        rule=row.text("rule"),
    )


def _time(row: Row, column: str, zone: ZoneInfo) -> int | None:
    try:
        return parse_time(row.text(column), zone)
    except ValueError as error:
        row.fault(column, str(error))
        return None


def write_labels(path: Path, labels: Iterable[Label], zone: ZoneInfo) -> None:
    """Write a table that `read_labels` reads back, in UTF-8 with a byte-order mark."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for label in labels:
            site, _, name = label.device.partition("/")
            times = (exact_time(us, zone) for us in (label.from_us, label.to_us))
            writer.writerow([site, name, *times, label.outcome.value, label.rule])
