"""Which order the groups that wait for one commit get.

The control file is committed first. An alarm that waits together with telemetry should leave with that first commit,
yet whoever folds records live must see them in the order in which a replay will. So alarms go ahead of telemetry in
the order itself: a group of control entries alone overtakes groups of telemetry alone. It overtakes no group that has
control entries, because those may be what it builds upon (a device must be registered before its alarm).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from storage.journal.record import Lane

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterable

    from storage.journal.record import Entry, Record

__all__ = ["Group", "arrange"]


@dataclass(frozen=True, slots=True)
class Group:
    """Entries that were submitted together.

    body_crcs: CRC-32 of each entry's body
    committed: gets the records
    """

    entries: tuple[Entry, ...]
    body_crcs: tuple[int, ...]
    committed: asyncio.Future[list[Record]]

    @property
    def size(self) -> int:
        """Bytes, as the quotas count them."""
        return sum(entry.size for entry in self.entries)

    @property
    def telemetry_size(self) -> int:
        """Bytes of its telemetry entries."""
        return sum(entry.size for entry in self.entries if entry.lane is Lane.TELEMETRY)


def arrange(groups: Iterable[Group]) -> tuple[list[Group], list[Group]]:
    """Return the groups that leave with the control commit, and those that leave with the telemetry commit, in order.

    Inputs are in order of submission; all of the first list come before all of the second.
    """
    early: list[Group] = []
    late: list[Group] = []
    held = False
    for group in groups:
        lanes = {entry.lane for entry in group.entries}
        if Lane.TELEMETRY in lanes or held:
            late.append(group)
            held = held or Lane.CONTROL in lanes
        else:
            early.append(group)
    return early, late
