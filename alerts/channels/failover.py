"""`FailoverChannel`: several channels of one kind as one, such as two SMS vendors; the next where the first cannot.

a member answers                     handed over, the reference being `member/what the member calls it`
it fails in a way that may pass      the next member at once, in the same attempt
it refuses for good (a bad number)   refused: the others would say the same
nobody knows whether it took it      the next member, where `resends` says so: somebody may be told twice, which is
                                     better than not at all; else unknown, and the person's next channel is tried
"""

from __future__ import annotations

import asyncio
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from alerts.breaker import Breaker, BreakerLimits, BreakerState
from alerts.channels.channel import Channel, DeliveryError, Handed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from alerts.notification import Notification

__all__ = ["FailoverChannel", "MemberOutcome", "Resend"]

ATTEMPT_S: Final = 9.0
"""For all members together; less than delivery's time for an attempt, so that each gets its turn."""


class Resend(StrEnum):
    """What is sent by the next member although the one before may have taken it."""

    LIFE_SAFETY = "life-safety"
    ALWAYS = "always"
    NEVER = "never"


class MemberOutcome(StrEnum):
    """What came of one member's attempt."""

    HANDED = "handed"
    FAILED = "failed"
    """It could not; the next one was tried."""
    REFUSED = "refused"
    """For good."""
    UNKNOWN = "unknown"


class FailoverChannel:
    """Tries `members` in their order, those first whose breaker is closed. It does not close them: they have owners.

    steady:    s of a clock that never steps
    resend:    for which messages the next member is tried after an attempt without an answer
    outcomes:  what came of the attempts, by member, since the start
    """

    def __init__(
        self,
        members: Mapping[str, Channel],
        steady: Callable[[], float],
        resend: Resend = Resend.LIFE_SAFETY,
        breaker: BreakerLimits | None = None,
    ) -> None:
        self._members = dict(members)
        self._steady = steady
        self._resend = resend
        self._breakers = {name: Breaker(breaker) for name in members}
        self._member_s = ATTEMPT_S / len(members)
        self.outcomes = {(name, outcome): 0 for name in members for outcome in MemberOutcome}
        self.idempotent = False  # another member does not know a repeat
        self.at_once = min(member.at_once for member in members.values())

    def breakers(self) -> dict[str, BreakerState]:
        """Return the state of each member's breaker."""
        return {name: breaker.state for name, breaker in self._breakers.items()}

    async def send(self, notification: Notification) -> Handed:
        """Send by the first member that takes it. Raises DeliveryError where none does, or it is not known."""
        reasons: list[str] = []
        waits: list[float] = []
        is_unknown = False
        for name in self._members:
            wait_s = self._rest_s(name)
            if wait_s is not None:
                waits.append(wait_s)
                reasons.append(f"{name}: left alone")
                continue
            answer = await self._try(name, notification)
            if isinstance(answer, Handed):
                return answer
            reasons.append(answer.reason)
            is_unknown |= answer.unknown
            if not answer.retry and not (answer.unknown and self._resends(notification)):
                raise DeliveryError("; ".join(reasons), retry=False, unknown=is_unknown)
            if answer.retry_after_s is not None:
                waits.append(answer.retry_after_s)
        wait_s = None if is_unknown else min(waits, default=None)
        raise DeliveryError("; ".join(reasons), retry=not is_unknown, retry_after_s=wait_s, unknown=is_unknown)

    async def close(self) -> None:
        """Nothing is held: the members are closed by those who made them."""

    def _resends(self, notification: Notification) -> bool:
        """Say whether the next member is to be tried although somebody may have been told."""
        return self._resend is Resend.ALWAYS or (
            self._resend is Resend.LIFE_SAFETY and notification.incident.is_life_safety
        )

    def _rest_s(self, name: str) -> float | None:
        """Return for how long a member is left alone, s; None where it may be tried."""
        breaker, now = self._breakers[name], self._steady()
        if breaker.admits(now):
            return None
        rested_at = breaker.rested_at()
        return 0.0 if rested_at is None else max(0.0, rested_at - now)  # a probe is under way, or it rests

    async def _try(self, name: str, notification: Notification) -> Handed | DeliveryError:
        """Return what came of one member's attempt."""
        breaker = self._breakers[name]
        breaker.sent()
        try:
            async with asyncio.timeout(self._member_s):
                handed = await self._members[name].send(notification)
        except TimeoutError:
            error = DeliveryError(f"no answer within {self._member_s:.3g} s", retry=False, unknown=True)
        except DeliveryError as failed:
            error = failed
        except asyncio.CancelledError:
            breaker.failed(self._steady())  # it may have been the probe
            raise
        else:
            breaker.answered(self._steady())
            self.outcomes[name, MemberOutcome.HANDED] += 1
            reference = f"{name}/{handed.reference}" if handed.reference else ""
            return Handed(f"{name}: {handed.detail}", reference, handed.received)
        outcome = (
            MemberOutcome.UNKNOWN if error.unknown else MemberOutcome.FAILED if error.retry else MemberOutcome.REFUSED
        )
        self.outcomes[name, outcome] += 1
        if outcome is MemberOutcome.REFUSED:
            breaker.answered(self._steady())
        else:
            breaker.failed(self._steady())
        return DeliveryError(
            f"{name}: {error.reason}", retry=error.retry, retry_after_s=error.retry_after_s, unknown=error.unknown
        )
