"""What a timeline says of an incident that is kept back or set free."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from alerts.text import Text, span

if TYPE_CHECKING:
    from alerts.noise.danger import Danger
    from alerts.noise.flapping import Course
    from alerts.noise.silences import SilenceInForce

__all__ = ["FREED", "flaps", "grouped", "held", "inhibited", "silenced"]

FREED: Final = Text(
    "What kept it from being told is over, and it is still open and unanswered: it is told now.",
    "抑制原因已解除，该事件仍未恢复且无人受理，现予通知。",
)


def silenced(silence: SilenceInForce) -> Text:
    """Say which silence keeps it back, who answers for it, and why."""
    template = _MAINTENANCE if silence.maintenance else _SILENCED
    return template.fill(id=silence.id, by=silence.by, reason=silence.reason)


def inhibited(source: Danger) -> Text:
    """Say which incident explains it."""
    return _INHIBITED.fill(name=source.name)


def grouped(lead: Danger) -> Text:
    """Say with which incident it is told."""
    return _GROUPED.fill(name=lead.name)


def held(course: Course, within_s: float) -> Text:
    """Say that it is not told again, since it flaps."""
    return _HELD.fill(times=course.raisings, span=span(within_s))


def flaps(course: Course, within_s: float, *, is_held: bool) -> Text:
    """Say that it flaps, and whether it is held from now on."""
    said = _FLAPS.fill(times=course.raisings)
    return said.and_then(_FROM_NOW_ON.fill(span=span(within_s))) if is_held else said


_SILENCED: Final = Text(
    "Not told: silenced by {by}, “{reason}” ({id}).", "未通知：{by} 已设置静默，“{reason}”（{id}）。"
)
_MAINTENANCE: Final = Text(
    "Not told: maintenance by {by}, “{reason}” ({id}).", "未通知：{by} 正在维护，“{reason}”（{id}）。"
)
_INHIBITED: Final = Text("Not told by itself: {name} explains it, and is open.", "未单独通知：可由未结束的{name}解释。")
_GROUPED: Final = Text("Told together with {name}.", "与{name}合并通知。")
_HELD: Final = Text(
    "Not told again: it comes and goes, {times} times by now; held until it is steady for {span}.",
    "不再重复通知：反复出现，已达 {times} 次，待稳定 {span}后再报。",
)
_FLAPS: Final = Text("It comes and goes: raised {times} times.", "反复出现，已报 {times} 次。")
_FROM_NOW_ON: Final = Text(" It is not told again until it is steady for {span}.", "稳定 {span}之前不再重复通知。")
