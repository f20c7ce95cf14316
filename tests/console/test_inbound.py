from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from structlog.testing import capture_logs

from alerts.channels.inbound import Reply
from alerts.channels.sms.settings import SmsSettings
from alerts.channels.sms.signing import twilio
from alerts.channels.voice_settings import VoiceSettings
from alerts.command import Accept, NeedHelp, Note, Refuse, Resolve, Settle, Test, Verify
from alerts.contact_tests import SelfTest
from alerts.incident import IncidentState, NotificationStatus, Outcome
from console.inbound import AGAIN_AFTER_S, REPEATED_S
from console.metrics import Way
from tests.alerts.scene import FLAT, TANK
from tests.console.scene import SECRET, serving

if TYPE_CHECKING:
    import httpx

    from tests.console.scene import Console

LI_NUMBER = "13800138000"
ZHAO_NUMBER = "13900139000"
CHANNELS = {
    "sms": SmsSettings.model_validate(
        {
            "type": "sms",
            "gateway": {
                "preset": "http",
                "url": "https://sms.example/send",
                "body_json": {"to": "{address}", "text": "{text}"},
                "success_status": True,
                "receipts": {"reference": "id", "status": "state", "received": ["DELIVRD"], "failed": ["UNDELIV"]},
                "replies": {"address": "from", "text": "text"},
            },
        }
    ),
    "twilio": SmsSettings.model_validate(
        {
            "type": "sms",
            "gateway": {"preset": "twilio", "account_sid": "AC1", "auth_token": "t0ken", "sender": "+1555"},
        }
    ),
    "voice": VoiceSettings.model_validate(
        {
            "type": "voice",
            "gateway": {
                "preset": "aliyun-voice",
                "access_key_id": "k",
                "access_key_secret": "s",
                "template_id": "TTS_1",
                "params": {"text": "{title}"},
            },
        }
    ),
}
SETTINGS = {"inbound_secrets": {name: f"{SECRET}-{name}" for name in (*CHANNELS, "absent")}}


async def send(console: Console, kind: str, body: Any, *, channel: str = "sms", secret: str = "") -> httpx.Response:
    return await console.client.post(f"/inbound/{channel}/{kind}/{secret or f'{SECRET}-{channel}'}", json=body)


async def reply(console: Console, text: str, number: str = LI_NUMBER) -> None:
    """Send an SMS as the gateway passes it on."""
    response = await send(console, "replies", {"from": number, "text": text})
    assert (response.status_code, response.text) == (200, "ok")


def refused(console: Console, reason: str) -> float:
    return console.metric("vigil_console_refused_total", reason=reason)


# ── replies ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("words", "state", "outcome"),
    [
        ("{code} 1", IncidentState.ACCEPTED, None),
        ("{code}接受", IncidentState.ACCEPTED, None),
        ("{code} 2", IncidentState.ARRIVED, None),
        ("{code} 3", IncidentState.VERIFIED, Outcome.FALSE_ALARM),
        ("{code} 误报", IncidentState.VERIFIED, Outcome.FALSE_ALARM),
        ("{code} help", IncidentState.ACCEPTED, None),
        ("{code} 5", IncidentState.RAISED, None),
    ],
)
async def test_a_reply_answers_the_incident_of_its_code(
    words: str, state: IncidentState, outcome: Outcome | None
) -> None:
    async with serving(SETTINGS, channels=CHANNELS) as console:
        incident = console.desk.raise_()
        await reply(console, words.format(code=console.desk.asked("li").code))
        after = console.desk.incident(incident.id)
        assert (after.state, after.outcome) == (state, outcome)
        (command,) = console.desk.commands
        assert getattr(command, "by", "") == "li"
        assert getattr(command, "origin", "") == f"sms sms …{LI_NUMBER[-4:]}"
        assert console.metrics().count('way="sms"} 1.0') == 1


