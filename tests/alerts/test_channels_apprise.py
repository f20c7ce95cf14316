from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager
from email import message_from_bytes, policy
from typing import TYPE_CHECKING, Any

import pytest
from aiosmtpd.controller import Controller
from msgspec.structs import replace

from alerts import DeliveryError, DeliveryLimits, NotificationStatus, SystemClock, make_channel
from alerts.channels import AppriseSettings, ChannelContext, Handed
from alerts.channels.apprise import ADDRESSES_KEPT, AppriseChannel
from alerts.incident import Exercise
from alerts.people.model import Language
from tests.alerts.receiver import HANG, OK, receiver, status
from tests.alerts.scene import GAS, notification, until
from tests.alerts.test_delivery import _fresh, delivering, to_person
from tests.support.broker import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import EmailMessage

    from alerts import Channel

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

LINK = "https://vigil.example/a/t0ken"


def through(url: str, threads: int = 2, link: str = "") -> Channel:
    section = AppriseSettings.model_validate({"type": "apprise", "url": url, "threads": threads})
    return make_channel("chat", section, ChannelContext(link_of=lambda _: link))


async def test_a_service_gets_title_text_and_link() -> None:
    message = notification(GAS)
    async with receiver(OK) as service:
        channel = through(f"json://127.0.0.1:{service.port}/x", link=LINK)
        assert await channel.send(message) == Handed("accepted by JSON")
        await channel.close()
    (request,) = service.requests
    assert request.json["title"] == message.title
    said = request.json["message"]
    assert said.endswith(f"\n\n{LINK}")
    assert message.body_en in said
    assert message.body_zh in said


async def test_a_person_reads_their_own_language_and_that_it_is_an_exercise() -> None:
    drill = replace(notification(GAS).incident, exercise=Exercise.DRILL)
    message = notification(GAS, incident=drill, languages=(Language.EN,))
    async with receiver(OK) as service:
        channel = through(f"json://127.0.0.1:{service.port}/x")
        await channel.send(message)
        await channel.close()
    (request,) = service.requests
    assert request.json["title"] == f"[DRILL 演练] {message.title_en}"
    assert request.json["message"] == message.body_en


# ── e-mail, by a real mail server ────────────────────────────────────────────────────────────────────────────────────


class Mailbox:
    """Takes mail for everybody but those whose address begins with `no`."""

    def __init__(self) -> None:
        self.mails: list[tuple[list[str], EmailMessage]] = []

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802 - named by aiosmtpd
        if address.startswith("no"):
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - named by aiosmtpd
        mail = message_from_bytes(envelope.content, policy=policy.default)
        self.mails.append((list(envelope.rcpt_tos), mail))
        return "250 taken"


@contextmanager
def mail_server() -> Iterator[tuple[Mailbox, int]]:
    mailbox = Mailbox()
    port = free_port()
    server = Controller(mailbox, hostname="127.0.0.1", port=port)
    server.start()
    try:
        yield mailbox, port
    finally:
        server.stop()


def by_mail(port: int) -> Channel:
    return through(f"mailto://127.0.0.1:{port}?from=vigil@example.org&mode=insecure&to={{address}}", link=LINK)


async def test_each_person_gets_their_own_mail() -> None:
    with mail_server() as (mailbox, port):
        channel = by_mail(port)
        for address in ("li@example.org", "wang+fire@example.org"):
            handed = await channel.send(notification(GAS, address=address))
            assert (handed.detail, handed.received) == ("accepted by E-Mail", False)
        await channel.close()
    assert [to for to, _ in mailbox.mails] == [["li@example.org"], ["wang+fire@example.org"]]
    mail = mailbox.mails[0][1]
    message = notification(GAS)
    assert mail["subject"] == message.title
    text = mail.get_body().get_content()  # type: ignore[union-attr]
    assert message.body_zh in text
    assert message.body_en in text
    assert LINK in text


async def test_an_address_changes_nothing_but_where_it_stands() -> None:
    async with receiver(OK) as service:
        channel = through(f"json://127.0.0.1:{service.port}/{{address}}")
        await channel.send(notification(GAS, address="li wang/x?method=PUT#y"))
        await channel.close()
    assert service.requests[0].target.startswith("/li%20wang%2Fx%3Fmethod")


async def test_a_mailbox_that_refuses_is_told_without_the_address() -> None:
    with mail_server() as (mailbox, port):
        channel = by_mail(port)
        with pytest.raises(DeliveryError) as failed:
            await channel.send(notification(GAS, address="nobody-at-home@example.org"))
        await channel.close()
    assert mailbox.mails == []
    assert failed.value.retry
    assert "nobody-at-home" not in failed.value.reason


async def test_a_contact_without_an_address_is_refused_for_good() -> None:
    channel = by_mail(1)
    with pytest.raises(DeliveryError, match="no address") as failed:
        await channel.send(notification())
    await channel.close()
    assert not failed.value.retry


async def test_what_is_made_for_each_address_is_bounded() -> None:
    channel = through("json://127.0.0.1:1/{address}")
    assert isinstance(channel, AppriseChannel)
    for number in range(ADDRESSES_KEPT + 50):
        channel._service(str(number))
    first = channel._service("100")
    channel._service("new")
    assert len(channel._made) == ADDRESSES_KEPT
    assert channel._service("100") is first, "the one used last stays"
    await channel.close()


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
            assert (await fast.send(notification())).detail == "accepted by JSON"
        assert len([t for t in threading.enumerate() if t.name.startswith("apprise-chat")]) <= 4
        ends = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(end) for end in ends] == [DeliveryError] * 5
        assert [str(end) == "no thread is free" for end in ends] == [False] * 2 + [True] * 3
        await slow.close()
        await fast.close()
        assert len(hangs.requests) == 2


async def test_an_attempt_that_found_every_thread_hanging_is_known_not_to_have_left() -> None:
    async with receiver(HANG) as hangs:
        channel = through(f"json://127.0.0.1:{hangs.port}/{{address}}?rto=1", threads=1)
        limits = DeliveryLimits(attempt_s=0.1, backoff_first_s=0.05)
        async with delivering({"sms": channel}, SystemClock(), limits) as out:
            out.delivery.submit([_fresh(to_person("first"))])
            await until(lambda: out.settles)
            out.delivery.submit([_fresh(to_person("second"))])
            await until(lambda: out.counters.retries >= 1)
            assert [settle.status for _, settle in out.settles] == [NotificationStatus.UNKNOWN]
            await until(lambda: len(out.settles) == 2)
    assert len(hangs.requests) == 2


@pytest.mark.parametrize("url", ["nonsense://secret-token/", "nonsense://secret-token/{address}"])
def test_a_url_that_apprise_does_not_know_is_refused_without_being_told(url: str) -> None:
    with pytest.raises(ValueError, match="channel chat") as refused:
        through(url)
    assert "secret-token" not in str(refused.value)
