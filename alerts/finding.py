"""A finding: one change of a rule, and all that is needed to say what it means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from devices.model import Device
    from devices.profile import Metric
    from rules.model import Change, Rule

__all__ = ["Finding"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One change in its journal record.

    device:        that of the change
    metric:        that of its channel; None for no-data and relation rules, and for metrics that no profile names
    now_us:        the journal record's time
    offset, index: the record's offset, and the change's place in it; names are made from them
    device_of:     device row → device, None for a row that was never applied
    rule_of:       rule id → rule, None where there is none (any more)
    """

    change: Change
    device: Device
    metric: Metric | None
    now_us: int
    offset: int
    index: int
    device_of: Callable[[int], Device | None]
    rule_of: Callable[[str], Rule | None]

    @property
    def rule(self) -> Rule:
        """The rule as it is in force on the device."""
        return self.change.rule

    @property
    def unit(self) -> str:
        """Unit of the reading; "" where it has none."""
        return self.metric.unit if self.metric else ""

    @property
    def lasted_s(self) -> float:
        """How long the breach has lasted, or had lasted when it ended, s."""
        return (self.change.time_us - self.change.since_us) / 1e6

    def members(self, most: int | None = None) -> list[Device]:
        """Return the devices that have a part in it, up to `most`."""
        found = (self.device_of(row) for row in self.change.members[:most])
        return [device for device in found if device is not None]
