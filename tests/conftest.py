"""Fixtures that every test may use: real brokers, real databases, the running service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import structlog

if TYPE_CHECKING:
    from collections.abc import Iterator

pytest_plugins = ["tests.support.broker", "tests.support.postgres"]


@pytest.fixture(autouse=True)
def _logs_of_its_own(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Undo what a command configures: its terminal is closed when the next test would write to it."""
    configure = structlog.configure

    def configured(**given: Any) -> None:
        configure(**given | {"cache_logger_on_first_use": False})

    monkeypatch.setattr(structlog, "configure", configured)
    yield
    structlog.reset_defaults()
