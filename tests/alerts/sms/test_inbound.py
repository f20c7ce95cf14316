"""What gateways send back: receipts and replies, as their vendors document them, and garbage."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.answer.answers import DIGITS, Answer
from alerts.channels.inbound import (
    Gate,
    Given,
    Preset,
    Receipt,
    Reply,
    gate_of,
    parse_answer,
    parse_receipts,
    parse_replies,
)
from alerts.channels.sms import SmsSettings
from alerts.channels.sms.generic_settings import ReceiptForm, ReplyForm
from alerts.channels.sms.signing import twilio
from alerts.channels.voice_settings import VoiceSettings
from alerts.incident import NotificationStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

RECEIVED, FAILED = NotificationStatus.RECEIVED, NotificationStatus.FAILED
FORM = {"content-type": "application/x-www-form-urlencoded"}


def receipts(preset: str, body: Any, query: dict[str, str] | None = None) -> list[Receipt]:
    octets = urlencode(body).encode() if preset.startswith("twilio") else json.dumps(body).encode()
    headers = FORM if preset.startswith("twilio") else {}
    return parse_receipts(preset, headers, query or {}, octets, channel="sms")


def replies(preset: str, body: Any, query: dict[str, str] | None = None) -> list[Reply]:
    octets = urlencode(body).encode() if preset.startswith("twilio") else json.dumps(body).encode()
    headers = FORM if preset.startswith("twilio") else {}
    return parse_replies(preset, headers, query or {}, octets, channel="sms", received_us=7)


ALIYUN_RECEIPT = {
    "phone_number": "1381111****",
    "send_time": "2017-01-01 00:00:00",
    "report_time": "2017-01-01 00:00:00",
    "success": True,
    "err_code": "DELIVERED",
    "err_msg": "用户接收成功",
    "sms_size": "1",
    "biz_id": "12345",
    "out_id": "67890",
}
"""The example of SmsReport, https://help.aliyun.com/document_detail/101867.html"""
ALIYUN_REPLY = {
    "phone_number": "13811110000",
    "content": "4821 1",
    "send_time": "2017-09-01 00:00:00",
    "dest_code": "1234",
    "sequence_id": "1234567890",
}
"""That of SmsUp, https://help.aliyun.com/document_detail/101847.htm, with a number and an answer in it"""
TENCENT_RECEIPT = {
    "user_receive_time": "2015-10-17 08:03:04",
    "nationcode": "86",
    "mobile": "13800138000",
    "report_status": "SUCCESS",
    "errmsg": "DELIVRD",
    "description": "用户短信送达成功",
    "sid": "5000:1",
}
"""https://cloud.tencent.com/document/product/382/43547"""
TENCENT_REPLY = {
    "extend": "",
    "mobile": "13800138000",
    "nationcode": "86",
    "sign": "守望",
    "text": "4821 到达",
    "time": 1457336869,
}
"""https://cloud.tencent.com/document/api/382/5809"""
ALIYUN_CALL = {
    "status_code": "200003",
    "callee": "13000000000",
    "duration": "10",
    "voice_type": "voice",
    "call_id": "122628733198^109422060000",
    "caller": "20200900",
    "status_msg": "执行完成",
    "out_id": "",
    "dtmf": "1",
}
"""VoiceReport, https://help.aliyun.com/zh/vms/voicereport-6"""


def test_aliyuns_receipts_name_both_ids() -> None:
    failed = {**ALIYUN_RECEIPT, "success": False, "err_code": "MK:0001", "biz_id": "2", "out_id": "3"}
    assert receipts("aliyun", [ALIYUN_RECEIPT, failed, ALIYUN_REPLY]) == [
        Receipt("sms", RECEIVED, "DELIVERED", "12345", "67890"),
        Receipt("sms", FAILED, "MK:0001", "2", "3"),
    ]


def test_aliyuns_replies() -> None:
    assert replies("aliyun", [ALIYUN_REPLY, ALIYUN_RECEIPT]) == [Reply("sms", "13811110000", "4821 1", 7)]