async def test_a_reply_that_says_more_keeps_its_words() -> None:
    async with serving(SETTINGS, channels=CHANNELS) as console:
        console.desk.raise_()
        await reply(console, f"{console.desk.asked('li').code} 误报，厨房油烟，已开窗")
        (command,) = console.desk.commands
        assert isinstance(command, Verify)
        assert "厨房油烟" in command.note


async def test_the_number_is_the_same_however_the_gateway_writes_it() -> None:
    async with serving(SETTINGS, channels=CHANNELS) as console:
        incident = console.desk.raise_()
        await reply(console, f"{console.desk.asked('li').code} 1", "+86 138-0013-8000")
        assert console.desk.incident(incident.id).state is IncidentState.ACCEPTED


async def test_a_code_from_another_number_is_refused_and_counted() -> None:
    async with serving(SETTINGS, channels=CHANNELS) as console:
        incident = console.desk.raise_()
        await reply(console, f"{console.desk.asked('li').code} 1", ZHAO_NUMBER)
        assert console.desk.incident(incident.id).state is IncidentState.RAISED
        assert console.desk.commands == []
        assert refused(console, "wrong_address") == 1


async def test_a_code_that_stands_for_nothing_is_counted() -> None:
    async with serving(SETTINGS, channels=CHANNELS) as console:
        console.desk.raise_()
        live = console.desk.asked("li").code
        await reply(console, f"{'1000' if live != '1000' else '1001'} 1")
        assert console.desk.commands == []
        assert refused(console, "unknown_code") == 1


async def test_words_that_are_no_answer_are_noted_in_the_timeline() -> None:
    async with serving(SETTINGS, channels=CHANNELS) as console:
        incident = console.desk.raise_()
        with capture_logs() as logs:
            await reply(console, f"{console.desk.asked('li').code} 这是哪里？")
        (command,) = console.desk.commands
        assert isinstance(command, Note)
        assert (command.incident, command.by) == (incident.id, "li")
        assert "这是哪里" in command.note
        assert console.desk.incident(incident.id).state is IncidentState.RAISED
        assert refused(console, "not_understood") == 1
        assert LI_NUMBER not in str(logs)
        assert "哪里" not in str(logs)


async def test_an_answer_without_a_code_counts_where_one_thing_only_is_asked() -> None:
    async with serving(SETTINGS, channels=CHANNELS) as console:
        incident = console.desk.raise_()
        await reply(console, "接受")
        assert console.desk.incident(incident.id).state is IncidentState.ACCEPTED
        await reply(console, "接受", ZHAO_NUMBER)  # nothing was asked of them
        assert refused(console, "not_understood") == 1


async def test_an_answer_without_a_code_is_no_answer_where_several_things_are_asked() -> None:
    async with serving(SETTINGS, channels=CHANNELS) as console:
        one, two = console.desk.raise_(), console.desk.raise_(TANK, replace(FLAT, name="tank", building="9"))
        await reply(console, "接受")
        assert {console.desk.incident(name).state for name in (one.id, two.id)} == {IncidentState.RAISED}
        assert refused(console, "not_understood") == 1


async def test_a_reply_that_comes_twice_is_one() -> None:
    async with serving(SETTINGS, channels=CHANNELS) as console:
        console.desk.raise_()
        text = f"{console.desk.asked('li').code} 4"
        await asyncio.gather(*(reply(console, text) for _ in range(3)))
        assert [type(command) for command in console.desk.commands] == [NeedHelp]
        console.steady_s[0] += REPEATED_S
        await reply(console, text)  # again, and meant so
        assert [type(command) for command in console.desk.commands] == [NeedHelp, NeedHelp]


async def test_a_reply_after_its_incident_is_over_is_counted() -> None:
    async with serving(SETTINGS, channels=CHANNELS) as console:
        incident = console.desk.raise_()
        code = console.desk.asked("li").code
        console.desk.fold(Verify(incident=incident.id, by="zhao", origin="api", outcome=Outcome.TRUE))
        console.desk.fold(Resolve(incident=incident.id, by="zhao", origin="api"))
        await reply(console, f"{code} 2")
        assert console.desk.commands == []
        assert refused(console, "unknown_code") == 1


