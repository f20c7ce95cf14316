from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from alerts import DeliveryError, DeliveryLimits, NotificationStatus, SystemClock
from alerts.breaker import BreakerLimits, BreakerState
from alerts.channels import (
    ChannelContext,
    FailoverChannel,
    FailoverSettings,
    Handed,
    MemberOutcome,
    Resend,
    WebhookSettings,
    make_channel,
)
from tests.alerts.receiver import HANG, OK, receiver, status
from tests.alerts.scene import GAS, TANK, HandClock, ScriptedChannel, notification, until
from tests.alerts.test_delivery import _fresh, delivering

if TYPE_CHECKING:
    from alerts import Channel

FAILED = DeliveryError("HTTP 500", retry=True)
BUSY = DeliveryError("HTTP 429", retry=True, retry_after_s=20)
REFUSED = DeliveryError("no such number", retry=False)
UNKNOWN = DeliveryError("no answer", retry=False, unknown=True)


class Pair:
    """Two members and the channel before them."""

    def __init__(
        self,
        first: DeliveryError | Handed | str | float,
        second: DeliveryError | Handed | str | float = "taken",
        resend: Resend = Resend.LIFE_SAFETY,
    ) -> None:
        self.clock = HandClock()
        self.first = ScriptedChannel(self.clock, first, at_once=8)
        self.second = ScriptedChannel(self.clock, second, at_once=3)
        self.channel = FailoverChannel(
            {"ali": self.first, "tencent": self.second},
            self.clock.steady,
            resend,
            BreakerLimits(failures=2, rest_s=5),
        )

    @property
    def tried(self) -> tuple[int, int]:
        return len(self.first.sent), len(self.second.sent)


async def test_the_first_member_is_taken_while_it_works() -> None:
    pair = Pair(Handed("OK", "4711"))
    assert await pair.channel.send(notification()) == Handed("ali: OK", "ali/4711")
    assert pair.tried == (1, 0)
    assert pair.channel.at_once == 3, "no member gets more than it wants"


async def test_the_next_member_is_tried_at_once_in_the_same_attempt() -> None:
    pair = Pair(FAILED, Handed("OK", "SM1", received=True))
    assert await pair.channel.send(notification()) == Handed("tencent: OK", "tencent/SM1", received=True)
    assert pair.channel.outcomes["ali", MemberOutcome.FAILED] == 1
    assert pair.channel.outcomes["tencent", MemberOutcome.HANDED] == 1


async def test_a_bad_number_is_not_passed_on() -> None:
    pair = Pair(REFUSED)
    for _ in range(3):
        with pytest.raises(DeliveryError, match="ali: no such number") as failed:
            await pair.channel.send(notification())
        assert (failed.value.retry, failed.value.unknown) == (False, False)
    assert pair.tried == (3, 0)
    assert pair.channel.breakers()["ali"] is BreakerState.CLOSED
    assert pair.channel.outcomes["ali", MemberOutcome.REFUSED] == 3


