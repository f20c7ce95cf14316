from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest

from alerts import DeliveryError, make_channel
from alerts.channels import AppriseSettings
from tests.alerts.receiver import HANG, OK, receiver, status
from tests.alerts.scene import GAS, notification, until
from tests.support.broker import free_port

if TYPE_CHECKING:
    from alerts import Channel

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


def through(url: str, threads: int = 2) -> Channel:
    return make_channel("chat", AppriseSettings.model_validate({"type": "apprise", "url": url, "threads": threads}))


async def test_a_service_gets_title_and_text_in_both_languages() -> None:
    message = notification(GAS)
    async with receiver(OK) as service:
        channel = through(f"json://127.0.0.1:{service.port}/x")
        assert await channel.send(message) == "accepted by JSON"
        await channel.close()
    (request,) = service.requests
    assert request.json["title"] == message.title
    assert message.body_en in str(request.json["message"])
    assert message.body_zh in str(request.json["message"])


async def test_a_service_that_fails_is_tried_again_and_its_secrets_stay_secret() -> None:
    async with receiver(status(502)) as service:
        channel = through(f"json://guest:hushhush@127.0.0.1:{service.port}/tokentoken")
        with pytest.raises(DeliveryError) as failed:
            await channel.send(notification())
        await channel.close()
    assert failed.value.retry
    assert failed.value.reason.startswith("JSON: FAILURE")
    assert "502" in failed.value.reason
    assert not any(secret in failed.value.reason for secret in ("hushhush", "tokentoken", "guest"))


async def test_what_apprise_says_is_rid_of_every_piece_of_the_url() -> None:
    channel = through(f"json://localhost:{free_port()}/")
    with pytest.raises(DeliveryError) as failed:
        await channel.send(notification())
    await channel.close()
    assert "onnection error" in failed.value.reason
    assert "localhost" not in failed.value.reason


async def test_a_service_that_hangs_holds_only_its_own_threads() -> None:
    async with receiver(HANG) as hangs, receiver(OK) as works:
        slow = through(f"json://127.0.0.1:{hangs.port}/?rto=1", threads=2)
        fast = through(f"json://127.0.0.1:{works.port}/")
        waiting = [asyncio.create_task(slow.send(notification(offset=n))) for n in range(5)]
        await until(lambda: len(hangs.requests) == 2)
        async with asyncio.timeout(0.9):
            assert await fast.send(notification()) == "accepted by JSON"
        assert len([t for t in threading.enumerate() if t.name.startswith("apprise-chat")]) <= 4
        await slow.close()
        await fast.close()
        ends = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(end) for end in ends] == [DeliveryError] * 2 + [asyncio.CancelledError] * 3
        assert len(hangs.requests) == 2, "what had not begun is not sent after all"


def test_a_url_that_apprise_does_not_know_is_refused_without_being_told() -> None:
    with pytest.raises(ValueError, match="channel chat") as refused:
        through("nonsense://secret-token/")
    assert "secret-token" not in str(refused.value)
