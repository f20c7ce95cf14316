"""Channel rows of the registry against channel ids of the database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ChannelIds"]


class ChannelIds:
    """The channel id of each channel row, -1 where it is not known yet."""

    def __init__(self) -> None:
        self._ids = np.full(1024, -1, np.int32)

    def of(self, rows: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return the ids of `rows`, (n,) int32, all of which are known.

        Raises KeyError where one is not.
        """
        ids = self._ids[rows] if not len(rows) or rows.max() < len(self._ids) else np.full(1, -1, np.int32)
        if len(ids) and ids.min() < 0:
            raise KeyError(f"channel rows without an id: {self.unknown(rows)[:10].tolist()}")
        return ids

    def unknown(self, rows: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return those of `rows`, each once, that have no id."""
        within = rows < len(self._ids)
        lacking = ~within
        lacking[within] = self._ids[rows[within]] < 0
        return np.unique(rows[lacking])

    def learn(self, rows: NDArray[np.int32], ids: NDArray[np.int32]) -> None:
        """Take up the ids, (n,) int32 each."""
        if len(rows) and (needed := int(rows.max()) + 1) > len(self._ids):
            grown = np.full(max(needed, 2 * len(self._ids)), -1, np.int32)
            grown[: len(self._ids)] = self._ids
            self._ids = grown
        self._ids[rows] = ids

    def forget(self) -> None:
        """Know nothing: the database may be another one."""
        self._ids.fill(-1)