def test_tencents_receipts_and_replies() -> None:
    failed = {**TENCENT_RECEIPT, "report_status": "FAIL", "errmsg": "MI:0013", "sid": "5000:2"}
    assert receipts("tencent", [TENCENT_RECEIPT, failed]) == [
        Receipt("sms", RECEIVED, "DELIVRD", "5000:1"),
        Receipt("sms", FAILED, "MI:0013", "5000:2"),
    ]
    assert replies("tencent", TENCENT_REPLY) == [Reply("sms", "+8613800138000", "4821 到达", 7)]
    assert receipts("tencent", TENCENT_REPLY) == []
    assert replies("tencent", [TENCENT_RECEIPT]) == []


@pytest.mark.parametrize(
    ("status", "expected"),
    [("queued", None), ("sent", None), ("delivered", RECEIVED), ("read", RECEIVED), ("undelivered", FAILED)],
)
def test_twilios_receipts(status: str, expected: NotificationStatus | None) -> None:
    body = {"MessageSid": "SM1", "MessageStatus": status, "To": "+8613800138000", "ErrorCode": "30006"}
    found = receipts("twilio", body)
    assert [(one.status, one.reference) for one in found] == ([] if expected is None else [(expected, "SM1")])
    assert replies("twilio", body) == []


def test_twilios_replies() -> None:
    body = {"MessageSid": "SM2", "SmsStatus": "received", "From": "+8613800138000", "To": "+1500", "Body": "4821 接受"}
    assert replies("twilio", body) == [Reply("sms", "+8613800138000", "4821 接受", 7)]
    assert receipts("twilio", body) == []


def test_a_call_that_was_taken_is_a_receipt_and_its_key_a_reply() -> None:
    assert receipts("aliyun-voice", [ALIYUN_CALL]) == [
        Receipt("sms", RECEIVED, "call 200003", "122628733198^109422060000")
    ]
    (reply,) = replies("aliyun-voice", [ALIYUN_CALL])
    assert (reply.address, reply.text, reply.reference) == ("13000000000", "1", "122628733198^109422060000")
    unheard = {**ALIYUN_CALL, "duration": "0", "dtmf": ""}
    assert receipts("aliyun-voice", [unheard])[0].status is FAILED
    assert replies("aliyun-voice", [unheard]) == []
    under_way = {"call_id": "1^2", "status_code": "300000", "dtmf": "2"}  # VoiceCallReport: no end yet
    assert receipts("aliyun-voice", [under_way]) == []
    assert replies("aliyun-voice", [under_way]) == [Reply("sms", "", "2", 7, "", "1^2")]


def test_twilios_calls() -> None:
    call = {"CallSid": "CA1", "CallStatus": "in-progress", "From": "+1500", "To": "+8613800138000"}
    query = {"notification": "N1"}
    assert receipts("twilio-voice", {**call, "Digits": "1"}, query) == [
        Receipt("sms", RECEIVED, "in-progress", "CA1", "N1")
    ]
    assert replies("twilio-voice", {**call, "Digits": "1"}, query) == [
        Reply("sms", "+8613800138000", "1", 7, "N1", "CA1")
    ]
    assert replies("twilio-voice", call, query) == []
    for status in ("busy", "no-answer", "failed", "canceled"):
        assert receipts("twilio-voice", {**call, "CallStatus": status}, query)[0].status is FAILED
    machine = {**call, "CallStatus": "completed", "AnsweredBy": "machine_start"}
    assert receipts("twilio-voice", machine, query)[0].status is FAILED
    assert receipts("twilio-voice", {**call, "CallStatus": "ringing"}, query) == []


GENERIC = ReceiptForm(
    list="reports", reference="msgid", status="state", received=("DELIVRD",), failed=("UNDELIV",), detail="why"
)
ANSWERS = ReplyForm(address="from", text="msg")


def test_any_gateways_receipts_by_their_form() -> None:
    body = json.dumps(
        {
            "reports": [
                {"msgid": 1, "state": "DELIVRD"},
                {"msgid": "2", "state": "UNDELIV", "why": "E 21"},
                {"msgid": "3", "state": "ACCEPTD"},
            ]
        }
    ).encode()
    assert parse_receipts("http", {}, {}, body, channel="sms", form=GENERIC) == [
        Receipt("sms", RECEIVED, "DELIVRD", "1"),
        Receipt("sms", FAILED, "E 21", "2"),
    ]
    plain = GENERIC.model_copy(update={"list": ""})
    assert parse_receipts("http", FORM, {}, b"msgid=9&state=DELIVRD", channel="sms", form=plain)[0].reference == "9"
    query = {"msgid": "10", "state": "DELIVRD"}
    assert parse_receipts("http", {}, query, b"", channel="sms", form=plain)[0].reference == "10"


