"""Sections of rotas: shifts, turns and overrides as people write them, made into the model's weeks."""

from __future__ import annotations

from math import lcm
from typing import TYPE_CHECKING, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from alerts.people.forms import Day, Days, Hours, Moment, Name, Names, Weekday, Weeks
from alerts.people.model import DutyOverride, Rota, Shift
from rules.loader import TIMEZONE, is_timezone

if TYPE_CHECKING:
    from collections.abc import Iterator

    from alerts.people.local_time import LocalTime

__all__ = ["OverrideSection", "RotaSection", "ShiftSection", "TurnsSection"]

WEEK: Final = tuple(range(7))
MOST_WEEKS: Final = 520


class _Section(BaseModel):
    """A table; a key that nobody knows is a fault."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ShiftSection(_Section):
    """`[[rotas.shifts]]`: people on duty at a time of some days. weeks: of the cycle, from 1."""

    people: Names = Field(min_length=1)
    days: Days = WEEK
    hours: Hours
    weeks: Weeks = ()

    def shift(self, cycle: int, whole: int) -> Shift:
        """Return it for a rota of `whole` weeks, which the cycle that it speaks of divides."""
        weeks = sorted({week - 1 + turn for week in self.weeks for turn in range(0, whole, cycle)})
        return Shift(
            people=self.people,
            days=self.days,
            start_min=self.hours.start_min,
            end_min=self.hours.end_min,
            weeks=tuple(weeks),
        )


class TurnsSection(_Section):
    """`[[rotas.turns]]`: people, or crews, who take turns by the day or by the week.

    people: the first has the day `cycle_start`, or the week from `starts` of that date's week on
    hours:  of every day; '08:00-08:00', all round the clock, hands over at 08:00
    """

    people: tuple[Names, ...] = Field(min_length=1)
    every: Literal["day", "week"] = "week"
    starts: Weekday = 0
    hours: Hours

    def shifts(self, whole: int, first_weekday: int) -> Iterator[Shift]:
        """Yield the shifts of a rota of `whole` weeks; `first_weekday` is that of `cycle_start`."""
        for week in range(whole):
            days: dict[int, list[int]] = {}
            for day in WEEK:
                days.setdefault(self._turn(week, day, first_weekday) % len(self.people), []).append(day)
            for turn, its_days in days.items():
                yield Shift(
                    people=self.people[turn],
                    days=tuple(its_days),
                    start_min=self.hours.start_min,
                    end_min=self.hours.end_min,
                    weeks=(week,),
                )

    def _turn(self, week: int, day: int, first_weekday: int) -> int:
        if self.every == "day":
            return len(WEEK) * week + day - first_weekday
        return week if day >= self.starts else week - 1


class OverrideSection(_Section):
    """`[[rotas.overrides]]`: who is on duty instead of those of the pattern; an empty list leaves nobody."""

    from_: Moment = Field(alias="from")
    to: Moment
    people: Names
    reason: str = ""

    def override(self, clock: LocalTime) -> DutyOverride:
        """Return it as the rota has it, in its local time."""
        return DutyOverride(
            start_us=clock.instant_us(self.from_),
            end_us=clock.instant_us(self.to),
            people=self.people,
            reason=self.reason,
        )


class RotaSection(_Section):
    """`[[rotas]]`: who is on duty when. timezone: that of the directory where not given."""

    name: Name
    timezone: str = ""
    shifts: tuple[ShiftSection, ...] = ()
    turns: tuple[TurnsSection, ...] = ()
    overrides: tuple[OverrideSection, ...] = ()
    holidays: tuple[Day, ...] | None = None
    holiday_shifts: tuple[ShiftSection, ...] | None = None
    cycle_weeks: int = Field(1, ge=1, le=52)
    cycle_start: Day | None = None
    gaps_are_meant: bool = False

    @field_validator("timezone")
    @classmethod
    def _is_a_timezone(cls, timezone: str) -> str:
        if timezone and not is_timezone(timezone):
            raise ValueError(f"{timezone!r} is no time zone; wanted a name like {TIMEZONE!r}")
        return timezone

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if not (self.shifts or self.turns or self.overrides or self.holiday_shifts):
            raise ValueError("it never has anybody on duty; wanted shifts or turns")
        if self.cycle_start is None and self.whole_weeks > 1:
            raise ValueError("no cycle_start; wanted the date from which the weeks or turns are counted")
        if self.whole_weeks > MOST_WEEKS:
            raise ValueError(
                f"its turns and weeks repeat after {self.whole_weeks} weeks only; wanted at most {MOST_WEEKS}"
            )
        late = {week for shift in (*self.shifts, *(self.holiday_shifts or ())) for week in shift.weeks}
        if late and max(late) > self.cycle_weeks:
            raise ValueError(
                f"week {max(late)} of a cycle of {self.cycle_weeks}; wanted cycle_weeks = {max(late)} or more"
            )
        if self.holidays and self.holiday_shifts is None:
            raise ValueError("holidays without holiday_shifts leave nobody on duty; say so by holiday_shifts = []")
        return self

    @property
    def whole_weeks(self) -> int:
        """After so many weeks shifts and turns are as they were."""
        return lcm(self.cycle_weeks, *(len(turns.people) for turns in self.turns))

    def rota(self, clock: LocalTime, timezone: str, first_weekday: int, holidays: tuple[str, ...]) -> Rota:
        """Return it as the directory has it.

        clock:         that of `timezone`
        first_weekday: that of `cycle_start`
        holidays:      those of the directory, for a rota that has shifts for holidays and names none
        """
        whole = self.whole_weeks
        usual = [shift.shift(self.cycle_weeks, whole) for shift in self.shifts]
        usual += [shift for turns in self.turns for shift in turns.shifts(whole, first_weekday)]
        own = holidays if self.holidays is None and self.holiday_shifts is not None else self.holidays
        return Rota(
            name=self.name,
            timezone=timezone,
            shifts=tuple(usual),
            overrides=tuple(one.override(clock) for one in self.overrides),
            holidays=own or (),
            holiday_shifts=tuple(shift.shift(self.cycle_weeks, whole) for shift in self.holiday_shifts or ()),
            cycle_weeks=whole,
            cycle_start=self.cycle_start or "",
            gaps_are_meant=self.gaps_are_meant,
        )
