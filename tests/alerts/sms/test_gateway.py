"""The generic gateway, against HTTP servers that are right, wrong, slow, busy and lying."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs
from xml.etree import ElementTree as ET

import pytest
from pydantic import ValidationError

from alerts.channels.channel import DeliveryError
from alerts.channels.sms import GatewayChannel, SmsSettings
from tests.alerts.gateways import HANG, gateway, says
from tests.alerts.sms.asking import NUMBER, T0, asked, drill

if TYPE_CHECKING:
    from tests.alerts.gateways import Gateway

LINK = "https://vigil.example/a/xyz"
OK = says({"code": "0", "data": [{"sid": "m-17"}]})
JSON: dict[str, Any] = {
    "body_json": {"to": ["{address}"], "content": "{text}", "ref": "{id}", "urgent": True},
    "success": "code",
    "success_values": ["0"],
    "reference": "$.data[0].sid",
    "busy": ["4001"],
    "refused": ["3001"],
}


def sms(far: Gateway | str, *, over: dict[str, Any] | None = None, **section: Any) -> GatewayChannel:
    url = far if isinstance(far, str) else f"{far.url}/send"
    fields = {"preset": "http", "url": url, **(section or JSON)}
    settings = SmsSettings.model_validate({"type": "sms", "gateway": fields, **(over or {})})
    return GatewayChannel(settings, lambda _: LINK, clock_us=lambda: T0)


async def failure(channel: GatewayChannel) -> DeliveryError:
    with pytest.raises(DeliveryError) as raised:
        await channel.send(asked())
    await channel.close()
    said = f"{raised.value.reason} {raised.value!r} {raised.value.__cause__!r}"
    assert NUMBER.lstrip("+") not in said
    assert "138" not in said
    return raised.value


async def test_json_is_filled_and_the_reference_comes_back() -> None:
    async with gateway(OK) as far:
        channel = sms(far)
        handed = await channel.send(asked())
        await channel.close()
    (ask,) = far.asks
    assert (handed.reference, handed.received) == ("m-17", False)
    assert ask.headers["content-type"] == "application/json"
    assert ask.json["to"] == [NUMBER]
    assert ask.json["ref"] == asked().id
    assert ask.json["urgent"] is True
    assert ask.json["content"].startswith("[报警]燃气浓度高")
    assert ask.json["content"].endswith(LINK)


async def test_a_form_in_gbk_a_query_and_headers() -> None:
    async with gateway(says(b"ok:99", 200)) as far:
        channel = sms(
            f"{far.url}/{{incident}}/send",
            over={"sender": "10690001"},
            query={"seq": "{id}", "sign": "守望"},
            headers={"X-Code": "{code}", "X-Place": "{place}", "X-Key": "k={secret_key}"},
            secrets={"key": "hush hush"},
            body_form={"mobile": "{address}", "msg": "{title}", "from": "{sender}", "pw": "{secret_key}"},
            charset="gbk",
            success_pattern=r"^ok:(?P<reference>\d+)$",
        )
        handed = await channel.send(asked())
        await channel.close()
    (ask,) = far.asks
    assert handed.reference == "99"
    assert ask.path == "/7K2MQ4TX/send"
    assert parse_qs(ask.query, encoding="gbk") == {"seq": [asked().id], "sign": ["守望"]}
    form = parse_qs(ask.body.decode(), encoding="gbk")
    assert form["mobile"] == [NUMBER]
    assert form["msg"][0].startswith("[报警]燃气浓度高")
    assert (form["from"], form["pw"]) == (["10690001"], ["hush hush"])
    assert ask.headers["x-code"] == "4821"
    assert ask.headers["x-key"] == "k=hush hush"
    assert ask.headers["x-place"].startswith("shuibei%EF%BC%8C")


async def test_a_get_with_all_in_the_url() -> None:
    async with gateway(says(b"")) as far:
        channel = sms(f"{far.url}/s?to={{address}}&t={{text_short}}", method="GET", success_status=True)
        await channel.send(asked())
        await channel.close()
    (ask,) = far.asks
    assert (ask.method, ask.body, ask.params["to"]) == ("GET", b"", NUMBER)
    assert ask.params["t"].endswith("5不能去")


async def test_xml_is_escaped() -> None:
    async with gateway(says(b"<ok/>")) as far:
        channel = sms(far, body_text='<sms to="{address}"><t>{text}</t></sms>', success_pattern="<ok/>")
        await channel.send(asked(title_zh='<b> & "引号"'))
        await channel.close()
    root = ET.fromstring(far.asks[0].body.decode())
    assert (root.findtext("t") or "").startswith('<b> & "引号"')


async def test_each_kind_of_authentication() -> None:
    auths: list[dict[str, Any]] = [
        {"type": "basic", "username": "u", "password": "p:w"},
        {"type": "bearer", "token": "t0ken"},
        {"type": "hmac", "header": "X-Sign", "key": "k3y", "prefix": "sha256="},
        {"type": "hmac", "header": "X-Sign", "key": "k3y", "encoding": "base64", "timestamp_header": "X-Time"},
    ]
    async with gateway(OK) as far:
        for auth in auths:
            channel = sms(far, **JSON, auth=auth)
            await channel.send(asked())
            await channel.close()
    plain, bearer, signed, timed = far.asks
    assert plain.headers["authorization"] == "Basic " + base64.b64encode(b"u:p:w").decode()
    assert bearer.headers["authorization"] == "Bearer t0ken"
    assert signed.headers["x-sign"] == "sha256=" + hmac.new(b"k3y", signed.body, hashlib.sha256).hexdigest()
    body = timed.headers["x-time"].encode() + b"." + timed.body
    assert timed.headers["x-time"] == str(T0 // 1_000_000)
    assert base64.b64decode(timed.headers["x-sign"]) == hmac.new(b"k3y", body, hashlib.sha256).digest()


@pytest.mark.parametrize(
    ("answer", "retry", "unknown"),
    [
        (says({"code": "4001"}), True, False),  # busy
        (says({"code": "3001"}), False, False),  # refused
        (says({"code": "77"}), False, False),  # a code of no list is no success
        (says(b"ok"), False, True),  # it lies `ok`: not as a gateway says it that took the message
        (says(b"\xff\xfe<html>"), False, True),
        (says(b""), False, True),
        (says(b'{"code":' + b"[" * 9_000), False, True),  # deeper than a parser goes
        (says({"code": {"deep": 1}}), False, True),
        (says({"code": "4001"}, 500), True, False),
        (says({"code": "3001"}, 400), False, False),
        (says(b"oops", 500), True, False),
        (says(b"", 502), True, False),
        (says(b"", 504), False, True),
        (says(b"", 429, **{"retry-after": "7"}), True, False),
        (says(b"", 404), False, False),
        (says(b"", 302, location="http://127.0.0.1:1/"), False, False),
    ],
)
async def test_an_answer_says_whether_to_try_again_and_whether_it_is_known(
    answer: Any, retry: bool, unknown: bool
) -> None:
    async with gateway(answer) as far:
        error = await failure(sms(far))
    assert (error.retry, error.unknown) == (retry, unknown)
    if answer.status == 429:
        assert error.retry_after_s == 7.0
    assert len(far.asks) == 1


async def test_a_gateway_that_hangs_is_given_up_in_its_time_and_nobody_knows() -> None:
    async with gateway(HANG) as far:
        began = time.monotonic()
        error = await failure(sms(far, **JSON, answer_s=0.2))
        assert 0.2 <= time.monotonic() - began < 2.0
    assert (error.retry, error.unknown, error.reason) == (False, True, "no answer within 0.2 s")


async def test_a_gateway_that_knows_a_repeat_may_be_asked_again() -> None:
    async with gateway(HANG) as far:
        error = await failure(sms(far, **JSON, answer_s=0.2, idempotent=True))
    assert (error.retry, error.unknown) == (True, False)


async def test_nobody_there_is_known_and_tried_again() -> None:
    error = await failure(sms("http://127.0.0.1:9/send"))
    assert (error.retry, error.unknown) == (True, False)


async def test_an_unlisted_code_is_tried_again_where_the_settings_say_so() -> None:
    async with gateway(says({"code": "77"})) as far:
        error = await failure(sms(far, **JSON, retry_unknown=True))
    assert error.retry


async def test_a_code_that_holds_the_number_does_not_tell_it() -> None:
    async with gateway(says({"code": f"bad number {NUMBER} / 13800138000"})) as far:
        error = await failure(sms(far))
    assert error.reason.startswith("bad number …")


async def test_an_address_that_is_no_number_is_not_told_either() -> None:
    async with gateway(says({"code": "nobody called li.wei"})) as far:
        channel = sms(far)
        with pytest.raises(DeliveryError) as raised:
            await channel.send(asked(address="li.wei"))
        await channel.close()
    assert raised.value.reason == "nobody called …"


@pytest.mark.parametrize("address", ["", "  ", "138\r\n0"])
async def test_without_an_address_nothing_is_sent(address: str) -> None:
    async with gateway(OK) as far:
        channel = sms(far)
        with pytest.raises(DeliveryError) as raised:
            await channel.send(asked(address=address))
        await channel.close()
    assert not raised.value.retry
    assert not far.asks


async def test_an_exercise_is_marked() -> None:
    async with gateway(OK) as far:
        channel = sms(far, over={"sign": "【守望】"})
        await channel.send(drill())
        await channel.close()
    assert far.asks[0].json["content"].startswith("【守望】[演练]")


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"body_json": {"to": "{adress}"}, "success_status": True}, "no field 'adress'"),
        ({"body_json": {"to": "me"}, "success_status": True}, "no template names {address}"),
        ({"body_json": {"to": "{address}"}}, "success"),
        ({"body_json": {"to": "{address}"}, "success": "code"}, "go together"),
        ({"body_json": {"to": "{address}"}, "body_form": {"a": "b"}, "success_status": True}, "at most one"),
        ({"body_json": {"to": "{address}"}, "method": "GET", "success_status": True}, "none for GET"),
        ({"body_form": {"to": "{address}"}, "success_pattern": "("}, "no regular expression"),
        ({"body_form": {"to": "{address}"}, "headers": {"X Y": "1"}, "success_status": True}, "no name of a header"),
        ({"body_form": {"to": "{address}"}, "headers": {"X": "1\n2"}, "success_status": True}, "printable ASCII"),
        ({"url": "http://{address}/", "success_status": True}, "a host without fields"),
        ({"url": "ftp://h/{address}", "success_status": True}, "http"),
        ({"body_form": {"to": "{address}", "p": "{secret_pw}"}, "success_status": True}, "no field 'secret_pw'"),
        ({"body_form": {"to": "{address}"}, "success": "a..b", "success_values": ["0"]}, "pattern"),
        ({"body_form": {"to": "{address}"}, "success_status": True, "tyop": 1}, "tyop"),
    ],
)
def test_settings_that_cannot_work_are_said(section: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        SmsSettings.model_validate({"type": "sms", "gateway": {"preset": "http", "url": "http://h/", **section}})


def test_no_secret_is_shown() -> None:
    section = {**JSON, "secrets": {"pw": "hush-hush"}, "auth": {"type": "bearer", "token": "t0ken"}}
    settings = SmsSettings.model_validate({"type": "sms", "gateway": {"preset": "http", "url": "http://h/", **section}})
    shown = f"{settings!r} {settings} {settings.model_dump_json()}"
    assert "hush-hush" not in shown
    assert "t0ken" not in shown
