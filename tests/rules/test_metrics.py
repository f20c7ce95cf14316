"""What the engine counts, as Prometheus sees it."""

from __future__ import annotations

from prometheus_client import CollectorRegistry

from rules import Engine, load_rules
from rules.metrics import RulesMetrics
from tests.rules.fleet import SECOND, batch, registry


def test_every_series_is_there_at_zero_and_counts() -> None:
    of = registry(2)
    engine = Engine(of, load_rules(of.profiles))
    collector = CollectorRegistry()
    RulesMetrics(collector, engine)
    raised = {"kind": "alarm", "turn": "raised"}
    assert collector.get_sample_value("vigil_rules_changes_total", raised) == 0
    assert collector.get_sample_value("vigil_rules_instances_not_idle", {"state": "pending"}) == 0
    engine.step(batch([(2, 0, 1.0, False), (0, 0, 11.0, False), (5, 0, 6.0, False), (6, 0, None, False)]), 0)
    engine.step(batch([(2, SECOND, 1.0, False), (6, SECOND, 4.0, False)]), 9 * SECOND)
    values = {
        "vigil_rules_steps_total": 2,
        "vigil_rules_readings_total": 6,
        "vigil_rules_unknown_total": 1,
        "vigil_rules_attended_total": 4,
        "vigil_rules_evaluations_total": 2 + 4 + 4 + 2,
        "vigil_rules_withheld_total": 3,
        "vigil_rules_syncs_total": 1,
        "vigil_rules_instances": 2 + 4 + 4,
        "vigil_rules_silent_devices": 2,  # what came at 9 s was measured at 1 s
    }
    assert {name: collector.get_sample_value(name) for name in values} == values
    assert collector.get_sample_value("vigil_rules_changes_total", raised) == 1
    assert collector.get_sample_value("vigil_rules_changes_total", raised | {"turn": "repeated"}) == 1
    assert collector.get_sample_value("vigil_rules_changes_total", raised | {"kind": "threshold"}) == 1
    assert collector.get_sample_value("vigil_rules_changes_total", raised | {"kind": "fault"}) == 1
    assert collector.get_sample_value("vigil_rules_instances_not_idle", {"state": "holds"}) == 3
