"""Authoring: from TOML tables to rules, overrides, schedules and windows, with every fault said at its line."""

from rules.authoring.faults import RuleFaults

__all__ = ["RuleFaults"]
