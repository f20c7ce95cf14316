from __future__ import annotations

import asyncio
import ssl
import subprocess
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from alerts import DeliveryError
from alerts.channels import http
from alerts.channels.http import HttpGateway, retry_after_s
from tests.alerts.receiver import CLOSE, ENDLESS, HANG, OK, SLOW_BODY, receiver, status
from tests.alerts.scene import T0, S
from tests.support.broker import free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

SECRET = "s3cr3t-t0ken"


@asynccontextmanager
async def gateway(*, idempotent: bool = False, **how: object) -> AsyncIterator[HttpGateway]:
    one = HttpGateway(idempotent=idempotent, **how)  # type: ignore[arg-type]
    try:
        yield one
    finally:
        await one.close()


async def refused(one: HttpGateway, url: str, method: str = "POST") -> DeliveryError:
    try:
        answer = await one.request(method, f"{url}?token={SECRET}", body=b"{}" if method == "POST" else b"")
    except DeliveryError as failed:
        error = failed
    else:
        assert not answer.is_success
        error = one.refusal(answer)
    assert SECRET not in error.reason
    return error


@pytest.mark.parametrize("answer", [CLOSE, "nonsense\r\n\r\n"])
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("idempotent", [True, False])
async def test_what_was_sent_and_got_no_answer_is_unknown_where_a_repeat_does_harm(
    answer: str, method: str, idempotent: bool
) -> None:
    async with receiver(answer, CLOSE) as far, gateway(idempotent=idempotent) as one:
        error = await refused(one, far.url, method)
        assert (error.retry, error.unknown) == (idempotent, not idempotent)
        assert len(far.requests) == 1, "nothing is sent twice, be it a GET"


async def test_a_connection_that_was_closed_meanwhile_is_made_anew() -> None:
    async with receiver(OK, CLOSE, OK) as far, gateway() as one:
        await one.post(far.url, b"1")
        assert (await refused(one, far.url)).unknown
        await one.post(far.url, b"3")
        assert len(far.requests) == 3


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_what_was_never_sent_is_tried_again(scheme: str) -> None:
    async with gateway() as one:
        error = await refused(one, f"{scheme}://127.0.0.1:{free_port()}/")
        assert (error.retry, error.unknown) == (True, False)
        error = await refused(one, f"{scheme}://no-such-host.invalid/")
        assert (error.retry, error.unknown) == (True, False)


async def test_a_far_end_that_takes_no_connection_was_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "CONNECT_S", 0.1)
    async with receiver(HANG) as far, gateway() as one:  # it never says a word of TLS
        error = await refused(one, f"https://127.0.0.1:{far.port}/")
    assert (error.retry, error.unknown) == (True, False)
    assert far.requests == []


async def test_a_far_end_that_hangs_is_given_up_and_nobody_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "TOTAL_S", 0.1)
    async with receiver(HANG) as far, gateway() as one:
        error = await refused(one, far.url)
    assert (error.retry, error.unknown, error.reason) == (False, True, "no answer within 0.1 s")


@pytest.mark.parametrize("url", ["nonsense", "ftp://example.org/", "http://[::1", "http:///x"])
async def test_what_is_no_address_is_refused_for_good(url: str) -> None:
    async with gateway() as one:
        error = await refused(one, url)
    assert (error.retry, error.unknown) == (False, False)


async def test_a_header_that_cannot_be_sent_is_refused_for_good() -> None:
    async with receiver(OK) as far, gateway() as one:
        with pytest.raises(DeliveryError) as failed:
            await one.post(far.url, b"", {"x": f"a\r\nb{SECRET}"})
        assert (failed.value.retry, SECRET in failed.value.reason, far.requests) == (False, False, [])


@pytest.mark.parametrize(
    ("answer", "idempotent", "retry", "unknown", "wait_s"),
    [
        (status(408), False, True, False, None),
        (status(425), False, True, False, None),
        (status(429, "retry-after: 17"), False, True, False, 17.0),
        (status(500), False, True, False, None),
        (status(502), False, True, False, None),
        (status(503, "retry-after: 5"), False, True, False, 5.0),
        (status(504), False, False, True, None),
        (status(504), True, True, False, None),
        (status(301, "location: http://127.0.0.1:1/"), False, False, False, None),
        (status(400), False, False, False, None),
        (status(410), False, False, False, None),
    ],
)
async def test_a_status_says_what_to_do(
    answer: str, idempotent: bool, retry: bool, unknown: bool, wait_s: float | None
) -> None:
    async with receiver(answer) as far, gateway(idempotent=idempotent) as one:
        error = await refused(one, far.url)
        assert (error.retry, error.unknown, error.retry_after_s) == (retry, unknown, wait_s)
        assert error.reason == f"HTTP {answer.split()[1]} Said"


