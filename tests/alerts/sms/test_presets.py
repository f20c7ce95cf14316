"""Alibaba Cloud, Tencent Cloud and Twilio, against servers that check their signatures and can misbehave."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from alerts.channels.channel import DeliveryError
from alerts.channels.sms import GatewayChannel, SmsSettings
from alerts.notification import Purpose
from tests.alerts.gateways import HANG, Ask, aliyun_signed, gateway, says, tencent_signed, twilio_signed
from tests.alerts.sms.asking import EN, NUMBER, T0, asked, drill

if TYPE_CHECKING:
    from tests.alerts.gateways import Gateway

KEY, SECRET = "LTAI0example", "s3cret-of-the-account"
PARAMS = {"severity": "{severity}", "what": "{name}", "place": "{place}", "code": "{code}"}


def channel(far: Gateway, now_us: int = T0, **section: Any) -> GatewayChannel:
    settings = SmsSettings.model_validate({"type": "sms", "gateway": {"endpoint": far.url, **section}})
    return GatewayChannel(
        settings, lambda _: "https://vigil.example/a/x", "https://vigil.example/in/sms", clock_us=lambda: now_us
    )


def aliyun(far: Gateway, **changes: Any) -> GatewayChannel:
    section = {
        "preset": "aliyun",
        "access_key_id": KEY,
        "access_key_secret": SECRET,
        "sign_name": "守望",
        "template_id": "SMS_154950909",
        "params": PARAMS,
        "answer_s": 0.5,
    }
    return channel(far, **{**section, **changes})


def tencent(far: Gateway, **changes: Any) -> GatewayChannel:
    section = {
        "preset": "tencent",
        "secret_id": KEY,
        "secret_key": SECRET,
        "sdk_app_id": "1400006666",
        "sign_name": "守望",
        "template_id": "449739",
        "params": list(PARAMS.values()),
        "answer_s": 0.5,
    }
    return channel(far, **{**section, **changes})


def twilio(far: Gateway, **changes: Any) -> GatewayChannel:
    section = {"preset": "twilio", "account_sid": "AC0", "auth_token": SECRET, "sender": "+15005550006"}
    return channel(far, **{**section, "answer_s": 0.5, **changes})


async def failure(out: GatewayChannel) -> DeliveryError:
    with pytest.raises(DeliveryError) as raised:
        await out.send(asked())
    await out.close()
    assert "13800138000" not in f"{raised.value.reason} {raised.value.__cause__!r}"
    assert SECRET not in repr(raised.value)
    return raised.value


ALIYUN_OK = {"Message": "OK", "RequestId": "F655A8D5", "BizId": "9006197469364984^0", "Code": "OK"}


async def test_aliyun_takes_a_template_and_its_parameters() -> None:
    async with gateway(says(ALIYUN_OK), check=aliyun_signed(KEY, SECRET)) as far:
        out = aliyun(far, templates={"test": {"template_id": "SMS_2", "params": {"text": "{title}"}}})
        handed = await out.send(asked())
        await out.send(asked(purpose=Purpose.TEST, title_zh="联络测试" * 20))
        await out.close()
    assert not far.faults
    assert (handed.reference, handed.received) == ("9006197469364984^0", False)
    first, second = far.asks
    assert first.action == "SendSms"
    assert first.params["PhoneNumbers"] == "13800138000"
    assert first.params["SignName"] == "守望"
    assert (first.params["TemplateCode"], second.params["TemplateCode"]) == ("SMS_154950909", "SMS_2")
    assert first.params["OutId"] == asked().id
    assert first.params["TemplateParam"] == (
        '{"severity":"报警","what":"燃气浓度高","place":"shuibei，网格3，楼栋5，楼层2，201","code":"4821"}'
    )
    assert second.params["TemplateParam"] == '{"text":"' + ("联络测试" * 20)[:34] + '…"}'


async def test_an_exercise_is_marked_in_an_approved_template_too() -> None:
    async with gateway(says(ALIYUN_OK), check=aliyun_signed(KEY, SECRET)) as far:
        out = aliyun(far)
        await out.send(drill(code=""))
        await out.close()
    assert far.asks[0].params["TemplateParam"].startswith('{"severity":"演练报警","what":"演练燃气浓度高"')
    assert '"code":"-"' in far.asks[0].params["TemplateParam"]


@pytest.mark.parametrize(
    ("code", "status", "retry", "unknown"),
    [
        ("isv.BUSINESS_LIMIT_CONTROL", 200, True, False),
        ("isv.MOBILE_NUMBER_ILLEGAL", 200, False, False),
        ("isv.AMOUNT_NOT_ENOUGH", 200, False, False),
        ("isv.DAY_LIMIT_CONTROL", 200, False, False),
        ("isp.SYSTEM_ERROR", 200, True, False),
        ("Throttling.User", 400, True, False),
        ("SignatureDoesNotMatch", 400, False, False),
        ("ServiceUnavailable", 503, True, False),
        ("isv.SOMETHING_NEW", 200, False, False),
    ],
)
async def test_aliyuns_codes(code: str, status: int, retry: bool, unknown: bool) -> None:
    refusal = says({"Code": code, "Message": f"13800138000 {code}", "RequestId": "1"}, status)
    async with gateway(refusal, check=aliyun_signed(KEY, SECRET)) as far:
        error = await failure(aliyun(far))
    assert (error.retry, error.unknown) == (retry, unknown)
    assert error.reason.startswith(f"{code}: …")
    assert not far.faults
    assert len(far.asks) == 1, "what was refused is not asked after"


@pytest.mark.parametrize("answer", [HANG, says({"Code": "InternalError"}, 500), says(b"<html>"), says(b"", 504)])
@pytest.mark.parametrize(
    ("status", "end"), [("1", "handed"), ("3", "received"), ("2", "refused"), (None, "unknown"), ("busy", "unknown")]
)
async def test_what_aliyun_gave_no_answer_to_is_looked_for(answer: Any, status: str | None, end: str) -> None:
    entries = [
        {"OutId": "another", "SendStatus": 3, "PhoneNum": "13800138000"},
        {"OutId": asked().id, "SendStatus": int(status), "ErrCode": "MK:0010"} if status in {"1", "2", "3"} else None,
    ]
    details = {"Code": "OK", "SmsSendDetailDTOs": {"SmsSendDetailDTO": [entry for entry in entries if entry]}}
    found = says({"Code": "Throttling"}, 400) if status == "busy" else says(details)
    async with gateway(answer, found, check=aliyun_signed(KEY, SECRET)) as far:
        out = aliyun(far)
        if end in {"handed", "received"}:
            handed = await out.send(asked())
            await out.close()
            assert handed.received is (end == "received")
        else:
            error = await failure(out)
            assert (error.retry, error.unknown) == (False, end == "unknown")
            assert ("MK:0010" in error.reason) == (end == "refused")
    sent, inquiry = far.asks
    assert (sent.action, inquiry.action) == ("SendSms", "QuerySendDetails")
    assert inquiry.params["PhoneNumber"] == "13800138000"
    assert inquiry.params["SendDate"] == "20270115"  # of T0 in China
    assert not far.faults


async def test_the_day_that_is_asked_after_is_that_of_china() -> None:
    async with gateway(HANG, check=aliyun_signed(KEY, SECRET)) as far:
        await failure(aliyun(far, answer_s=0.1, now_us=T0 + 8 * 3_600 * 1_000_000))  # 16:00 UTC
    assert far.asks[1].params["SendDate"] == "20270116"


async def test_an_inquiry_that_hangs_leaves_it_unknown() -> None:
    async with gateway(HANG, check=aliyun_signed(KEY, SECRET)) as far:
        error = await failure(aliyun(far, answer_s=0.1))
    assert error.unknown
    assert [ask.action for ask in far.asks] == ["SendSms", "QuerySendDetails"]


async def test_a_wrong_secret_is_refused() -> None:
    async with gateway(says(ALIYUN_OK), check=aliyun_signed(KEY, "another")) as far:
        error = await failure(aliyun(far))
    assert (error.retry, error.reason) == (False, "SignatureDoesNotMatch: signature")


def tencent_says(code: str, message: str = "send success", serial: str = "5000:1045710669157053657849499619") -> Any:
    status = {"SerialNo": serial, "PhoneNumber": NUMBER, "Fee": 1, "SessionContext": "x", "Code": code}
    return says({"Response": {"SendStatusSet": [{**status, "Message": message, "IsoCode": "CN"}], "RequestId": "a"}})


async def test_tencent_takes_a_template_and_its_parameters_in_order() -> None:
    async with gateway(tencent_says("Ok"), check=tencent_signed(KEY, SECRET)) as far:
        out = tencent(far)
        handed = await out.send(asked(address="138 0013 8000"))
        await out.close()
    assert not far.faults
    assert handed.reference == "5000:1045710669157053657849499619"
    (ask,) = far.asks
    assert (ask.action, ask.headers["x-tc-version"], ask.headers["x-tc-region"]) == (
        "SendSms",
        "2021-01-11",
        "ap-guangzhou",
    )
    assert ask.json == {
        "PhoneNumberSet": [NUMBER],
        "SmsSdkAppId": "1400006666",
        "SignName": "守望",
        "TemplateId": "449739",
        "TemplateParamSet": ["报警", "燃气浓度高", "shuibei，网格3，楼栋5，楼层2，201", "4821"],
        "SessionContext": asked().id,
    }


@pytest.mark.parametrize(
    ("answer", "retry", "unknown"),
    [
        (tencent_says("LimitExceeded.PhoneNumberThirtySecondLimit", f"{NUMBER} too often"), True, False),
        (tencent_says("FailedOperation.InsufficientBalanceInSmsPackage", ""), False, False),
        (tencent_says("InvalidParameterValue.IncorrectPhoneNumber"), False, False),
        (tencent_says("InternalError.Timeout"), False, True),
        (says({"Response": {"Error": {"Code": "AuthFailure.SignatureFailure", "Message": "x"}}}), False, False),
        (says({"Response": {"Error": {"Code": "RequestLimitExceeded", "Message": "x"}}}), True, False),
        (says({"Response": {"SendStatusSet": []}}), False, True),
        (says({"Response": []}), False, True),
        (says(b"ok"), False, True),
        (says(b"", 503), True, False),
        (HANG, False, True),
    ],
)
async def test_tencents_codes(answer: Any, retry: bool, unknown: bool) -> None:
    async with gateway(answer, check=tencent_signed(KEY, SECRET)) as far:
        error = await failure(tencent(far, answer_s=0.2 if answer is HANG else 5))
    assert (error.retry, error.unknown) == (retry, unknown)
    assert not far.faults


async def test_the_server_that_checks_takes_tencents_published_example() -> None:
    """So that it is not merely our own opinion of the algorithm that both sides hold."""
    body = b'{"Limit": 1, "Filters": [{"Values": ["\\u672a\\u547d\\u540d"], "Name": "instance-name"}]}'
    key_id = "AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE"
    headers = {
        "content-type": "application/json; charset=utf-8",
        "host": "cvm.tencentcloudapi.com",
        "x-tc-action": "DescribeInstances",
        "x-tc-timestamp": "1551113065",
        "authorization": f"TC3-HMAC-SHA256 Credential={key_id}/2019-02-25/cvm/tc3_request, "
        "SignedHeaders=content-type;host, "
        "Signature=72e494ea809ad7a8c8f7a4507b9bddcbaa8e581f516e8da2f66e2c5a96525168",
    }
    check = tencent_signed(key_id, "Gu5t9xGARNpq86cd98joQYCN3EXAMPLE", "cvm")
    assert check(Ask("POST", "/", "", headers, body)) is None
    assert check(Ask("POST", "/", "", headers, body + b" ")) == "signature"


TWILIO_OK = {"sid": "SM0123456789abcdef0123456789abcdef", "status": "queued", "error_code": None}


async def test_twilio_gets_the_text_and_where_to_report() -> None:
    async with gateway(says(TWILIO_OK, 201), check=twilio_signed("AC0", SECRET)) as far:
        out = twilio(far)
        handed = await out.send(asked(languages=EN))
        await out.close()
        other = twilio(far, sender="MG9752", callback_url="https://other.example/cb")
        await other.send(asked())
        await other.close()
    assert not far.faults
    assert handed.reference == TWILIO_OK["sid"]
    first, second = far.asks
    assert first.path == "/2010-04-01/Accounts/AC0/Messages.json"
    assert first.form["To"] == NUMBER
    assert first.form["From"] == "+15005550006"
    assert first.form["StatusCallback"] == "https://vigil.example/in/sms"
    assert first.form["Body"].startswith("[ALARM] Gas")
    assert (second.form["MessagingServiceSid"], "From" in second.form) == ("MG9752", False)
    assert second.form["StatusCallback"] == "https://other.example/cb"


@pytest.mark.parametrize(
    ("answer", "retry", "unknown"),
    [
        (
            says({"code": 21211, "message": f"The 'To' number {NUMBER} is not a valid", "status": 400}, 400),
            False,
            False,
        ),
        (says({"code": 20003, "message": "Authenticate", "status": 401}, 401), False, False),
        (says({"code": 20429, "message": "Too Many Requests"}, 429, **{"retry-after": "3"}), True, False),
        (says({"code": 14107, "message": "rate"}, 400), True, False),
        (says({**TWILIO_OK, "status": "failed", "error_code": 30007}, 201), False, False),
        (says({"status": "queued"}, 201), False, True),
        (says(b"ok"), False, True),
        (says(b"", 500), True, False),
        (HANG, False, True),
    ],
)
async def test_twilios_codes(answer: Any, retry: bool, unknown: bool) -> None:
    async with gateway(answer, check=twilio_signed("AC0", SECRET)) as far:
        error = await failure(twilio(far, answer_s=0.2 if answer is HANG else 5))
    assert (error.retry, error.unknown) == (retry, unknown)
    assert not far.faults


@pytest.mark.parametrize("make", [aliyun, tencent, twilio])
async def test_an_address_that_is_no_number_is_refused_for_good(make: Any) -> None:
    async with gateway(says(b"")) as far:
        out = make(far)
        with pytest.raises(DeliveryError) as raised:
            await out.send(asked(address="li@example.com"))
        await out.close()
    assert (raised.value.retry, raised.value.reason) == (False, "not a telephone number")
    assert not far.asks


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"params": ["{severity}"]}, "a table by name"),
        ({"params": {"a": "{sevrity}"}}, "no field"),
        ({"params": {"code": "{code}"}}, "to say in an exercise"),
        ({"templates": {"shout": {"template_id": "1"}}}, "templates"),
        ({"endpoint": "dysmsapi.aliyuncs.com"}, "http"),
    ],
)
def test_settings_that_cannot_work_are_said(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        aliyun(FAR, **changes)


class _Far:
    url = "http://127.0.0.1:9"


FAR: Any = _Far()
