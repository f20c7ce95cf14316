"""Calls, against gateways that check signatures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest

from alerts.channels.channel import DeliveryError
from alerts.channels.voice import VoiceChannel, spoken
from alerts.channels.voice_settings import VoiceSettings
from alerts.notification import Purpose
from alerts.people.model import Language
from tests.alerts.gateways import HANG, aliyun_signed, gateway, says, twilio_signed
from tests.alerts.sms.asking import BOTH, NUMBER, T0, asked, drill

if TYPE_CHECKING:
    from tests.alerts.gateways import Gateway

KEY, SECRET = "LTAI0example", "s3cret-of-the-account"


def calls(over: dict[str, Any] | None = None, **section: Any) -> VoiceChannel:
    settings = VoiceSettings.model_validate({"type": "voice", "gateway": section, **(over or {})})
    return VoiceChannel(settings, "https://vigil.example/in/voice", clock_us=lambda: T0)


def aliyun(far: Gateway, **changes: Any) -> VoiceChannel:
    section: dict[str, Any] = {
        "preset": "aliyun-voice",
        "endpoint": far.url,
        "access_key_id": KEY,
        "access_key_secret": SECRET,
        "template_id": "TTS_1",
        "params": {"severity": "{severity}", "what": "{name}", "place": "{place}"},
        "answer_s": 0.3,
    }
    return calls(None, **{**section, **changes})


def twilio(far: Gateway, over: dict[str, Any] | None = None, **changes: Any) -> VoiceChannel:
    section: dict[str, Any] = {
        "preset": "twilio-voice",
        "endpoint": far.url,
        "account_sid": "AC0",
        "auth_token": SECRET,
        "sender": "+15005550006",
    }
    return calls(over, **{**section, **changes})


def test_it_says_what_is_wrong_and_which_key_means_what() -> None:
    assert spoken(asked(), Language.ZH) == (
        "守望系统来电。报警：燃气浓度高，shuibei，网格3，楼栋5，楼层2，201。12.3 %LEL，达到或超过 10 %LEL 30秒。 "
        "接受请按1，已到达请按2，误报请按3，需要支援请按4，不能去请按5。"
    )
    assert spoken(asked(), Language.EN).endswith(
        "Press 1 to accept, 2 if you have arrived, 3 for a false alarm, 4 if you need help, 5 if you cannot go."
    )


def test_an_exercise_says_so_twice_before_all_else() -> None:
    assert spoken(drill(), Language.ZH).startswith("这是演练。这是演练。守望")
    assert spoken(drill(), Language.EN).startswith("This is a drill. This is a drill. ")


def test_keys_are_asked_for_only_where_they_come_back() -> None:
    assert "请按" not in spoken(asked(), Language.ZH, takes_keys=False)
    assert "请按" not in spoken(asked(wants_answer=False), Language.ZH)
    assert (
        spoken(asked(purpose=Purpose.TEST, body_zh="联络测试。"), Language.ZH) == "守望系统来电。联络测试。 听到请按1。"
    )


def test_nobody_has_to_listen_for_ever_and_the_keys_are_always_told() -> None:
    text = spoken(asked(purpose=Purpose.DIGEST, body_zh="长" * 5_000), Language.ZH)
    assert len(text) <= 500
    assert text.endswith("不能去请按5。")


async def test_aliyun_calls_with_a_template() -> None:
    answer = says({"Code": "OK", "CallId": "116012354148^102281578148", "Message": "OK", "RequestId": "D9CB"})
    async with gateway(answer, check=aliyun_signed(KEY, SECRET)) as far:
        out = aliyun(far, show_number="05710000")
        handed = await out.send(drill())
        await out.close()
    assert not far.faults
    assert handed.reference == "116012354148^102281578148"
    (ask,) = far.asks
    assert (ask.action, ask.headers["x-acs-version"]) == ("SingleCallByTts", "2017-05-25")
    assert ask.params["CalledNumber"] == "13800138000"
    assert ask.params["CalledShowNumber"] == "05710000"
    assert ask.params["PlayTimes"] == "2"
    assert ask.params["TtsParam"].startswith('{"severity":"演练报警"')


@pytest.mark.parametrize(
    ("answer", "retry", "unknown"),
    [
        (says({"Code": "isv.BUSINESS_LIMIT_CONTROL", "Message": "x"}), True, False),
        (says({"Code": "isv.MOBILE_NUMBER_ILLEGAL", "Message": "x"}), False, False),
        (says(b"ok"), False, True),
        (HANG, False, True),
    ],
)
async def test_aliyuns_codes(answer: Any, retry: bool, unknown: bool) -> None:
    async with gateway(answer, check=aliyun_signed(KEY, SECRET)) as far:
        out = aliyun(far)
        with pytest.raises(DeliveryError) as raised:
            await out.send(asked())
        await out.close()
    assert (raised.value.retry, raised.value.unknown) == (retry, unknown)
    assert len(far.asks) == 1, "a call is not made again by itself"


async def test_twilio_speaks_both_languages_and_takes_a_key() -> None:
    async with gateway(says({"sid": "CA1", "status": "queued"}, 201), check=twilio_signed("AC0", SECRET)) as far:
        out = twilio(far, detect_machines=True)
        handed = await out.send(asked(languages=BOTH, title_zh="x", incident=asked().incident))
        await out.close()
    assert not far.faults
    assert handed.reference == "CA1"
    (ask,) = far.asks
    assert ask.path == "/2010-04-01/Accounts/AC0/Calls.json"
    assert (ask.form["To"], ask.form["MachineDetection"]) == (NUMBER, "Enable")
    assert ask.form["StatusCallback"] == f"https://vigil.example/in/voice?notification={asked().id}"
    root = ET.fromstring(ask.form["Twiml"])
    (gather,) = root
    assert (gather.tag, gather.get("numDigits"), gather.get("action")) == ("Gather", "1", ask.form["StatusCallback"])
    assert [say.get("language") for say in gather] == ["zh-CN", "en-US"] * 2
    assert "接受请按1" in (gather[0].text or "")


async def test_without_a_way_back_no_key_is_asked_for() -> None:
    async with gateway(says({"sid": "CA1"}, 201), check=twilio_signed("AC0", SECRET)) as far:
        out = twilio(far, {"takes_keys": False, "times": 1})
        await out.send(asked())
        await out.close()
    root = ET.fromstring(far.asks[0].form["Twiml"])
    assert [child.tag for child in root] == ["Say"]
    assert "请按" not in (root[0].text or "")


async def test_any_voice_gateway_by_template() -> None:
    async with gateway(says({"ok": True, "id": 7})) as far:
        out = calls(
            None,
            preset="http",
            url=f"{far.url}/call",
            body_json={"number": "{address}", "say": "{text}", "lang": "{language}", "id": "{id}"},
            success="ok",
            success_values=["true"],
            reference="id",
        )
        handed = await out.send(asked())
        await out.close()
    assert handed.reference == "7"
    assert far.asks[0].json["number"] == NUMBER
    assert far.asks[0].json["say"].startswith("守望系统来电。")
    assert far.asks[0].json["lang"] == "zh"
