"""The labelled suite and a month of honest quiet through the real engine; `python -m bench.scenarios` prints both.

A community of 1,059 devices lives for three weeks in which rules learn, then for a month in which nothing is wrong,
then for three days in which everything is. Found is an incident of which all was said that its label asks for, in time.
False is what was raised in the month of quiet, unless a rule rightly says what everyday life is: a watch that is off
is not worn. Each false alarm has the disturbance behind it, by name.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.table import Table

from bench.rehearsal import DAY_US, rehearse
from devices import Kind
from rules import Severity
from simulator import shuibei_fleet
from simulator.journey import GatewayDown
from simulator.suite import SUITE_DAYS, write_suite

if TYPE_CHECKING:
    from collections import Counter

    from bench.rehearsal import Found, Outcome, Rehearsal
    from simulator.disturbance import DisturbanceKind

__all__ = ["measure_scenarios"]

BEGIN_US: Final = 1_793_980_800_000_000
"""A midnight in China, in November 2026."""
LEARNING_DAYS: Final = 21
"""Until the slowest rule, inactivity, has learned."""
MONTH_DAYS: Final = 30
OUTAGE_US: Final = 3_600_000_000
SEED: Final = 1

_screen = Console(stderr=True, soft_wrap=True)


def measure_scenarios(days: int = MONTH_DAYS) -> dict[str, float]:
    """Play `days` of quiet and the whole suite, show what came of it, and return the figures.

    Rates are for 1,000 devices and 30 days. Pages are alarms and emergencies; the others are warnings and advisories.
    """
    fleet = shuibei_fleet(SEED, extended=True)
    quiet_us = BEGIN_US + LEARNING_DAYS * DAY_US
    window_us = quiet_us + days * DAY_US
    down_us = quiet_us + days * DAY_US // 2
    rehearsal = rehearse(
        fleet,
        write_suite(fleet, window_us, SEED),
        begin_us=BEGIN_US,
        window_us=window_us,
        until_us=window_us + SUITE_DAYS * DAY_US,
        seed=SEED,
        down=[GatewayDown(fleet.of_kind(Kind.GATEWAY)[0], down_us, down_us + OUTAGE_US)],
    )
    outcomes = rehearsal.outcomes()
    false, notices = rehearsal.false_alarms(quiet_us, window_us), rehearsal.notices(quiet_us, window_us)
    learning = rehearsal.false_alarms(BEGIN_US, quiet_us)
    severity = {alarm.rule.id: alarm.rule.severity for alarm in rehearsal.alarms}
    pages = sum(n for (rule, _), n in false.items() if severity[rule] in {Severity.ALARM, Severity.EMERGENCY})
    show(rehearsal, outcomes, false, notices, days)
    per_month = 1000 / len(fleet) * MONTH_DAYS / days
    return {
        "scenarios_incidents": len(outcomes),
        "scenarios_found": sum(all(one.in_time for one in outcome.found) for outcome in outcomes),
        "scenarios_wrongly_said": sum(bool(outcome.wrong) for outcome in outcomes),
        "scenarios_false_alarms_per_1000_devices_month": sum(false.values()) * per_month,
        "scenarios_false_pages_per_1000_devices_month": pages * per_month,
        "scenarios_unexplained_per_1000_devices_month": sum(n for key, n in false.items() if key[1] is None)
        * per_month,
        "scenarios_notices_per_1000_devices_month": sum(notices.values()) * per_month,
        "scenarios_false_while_learning_per_1000_devices_month": (
            sum(learning.values()) * 1000 / len(fleet) * MONTH_DAYS / LEARNING_DAYS
        ),
        "scenarios_readings": rehearsal.readings,
        "scenarios_history_readings_s": rehearsal.readings / rehearsal.history_s,
        "scenarios_engine_readings_s": rehearsal.readings / rehearsal.engine_s,
    }


# ── on the screen ────────────────────────────────────────────────────────────────────────────────────────────────────


def show(
    rehearsal: Rehearsal,
    outcomes: tuple[Outcome, ...],
    false: Counter[tuple[str, DisturbanceKind | None]],
    notices: Counter[tuple[str, DisturbanceKind | None]],
    days: int,
) -> None:
    """Print the incidents, the false alarms with what explains them, and what was rightly said."""
    table = Table(title=f"{len(outcomes)} incidents; {platform.machine()}, {os.cpu_count()} cores, one used")
    for name in ("incident", "rules that must find it", "said after", "allowed", ""):
        table.add_column(name)
    for outcome in outcomes:
        found = outcome.found
        table.add_row(
            outcome.incident.name,
            "\n".join(" or ".join(one.finding.rules) for one in found) or "nothing",
            "\n".join(map(_delay, found)),
            "\n".join(_duration(one.finding.within_s) for one in found),
            "" if outcome.is_good else _fault(outcome),
        )
    _screen.print(table)
    for title, counts in (("false alarms", false), ("rightly said of everyday life", notices)):
        table = Table(
            title=f"{title} in {days} days of quiet, {len(rehearsal.fleet):,} devices: {sum(counts.values())}"
        )
        for name in ("rule", "times", "because of"):
            table.add_column(name)
        for (rule, cause), n in sorted(counts.items(), key=lambda item: (-item[1], item[0][0])):
            table.add_row(rule, str(n), str(cause or "nothing that is known"))
        _screen.print(table)


def _delay(found: Found) -> str:
    if found.delay_s is not None:
        return _duration(found.delay_s)
    return "held before" if found.held else "never"


def _fault(outcome: Outcome) -> str:
    missed = [one for one in outcome.found if not one.in_time]
    words = ["MISSED" if one.delay_s is None else "LATE" for one in missed]
    return ", ".join([*words, *(f"said {rule}" for rule in outcome.wrong)])


def _duration(seconds: float) -> str:
    for unit, length in (("d", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.0f} s"


def main() -> None:
    """Measure and print; the last line is JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=int, default=MONTH_DAYS, help="days of quiet (default 30)")
    figures = measure_scenarios(parser.parse_args().days)
    print(json.dumps({name: round(value, 3) for name, value in figures.items()}))


if __name__ == "__main__":
    main()
