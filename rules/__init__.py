"""Rules: blocks of readings in, changes out; no I/O, no clock."""

from rules.counters import RulesCounters, Turn
from rules.engine import Engine, compile_kernels
from rules.kernels import State
from rules.loader import RuleFaults, load_rules
from rules.model import AlarmClass, Change, Comparison, Rule, RuleKind, RuleMode, Severity
from rules.ruleset import RuleSet, decode_rules, encode_rules
from rules.snapshot import ReloadReport, RestoreReport

__all__ = [
    "AlarmClass",
    "Change",
    "Comparison",
    "Engine",
    "ReloadReport",
    "RestoreReport",
    "Rule",
    "RuleFaults",
    "RuleKind",
    "RuleMode",
    "RuleSet",
    "RulesCounters",
    "Severity",
    "State",
    "Turn",
    "compile_kernels",
    "decode_rules",
    "encode_rules",
    "load_rules",
]
