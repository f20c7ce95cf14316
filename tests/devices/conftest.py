from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from devices import load_profiles

if TYPE_CHECKING:
    from devices import Profile


@pytest.fixture(scope="session")
def profiles() -> dict[str, Profile]:
    return load_profiles()