def test_any_gateways_replies_by_their_form() -> None:
    body = urlencode({"from": "138", "msg": "4821 接受"}).encode()
    assert parse_replies("http", FORM, {}, body, channel="sms", form=ANSWERS) == [Reply("sms", "138", "4821 接受", 0)]
    assert parse_replies("http", FORM, {}, body, channel="sms", form=None) == []


GARBAGE: list[bytes] = [
    *(b"", b"{", b"[]]", b"null", b"7", b"[1]", b"{}", b"[{}]", b"\xff\xfe", b"a" * 2_000_000, b"[" * 100_000),
    b"[" + b",".join([b"{}"] * 2_000) + b"]",
    b'[{"success": "maybe", "biz_id": {}}]',
    b'{"phone_number": []}',
]


@pytest.mark.parametrize("preset", list(Preset))
@pytest.mark.parametrize("body", GARBAGE)
def test_garbage_is_said_without_being_quoted(preset: Preset, body: bytes) -> None:
    for parse in (
        lambda: parse_receipts(preset, {}, {}, body, form=GENERIC),
        lambda: parse_replies(preset, {}, {}, body, form=ANSWERS),
    ):
        said = ""
        found: Sequence[object] = ()
        try:
            found = parse()
        except ValueError as error:
            said = str(error)
        assert not found
        assert len(said) < 80


@given(
    preset=st.sampled_from(Preset),
    body=st.one_of(
        st.binary(max_size=200),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=9),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(
                        ["success", "biz_id", "content", "phone_number", "text", "sid", "status_code", "reports"]
                    ),
                    inner,
                    max_size=5,
                )
            ),
        ).map(lambda value: json.dumps(value).encode()),
    ),
)
def test_whatever_comes_is_read_or_refused(preset: Preset, body: bytes) -> None:
    with suppress(ValueError):
        parse_receipts(preset, {}, {}, body, form=GENERIC)
    with suppress(ValueError):
        parse_replies(preset, {}, {}, body, form=ANSWERS)


def test_a_receipt_tells_no_number() -> None:
    body = [{**ALIYUN_RECEIPT, "err_code": "blocked 13800138000"}]
    assert "138" not in receipts("aliyun", body)[0].detail


TWILIO = SmsSettings.model_validate(
    {
        "type": "sms",
        "gateway": {
            "preset": "twilio",
            "account_sid": "AC0",
            "auth_token": "12345",
            "sender": "+1",
            "callback_url": "https://mycompany.com/myapp.php",
        },
    }
)


def test_only_twilio_itself_can_report_as_twilio() -> None:
    gate = gate_of("sms", TWILIO)
    assert gate is not None
    fields = {"CallSid": "CA1234567890ABCDE", "Digits": "1234", "To": "+18005551212"}
    fields |= {"Caller": "+12349013030", "From": "+12349013030"}
    body = urlencode(fields).encode()
    headers = {**FORM, "X-Twilio-Signature": "0/KCTR6DLpKmkAf8muzZqo1nDgQ="}  # Twilio's published example
    assert gate.is_genuine(headers, "foo=1&bar=2", body)
    assert not gate.is_genuine(headers, "foo=1&bar=3", body)
    assert not gate.is_genuine(headers, "foo=1&bar=2", body.replace(b"1234", b"1235", 1))
    assert not gate.is_genuine(FORM, "foo=1&bar=2", body)
    assert not gate.is_genuine({"x-twilio-signature": "ünlikely"}, "", b"\xff")
    mine = {"X-Twilio-Signature": twilio("12345", "https://mycompany.com/myapp.php", [])}
    assert gate.is_genuine(mine, "", b"")
    replies_too = gate_of("sms", TWILIO, "https://v.example/replies")
    assert replies_too is not None
    theirs = {"X-Twilio-Signature": twilio("12345", "https://v.example/replies", [])}
    assert replies_too.is_genuine(theirs, "", b"")
    assert not gate.is_genuine(theirs, "", b"")


