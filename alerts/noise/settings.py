"""What the settings file says about noise: the sections `[noise]` and `[[inhibitions]]`."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, ConfigDict, Field, field_validator

from alerts.noise.flapping import FlappingLimits
from alerts.noise.groups import GroupLimits, GroupPlace
from alerts.noise.inhibition import DEFAULT_INHIBITIONS, Condition, Equal, Inhibition
from alerts.noise.limits import NoiseLimits
from alerts.noise.post import PostLimits
from alerts.noise.silences import SilenceLimits
from devices.model import Kind
from rules.model import AlarmClass, RuleKind, Severity

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["ConditionSection", "InhibitionFaults", "InhibitionSection", "NoiseSection", "make_inhibitions"]

DAY_S: Final = 86_400.0


class InhibitionFaults(Exception):
    """Everything that is wrong with the inhibitions, each fault with its place."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NoiseSection(_Section):
    """`[noise]`: how many messages people get."""

    group_by: GroupPlace = Field(GroupPlace.BUILDING, description="the structure whose incidents are told together")
    group_s: float = Field(60.0, ge=0, le=3_600, description="from the first of a group; 0: nothing is grouped")
    floors_apart: bool = Field(False, description="life safety on another floor is told by itself")
    release_after_s: float = Field(
        60.0, ge=0, le=3_600, description="patience after what hid an incident has ended; not for life safety"
    )
    flapping_raisings: int = Field(5, ge=2, le=100, description="more than so many, within flapping_s, flap")
    flapping_s: float = Field(1_800.0, ge=60, le=86_400)
    longest_silence_days: float = Field(30.0, gt=0, le=366)
    burst: int = Field(5, ge=1, le=100, description="messages that a person gets at once, within burst_s")
    burst_s: float = Field(10.0, gt=0, le=600)
    digest_s: float = Field(30.0, gt=0, le=3_600, description="after which the rest comes in one message")
    life_safety_digest_s: float = Field(2.0, gt=0, le=3, description="the same, where lives may be in danger")
    quiet_below: Severity = Field(Severity.ALARM, description="quiet hours hold what is less severe than this")
    default_inhibitions: bool = Field(True, description="the rules that Vigil brings, beside [[inhibitions]]")

    def noise_limits(self) -> NoiseLimits:
        """Return what bounds `Noise`."""
        return NoiseLimits(
            groups=GroupLimits(self.group_by, self.group_s, self.floors_apart),
            silences=SilenceLimits(longest_s=self.longest_silence_days * DAY_S),
            flapping=FlappingLimits(self.flapping_raisings, self.flapping_s),
            release_after_s=self.release_after_s,
        )

    def post_limits(self) -> PostLimits:
        """Return what bounds `Post`."""
        return PostLimits(
            burst=self.burst,
            burst_s=self.burst_s,
            digest_s=self.digest_s,
            life_safety_digest_s=self.life_safety_digest_s,
            quiet_below=self.quiet_below,
        )


class ConditionSection(_Section):
    """Which incidents are meant: those that have all that is given."""

    kinds: tuple[Kind, ...] = ()
    classes: tuple[AlarmClass, ...] = ()
    rules: tuple[str, ...] = Field((), description="ids, `prefix.*` or `*.suffix`")
    rule_kinds: tuple[RuleKind, ...] = ()
    min_severity: Severity = Severity.ADVISORY

    @field_validator("rules")
    @classmethod
    def _have_words(cls, rules: tuple[str, ...]) -> tuple[str, ...]:
        wrong = [rule for rule in rules if not rule.strip("*.")]
        if wrong:
            raise ValueError(f"{', '.join(map(repr, wrong))} names no rule; wanted an id, `prefix.*` or `*.suffix`")
        return rules

    def condition(self) -> Condition:
        """Return it as inhibition knows it."""
        return Condition(self.kinds, self.classes, self.rules, self.rule_kinds, self.min_severity)


class InhibitionSection(_Section):
    """`[[inhibitions]]`: an open source hides each target that has the same in all fields of `equal`."""

    name: str = Field(min_length=1)
    source: ConditionSection
    target: ConditionSection
    equal: tuple[Equal, ...] = Field(min_length=1, description="without any it would hide all over the town")

    def inhibition(self) -> Inhibition:
        """Return it as inhibition knows it."""
        return Inhibition(self.name, self.source.condition(), self.target.condition(), self.equal)


def make_inhibitions(sections: Sequence[InhibitionSection], *, defaults: bool = True) -> tuple[Inhibition, ...]:
    """Return the rules of the file, and after them those that Vigil brings.

    Raises InhibitionFaults where names are used twice, or a rule can hide nothing.
    """
    brought = DEFAULT_INHIBITIONS if defaults else ()
    rules = (*(section.inhibition() for section in sections), *brought)
    names = Counter(rule.name for rule in rules)
    faults = [
        f"inhibitions.{place}: {fault}"
        for place, rule in enumerate(rules[: len(sections)])
        for fault in _faults(rule, names)
    ]
    if faults:
        raise InhibitionFaults(faults)
    return rules


def _faults(rule: Inhibition, names: Counter[str]) -> list[str]:
    faults: list[str] = []
    if names[rule.name] > 1:
        faults.append(f"name: there are {names[rule.name]} called {rule.name!r}, with those that Vigil brings")
    source, target = rule.source, rule.target
    if not any((source.kinds, source.classes, source.rules, source.rule_kinds)):
        faults.append("source: any incident is meant; wanted kinds, classes, rules or rule_kinds")
    if (
        source.classes
        and AlarmClass.LIFE_SAFETY not in source.classes
        and set(target.classes) == {AlarmClass.LIFE_SAFETY}
    ):
        faults.append("target: life-safety is hidden by nothing else than life-safety; it would hide nothing")
    both = {Equal.KIND, Equal.DEVICE}.intersection(rule.equal)
    if both and source.kinds and target.kinds and not set(source.kinds) & set(target.kinds):
        faults.append(f"equal: {', '.join(sorted(both))} of kinds that are never the same; it would hide nothing")
    return faults