async def test_several_replies_come_in_one_call() -> None:
    async with serving(SETTINGS, channels=CHANNELS) as console:
        one = console.desk.raise_()
        code = console.desk.asked("li").code
        two = console.desk.raise_(TANK, replace(FLAT, name="tank", building="9"))
        other = console.desk.asked("li").code
        body = [{"from": LI_NUMBER, "text": f"{code} 1"}, {"from": LI_NUMBER, "text": f"{other} 5"}]
        assert (await send(console, "replies", body)).status_code == 200
        assert [type(command) for command in console.desk.commands] == [Accept, Refuse]
        assert console.desk.incident(one.id).state is IncidentState.ACCEPTED
        assert console.desk.incident(two.id).state is IncidentState.RAISED


async def test_a_key_pressed_in_a_call_answers_the_message_of_the_call() -> None:
    async with serving(SETTINGS, channels=CHANNELS) as console:
        incident = console.desk.raise_()
        body = [
            {
                "call_id": "c1",
                "status_code": "200000",
                "dtmf": "1",
                "callee": LI_NUMBER,
                "out_id": console.desk.asked("li").id,
            }
        ]
        response = await send(console, "replies", body, channel="voice")
        assert response.json() == {"code": 0, "msg": "接收成功"}
        assert console.desk.incident(incident.id).state is IncidentState.ACCEPTED
        assert [type(command) for command in console.desk.commands] == [Accept]
        assert console.metric("vigil_console_answers_total", answer="accept", way="voice") == 1


async def test_a_contact_test_is_answered_by_its_code() -> None:
    async with serving(SETTINGS, channels=CHANNELS) as console:
        await console.desk.submit(Test(by="duty", origin="api"))
        code = console.desk.asked("li").code
        await reply(console, f"{code} 1", ZHAO_NUMBER)
        assert refused(console, "wrong_address") == 1
        await reply(console, f" {code.lower()}收到")
        (report,) = console.desk.contact_tests.reports()
        assert {person.person: person.reached for person in report.people} == {"li": True, "zhao": False}


async def test_an_answer_to_a_contact_test_that_is_forgotten_is_refused() -> None:
    async with serving(SETTINGS, channels=CHANNELS) as console:
        await console.desk.submit(Test(by="duty", origin="api"))
        asked = console.desk.asked("li")
        for _ in range(SelfTest().kept):
            await console.desk.submit(Test(by="duty", origin="api"))
        await console.inbox.reply(Reply("sms", LI_NUMBER, "1", console.desk.now_us, asked.id), Way.SMS)
        assert refused(console, "gone") == 1


async def test_a_session_of_smpp_uses_the_same_inbox() -> None:
    async with serving() as console:
        incident = console.desk.raise_()
        text = f"{console.desk.asked('li').code} 1"
        await console.inbox.reply(Reply("smpp", f"86{LI_NUMBER}", text, console.desk.now_us), Way.SMS)
        assert console.desk.incident(incident.id).state is IncidentState.ACCEPTED


# ── receipts ─────────────────────────────────────────────────────────────────────────────────────────────────────


def hand_over(console: Console, reference: str) -> str:
    """Let the gateway take the newest message; return its id."""
    name = console.desk.asked("li").id
    console.desk.fold(
        Settle(notification=name, status=NotificationStatus.HANDED, detail="ok", attempts=1, reference=reference)
    )
    return name


