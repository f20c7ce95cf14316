from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.backtest.world import world

if TYPE_CHECKING:
    from devices import Profile
    from rules import RuleSet


@pytest.fixture(scope="session")
def boilers(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Profile], RuleSet]:
    """Return the profiles and rules of the boiler house."""
    return world(tmp_path_factory.mktemp("profiles"))
