"""Simulator: fleets with known truth, and load."""

from simulator.address import BrokerAddress
from simulator.director import ScenarioPlan
from simulator.fleet import Fleet, shuibei_fleet, synthetic_fleet
from simulator.publisher import SimulationReport, simulate
from simulator.simulation import Message, Simulation
from simulator.stories import ScenarioKind
from simulator.telling import script, truth_json, truth_table
from simulator.truth import Truth

__all__ = [
    "BrokerAddress",
    "Fleet",
    "Message",
    "ScenarioKind",
    "ScenarioPlan",
    "Simulation",
    "SimulationReport",
    "Truth",
    "script",
    "shuibei_fleet",
    "simulate",
    "synthetic_fleet",
    "truth_json",
    "truth_table",
]