@pytest.mark.parametrize("answer", [UNKNOWN, 3_600.0])
@pytest.mark.parametrize(
    ("resend", "rule", "goes_on"),
    [
        (Resend.LIFE_SAFETY, GAS, True),
        (Resend.LIFE_SAFETY, TANK, False),
        (Resend.ALWAYS, TANK, True),
        (Resend.NEVER, GAS, False),
    ],
)
async def test_what_may_have_been_taken_goes_on_where_lives_are_at_stake(
    answer: DeliveryError | float, resend: Resend, rule: object, goes_on: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alerts.channels.failover.ATTEMPT_S", 0.04)
    pair = Pair(answer, resend=resend)
    message = notification(GAS if rule is GAS else TANK)
    if goes_on:
        assert (await pair.channel.send(message)).detail == "tencent: taken"
    else:
        with pytest.raises(DeliveryError, match="ali: no answer") as failed:
            await pair.channel.send(message)
        assert (failed.value.retry, failed.value.unknown) == (False, True)
    assert pair.tried == (1, int(goes_on))
    assert pair.channel.outcomes["ali", MemberOutcome.UNKNOWN] == 1


@pytest.mark.parametrize("second", [FAILED, REFUSED, UNKNOWN])
async def test_what_one_member_may_have_taken_stays_unknown_whatever_the_next_says(second: DeliveryError) -> None:
    pair = Pair(UNKNOWN, second)
    with pytest.raises(DeliveryError) as failed:
        await pair.channel.send(notification(GAS))
    assert (failed.value.retry, failed.value.unknown) == (False, True)


async def test_a_member_that_keeps_failing_is_left_alone_and_asked_again_later() -> None:
    pair = Pair(FAILED)
    for _ in range(5):
        await pair.channel.send(notification())
    assert pair.tried == (2, 5)
    assert pair.channel.breakers() == {"ali": BreakerState.OPEN, "tencent": BreakerState.CLOSED}
    pair.clock.advance_to(5)
    pair.first.answers = ["well again"]
    assert (await pair.channel.send(notification())).detail == "ali: well again"
    assert pair.channel.breakers()["ali"] is BreakerState.CLOSED


async def test_where_all_fail_the_attempt_is_made_again_when_one_may_be_asked() -> None:
    pair = Pair(BUSY, FAILED)
    with pytest.raises(DeliveryError, match="ali: HTTP 429; tencent: HTTP 500") as failed:
        await pair.channel.send(notification())
    assert (failed.value.retry, failed.value.retry_after_s) == (True, 20)
    with pytest.raises(DeliveryError):
        await pair.channel.send(notification())
    pair.clock.advance_to(1)
    with pytest.raises(DeliveryError, match="ali: left alone; tencent: left alone") as failed:
        await pair.channel.send(notification())
    assert (failed.value.retry, failed.value.retry_after_s) == (True, 4)
    assert pair.tried == (2, 2)


async def test_a_probe_that_is_cut_off_lets_the_next_one_through() -> None:
    pair = Pair(FAILED)
    for _ in range(2):
        await pair.channel.send(notification())
    pair.clock.advance_to(5)
    pair.first.answers = [3_600.0]
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.02):
            await pair.channel.send(notification())
    pair.clock.advance_to(100)
    pair.first.answers = ["well again"]
    assert (await pair.channel.send(notification())).detail == "ali: well again"


async def test_a_vendor_that_hangs_leaves_time_for_the_next_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alerts.channels.failover.ATTEMPT_S", 0.6)
    async with receiver(HANG) as hangs, receiver(status(200)) as works:
        members: dict[str, Channel] = {
            name: make_channel(name, WebhookSettings.model_validate({"type": "webhook", "url": far.url}))
            for name, far in (("ali", hangs), ("tencent", works))
        }
        settings = FailoverSettings(type="failover", members=("ali", "tencent"))
        sms = make_channel("sms", settings, ChannelContext(members=members))
        async with delivering({**members, "sms": sms}, SystemClock(), DeliveryLimits(attempt_s=1)) as out:
            began = time.monotonic()
            out.delivery.submit([_fresh(notification(GAS, "sms"))])
            await until(lambda: out.settles)
            assert 0.3 <= time.monotonic() - began < 0.9
    ((_, settle),) = out.settles
    assert (settle.status, settle.detail) == (NotificationStatus.RECEIVED, "tencent: HTTP 200 Said")
    assert (len(hangs.requests), len(works.requests)) == (1, 1)


async def test_all_members_together_get_no_more_time_than_one_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alerts.channels.failover.ATTEMPT_S", 0.3)
    clock = HandClock()
    members = {name: ScriptedChannel(clock, 3_600.0) for name in ("ali", "tencent", "twilio")}
    channel = FailoverChannel(members, clock.steady)
    began = time.monotonic()
    with pytest.raises(DeliveryError, match=r"ali: .*; tencent: .*; twilio: "):
        await channel.send(notification(GAS))
    assert time.monotonic() - began < 0.6


@pytest.mark.parametrize(
    ("members", "wrong"),
    [(["ali", "nobody"], "no channel 'nobody'"), (["ali", "ali"], "twice"), (["ali", "both"], "no channel 'both'")],
)
async def test_a_member_that_cannot_be_one_is_named(members: list[str], wrong: str) -> None:
    pair = Pair(OK)
    context = ChannelContext(members={"ali": pair.first, "both": pair.channel})
    settings = FailoverSettings.model_validate({"type": "failover", "members": members})
    with pytest.raises(ValueError, match=wrong):
        make_channel("sms", settings, context)
