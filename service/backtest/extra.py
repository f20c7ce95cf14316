"""The modules that need packages beyond the service's own: files, saving, plots."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from service.backtest.history import HistoryFault

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["needing_extra"]

_PACKAGES = frozenset({"matplotlib", "pyarrow"})


def needing_extra(name: str) -> ModuleType:
    """Import `service.backtest.<name>`. Raises HistoryFault where what it needs is not installed."""
    try:
        return importlib.import_module(f"service.backtest.{name}")
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] not in _PACKAGES:
            raise
        raise HistoryFault(
            f"{error.name} is not installed; files and plots want the extra `analysis`: "
            "pip install 'vigil-monitor[analysis]'"
        ) from None
