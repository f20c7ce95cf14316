"""A real Alertmanager on the shipped file: who hears of what, who does not, and that the dead man's hand goes on."""

from __future__ import annotations

import asyncio
import re
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from aiosmtpd.controller import Controller

from tests.alerts.machines import start_program
from tests.deploy.stand import DEPLOY, hurried, program
from tests.support.broker import free_port
from tests.support.receiver import Receiver

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from aiosmtpd.smtp import SMTP, Envelope, Session

pytestmark = pytest.mark.real

HURRY = 60
NOW, LATER, EARLIER = "2020-01-01T00:00:00Z", "2100-01-01T00:00:00Z", "2020-01-02T00:00:00Z"


class Mailbox:
    """What a mail server was given."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's
        del server, session
        self.texts.append(str(envelope.content))
        return "250 taken"


class Manager:
    """The Alertmanager, whom it phones, who listens outside, and the mail server."""

    def __init__(self, url: str, on_call: Receiver, outside: Receiver, mail: Mailbox) -> None:
        self.url, self.on_call, self.outside, self.mail = url, on_call, outside, mail

    async def say(self, *names: str, severity: str, ended: bool = False, **labels: str) -> None:
        """Say what Prometheus would."""
        alerts = [
            {
                "labels": {"alertname": name, "job": "vigil", "severity": severity, **labels},
                "annotations": {"summary": name},
                "startsAt": NOW,
                "endsAt": EARLIER if ended else LATER,
            }
            for name in names
        ]
        async with httpx.AsyncClient() as client:
            (await client.post(f"{self.url}/api/v2/alerts", json=alerts)).raise_for_status()

    def phoned(self) -> set[str]:
        return names(self.on_call, "firing")


def names(receiver: Receiver, status: str) -> set[str]:
    bodies: list[dict[str, Any]] = [call.body for call in receiver.calls]
    return {one["labels"]["alertname"] for body in bodies for one in body["alerts"] if one["status"] == status}


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.02)


@pytest.fixture
async def manager(tmp_path: Path) -> AsyncIterator[Manager]:
    executable = program("prometheus-alertmanager", "prometheus-alertmanager")
    mail = Mailbox()
    post = Controller(mail, hostname="127.0.0.1", port=free_port())
    post.start()
    async with Receiver() as on_call, Receiver() as outside:
        text = (DEPLOY / "alertmanager" / "alertmanager.yml").read_text("utf-8")
        for shipped, here in (
            ("mail.example.org:587", f"127.0.0.1:{post.port}\n  smtp_require_tls: false"),
            ("https://on-call.example.org/alertmanager", on_call.url),
            ("https://heartbeat.example.org/ping/vigil", outside.url),
            ("/etc/alertmanager/on-call-token", str(tmp_path / "token")),
        ):
            assert shipped in text
            text = text.replace(shipped, here)
        text = re.sub(r"(?m)^  smtp_auth_.*\n", "", text)  # it takes TLS
        (tmp_path / "token").write_text("a token", "utf-8")
        (tmp_path / "alertmanager.yml").write_text(hurried(text, HURRY), "utf-8")
        port = free_port()
        running = start_program(
            [
                executable,
                f"--config.file={tmp_path / 'alertmanager.yml'}",
                f"--storage.path={tmp_path / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
                "--cluster.listen-address=",
            ],
            f"http://127.0.0.1:{port}/-/ready",
            tmp_path / "alertmanager",
        )
        try:
            yield Manager(running.url, on_call, outside, mail)
        finally:
            running.stop()
            post.stop()


async def test_the_dead_mans_hand_goes_on_outside_and_nowhere_else(manager: Manager) -> None:
    await manager.say("VigilWatchdog", severity="none")
    await until(lambda: len(manager.outside.calls) >= 4)
    assert names(manager.outside, "firing") == {"VigilWatchdog"}
    gaps_s = [after.at - before.at for before, after in pairwise(manager.outside.calls)]
    assert median(gaps_s) < 1.5 * 60 / HURRY, "every minute, not every other"
    assert not manager.on_call.calls
    assert not manager.mail.texts


async def test_what_is_critical_is_phoned_and_what_follows_from_it_is_not(manager: Manager) -> None:
    await manager.say("VigilDown", "VigilBrokerLost", "VigilJournalFailed", "VigilRestarts", severity="critical")
    await until(lambda: "VigilDown" in manager.phoned() and "VigilRestarts" in manager.phoned())
    assert manager.on_call.calls[0].headers["authorization"] == "Bearer a token"
    await manager.say("VigilDown", severity="critical", ended=True)
    await until(lambda: "VigilDown" in names(manager.on_call, "resolved"))
    await until(lambda: {"VigilBrokerLost", "VigilJournalFailed"} <= manager.phoned())
    order = [one["labels"]["alertname"] for call in manager.on_call.calls for one in call.body["alerts"]]
    assert order.index("VigilDown") < order.index("VigilBrokerLost")
    assert not manager.outside.calls


async def test_a_warning_is_mailed_unless_it_says_what_was_said_of_the_same(manager: Manager) -> None:
    await manager.say("VigilCertificateEnds", severity="critical", certificate="client")
    await manager.say("VigilCertificateEnding", severity="warning", certificate="client")
    await manager.say("VigilCertificateEnding", severity="warning", certificate="broker")
    await until(lambda: any("VigilCertificateEnding" in text for text in manager.mail.texts))
    warned = "".join(text for text in manager.mail.texts if "VigilCertificateEnding" in text)
    assert "broker" in warned
    assert "client" not in warned
    assert manager.phoned() == {"VigilCertificateEnds"}
