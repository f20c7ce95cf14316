"""Each algorithm against the example that its vendor published."""

from __future__ import annotations

import calendar

from alerts.channels.sms.signing import acs3, basic, tc3, twilio

S = 1_000_000


def test_alibaba_clouds_example() -> None:
    """The fixed example of "V3 request syntax and signature method" (RunInstances)."""
    query, headers = acs3(
        key_id="YourAccessKeyId",
        secret="YourAccessKeySecret",
        host="ecs.cn-shanghai.aliyuncs.com",
        action="RunInstances",
        version="2014-05-26",
        query={"RegionId": "cn-shanghai", "ImageId": "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd"},
        nonce="3156853299f313e23d1673dc12e1703d",
        now_us=calendar.timegm((2023, 10, 26, 10, 22, 32)) * S,
    )
    assert query == "ImageId=win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd&RegionId=cn-shanghai"
    assert headers["x-acs-date"] == "2023-10-26T10:22:32Z"
    assert headers["authorization"] == (
        "ACS3-HMAC-SHA256 Credential=YourAccessKeyId,"
        "SignedHeaders=host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version,"
        "Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"
    )


def test_alibaba_cloud_wants_its_own_percent_encoding() -> None:
    query, _ = acs3(
        key_id="k", secret="s", host="h", action="A", version="1", query={"a b": "x*y~z+火/"}, nonce="n", now_us=0
    )
    assert query == "a%20b=x%2Ay~z%2B%E7%81%AB%2F"


def test_tencent_clouds_example() -> None:
    """The request of "Signature v3" (DescribeInstances), whose published hash of the canonical request it has.

    The published signature is of a key with stars in it; so this one is of the same canonical request and our key,
    computed step by step as the page says.
    """
    body = b'{"Limit": 1, "Filters": [{"Values": ["\\u672a\\u547d\\u540d"], "Name": "instance-name"}]}'
    headers = tc3(
        key_id="AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE",
        secret="Gu5t9xGARNpq86cd98joQYCN3EXAMPLE",
        service="cvm",
        host="cvm.tencentcloudapi.com",
        action="DescribeInstances",
        version="2017-03-12",
        region="ap-guangzhou",
        body=body,
        now_us=1_551_113_065 * S,
    )
    assert headers["x-tc-timestamp"] == "1551113065"
    assert headers["authorization"] == (
        "TC3-HMAC-SHA256 Credential=AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE/2019-02-25/cvm/tc3_request, "
        "SignedHeaders=content-type;host;x-tc-action, "
        "Signature=644be983de9a8a3f00db8eadaba61467c3b429e2215758ba897b738ca469fd26"
    )


def test_twilios_examples() -> None:
    """Of "Validating requests are coming from Twilio" and of Twilio's own helper libraries' tests."""
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    fields = {"CallSid": "CA1234567890ABCDE", "Digits": "1234", "To": "+18005551212"}
    documented = {**fields, "Caller": "+12349013030", "From": "+12349013030"}
    helpers = {**fields, "Caller": "+14158675309", "From": "+14158675309"}
    assert twilio("12345", url, documented.items()) == "0/KCTR6DLpKmkAf8muzZqo1nDgQ="
    assert twilio("12345", url, helpers.items()) == "RSOYDt4T1cUTdK1PDd93/VVr8B8="


def test_basic_authentication_is_that_of_the_rfc() -> None:
    """RFC 7617, section 2."""
    assert basic("Aladdin", "open sesame") == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
