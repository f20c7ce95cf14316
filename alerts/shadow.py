"""What a rule in shadow would have raised: recorded, and told to nobody."""

from __future__ import annotations

import msgspec

from rules.model import AlarmClass, RuleKind, Severity

__all__ = ["ShadowEvent"]


class ShadowEvent(msgspec.Struct, frozen=True, kw_only=True, tag="shadow"):
    """One change of a rule in shadow.

    id:       made from device, rule, journal offset and place in the record, so that a replay says the same
    device:   `site/name`
    metric, unit: of `value`; "" where the rule reads none
    holds, repeated, late, time_us, since_us, value, measure: as in `rules.model.Change`; None where not finite
    noted_us: journal time
    text_en, text_zh: what an incident would have said
    """

    id: str
    device: str
    rule_id: str
    rule_name_en: str
    rule_name_zh: str
    rule_kind: RuleKind
    severity: Severity
    alarm_class: AlarmClass
    holds: bool
    repeated: bool
    late: bool
    time_us: int
    since_us: int
    noted_us: int
    metric: str
    unit: str
    value: float | None
    measure: float | None
    text_en: str
    text_zh: str

    @property
    def is_raised(self) -> bool:
        """Whether it would have been news to people."""
        return self.holds and not self.repeated
