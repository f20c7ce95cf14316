"""`Verdict`, and `Judge`, which finds it: whether an open incident is told by itself now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from alerts.noise import wording
from alerts.noise.danger import NO_GROUP, RANK
from alerts.response_event import ResponseKind
from alerts.text import NOTHING, Text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from alerts.noise.danger import Danger
    from alerts.noise.flapping import Flapping
    from alerts.noise.groups import Groups
    from alerts.noise.inhibition import Inhibitions
    from alerts.noise.silences import Silences

__all__ = ["TOLD", "Judge", "Release", "Verdict"]


class Verdict(NamedTuple):
    """Whether an incident is told by itself.

    kind: SILENCED, INHIBITED, FLAPPING or GROUPED where it is kept back; FLAPPING too where it is told that it flaps
    by:   the silence, or the incident that explains it or that it is told with; "" else
    text: a sentence for the timeline, and for the message where it is told; NOTHING where there is nothing to say
    """

    told: bool
    kind: ResponseKind | None = None
    by: str = ""
    text: Text = NOTHING


class Release(NamedTuple):
    """An incident set free: open, unanswered, told to nobody, and asked about now. text: why, for the timeline."""

    incident: str
    text: Text


TOLD: Final = Verdict(told=True)


@dataclass(frozen=True, slots=True)
class Judge:
    """Everything that decides.

    dangers:  every open incident by id
    within_s: what flaps and is not raised for so long is steady
    """

    dangers: Mapping[str, Danger]
    silences: Silences
    inhibitions: Inhibitions
    flapping: Flapping
    groups: Groups
    within_s: float

    def judge(self, danger: Danger, now_us: int, *, is_news: bool = True) -> Verdict:
        """Return whether it is told now: the first of silence, inhibition, flapping and group that keeps it back does.

        One that is in a group is not asked whether it joins one. That it flaps is noted as said where the verdict is.
        is_news: it was raised just now, so whoever is on the lead of the group that it joins hears of it, and has it
        """
        return (
            self._silenced(danger, now_us)
            or self._inhibited(danger)
            or self._flapping(danger, now_us)
            or self._grouped(danger, now_us, is_news=is_news)
            or self._told(danger, now_us)
        )

    def _silenced(self, danger: Danger, now_us: int) -> Verdict | None:
        silence = self.silences.match(danger, now_us)
        if silence is None:
            return None
        return Verdict(False, ResponseKind.SILENCED, silence.id, wording.silenced(silence))

    def _inhibited(self, danger: Danger) -> Verdict | None:
        source = self.inhibitions.source_of(danger, self.dangers)
        return None if source is None else Verdict(False, ResponseKind.INHIBITED, source.id, wording.inhibited(source))

    def _flapping(self, danger: Danger, now_us: int) -> Verdict | None:
        course = self.flapping.of(danger.device, danger.rule_id, now_us)
        if course is None or danger.is_life_safety:
            return None
        if course.said:
            return Verdict(False, ResponseKind.FLAPPING, "", wording.held(course, self.within_s))
        course.said = True
        return Verdict(True, ResponseKind.FLAPPING, "", wording.flaps(course, self.within_s, is_held=True))

    def _grouped(self, danger: Danger, now_us: int, *, is_news: bool) -> Verdict | None:
        group = self.groups.to_join(danger, now_us) if danger.group == NO_GROUP else None
        if group is None:
            return None
        lead = self.dangers[group.lead]
        if RANK[danger.severity] > RANK[lead.severity] or self.inhibitions.could_hide(danger, lead):
            return None  # it is worse, or explains the lead: that is news
        if lead.answered and not is_news:
            return None  # nobody is asked about the lead any more
        return Verdict(False, ResponseKind.GROUPED, lead.id, wording.grouped(lead))

    def _told(self, danger: Danger, now_us: int) -> Verdict:
        course = self.flapping.of(danger.device, danger.rule_id, now_us)
        if course is None:
            return TOLD
        return Verdict(True, ResponseKind.FLAPPING, "", wording.flaps(course, self.within_s, is_held=False))
