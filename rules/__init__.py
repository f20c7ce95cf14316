"""Rules: blocks of readings in, changes out; no I/O, no clock."""

from rules.counters import RulesCounters, Turn
from rules.engine import Engine
from rules.kernels import State
from rules.loader import RuleFaults, load_rules
from rules.model import AlarmClass, Change, Comparison, Rule, RuleKind, RuleSet, Severity
from rules.snapshot import RestoreReport

__all__ = [
    "AlarmClass",
    "Change",
    "Comparison",
    "Engine",
    "RestoreReport",
    "Rule",
    "RuleFaults",
    "RuleKind",
    "RuleSet",
    "RulesCounters",
    "Severity",
    "State",
    "Turn",
    "load_rules",
]
