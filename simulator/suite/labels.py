"""The labels of the suite: the one place where rule ids and delays are expected.

A delay is from the beginning of the incident to the moment at which it is said. It holds what the rule itself waits
for, one sample of a device that measures faster now (10 s), the network (2 s) and one block of the test's (10 s).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from simulator.suite.label import Finding, Label, Never, Pace

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["LABELS"]

MINUTE: Final = 60.0
HOUR: Final = 3600.0
DAY: Final = 24 * HOUR

SOON: Final = 15.0
"""Of what a device says by itself, on the alarm lane: network and a block."""
SAMPLE: Final = 30.0
"""Of a level that a sample shows: the sample, the network and a block."""
TWO_TANK_SAMPLES: Final = 20 * MINUTE + SAMPLE
"""A tank samples every 10 min, and one sample may be lost."""


def _say(*rules: str, within_s: float) -> tuple[Finding, ...]:
    return (Finding(rules, within_s),)


LABELS: Mapping[str, Label] = {
    # ── smoke, gas, carbon monoxide ──────────────────────────────────────────────────────────────────────────────────
    "fire in a stairwell": Label("a stairwell burns: one detector", ("alarm",), _say("smoke.alarm", within_s=SOON)),
    "kitchen fire": Label(
        "a kitchen burns: its detector, and that of the hall 25 s later",
        ("alarm", "neighbourhood"),
        (*_say("smoke.alarm", within_s=SOON), *_say("smoke.confirmed", within_s=25 + SOON)),
    ),
    "smoke while testing": Label(
        "smoke and test together: it burns while somebody tests", ("alarm",), _say("smoke.alarm", within_s=SOON)
    ),
    "detector in test": Label(
        "nobody is in danger: a detector is tested",
        ("alarm",),
        _say("smoke.test", within_s=SOON),
        Never(("smoke.alarm", "smoke.confirmed")),
    ),
    "detector removed": Label(
        "somebody takes a detector off the ceiling", ("alarm",), _say("smoke.tamper", within_s=SOON)
    ),
    "gas alarm while preheating": Label(
        "gas escapes just after a restart: the detector alarms though it does not measure yet",
        ("alarm",),
        _say("gas.alarm", within_s=SOON),
    ),
    "gas at 12 %LEL": Label(
        "a hob is on without a flame",
        ("threshold",),
        (*_say("gas.pre-alarm", within_s=MINUTE + SAMPLE), *_say("gas.high", within_s=2 * MINUTE + SAMPLE)),
    ),
    "gas at 30 %LEL": Label(
        "a hose has come off: beyond the upper end of what detectors must find",
        ("threshold",),
        _say("gas.urgent", within_s=MINUTE + SAMPLE),
    ),
    "gas rising": Label(
        "gas rises by 3 %LEL a minute from nothing to 4.6 %LEL: below every limit",
        ("rate",),
        _say("gas.rising", within_s=3 * MINUTE),
        Never(("gas.pre-alarm",)),
    ),
    "smoke and gas in one home": Label(
        "gas escapes where it smoulders: 6 %LEL and smoke in one home",
        ("composite",),
        (*_say("smoke.alarm", within_s=SOON), *_say("gas.smoke-and-gas", within_s=MINUTE + SAMPLE)),
    ),
    "gas unusual": Label(
        "a joint seeps: twice what the kitchen has at its worst on that evening of the week, and below every limit",
        ("baseline",),
        _say("gas.unusual", within_s=HOUR),
        Never(("gas.pre-alarm",)),
        Pace.SLOW,
    ),
    "CO alarm": Label("the detector alarms by itself", ("alarm",), _say("co.alarm", within_s=SOON)),
    "CO at 320 ppm": Label(
        "a flue is blocked: 320 ppm",
        ("dose", "threshold"),
        (*_say("co.high", within_s=SAMPLE), *_say("co.dose", within_s=3 * MINUTE + SAMPLE)),
        why="EN 50291: 300 ppm, at most 3 min",
    ),
    "CO at 120 ppm": Label(
        "a boiler burns badly: 120 ppm",
        ("dose",),
        _say("co.dose", within_s=12 * MINUTE),
        why="EN 50291: 100 ppm, 10 to 40 min",
    ),
    "CO at 55 ppm": Label(
        "charcoal glows in a flat: 55 ppm for an hour and a half",
        ("dose",),
        _say("co.dose", within_s=65 * MINUTE),
        why="EN 50291: 50 ppm, 60 to 90 min",
    ),
    "CO now and then": Label(
        "a heater runs 12 min of every 20 at 130 ppm, and the air does not clear",
        ("dose",),
        _say("co.dose", within_s=40 * MINUTE),
        why="EN 50291: 100 ppm, 10 to 40 min, taken over the pauses",
    ),
    "smoke detector contaminated": Label(
        "dust builds up in a detector's chamber over weeks",
        ("drift",),
        _say("smoke.contaminated", within_s=10 * DAY),
        pace=Pace.SLOW,
    ),
    # ── water ────────────────────────────────────────────────────────────────────────────────────────────────────────
    "hydrant run over": Label("a lorry tilts a hydrant", ("alarm",), _say("hydrant.tilt", within_s=SOON)),
    "hydrant hit again and again": Label(
        "somebody works on a hydrant with a hammer: five knocks in four minutes",
        ("alarm",),
        _say("hydrant.knocks", within_s=4 * MINUTE + SOON),
    ),
    "pressure low": Label(
        "0.12 MPa: less than the standard asks for", ("threshold",), _say("hydrant.pressure-low", within_s=75 * MINUTE)
    ),
    "pressure gone": Label(
        "0.05 MPa: too little to fight a fire",
        ("threshold",),
        _say("hydrant.pressure-critical", within_s=5 * MINUTE + SAMPLE),
    ),
    "pressure gone, told a day later": Label(
        "0.05 MPa for two hours at a gauge that uploads once a day: it is said, late",
        ("threshold",),
        _say("hydrant.pressure-critical", within_s=25 * HOUR),
        why="a day until the upload",
    ),
    "pressure high": Label(
        "a reducing valve fails: 1.2 MPa",
        ("threshold", "range"),
        _say("hydrant.pressure-high", "hydrant.pressure-range", within_s=5 * MINUTE + SAMPLE),
    ),
    "pressure falling": Label(
        "a pipe leaks: 0.10 MPa less within 4 min, and above every limit",
        ("rate",),
        _say("hydrant.pressure-falling", within_s=10 * MINUTE),
        Never(("hydrant.pressure-low",)),
    ),
    "main burst": Label(
        "a main bursts: four hydrants within 300 m lose 0.10 MPa within some minutes",
        ("rate", "neighbourhood"),
        (*_say("hydrant.pressure-falling", within_s=10 * MINUTE), *_say("hydrant.main-burst", within_s=12 * MINUTE)),
    ),
    "pressure unusual": Label(
        "a valve was left half shut: 0.08 MPa less than usual at night, and above every limit",
        ("baseline",),
        _say("hydrant.pressure-unusual", within_s=6 * HOUR),
        pace=Pace.SLOW,
    ),
    "gauge stuck": Label(
        "a gauge says the same to the last digit for more than a week",
        ("flatline",),
        _say("hydrant.stuck", within_s=7 * DAY + 2 * HOUR),
        pace=Pace.SLOW,
    ),
    "loop broken": Label(
        "the wire to a gauge breaks: no current, and a pressure of 0 that is not one",
        ("fault",),
        _say("hydrant.out-of-range", within_s=5 * MINUTE + SAMPLE),
        Never(("hydrant.pressure-low", "hydrant.pressure-critical")),
    ),
    "pressure error code": Label(
        "a gauge says 65.535 MPa, which is its word for an error",
        ("fault",),
        _say("hydrant.out-of-range", within_s=5 * MINUTE + SAMPLE),
        Never(("hydrant.pressure-high",)),
    ),
    "tank low": Label("a tank holds 85 % of its reserve", ("threshold",), _say("tank.level-low", within_s=25 * MINUTE)),
    "tank half empty": Label(
        "a tank holds 45 % of its reserve", ("threshold",), _say("tank.level-critical", within_s=TWO_TANK_SAMPLES)
    ),
    "tank overflowing": Label(
        "a float valve sticks: 114 %",
        ("threshold", "range"),
        _say("tank.level-high", "tank.level-range", within_s=25 * MINUTE),
    ),
    "tank leaking": Label(
        "a tank loses 9 % an hour, from full to 92 %: above every limit",
        ("rate",),
        _say("tank.falling", within_s=64 * MINUTE),
        Never(("tank.level-low",)),
        why="5 % are lost after 34 min, and two of its samples may be",
    ),
    "tank empty soon": Label(
        "a tank loses 12 % an hour at night: it will be empty by the morning",
        ("forecast",),
        _say("tank.empty-soon", within_s=4 * HOUR),
        pace=Pace.SLOW,
        why="6 h before it is empty",
    ),
    "tank gauge stuck": Label(
        "a tank's gauge says the same for ten days, though the homes draw from it",
        ("flatline",),
        _say("tank.stuck", within_s=7.5 * DAY),
        pace=Pace.SLOW,
    ),
    "tank gauge error": Label(
        "a float gauge says 6,553.5 %: out of its mind",
        ("fault",),
        _say("tank.out-of-range", within_s=TWO_TANK_SAMPLES),
        Never(("tank.level-high", "tank.level-range")),
    ),
    # ── people ───────────────────────────────────────────────────────────────────────────────────────────────────────
    "SOS": Label("an elder presses SOS", ("alarm",), _say("watch.sos", within_s=SOON)),
    "fall": Label(
        "an elder falls and does not get up to cancel",
        ("alarm", "composite"),
        _say("watch.fall", within_s=30 + 2 * SOON),
    ),
    "fall cancelled": Label(
        "nobody is in danger: the watch was dropped, and its wearer cancels after 15 s",
        ("composite",),
        (),
        Never(("watch.fall",)),
    ),
    "unreadable alarm": Label(
        "a watch sends an alarm whose content cannot be read",
        ("alarm",),
        _say("watch.alarm-unattributed", within_s=SOON),
    ),
    "heart racing": Label(
        "a heart beats 142 times a minute", ("threshold",), _say("watch.heart-rate-very-high", within_s=15 * MINUTE)
    ),
    "heart slow": Label(
        "a heart beats 36 times a minute", ("threshold",), _say("watch.heart-rate-very-low", within_s=15 * MINUTE)
    ),
    "oxygen low": Label("saturation 87 %", ("threshold",), _say("watch.spo2-very-low", within_s=15 * MINUTE)),
    "no skin contact": Label(
        "nobody is in danger: a loose watch says 255 bpm for 20 min",
        ("fault",),
        _say("watch.out-of-range", within_s=5 * MINUTE + SAMPLE),
        Never(("watch.heart-rate-very-high", "watch.heart-rate-high")),
    ),
    "does not get up": Label(
        "an elder lies still from the evening on, and the usual time of getting up passes",
        ("inactivity",),
        _say("watch.still", within_s=6 * HOUR),
        pace=Pace.SLOW,
        why="counted from 07:00",
    ),
    "watch silent by day": Label(
        "a watch falls silent at 10:00: nobody knows how its wearer is",
        ("no_data",),
        _say("watch.no-data", within_s=2.25 * HOUR),
    ),
    # ── buildings ────────────────────────────────────────────────────────────────────────────────────────────────────
    "wall moved": Label(
        "a wall moves by 1.3° at once", ("threshold", "rate"), _say("tilt.moved", "tilt.x-forward", within_s=2.2 * HOUR)
    ),
    "wall moving slowly": Label(
        "a wall tilts by 0.02° a day",
        ("drift",),
        _say("tilt.drifting", within_s=12 * DAY),
        pace=Pace.SLOW,
        why="0.2° are reached on the tenth day; the median of a day follows by half of one",
    ),
    # ── devices and links ────────────────────────────────────────────────────────────────────────────────────────────
    "smoke detector dead": Label("a detector dies", ("no_data",), _say("smoke.no-data", within_s=26 * HOUR + MINUTE)),
    "gas detector dead": Label("a detector dies", ("no_data",), _say("gas.no-data", within_s=16 * MINUTE)),
    "mains lost": Label("a gas detector is unplugged", ("alarm",), _say("gas.mains-lost", within_s=SOON)),
    "life at its end": Label(
        "a gas sensor has 20 days to live", ("threshold",), _say("gas.life-end", within_s=MINUTE + SAMPLE)
    ),
    "battery ending": Label(
        "a smoke detector's new battery is a bad one: it loses 2 % a day, and has five weeks",
        ("forecast",),
        _say("smoke.battery-ending", within_s=14 * DAY),
        Never(("smoke.battery-low",)),
        Pace.SLOW,
        "30 d are left after five, and the trend must be sure of it",
    ),
    "gateway dead": Label(
        "a gateway dies for 30 hours: it is one incident, not one for each detector behind it",
        ("no_data",),
        _say("gateway.no-data", within_s=20 * MINUTE),
        Never(("smoke.no-data", "smoke.many-silent")),
    ),
    "gateway repeats what is old": Label(
        "a detector is dead, and its gateway sends its old readings again",
        ("no_data",),
        _say("smoke.no-data", within_s=26 * HOUR + MINUTE),
        Never(ceased=("smoke.no-data",)),
    ),
    "dead behind a shaky gateway": Label(
        "a detector is dead, and its gateway is gone for five minutes every six hours",
        ("no_data",),
        _say("smoke.no-data", within_s=27 * HOUR),
        why="26 h, and the time in which the gateway was away",
    ),
    "building without power": Label(
        "the power of a building is cut and its repeater is down: 30 devices are silent",
        ("no_data", "neighbourhood"),
        _say("smoke.many-silent", within_s=30 * HOUR),
    ),
}
