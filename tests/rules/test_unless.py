"""`unless`: while a rule holds on a device, others that name it raise nothing there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices import Device, Kind, Lifecycle, Registry
from rules import Engine, load_rules
from rules.conclusions import Conclusions
from rules.explain import explain
from rules.model import AlarmClass, AlarmTerms, Change, Comparison, NoDataTerms, Rule, RuleMode, ThresholdTerms
from rules.ruleset import Period, RuleSet, Schedule
from rules.words import words_of
from tests.rules.fleet import batch, tick
from tests.rules.town import PROFILES, SECOND, Town, around, together
from tests.rules.town import rule as made
from tests.rules.written import BESIDE, METRICS, faults, line_at, load, profile, rule, write

if TYPE_CHECKING:
    from pathlib import Path

# ── told as text ─────────────────────────────────────────────────────────────────────────────────────────────────────

LOW = made("low", ThresholdTerms(Comparison.BELOW, 1.0, 2.0), "level", unless=("x.wire", "x.far"))
WIRE = made("wire", ThresholdTerms(Comparison.AT_LEAST, 10.0, 5.0), "level", unless=("x.mute",))
FAR = made("far", NoDataTerms(60.0), mode=RuleMode.PART)
MUTE = made("mute", AlarmTerms(), "flag", mode=RuleMode.SHADOW)
PRESS = made("press", AlarmTerms(), "event", unless=("x.wire",))
SIGNED = made("signed", AlarmTerms(), "flag", alarm_class=AlarmClass.LIFE_SAFETY, unless=("x.wire",), signed_by="Li")
BOTH = together("both", all_of=["low", "signed"])
STREET = around("street", "low")
RULES = (LOW, WIRE, FAR, MUTE, PRESS, SIGNED)

TOLD = {
    "what begins while it holds is raised when it ceases, with its true beginning": (
        "0 s wire a; 10 s low a; 20 s off wire a; 30 s off low a"
        " → 0 s wire a; 20 s low a since 10 s; 20 s off wire a; 30 s off low a"
    ),
    "what ceases while it holds is never said": (
        "0 s wire a; 10 s low a; 20 s off low a; 30 s off wire a → 0 s wire a; 30 s off wire a"
    ),
    "what ceases in the step that sets it free is not said either": (
        "0 s wire a, low a; 9 s off wire a, off low a; 10 s low a → 0 s wire a; 9 s off wire a; 10 s low a"
    ),
    "nor in the other order": "0 s wire a, low a; 9 s off low a, off wire a → 0 s wire a; 9 s off wire a",
    "in one step the order does not matter": "0 s low a, wire a → 0 s wire a",
    "what begins in the step that sets it free is raised": (
        "0 s wire a; 5 s low a, off wire a → 0 s wire a; 5 s low a; 5 s off wire a"
    ),
    "a step later is too late": (
        "0 s low a; 1 s wire a; 2 s off low a; 3 s low a; 4 s off wire a"
        " → 0 s low a; 1 s wire a; 2 s off low a; 4 s low a since 3 s; 4 s off wire a"
    ),
    "one that comes and goes in a step inhibits nothing": (
        "0 s wire a, low a, off wire a → 0 s wire a; 0 s low a; 0 s off wire a"
    ),
    "any of several is enough, and a part as good as any": (
        "0 s wire a, far a, low a; 5 s off wire a; 9 s off far a → 0 s wire a; 5 s off wire a; 9 s low a since 0 s"
    ),
    "what the neighbour's does is nothing to it": "0 s wire a, low b → 0 s wire a; 0 s low b",
    "one that is itself withheld inhibits all the same": (
        "0 s mute a, wire a, low a; 5 s off mute a; 9 s off wire a"
        " → 0 s mute a; 5 s wire a since 0 s; 5 s off mute a; 9 s low a since 0 s; 9 s off wire a"
    ),
    "what the device says again stays withheld, and is raised as it began": (
        "0 s wire a; 1 s signed a; 2 s again signed a; 3 s again signed a, off wire a"
        " → 0 s wire a; 3 s signed a since 1 s; 3 s off wire a"
    ),
    "what was raised before may be said again": (
        "0 s signed a; 1 s wire a; 2 s again signed a → 0 s signed a; 1 s wire a; 2 s again signed a"
    ),
    "an event while it holds is over, and the next one is raised": (
        "0 s wire a; 1 s press a; 2 s off wire a; 3 s press a → 0 s wire a; 2 s off wire a; 3 s press a since 1 s"
    ),
    "late is late": (
        "0 s wire a; 5 s late low a @ 1 s; 6 s off wire a → 0 s wire a; 6 s late low a since 1 s; 6 s off wire a"
    ),
    "a device under maintenance is watched for danger to life alone, and nothing inhibits that": (
        "0 s wire a; 1 s low a, signed a; 2 s a is maintenance; 3 s a is verified; tick 4 s"
        " → 0 s wire a; 2 s signed a since 1 s"
    ),
    "a retired device is forgotten": (
        "0 s wire a, low a; 1 s a is retired; 2 s a is verified; 3 s low a → 0 s wire a; 3 s low a"
    ),
    "one that moves takes along what holds": (
        "0 s wire a, low a; 1 s a to unit 9; 2 s off wire a → 0 s wire a; 2 s low a since 0 s; 2 s off wire a"
    ),
    "our clock set back leaves no time ahead of it": (
        "50 s wire a, low a; back to 10 s; 20 s off wire a → 50 s wire a; 20 s low a since 10 s; 20 s off wire a"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TOLD)
def test_told(name: str) -> None:
    town = Town(*RULES)
    town.only_relations = False
    expected, said = town.play(TOLD[name])
    assert said == expected


def test_relations_hear_only_what_is_raised_and_at_the_time_when_it_is() -> None:
    town = Town(*RULES, BOTH, STREET)
    for line in (
        "0 s wire a, low a, signed a → nothing",
        "5 s low b → nothing",
        "9 s off wire a → 9 s both a (a); 9 s street b [2 of 3] (a b)",
    ):
        expected, said = town.play(line)
        assert said == expected


def test_a_rule_under_a_schedule_waits_for_both() -> None:
    never = Schedule("never", (Period((0,), 0, 1),))
    low = msgspec.structs.replace(LOW, schedule="never")
    signed = msgspec.structs.replace(SIGNED, schedule="")
    rules = msgspec.structs.replace(RuleSet.of((low, WIRE, FAR, MUTE, PRESS, signed)), schedules=(never,))
    town = Town(rule_set=rules)
    town.only_relations = False
    expected, said = town.play(
        "0 s wire a, low a, signed a; 5 s off wire a → 0 s wire a; 5 s signed a since 0 s; 5 s off wire a"
    )
    assert said == expected


def test_a_danger_to_life_waits_for_nothing_where_nobody_signs() -> None:
    town = Town(WIRE, MUTE, msgspec.structs.replace(SIGNED, signed_by=""))
    town.only_relations = False
    expected, said = town.play("0 s wire a, signed a → 0 s wire a; 0 s signed a")
    assert said == expected


# ── against obvious loops ────────────────────────────────────────────────────────────────────────────────────────────


class Naive:
    """What the engine says holds, what of it was told, and since when: all looked at anew after each step."""

    def __init__(self) -> None:
        self.holds: dict[tuple[int, str], int] = {}
        self.told: set[tuple[int, str]] = set()

    def step(self, changes: list[Change], now: int) -> set[tuple[int, str, bool, int]]:
        """Return row, rule, whether it holds, and since when, of all that is said."""
        said = set()
        began = set(self.holds)
        for change in changes:
            key = (change.device_row, change.rule.id)
            if change.holds:
                self.holds[key] = change.since_us
            else:
                del self.holds[key]
                if key in self.told:
                    self.told.remove(key)
                    said.add((*key, False, change.since_us))
        for key, since in self.holds.items():
            named = next(one for one in RULES if one.id == key[1]).unless
            if key not in self.told and not any((key[0], other) in self.holds for other in named):
                self.told.add(key)
                said.add((*key, True, since))
        assert all(since == now for key, since in self.holds.items() if key not in began)
        return said


KEPT = ("x.low", "x.wire", "x.far", "x.mute", "x.signed")
turns = st.lists(
    st.one_of(
        st.dictionaries(st.tuples(st.integers(0, 1), st.sampled_from(KEPT)), st.just(0), max_size=6),
        st.just("restart"),
    ),
    max_size=25,
)


@settings(max_examples=200, deadline=None)
@given(turns)
def test_whatever_holds_and_ceases_all_that_nothing_inhibits_is_said_and_nothing_else(
    given_turns: list[dict[tuple[int, str], int] | str],
) -> None:
    rules = RuleSet.of(msgspec.structs.replace(one, mode=RuleMode.LIVE) for one in RULES)
    devices = [(row, Device("s", str(row), Kind.SMOKE, "x")) for row in range(2)]
    fast, naive = Conclusions(rules, PROFILES), Naive()
    fast.sync(devices)
    now = 0
    for turn in given_turns:
        if isinstance(turn, str):
            before = fast.snapshot()
            fast = Conclusions(rules, PROFILES)
            fast.sync(devices)
            assert list(fast.restore(before)) == []
            assert fast.snapshot() == before
            continue
        now += SECOND
        block = [
            Change(row, -1, rules.by_id[one], (row, one) not in naive.holds, False, False, now, now)
            for row, one in turn
        ]
        said = [(one.device_row, one.rule.id, one.holds, one.since_us) for one in fast.step(block, now)]
        assert len(said) == len(set(said))
        assert set(said) == naive.step(block, now)


# ── in the engine ────────────────────────────────────────────────────────────────────────────────────────────────────

BELOW = {"metric": "pressure", "at_least": None, "below": 1.0}
WRITTEN = (
    rule("threshold", **BELOW, unless=["p.wire"])
    + rule("threshold", "wire", metric="open", at_least=None, below=3.6)
    + rule("fault", "range")
)
OTHERWISE = {
    "reworded": (WRITTEN.replace('"en": "Name"', '"en": "Other"'), [("p.rule", 3)]),
    "without unless": (WRITTEN.replace('unless = ["p.wire"]\n', ""), [("p.rule", 2)]),
    "another limit of what it waits for": (WRITTEN.replace("3.6", "3.8"), [("p.rule", 3), ("p.wire", 2)]),
    "another limit of its own": (WRITTEN.replace("below = 1.0", "below = 1.1"), [("p.rule", 3)]),
}


def running(text: str = WRITTEN, *files: Path) -> tuple[Registry, Engine]:
    """Return an engine of one device, whose channels are `gas`, `pressure`, `heat`, `open` in order."""
    registry = Registry({"p": profile(text), "unknown": profile("", "unknown", {})})
    registry.apply(registry.plan_registration([Device("s", "d", Kind.TANK, "p")]))
    return registry, Engine(registry, load_rules(registry.profiles, files))


def said(engine: Engine, now: int, **values: float) -> list[tuple[str, int]]:
    """Return what is raised, and in which second, by one message at `now` s."""
    rows = {metric: row for row, metric in enumerate(METRICS)}
    block = batch([(rows[metric], now * SECOND, value, False) for metric, value in values.items()])
    return [(one.rule.id, one.time_us // SECOND) for one in engine.step(block, now * SECOND) if one.holds]


def test_one_message_is_one_step_in_whatever_order_it_says_things() -> None:
    for message in ({"pressure": 0.0, "open": 0.0}, {"open": 0.0, "pressure": 0.0}):
        _, engine = running()
        assert said(engine, 0, **message) == [("p.wire", 0)]
        assert said(engine, 5, open=4.0) == [("p.rule", 5)]


def test_over_a_restart_it_is_withheld_as_before() -> None:
    registry, engine = running()
    assert said(engine, 0, open=0.0, pressure=0.0) == [("p.wire", 0)]
    fresh = Engine(registry, engine.rules)
    fresh.restore(engine.snapshot())
    assert fresh.snapshot() == engine.snapshot()
    assert said(fresh, 1, pressure=2.0) == []
    assert said(fresh, 2, pressure=0.0) == []
    assert said(fresh, 3, open=4.0) == [("p.rule", 3)]


@pytest.mark.parametrize("what", OTHERWISE)
def test_a_reload_goes_on_where_the_rules_decide_alike_and_else_fails_towards_the_alarm(what: str) -> None:
    text, wanted = OTHERWISE[what]
    registry, engine = running()
    assert said(engine, 0, open=0.0, pressure=0.0) == [("p.wire", 0)]
    engine.reload(load_rules({**registry.profiles, "p": profile(text)}), SECOND)
    found = said(engine, 2, open=0.0, pressure=0.0) + said(engine, 3, open=4.0, pressure=0.0)
    assert sorted(found) == wanted


def test_under_maintenance_and_back_it_begins_anew() -> None:
    registry, engine = running()
    assert said(engine, 0, open=0.0, pressure=0.0) == [("p.wire", 0)]
    for lifecycle, now in ((Lifecycle.MAINTENANCE, 1), (Lifecycle.VERIFIED, 2)):
        registry.apply(registry.plan_registration([Device("s", "d", Kind.TANK, "p", lifecycle=lifecycle)]))
        assert engine.step(tick(), now * SECOND) == []
    assert said(engine, 3, pressure=0.0) == [("p.rule", 3)]


@pytest.mark.parametrize(
    ("keys", "wanted"),
    [
        ('rules = "p.wire"\nbelow = 3.8', [("p.rule", 1)]),
        ('rules = "p.rule"\nbelow = 1.1', [("p.rule", 3)]),
        ('rules = "p.wire"\nenabled = false', [("p.rule", 1)]),
        ('rules = "p.rule"\nunless = []', [("p.rule", 1)]),
        ('rules = "p.*"\nseverity = "advisory"', [("p.rule", 2)]),
    ],
)
def test_where_a_device_moves_to_other_limits_what_was_withheld_or_held_by_the_old_is_gone(
    tmp_path: Path, keys: str, wanted: list[tuple[str, int]]
) -> None:
    file = write(tmp_path, f'[[overrides]]\nsite = "s"\ngrid = "g"\n{keys}\n')
    registry, engine = running(WRITTEN, file)
    assert said(engine, 0, open=0.0, pressure=0.0) == [("p.wire", 0)]
    registry.apply(registry.plan_registration([Device("s", "d", Kind.TANK, "p", "g")]))
    assert said(engine, 1) + said(engine, 2, open=4.0) + said(engine, 3, pressure=0.0) == wanted


# ── written ──────────────────────────────────────────────────────────────────────────────────────────────────────────

LIFE = {"class": "life-safety"}
LIMIT = rule("threshold", unless=["p.flag"])


def test_a_rule_says_what_it_waits_for_and_the_other_who_waits() -> None:
    text = rule("threshold", unless=["p.flag", "p.range.heat"]) + BESIDE
    found = load(text).by_id["p.rule"]
    assert words_of(found, METRICS["gas"]).endswith("; not raised while any of p.flag, p.range.heat holds")
    said_of = {each.id: each for each in explain(load(text), profile(text)).rules}
    (first, second) = [figure for figure in said_of["p.rule"].figures if figure.key.startswith("unless")]
    assert (first.value, second.value) == ("p.flag", "p.range.heat")
    assert line_at(f"{first.origin}: ", text).startswith("unless = ")
    assert said_of["p.flag"].feeds == ("p.rule",)


def test_a_part_that_only_unless_names_is_used() -> None:
    rules = load(LIMIT + rule("alarm", "flag", mode="part") + rule("fault", "range"))
    assert rules.by_id["p.flag"].mode is RuleMode.PART


def test_overrides_give_it_and_take_it_away(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        '[[overrides]]\nrules = "p.rule"\nsite = "s"\nunless = []\n'
        '[[overrides]]\nrules = "p.rule"\nsite = "t"\nunless = "p.range.heat"\n',
    )
    rules = load(LIMIT + BESIDE, file)
    found = {variant.rule.unless for variant in rules.variants if variant.rule is not None}
    assert found == {(), ("p.range.heat",)}
    assert rules.by_id["p.rule"].unless == ("p.flag",)


def test_who_signed_for_the_rule_did_not_sign_for_what_an_override_makes_of_it(tmp_path: Path) -> None:
    text = rule("threshold", unless=["p.flag"], signed_by="maker", **LIFE) + BESIDE
    for keys in ("enabled = false", 'mode = "shadow"', 'unless = "p.range.heat"', 'schedule = "x"'):
        override = f'[[schedules]]\nname = "x"\nperiods = [{{}}]\n[[overrides]]\nrules = "p.rule"\nsite = "s"\n{keys}\n'
        (line,) = faults(text, write(tmp_path, override))
        assert "`signed_by`" in line
        assert load(text, write(tmp_path, f'{override}signed_by = "Li"\n')).variants


@pytest.mark.parametrize(
    ("text", "wrong", "wanted"),
    [
        (rule("threshold", unless=["p.flagg"]), "no rule is 'p.flagg'", "one of p.flag"),
        (rule("threshold", unless=["p.f*"]), "'p.f*' stands for p.flag", "each by its id"),
        (rule("threshold", unless=["p.range"]), "'p.range' stands for p.range.gas, p.range.pressure", "each by its id"),
        (rule("threshold", unless=["p.rule"]), "'p.rule' names itself", "other rules of its device"),
        (rule("threshold", unless=3), "unless = 3", "a text or a list of texts"),
        (rule("threshold", unless=["p.press"]), "'p.press' never ceases by itself", "a rule that ceases"),
        (
            LIMIT.replace("p.flag", "p.kept") + rule("alarm", "kept", latched=True),
            "'p.kept' never ceases by itself",
            "a rule that ceases",
        ),
        (
            rule("threshold", unless=["p.both"]) + rule("composite", "both"),
            "'p.both' looks at other rules",
            "a rule on readings",
        ),
        (rule("threshold", unless=["p.flag"], **LIFE), "a danger to life would be silent", "`signed_by` beside it"),
        (
            rule("threshold", unless=["p.b"])
            + rule("alarm", "b", unless=["p.c"])
            + rule("alarm", "c", unless=["p.rule"]),
            "it waits for itself: p.rule → p.b → p.c → p.rule",
            "no ring",
        ),
    ],
)
def test_a_fault_is_one_line_where_it_was_made(text: str, wrong: str, wanted: str) -> None:
    (line,) = faults(text + BESIDE)
    assert line_at(line, text).startswith("unless = ")
    assert wrong in line
    assert wanted in line.partition("; wanted ")[2]


def test_a_rule_of_other_devices_cannot_be_named() -> None:
    profiles = {
        "p": profile(LIMIT.replace("p.flag", "q.flag") + BESIDE),
        "q": profile(rule("alarm", "flag", "q"), "q"),
    }
    with pytest.raises(Exception, match=r"'q.flag' is of profile 'q'; wanted rules of 'p': no device has both"):
        load_rules(profiles)


def test_an_override_that_lets_the_other_never_cease_is_a_fault(tmp_path: Path) -> None:
    file = write(tmp_path, '[[overrides]]\nrules = "p.flag"\nsite = "s"\nlatched = true\n')
    (line,) = faults(LIMIT + BESIDE, file)
    assert "'p.flag' never ceases by itself" in line


def naming(one: Rule) -> Rule:
    return msgspec.structs.replace(one, unless=("x.fire",))


def test_what_a_rule_waits_for_is_no_part_of_what_it_decides() -> None:
    assert LOW.decides_like(naming(LOW))