def test_the_gate_of_each_channel() -> None:
    gate = gate_of("sms", TWILIO)
    assert gate is not None
    assert gate.answer[0] == "text/xml"
    voice = VoiceSettings.model_validate(
        {
            "type": "voice",
            "gateway": {"preset": "twilio-voice", "account_sid": "A", "auth_token": "t", "sender": "+1"},
        }
    )
    calls = gate_of("calls", voice, "https://v.example/in/calls")
    assert calls is not None
    assert (calls.preset, calls.public_urls) == (Preset.TWILIO_VOICE, ("https://v.example/in/calls",))
    assert gate_of("hook", object()) is None
    aliyun = Gate("sms", Preset.ALIYUN)
    assert aliyun.is_genuine({}, "", b"")
    assert json.loads(aliyun.answer[1])["code"] == 0
    assert aliyun.receipts({}, {}, json.dumps([ALIYUN_RECEIPT]).encode())[0].channel == "sms"
    assert aliyun.replies({}, {}, json.dumps([ALIYUN_REPLY]).encode(), 5)[0].received_us == 5


@pytest.mark.parametrize(
    ("text", "code", "answer"),
    [
        ("4821 1", "4821", Answer.ACCEPT),
        ("４８２１　１", "4821", Answer.ACCEPT),
        ("4821接受", "4821", Answer.ACCEPT),
        ("4821 到达", "4821", Answer.ARRIVE),
        ("1 4821", "4821", Answer.ACCEPT),
        ("48211", "4821", Answer.ACCEPT),
        ("612343", "61234", Answer.FALSE_ALARM),
        ("8123454", "812345", Answer.NEED_HELP),
        ("61234", "61234", None),
        ("4821-2。", "4821", Answer.ARRIVE),
        ("4821，3", "4821", Answer.FALSE_ALARM),
        ("4821 ①", "4821", Answer.ACCEPT),
        ("【4821】接受！", "4821", Answer.ACCEPT),
        ("回复 4821 1", "4821", Answer.ACCEPT),
        ("Reply 4821 1", "4821", Answer.ACCEPT),
        ("4821 ACCEPT", "4821", Answer.ACCEPT),
        ("4821 Ok, on my way", "4821", Answer.ACCEPT),
        ("4821 arrived.", "4821", Answer.ARRIVE),
        ("4821 False Alarm", "4821", Answer.FALSE_ALARM),
        ("4821 误报，厨房做饭", "4821", Answer.FALSE_ALARM),
        ("4821 求助", "4821", Answer.NEED_HELP),
        ("4821 need help now", "4821", Answer.NEED_HELP),
        ("4821 5", "4821", Answer.REFUSE),
        ("4821 去不了", "4821", Answer.REFUSE),
        ("4821 can't", "4821", Answer.REFUSE),
        ("4821 不接受", "4821", Answer.REFUSE),
        ("4821 1接受", "4821", Answer.ACCEPT),
        ("4821 1 accept", "4821", Answer.ACCEPT),
        ("到达 4821", "4821", Answer.ARRIVE),
        ("4821 接受了", "4821", Answer.ACCEPT),
        ("4821", "4821", None),
        (" 4821 。", "4821", None),
        ("1", "", Answer.ACCEPT),
        ("接受", "", Answer.ACCEPT),
        ("Ok!", "", Answer.ACCEPT),
        ("误报", "", Answer.FALSE_ALARM),
    ],
)
def test_how_people_answer(text: str, code: str, answer: Answer | None) -> None:
    assert parse_answer(text) == Given(code, answer)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "?",
        "在哪里",
        "4821 接受不了",
        "4821 不是误报",
        "不是误报",
        "没收到",
        "4821 1误报",
        "4821 9",
        "4821 12",
        "482112",
        "4821 what is this",
        "接受不了",
        "help is on the way 4821 no",
        "13800138000",
        "48",
        "13",
        "okra",
        "4821 10分钟到",
        "1 2 4821",
        "5分钟到",
        "1001 Nights",
    ],
)
def test_what_is_not_plain_is_nobodys_answer(text: str) -> None:
    assert parse_answer(text) is None


@given(st.text(max_size=600))
def test_anything_can_be_written(text: str) -> None:
    parse_answer(text)


@given(st.sampled_from(Answer), st.integers(1000, 5999))
def test_a_code_and_a_digit_are_always_understood(answer: Answer, code: int) -> None:
    if answer in DIGITS:
        for text in (f"{code} {DIGITS[answer]}", f"{DIGITS[answer]} {code}", f"{code}{DIGITS[answer]}"):
            assert parse_answer(text) == Given(str(code), answer)
