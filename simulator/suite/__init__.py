"""The labelled suite: incidents of every kind of rule, with what must be found, how soon, and what must not be said."""

from simulator.suite.label import Finding, Label, LabelledIncident, Never, Pace
from simulator.suite.labels import LABELS
from simulator.suite.notices import is_right
from simulator.suite.writing import SUITE_DAYS, write_suite

__all__ = ["LABELS", "SUITE_DAYS", "Finding", "Label", "LabelledIncident", "Never", "Pace", "is_right", "write_suite"]
