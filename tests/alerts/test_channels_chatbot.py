from __future__ import annotations

import base64
import hashlib
import hmac
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from msgspec.structs import replace

from alerts import DeliveryError, make_channel
from alerts.channels import ChannelContext, ChatbotSettings
from alerts.incident import Exercise
from tests.alerts.receiver import CLOSE, answer, receiver, status
from tests.alerts.scene import GAS, T0, notification

if TYPE_CHECKING:
    from alerts import Channel

TAKEN = {
    "wecom": '{"errcode":0,"errmsg":"ok"}',
    "dingtalk": '{"errcode":0,"errmsg":"ok"}',
    "feishu": '{"StatusCode":0,"StatusMessage":"success","code":0,"data":{},"msg":"success"}',
}
"""What each says where it took it; the refusals below are theirs as well."""


def robot(kind: str, url: str, link: str = "", **settings: object) -> Channel:
    section = ChatbotSettings.model_validate({"type": "chatbot", "robot": kind, "url": url, **settings})
    return make_channel("chat", section, ChannelContext(link_of=lambda _: link, now_us=lambda: T0))


def text_of(kind: str, body: dict[str, Any]) -> str:
    text: str = body["content"]["text"] if kind == "feishu" else body["text"]["content"]
    return text


@pytest.mark.parametrize("kind", TAKEN)
async def test_a_group_reads_title_text_and_link_and_whom_it_is_for(kind: str) -> None:
    message = notification(GAS, address="13800138000", code="4711")
    async with receiver(answer(TAKEN[kind])) as far:
        channel = robot(kind, f"{far.url}?key=k3y", "https://vigil.example/a/1")
        handed = await channel.send(message)
        await channel.close()
    assert (handed.detail, handed.received) == (f"{kind}: taken", False)
    body = far.requests[0].json
    text = text_of(kind, body)
    assert text.startswith(f"{message.title}\n\n{message.body_zh}")
    assert message.body_en in text
    assert "https://vigil.example/a/1" in text
    assert "4711" not in text
    match kind:
        case "wecom":
            assert body["text"]["mentioned_mobile_list"] == ["13800138000"]
        case "dingtalk":
            assert body["at"]["atMobiles"] == ["13800138000"]
            assert text.endswith("@13800138000")
        case _:
            assert text.endswith('<at user_id="13800138000"></at>')


@pytest.mark.parametrize("kind", TAKEN)
async def test_an_exercise_says_so_first_and_a_group_without_a_person_names_none(kind: str) -> None:
    drill = replace(notification().incident, exercise=Exercise.DRILL)
    async with receiver(answer(TAKEN[kind])) as far:
        channel = robot(kind, far.url)
        await channel.send(notification(incident=drill))
        await channel.close()
    body = far.requests[0].json
    assert text_of(kind, body).startswith("[DRILL 演练]")
    assert "at" not in body
    assert "mentioned" not in str(body)


@pytest.mark.parametrize(
    ("kind", "said", "retry"),
    [
        ("wecom", '{"errcode":45009,"errmsg":"api freq out of limit"}', True),
        ("wecom", '{"errcode":93000,"errmsg":"invalid webhook url"}', False),
        ("dingtalk", '{"errcode":410100,"errmsg":"send too fast"}', True),
        ("dingtalk", '{"errcode":310000,"errmsg":"keywords not in content"}', False),
        ("feishu", '{"code":11232,"data":{},"msg":"frequency limited psm"}', True),
        ("feishu", '{"code":19021,"msg":"sign match fail or timestamp is not within one hour"}', False),
    ],
)
async def test_a_refusal_inside_a_200_is_a_refusal(kind: str, said: str, retry: bool) -> None:
    async with receiver(answer(said)) as far:
        channel = robot(kind, f"{far.url}?key=s3cret")
        with pytest.raises(DeliveryError) as failed:
            await channel.send(notification())
        await channel.close()
    assert (failed.value.retry, failed.value.unknown) == (retry, False)
    assert failed.value.retry_after_s == (20 if retry else None)
    assert failed.value.reason.startswith(f"{kind}: ")
    assert "s3cret" not in failed.value.reason


@pytest.mark.parametrize("said", [answer("<html>"), answer("{}"), answer('["errcode"]'), CLOSE, status(504)])
async def test_an_answer_that_says_nothing_leaves_it_unknown(said: str) -> None:
    async with receiver(said) as far:
        channel = robot("wecom", far.url)
        with pytest.raises(DeliveryError) as failed:
            await channel.send(notification())
        await channel.close()
    assert (failed.value.retry, failed.value.unknown) == (False, True)


async def test_dingtalk_verifies_the_signature() -> None:
    async with receiver(answer(TAKEN["dingtalk"])) as far:
        channel = robot("dingtalk", f"{far.url}?access_token=t", secret="SEC123")
        await channel.send(notification())
        await channel.close()
    query = parse_qs(urlsplit(far.requests[0].target).query)
    time_ms = query["timestamp"][0]
    assert time_ms == str(T0 // 1000)
    expected = hmac.digest(b"SEC123", f"{time_ms}\nSEC123".encode(), hashlib.sha256)
    assert base64.b64decode(query["sign"][0]) == expected
    assert query["access_token"] == ["t"]


async def test_feishu_verifies_the_signature() -> None:
    async with receiver(answer(TAKEN["feishu"])) as far:
        channel = robot("feishu", far.url, secret="SEC123")
        await channel.send(notification())
        await channel.close()
    body = far.requests[0].json
    expected = hmac.digest(f"{body['timestamp']}\nSEC123".encode(), b"", hashlib.sha256)
    assert (body["timestamp"], base64.b64decode(str(body["sign"]))) == (str(T0 // 1_000_000), expected)


@pytest.mark.parametrize("kind", TAKEN)
async def test_a_long_text_loses_its_end_and_never_its_link(kind: str) -> None:
    link = "https://vigil.example/a/1"
    message = notification(body_zh="烟" * 20_000, body_en="x" * 20_000, address="13800138000")
    async with receiver(answer(TAKEN[kind])) as far:
        channel = robot(kind, far.url, link)
        await channel.send(message)
        await channel.close()
    text = text_of(kind, far.requests[0].json)
    assert len(text.encode()) <= (2_048 if kind == "wecom" else 18_000)
    assert f"…\n\n{link}" in text


@pytest.mark.parametrize(
    ("settings", "wrong"),
    [
        ({"robot": "pigeon"}, "robot"),
        ({"robot": "wecom", "url": "qyapi.weixin.qq.com/x"}, "https://"),
        ({"robot": "wecom", "secret": "SEC"}, "sign nothing"),
    ],
)
def test_a_fault_of_the_settings_is_named(settings: dict[str, str], wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong) as failed:
        ChatbotSettings.model_validate({"type": "chatbot", "url": "https://x.example/hook-s3cret", **settings})
    assert "s3cret" not in str(failed.value)
