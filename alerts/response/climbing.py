"""`Climbing`: the chain of an incident, step by step and round by round, until enough people are on it.

Each step's time is counted from when the step before it was due, never from when that was done, so nothing drifts: a
service that was down for a while takes at once what it missed, and what it missed of rounds only once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from alerts.counters import Fallback, ResponseBound
from alerts.notification import Purpose
from alerts.response import texts
from alerts.response.ask import Ask, AskState
from alerts.response.chains import EVERYONE, SHORTEST_ROUND_S, after_us, chain_of, has_nearest
from alerts.response_event import ResponseKind
from alerts.wording import story

if TYPE_CHECKING:
    from alerts.counters import AlertsCounters
    from alerts.people.model import Chain, Step
    from alerts.people.who import Asked
    from alerts.response.asking import Asking
    from alerts.response.board import Board
    from alerts.response.consequences import Turn
    from alerts.response.escalation import Escalation
    from alerts.response.limits import ResponseLimits
    from alerts.response.recipients import Recipients
    from alerts.response.telling import Telling

__all__ = ["Climbing"]


class Climbing:
    """Takes steps when they are due, or at once where somebody refuses or wants help."""

    def __init__(
        self,
        board: Board,
        asking: Asking,
        telling: Telling,
        recipients: Recipients,
        limits: ResponseLimits,
        counters: AlertsCounters,
    ) -> None:
        self._board = board
        self._asking = asking
        self._telling = telling
        self._recipients = recipients
        self._limits = limits
        self._counters = counters

    # ── beginning ────────────────────────────────────────────────────────────────────────────────────────────────

    def begin(self, turn: Turn, escalation: Escalation) -> None:
        """Begin the chain: its first step is due `after_s` from now."""
        escalation.rounds, escalation.need, escalation.help_by = 1, 1, ""
        escalation.refused.clear()
        escalation.step = -1
        self._enter_round(escalation, 0)
        chain = chain_of(self._board, escalation)
        if chain is None:
            escalation.active, escalation.next_us = False, None
            return
        if chain is EVERYONE:
            self._counters.fallbacks[Fallback.EVERYBODY] += 1
        self._set(escalation, turn.now_us + after_us(chain, 0))
        self.climb(turn, escalation)

    def resume(self, turn: Turn, escalation: Escalation, by: str) -> None:
        """Ask anew from the step that was reached: too few are on it since `by` gave it back."""
        chain = chain_of(self._board, escalation)
        if chain is None:
            return
        step = min(max(escalation.step, 0), len(chain.steps) - 1)
        turn.line(escalation, ResponseKind.REPEATED, texts.ANEW.fill(who=self._board.called(by)), person=by, step=step)
        self._enter_round(escalation, step)
        escalation.step = step - 1
        self._set(escalation, turn.now_us)
        self.climb(turn, escalation, "refused")

    def help(self, turn: Turn, escalation: Escalation, by: str) -> None:
        """Ask for one more person than there are or were wanted, by the next step, or anew where there is none."""
        escalation.help_by = by
        escalation.need = max(escalation.need, escalation.answers) + 1
        chain = chain_of(self._board, escalation)
        if chain is None:
            return
        escalation.active = True
        self._hasten(turn, escalation, chain, "help")

    # ── going on ─────────────────────────────────────────────────────────────────────────────────────────────────

    def climb(self, turn: Turn, escalation: Escalation, cause: str = "time") -> None:
        """Take every step that is due. cause: why the first is, a key of `texts.CAUSES`."""
        while escalation.active and escalation.next_us is not None and escalation.next_us <= turn.now_us:
            chain = chain_of(self._board, escalation)
            if chain is None:
                escalation.active, escalation.next_us = False, None
            elif escalation.step + 1 < len(chain.steps):
                cause = self._take(turn, escalation, chain, escalation.next_us, cause)
            else:
                self._come_round(turn, escalation, chain, escalation.next_us)

    def refused(self, turn: Turn, escalation: Escalation, ask: Ask) -> None:
        """Ask others in place of somebody who refused."""
        chain = chain_of(self._board, escalation)
        if chain is None or not escalation.active or ask.step is None:
            return
        if ask.station and ask.step < len(chain.steps) and has_nearest(chain.steps[ask.step]):
            escalation.silent.append(f"station:{ask.station}")
        self.reroute(turn, escalation, ask)
        if ask.step != escalation.step or escalation.waits(ask.step):
            return
        if escalation.step + 1 < len(chain.steps) or not escalation.waits():
            self._hasten(turn, escalation, chain, "refused")

    def reroute(self, turn: Turn, escalation: Escalation, ask: Ask) -> None:
        """Ask the next nearest station in place of one that refused, or of which nobody is reached."""
        chain = chain_of(self._board, escalation)
        if chain is None or not escalation.active or ask.step is None or ask.step >= len(chain.steps):
            return
        step = chain.steps[ask.step]
        if ask.round != escalation.round or not has_nearest(step):
            return
        unreached = [
            one.person
            for one in escalation.asks.values()
            if one.state is AskState.UNREACHED and one.round == escalation.round
        ]
        for asked in self._select(turn, escalation, step.to, unreached):
            before = escalation.asks.get(asked.person.name)
            if before is None or before.round != escalation.round or before.state is AskState.TOLD:
                self._asking.ask(turn, escalation, asked, ask.step)

    # ── inside ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _enter_round(self, escalation: Escalation, step: int) -> None:
        escalation.active = True
        escalation.round += 1
        escalation.first_step = step
        escalation.is_reached = False
        escalation.silent.clear()

    def _set(self, escalation: Escalation, next_us: int | None) -> None:
        escalation.next_us = next_us
        self._board.deadlines.put(next_us, escalation.incident.id)

    def _hasten(self, turn: Turn, escalation: Escalation, chain: Chain, cause: str) -> None:
        """Take the next step now; where there is none, begin the next round."""
        if escalation.step + 1 < len(chain.steps):
            self._set(escalation, turn.now_us)
        else:
            self._repeat(turn, escalation, turn.now_us)
        self.climb(turn, escalation, cause)

    def _take(self, turn: Turn, escalation: Escalation, chain: Chain, began_us: int, cause: str) -> str:
        """Take the next step, which is due since `began_us`; return why the one after it would be taken at once."""
        number = escalation.step + 1
        step = chain.steps[number]
        escalation.step = number
        if not step.inform:
            escalation.need = max(escalation.need, step.need)
        if number > escalation.first_step:
            why = texts.CAUSES[cause]
            text = texts.ESCALATED.fill(step=number + 1, steps=len(chain.steps), cause=why)
            turn.line(escalation, ResponseKind.ESCALATED, text, step=number)
        is_last = number + 1 == len(chain.steps)
        if self._reach(turn, escalation, step, number):
            # Who is only told does not answer, and is enough only where nobody is to be asked.
            escalation.is_reached |= not step.inform or all(one.inform for one in chain.steps)
            if not is_last:
                self._set(escalation, began_us + after_us(chain, number + 1))
                return "time"
        else:
            text = texts.NOBODY.fill(step=number + 1)
            turn.line(escalation, ResponseKind.NOBODY, text, step=number)
            self._set(escalation, began_us)
        if is_last:
            repeats = self._may_repeat(escalation, chain)
            self._set(escalation, began_us + self._repeat_us(chain) if repeats else None)
            if not escalation.is_reached:
                self._reach_anybody(turn, escalation, began_us)
        return "nobody"

    def _reach(self, turn: Turn, escalation: Escalation, step: Step, number: int) -> bool:
        """Ask or tell whom a step names; return whether there is anybody."""
        names = self._board.who.recipients(step.to)
        text = story(escalation.kind, escalation.incident, "", "") if names else None
        is_reached = text is not None and bool(
            self._recipients.tell_named(turn, escalation, names, text, Purpose.TELL, escalation.round, number)
        )
        for asked in self._bounded(turn, escalation, self._select(turn, escalation, step.to), number):
            ask = escalation.asks.get(asked.person.name)
            if step.inform:
                self._inform(turn, escalation, asked, number)
                is_reached = True
            elif ask is not None and ask.state.is_live and ask.round == escalation.round:
                is_reached = True
            else:
                is_reached |= self._asking.ask(turn, escalation, asked, number)
        return is_reached

    def _inform(self, turn: Turn, escalation: Escalation, asked: Asked, number: int) -> None:
        text = story(escalation.kind, escalation.incident, "", "").and_then(texts.TOLD_WHY.fill(why=asked.why))
        self._telling.tell(
            turn,
            escalation,
            asked.person,
            text,
            purpose=Purpose.TELL,
            event=escalation.event,
            kind=escalation.kind,
            cause=f"{escalation.round}.{number}",
        )

    def _reach_anybody(self, turn: Turn, escalation: Escalation, began_us: int) -> None:
        """Let it page somebody where the chain reached nobody: its first steps, then everybody, then the console."""
        if escalation.first_step > 0:
            self._repeat(turn, escalation, began_us)
            return
        people = self._select(turn, escalation, ("everyone",))
        if not people and escalation.refused:
            escalation.refused.clear()
            people = self._select(turn, escalation, ("everyone",))
        if people:
            self._counters.fallbacks[Fallback.EVERYBODY] += 1
            turn.line(escalation, ResponseKind.NOBODY, texts.EVERYBODY, step=escalation.step)
            for asked in self._bounded(turn, escalation, people, escalation.step):
                self._asking.ask(turn, escalation, asked, escalation.step)
            return
        self._counters.fallbacks[Fallback.CONSOLE] += 1
        turn.line(escalation, ResponseKind.NOBODY, texts.NOBODY_AT_ALL, step=escalation.step)
        text = story(escalation.kind, escalation.incident, "", "")
        self._recipients.tell_console(turn, escalation, text, "nobody", escalation.round)

    def _bounded(self, turn: Turn, escalation: Escalation, people: list[Asked], number: int) -> list[Asked]:
        """Return the first of `people`, as many as are asked at once: a whole town is no answer to one alarm."""
        most = self._limits.people_a_step
        if len(people) > most:
            self._counters.response_full[ResponseBound.PEOPLE] += 1
            left_out = texts.CROWDED.fill(asked=most, count=len(people))
            turn.line(escalation, ResponseKind.CROWDED, left_out, step=number)
        return people[:most]

    def _select(
        self, turn: Turn, escalation: Escalation, to: tuple[str, ...], unreached: list[str] | None = None
    ) -> list[Asked]:
        without = {*escalation.refused, *escalation.silent, *escalation.on_it, *(unreached or ())}
        return self._board.who.select(to, escalation.incident, turn.now_us, without)

    # ── rounds ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _repeat_us(self, chain: Chain) -> int:
        repeat_s = self._limits.repeat_s if chain.repeat_s is None else chain.repeat_s
        return round(max(repeat_s, SHORTEST_ROUND_S) * 1e6)

    def _may_repeat(self, escalation: Escalation, chain: Chain) -> bool:
        if escalation.incident.is_life_safety and escalation.answers == 0:
            return True
        return chain.repeat_s is not None and (chain.rounds is None or escalation.rounds < chain.rounds)

    def _come_round(self, turn: Turn, escalation: Escalation, chain: Chain, due_us: int) -> None:
        """Begin the next round, which is due since `due_us`; of several that were missed, only one is made up for."""
        if not self._may_repeat(escalation, chain):
            self._set(escalation, None)
            return
        missed = turn.now_us - due_us >= self._repeat_us(chain)
        escalation.rounds += 1
        self._repeat(turn, escalation, turn.now_us if missed else due_us)

    def _repeat(self, turn: Turn, escalation: Escalation, began_us: int) -> None:
        self._enter_round(escalation, 0)
        escalation.step = -1
        text = texts.REPEATED.fill(round=escalation.round)
        turn.line(escalation, ResponseKind.REPEATED, text, step=0)
        self._set(escalation, began_us)