async def test_an_answer_is_returned_whatever_its_status_to_who_wants_to_read_it() -> None:
    said = 'HTTP/1.1 400 Bad Request\r\ncontent-length: 14\r\nx-code: 7\r\n\r\n{"code":21211}'
    async with receiver(said) as far, gateway() as one:
        answer = await one.request("POST", far.url, body=b"x")
        assert (answer.status, answer.headers["X-Code"], one.document(answer)) == (400, "7", {"code": 21211})


async def test_a_number_that_the_far_end_repeats_is_not_said() -> None:
    async with receiver("HTTP/1.1 400 No number +8613800000001\r\ncontent-length: 0\r\n\r\n") as far, gateway() as one:
        assert (await refused(one, far.url)).reason == "HTTP 400 No number …"


@pytest.mark.parametrize("body", ["[1]", "{", "<html>", "\xff", '{"a":' + "[" * 9_000])
async def test_an_answer_that_is_no_json_says_nothing_of_the_message(body: str) -> None:
    said = f"HTTP/1.1 200 OK\r\ncontent-length: {len(body.encode())}\r\n\r\n{body}"
    async with receiver(said) as far, gateway() as one:
        answer = await one.post(far.url, b"x")
        with pytest.raises(DeliveryError, match="no JSON") as failed:
            one.document(answer)
        assert failed.value.unknown


@pytest.mark.parametrize(("answer", "answer_s"), [(ENDLESS, 30.0), (SLOW_BODY, 0.1)])
async def test_a_body_without_end_is_not_read_to_its_end(
    answer: str, answer_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "ANSWER_S", answer_s)
    async with receiver(answer) as far, gateway() as one:
        async with asyncio.timeout(5):
            got = await one.post(far.url, b"x")
        assert (got.said, len(got.body) <= http.ANSWER_BYTES) == ("HTTP 200 OK", True)


async def test_connections_are_used_again_and_bounded() -> None:
    async with receiver(OK) as far, gateway(connections=3) as one:
        await asyncio.gather(*(one.post(far.url, b"x") for _ in range(30)))
        assert (len(far.requests), far.connections) == (30, 3)


async def test_a_closed_gateway_opens_again_for_who_comes_late() -> None:
    async with receiver(OK) as far, gateway() as one:
        await one.post(far.url, b"x")
        await one.close()
        await one.post(far.url, b"x")
        assert far.connections == 2


async def test_only_certificates_that_are_trusted_are(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
            "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]  # fmt: skip
    await asyncio.to_thread(subprocess.run, make, check=True, capture_output=True)
    ours = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ours.load_cert_chain(certificate, key)
    async with receiver(OK, tls=ours) as far:
        async with gateway() as one:
            error = await refused(one, far.url)
            assert (error.retry, error.unknown, far.requests) == (True, False, [])
        async with gateway(verify=ssl.create_default_context(cafile=certificate)) as one:
            assert (await one.post(far.url, b"x")).said == "HTTP 200 OK"


async def test_a_proxy_is_asked_where_there_is_one() -> None:
    async with receiver(OK) as proxy, gateway(proxy=proxy.url) as one:
        assert (await one.post("http://gateway.invalid/send", b"x")).is_success
        assert proxy.requests[0].headers["host"] == "gateway.invalid"
    async with receiver(status(407)) as proxy, gateway(proxy=proxy.url) as one:
        error = await refused(one, "https://gateway.invalid/send")
        assert (error.retry, error.unknown, error.reason) == (True, False, "the proxy said HTTP 407")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        ("7", 7.0),
        ("Fri, 15 Jan 2027 08:00:30 GMT", 30.0),
        ("Fri, 15 Jan 2027 07:00:00 GMT", 0.0),
        ("soon", None),
        ("-3", None),
        ("", None),
        ("Fri, 15 Jan 2027 08:00:30 +99999999999999999999", None),
        ("Fri, 99999999999999999999 Jan 2027 08:00:30 GMT", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(value: str | None, expected: float | None) -> None:
    assert T0 == 1_800_000_000 * S
    assert retry_after_s(value, T0) == expected
