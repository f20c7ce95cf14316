"""Fixtures that every test may use: real brokers, real databases, the running service."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import structlog

if TYPE_CHECKING:
    from collections.abc import Iterator

pytest_plugins = ["tests.support.broker", "tests.support.postgres", "tests.support.timescale"]

TESTS = Path(__file__).parent
STORAGE = tuple(
    TESTS / name for name in ("archive", "upkeep", "boards")
)  # what any server of VIGIL_TEST_DSN has to pass


@pytest.hookimpl(tryfirst=True)  # before the marks are looked at
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the storage suite: what any server that VIGIL_TEST_DSN names has to pass."""
    for item in items:
        if any(item.path.is_relative_to(directory) for directory in STORAGE):
            item.add_marker(pytest.mark.storage)


@pytest.fixture(autouse=True)
def _logs_of_its_own(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Undo what a command configures: its terminal is closed when the next test would write to it."""
    configure = structlog.configure

    def configured(**given: Any) -> None:
        configure(**given | {"cache_logger_on_first_use": False})

    monkeypatch.setattr(structlog, "configure", configured)
    yield
    structlog.reset_defaults()