@pytest.mark.parametrize(
    ("said", "status"), [("DELIVRD", NotificationStatus.RECEIVED), ("UNDELIV", NotificationStatus.FAILED)]
)
async def test_a_receipt_settles_the_message_that_the_gateway_calls_so(said: str, status: NotificationStatus) -> None:
    async with serving(SETTINGS, channels=CHANNELS) as console:
        console.desk.raise_()
        name = hand_over(console, "ref-1")
        assert (await send(console, "receipts", {"id": "ref-1", "state": said})).status_code == 200
        assert console.desk.outbox.status(name) is status
        assert console.metric("vigil_console_receipts_total") == 1


async def test_a_receipt_that_is_quicker_than_our_journal_is_waited_for() -> None:
    async with serving(SETTINGS, channels=CHANNELS) as console:
        console.desk.raise_()
        sending = asyncio.create_task(send(console, "receipts", {"id": "ref-2", "state": "DELIVRD"}))
        while not console.metrics().count('"inbound"'):
            await asyncio.sleep(0)
        name = hand_over(console, "ref-2")
        assert (await sending).status_code == 200
        assert console.desk.outbox.status(name) is NotificationStatus.RECEIVED


async def test_a_receipt_of_no_message_of_ours_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.inbound.AGAIN_AFTER_S", (0.01,))
    async with serving(SETTINGS, channels=CHANNELS) as console:
        assert (await send(console, "receipts", {"id": "ref-9", "state": "DELIVRD"})).status_code == 200
        assert refused(console, "unknown_reference") == 1
    assert sum(AGAIN_AFTER_S) < 5  # gateways wait no longer


async def test_receipts_and_replies_may_come_to_either_address() -> None:
    async with serving(SETTINGS, channels=CHANNELS) as console:
        incident = console.desk.raise_()
        name = hand_over(console, "ref-3")
        code = console.desk.asked("li").code
        assert (await send(console, "replies", {"id": "ref-3", "state": "DELIVRD"})).status_code == 200
        assert console.desk.outbox.status(name) is NotificationStatus.RECEIVED
        assert (await send(console, "receipts", {"from": LI_NUMBER, "text": f"{code} 1"})).status_code == 200
        assert console.desk.incident(incident.id).state is IncidentState.ACCEPTED


# ── who may ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("path", ["sms/receipts/wrong", "none/receipts/wrong", "absent/receipts/wrong", "sms/other/x"])
async def test_a_wrong_secret_is_not_found(path: str) -> None:
    async with serving(SETTINGS, channels=CHANNELS) as console:
        response = await console.client.post(f"/inbound/{path}", json={})
        assert response.status_code == 404
        assert refused(console, "bad_secret") == 1


async def test_a_channel_that_nothing_comes_back_from_has_no_address() -> None:
    async with serving(SETTINGS, channels=CHANNELS) as console:
        assert (await send(console, "replies", {}, channel="absent")).status_code == 404


@pytest.mark.parametrize("body", [b"{", b"[1]", b'{"x": 1}', b"\xff"])
async def test_what_cannot_be_read_is_counted(body: bytes) -> None:
    async with serving(SETTINGS, channels=CHANNELS) as console:
        path = f"/inbound/voice/replies/{SECRET}-voice"
        assert (await console.client.post(path, content=body)).status_code == 400
        assert refused(console, "unreadable") == 1


async def test_a_gateway_that_signs_must_have_signed() -> None:
    async with serving(SETTINGS, channels=CHANNELS) as console:
        incident = console.desk.raise_()
        path = f"/inbound/twilio/replies/{SECRET}-twilio"
        fields = {"MessageSid": "SM1", "From": f"+86{LI_NUMBER}", "Body": f"{console.desk.asked('li').code} 1"}
        assert (await console.client.post(path, data=fields)).status_code == 403
        assert console.desk.incident(incident.id).state is IncidentState.RAISED
        sign = twilio("t0ken", f"https://vigil.example{path}", list(fields.items()))
        response = await console.client.post(path, data=fields, headers={"x-twilio-signature": sign})
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/xml")
        assert console.desk.incident(incident.id).state is IncidentState.ACCEPTED
