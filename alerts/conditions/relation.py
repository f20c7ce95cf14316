"""Rules about other rules: neighbourhood and composite."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from alerts.place import common_place
from alerts.text import NAMES_SAID, NOTHING, Text, enumerated, number, span
from devices.model import Kind
from rules.model import Scope

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from alerts.finding import Finding
    from devices.model import Device
    from rules.model import CompositeTerms, NeighbourhoodTerms

__all__ = ["composite", "neighbourhood"]

PERCENT: Final = 100.0

_DEVICES: Final = Text("devices", "设备")
_NOUNS: Final[Mapping[Kind, Text]] = {
    Kind.SMOKE: Text("smoke detectors", "感烟探测器"),
    Kind.GAS: Text("gas detectors", "燃气探测器"),
    Kind.CO: Text("CO detectors", "一氧化碳探测器"),
    Kind.HYDRANT: Text("hydrant gauges", "消火栓监测仪"),
    Kind.TANK: Text("tank gauges", "水箱液位计"),
    Kind.WATCH: Text("watches", "手表"),
    Kind.TILT: Text("tilt sensors", "倾斜传感器"),
}

# ── neighbourhood ────────────────────────────────────────────────────────────────────────────────────────────────────

_MANY: Final = Text(
    "{rules} on {count}{whole} {devices} in {place}{within}{names} (limit {limit})",
    "{place}：{whole}{devices}中{within}有{count}台出现{rules}{names}，限值{limit}",
)
_FEW: Final = Text(
    "{rules} on only {count}{whole} {devices} in {place} now (limit {limit})",
    "{place}：{whole}{devices}中现仅有{count}台出现{rules}，限值{limit}",
)
_WHOLE: Final = Text(" of {whole}", "{whole}台")
_OF_THE: Final = Text(" of the", "")
_WITHIN: Final = Text(" within {within}", "在{within}内")
_NAMES: Final = Text(": {names}", "（{names}）")
_LIMIT: Final = Text("{limit}", "{limit}台")
_LIMIT_AND_SHARE: Final = Text("{limit} and {share} %", "{limit}台且占 {share} %")


def neighbourhood(terms: NeighbourhoodTerms, finding: Finding) -> Text:
    """Say on how many of a place's devices which rules hold, and on which."""
    change = finding.change
    count = len(change.members) if change.measure is None else round(change.measure)
    limit = (_LIMIT_AND_SHARE if terms.share else _LIMIT).fill(
        limit=terms.at_least, share=number(terms.share * PERCENT)
    )
    return (_MANY if change.holds else _FEW).fill(
        rules=_any_of(_rule_names(terms.rules, finding)),
        count=count,
        whole=_OF_THE if change.reference is None else _WHOLE.fill(whole=round(change.reference)),
        devices=_noun(finding.members()),
        place=common_place(terms.scope, finding.device, terms.radius_m),
        within=_WITHIN.fill(within=span(terms.within_s)) if terms.within_s else NOTHING,
        names=_names(finding),
        limit=limit,
    )


def _noun(members: Sequence[Device]) -> Text:
    kinds = {device.kind for device in members}
    return _NOUNS.get(kinds.pop(), _DEVICES) if len(kinds) == 1 else _DEVICES


def _names(finding: Finding) -> Text:
    names = [device.name for device in finding.members(NAMES_SAID)]
    return _NAMES.fill(names=enumerated(names, len(finding.change.members))) if names else NOTHING


# ── composite ────────────────────────────────────────────────────────────────────────────────────────────────────────

_TOGETHER: Final = Text("{rules} in {place}{names}", "{place}：出现{rules}{names}")
_NO_LONGER: Final = Text("no longer {rules} in {place}", "{place}：不再出现{rules}")
_ALONE: Final = Text("{rules} of one device", "同一设备出现{rules}")
_NO_LONGER_ALONE: Final = Text("no longer {rules} of one device", "同一设备不再出现{rules}")
_AND: Final = Text(" and ", "与")
_OR: Final = Text(" or ", "或")
_THEN: Final = Text(", then ", "、随后")
_WITHOUT: Final = Text(", but not {rules}", "，且无{rules}")
_EACH_WITHIN: Final = Text(", each within {within} of the one before", "（先后间隔不超过{within}）")


def composite(terms: CompositeTerms, finding: Finding) -> Text:
    """Say which rules hold together, or one after the other, and where."""
    parts = [_joined(_rule_names(terms.all_of, finding), _AND)] if terms.all_of else []
    if terms.any_of:
        parts.append(_any_of(_rule_names(terms.any_of, finding)))
    if terms.then:
        chain = _joined(_rule_names(terms.then, finding), _THEN)
        within = _EACH_WITHIN.fill(within=span(terms.within_s)) if terms.within_s else NOTHING
        parts.append(chain.and_then(within))
    said = _joined(parts, _AND)
    if terms.none_of:
        said = said.and_then(_WITHOUT.fill(rules=_any_of(_rule_names(terms.none_of, finding))))
    if terms.scope is Scope.DEVICE:
        return (_ALONE if finding.change.holds else _NO_LONGER_ALONE).fill(rules=said)
    place = common_place(terms.scope, finding.device)
    return (_TOGETHER if finding.change.holds else _NO_LONGER).fill(rules=said, place=place, names=_names(finding))


def _rule_names(ids: Sequence[str], finding: Finding) -> list[Text]:
    """Return the rules' names; the id of one that is gone."""
    rules = ((rule_id, finding.rule_of(rule_id)) for rule_id in ids)
    return [
        Text(f"“{rule.name_en}”", f"“{rule.name_zh}”") if rule else Text(rule_id, rule_id) for rule_id, rule in rules
    ]


def _any_of(names: Sequence[Text]) -> Text:
    return _joined(names, _OR)


def _joined(names: Sequence[Text], word: Text) -> Text:
    return Text(word.en.join(name.en for name in names), word.zh.join(name.zh for name in names))
