"""Rules that judge the course of a value: rate, dose, flatline, baseline, inactivity, drift, forecast."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from alerts.conditions.limit import WHOLE_DOSE
from alerts.conditions.reading import label, reading
from alerts.text import NOTHING, WORTH_SAYING_S, Text, number, quantity, span
from rules.model import Direction

if TYPE_CHECKING:
    from alerts.finding import Finding
    from rules.model import (
        BaselineTerms,
        DoseTerms,
        DriftTerms,
        FlatlineTerms,
        ForecastTerms,
        InactivityTerms,
        RateTerms,
    )

__all__ = ["baseline", "dose", "drift", "flatline", "forecast", "inactivity", "rate"]

ESTIMATE_DIGITS: Final = 3
"""What is computed from readings is not known better than this."""
SHARE_DIGITS: Final = 2
PERCENT: Final = 100.0

# ── rate ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

_ROSE: Final = Text(
    "{reading}, rose by {change}{origin} within {within} (limit {limit})",
    "{reading}，{within}内{origin}上升 {change}（限值 {limit}）",
)
_FELL: Final = Text(
    "{reading}, fell by {change}{origin} within {within} (limit {limit})",
    "{reading}，{within}内{origin}下降 {change}（限值 {limit}）",
)
_FROM: Final = Text(" from {value}", "由 {value} ")


def rate(terms: RateTerms, finding: Finding) -> Text:
    """Say by how much the value rose or fell, and from what."""
    change, unit = finding.change, finding.unit
    is_fall = change.measure < 0 if change.measure else terms.direction is Direction.DOWN
    origin = NOTHING if change.reference is None else _FROM.fill(value=quantity(change.reference, unit))
    return (_FELL if is_fall else _ROSE).fill(
        reading=reading(finding),
        change=quantity(_size(change.measure), unit, ESTIMATE_DIGITS, beside=terms.by),
        origin=origin,
        within=span(terms.within_s),
        limit=quantity(terms.by, unit),
    )


# ── dose ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

_DOSE: Final = Text("{reading}: {share}{held} ({bands})", "{reading}：{held}{share}（{bands}）")
_IN: Final = Text(" within {held}", "{held}内")
_WHOLE: Final = Text("a whole dose taken in", "累计暴露已达一个完整剂量")
_TIMES: Final = Text("{share} times a whole dose taken in", "累计暴露已达完整剂量的 {share} 倍")
_BAND: Final = Text("{level} for {time}", "{level} 持续{time}")
_EXPOSURE_ENDED: Final = Text("{reading}, below {clear}: the exposure has ended", "{reading}，低于 {clear}：暴露已结束")


def dose(terms: DoseTerms, finding: Finding) -> Text:
    """Say that a whole dose was taken in, and what makes one."""
    change, unit = finding.change, finding.unit
    if not change.holds:
        said = reading(finding, beside=terms.clear)
        return _EXPOSURE_ENDED.fill(reading=said, clear=quantity(terms.clear, unit))
    # The measure is that of the last reading; where the time ran out since, it was not yet a whole dose.
    share = number(max(change.measure or WHOLE_DOSE, WHOLE_DOSE), SHARE_DIGITS)
    bands = [_BAND.fill(level=quantity(band.at_least, unit), time=span(band.within_s)) for band in terms.bands]
    return _DOSE.fill(
        reading=reading(finding),
        share=_WHOLE if share == number(WHOLE_DOSE) else _TIMES.fill(share=share),
        held=_IN.fill(held=span(finding.lasted_s)) if finding.lasted_s >= WORTH_SAYING_S else NOTHING,
        bands=Text(", ".join(band.en for band in bands), "、".join(band.zh for band in bands)),
    )


# ── flatline ─────────────────────────────────────────────────────────────────────────────────────────────────────────

_UNCHANGED: Final = Text(
    "{reading}, unchanged for {time} in at least {samples} readings (limit {limit})",
    "{reading}，连续至少{samples}次读数、{time}没有变化（限值{limit}）",
)
_CHANGES: Final = Text("{reading}, which changes again", "{reading}，读数恢复变化")


def flatline(terms: FlatlineTerms, finding: Finding) -> Text:
    """Say for how long the value has not changed."""
    measure_s = finding.change.measure
    if not finding.change.holds:
        return _CHANGES.fill(reading=reading(finding))
    time = span(terms.after_s if measure_s is None else measure_s)
    limit = span(terms.after_s)
    return _UNCHANGED.fill(reading=reading(finding), time=time, samples=terms.samples, limit=limit)


# ── baseline ─────────────────────────────────────────────────────────────────────────────────────────────────────────

_UNUSUAL: Final = Text(
    "{reading}, {away} usual deviations {side} the usual {usual} of this hour of the week (limit {limit})",
    "{reading}，{side}每周此时的常值 {usual}，相差 {away} 倍常见偏差（限值 {limit} 倍）",
)
_OVER: Final = Text("above", "高于")
_UNDER: Final = Text("below", "低于")


def baseline(terms: BaselineTerms, finding: Finding) -> Text:
    """Say how far from the usual value the reading is."""
    change = finding.change
    return _UNUSUAL.fill(
        reading=reading(finding),
        away=number(_size(change.measure), SHARE_DIGITS, beside=terms.deviations),
        side=_UNDER if change.measure is not None and change.measure < 0 else _OVER,
        usual=quantity(change.reference, finding.unit, ESTIMATE_DIGITS),
        limit=number(terms.deviations),
    )


# ── inactivity ───────────────────────────────────────────────────────────────────────────────────────────────────────

_STILL: Final = Text("no change of “{label}”{time}", "“{label}”{time}无变化")
_STILL_FOR: Final = Text(" for {time}", "已{time}")
_UNLIKELY: Final = Text(
    "; at these hours a stillness that long has a chance of {chance} % (limit {limit} %)",
    "；此时段出现这么久静止的概率为 {chance} %（限值 {limit} %）",
)
_NOT_LEARNED: Final = Text(
    " (limit {limit}, this person's week not being learned yet)", "（限值{limit}，尚未学习到此人的作息）"
)
_STIRS: Final = Text("{reading}: there is movement again", "{reading}：已有活动")


def inactivity(terms: InactivityTerms, finding: Finding) -> Text:
    """Say how long nothing has stirred, and how unlikely that is."""
    change = finding.change
    if not change.holds:
        return _STIRS.fill(reading=reading(finding))
    still_s = change.reference
    time = NOTHING if still_s is None else _STILL_FOR.fill(time=span(still_s))
    said = _STILL.fill(label=label(finding), time=time)
    if not change.measure:  # 0 until the week is learned
        return said.and_then(_NOT_LEARNED.fill(limit=span(terms.until_learned_s)))
    chance = number(change.measure * PERCENT, SHARE_DIGITS, beside=terms.chance * PERCENT)
    return said.and_then(_UNLIKELY.fill(chance=chance, limit=number(terms.chance * PERCENT)))


# ── drift ────────────────────────────────────────────────────────────────────────────────────────────────────────────

_DRIFTED: Final = Text(
    "{reading}, drifted {way} by {change} from {origin} at its installation (limit {limit})",
    "{reading}，较安装时的 {origin} {way}漂移 {change}（限值 {limit}）",
)
_UP: Final = Text("up", "向上")
_DOWN: Final = Text("down", "向下")


def drift(terms: DriftTerms, finding: Finding) -> Text:
    """Say how far the value has crept from what it was at the installation."""
    change, unit = finding.change, finding.unit
    return _DRIFTED.fill(
        reading=reading(finding),
        way=_DOWN if change.measure is not None and change.measure < 0 else _UP,
        change=quantity(_size(change.measure), unit, ESTIMATE_DIGITS, beside=terms.by),
        origin=quantity(change.reference, unit, ESTIMATE_DIGITS),
        limit=quantity(terms.by, unit),
    )


# ── forecast ─────────────────────────────────────────────────────────────────────────────────────────────────────────

_WILL: Final = Text(
    "{reading}, {ending} in about {time}{interval} at the present trend{trend} (limit {limit})",
    "{reading}，按当前趋势{trend}约{time}{interval}后{ending}（限值{limit}）",
)
_TREND: Final = Text(" of {trend} a day", "（每天 {trend}）")
_IS: Final = Text("{reading}: {level} is reached", "{reading}，已达到 {level}")
_WILL_NOT: Final = Text("{reading}, not {ending} within {limit} any more", "{reading}，{limit}内不会再{ending}")
_EMPTY: Final = Text("empty", "耗尽")
_AT: Final = Text("at {level}", "到达 {level}")
_INTERVAL: Final = Text(" ({low} to {high})", "（{low}至{high}）")
_AT_LEAST: Final = Text(" ({low} or more)", "（至少{low}）")
_STOCKS: Final = frozenset({"%", "m"})
"""Units of what can run empty."""
_FAR_S: Final = 10 * 365.25 * 86_400
"""What lies beyond ten years is not foreseen."""


def forecast(terms: ForecastTerms, finding: Finding) -> Text:
    """Say when the value will be at the level, with its interval."""
    change, unit = finding.change, finding.unit
    level = quantity(terms.level, unit)
    runs_empty = terms.level == 0 and terms.direction is Direction.DOWN and unit in _STOCKS
    ending = (_EMPTY if runs_empty else _AT).fill(level=level)
    limit = span(terms.within_s)
    if not change.holds:
        return _WILL_NOT.fill(reading=reading(finding), ending=ending, limit=limit)
    left_s = change.measure
    if left_s is not None and left_s <= 0:
        return _IS.fill(reading=reading(finding), level=level)
    return _WILL.fill(
        reading=reading(finding),
        ending=ending,
        time=span(terms.within_s if left_s is None or left_s > _FAR_S else left_s),
        interval=_interval(change.low, change.high),
        trend=NOTHING
        if change.reference is None
        else _TREND.fill(trend=quantity(change.reference, unit, ESTIMATE_DIGITS)),
        limit=limit,
    )


def _interval(low_s: float | None, high_s: float | None) -> Text:
    if low_s is None or low_s > _FAR_S:
        return NOTHING
    if high_s is None or high_s > _FAR_S:
        return _AT_LEAST.fill(low=span(low_s))
    return _INTERVAL.fill(low=span(low_s), high=span(high_s))


def _size(signed: float | None) -> float | None:
    return None if signed is None else abs(signed)
