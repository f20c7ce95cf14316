"""Fixtures that every test may use: real brokers, real databases, the running service."""

pytest_plugins = ["tests.support.broker", "tests.support.postgres"]
