"""Vendors' gateways on 127.0.0.1: they check signatures as the vendors say it is done, and misbehave on command.

Nothing of the sender's code is used: each check is written from the vendor's description.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, unquote

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

__all__ = ["HANG", "Ask", "Gateway", "aliyun_signed", "gateway", "says", "tencent_signed", "twilio_signed"]

HANG = None
"""It takes the request, and never answers."""


@dataclass(slots=True)
class Ask:
    """One request as it came."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes

    @property
    def params(self) -> dict[str, str]:
        return dict(parse_qsl(self.query, keep_blank_values=True))

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def action(self) -> str:
        return self.headers.get("x-acs-action") or self.headers.get("x-tc-action") or ""


@dataclass(slots=True)
class Gateway:
    """Gives the answers in their order, the last for ever, to what `check` lets through; keeps what it got."""

    answers: list[Any]
    check: Callable[[Ask], str | None]
    port: int = 0
    asks: list[Ask] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    _never: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, request: web.BaseRequest) -> web.Response:
        path, _, query = request.raw_path.partition("?")
        headers = {name.lower(): value for name, value in request.headers.items()}
        ask = Ask(request.method, path, query, headers, await request.read())
        self.asks.append(ask)
        fault = self.check(ask)
        if fault is not None:
            self.faults.append(fault)
            return web.json_response({"Code": "SignatureDoesNotMatch", "Message": fault}, status=403)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer is HANG:
            await self._never.wait()
        return answer(ask) if callable(answer) else _again(answer)


def _again(answer: Any) -> web.Response:
    return web.Response(status=answer.status, body=answer.body, headers=dict(answer.headers))


@asynccontextmanager
async def gateway(*answers: Any, check: Callable[[Ask], str | None] = lambda _: None) -> AsyncIterator[Gateway]:
    """Serve on a free port for the length of the block."""
    self = Gateway(list(answers), check)
    server = web.Server(self.serve)
    runner = web.ServerRunner(server, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert site._server is not None
    self.port = site._server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
    try:
        yield self
    finally:
        self._never.set()
        await runner.cleanup()


def says(document: Any, status: int = 200, **headers: str) -> web.Response:
    """Return an answer of JSON, or of bytes as they are."""
    if isinstance(document, bytes):
        return web.Response(status=status, body=document, headers=headers)
    return web.json_response(document, status=status, headers=headers)


def _rfc3986(text: str) -> str:
    return quote(text, safe="-_.~")


def aliyun_signed(key_id: str, secret: str) -> Callable[[Ask], str | None]:
    """Check ACS3-HMAC-SHA256, and that the request is of this minute."""
    nonces: set[str] = set()

    def check(ask: Ask) -> str | None:
        algorithm, _, rest = ask.headers.get("authorization", "").partition(" ")
        given = dict(part.partition("=")[::2] for part in rest.split(","))
        signed = given.get("SignedHeaders", "").split(";")
        needed = {
            "host",
            "x-acs-action",
            "x-acs-content-sha256",
            "x-acs-date",
            "x-acs-signature-nonce",
            "x-acs-version",
        }
        if algorithm != "ACS3-HMAC-SHA256" or given.get("Credential") != key_id or not needed <= set(signed):
            return "wrong kind of signature"
        body_hash = hashlib.sha256(ask.body).hexdigest()
        if ask.headers["x-acs-content-sha256"] != body_hash:
            return "hash of the body"
        pairs = [(unquote(name), unquote(value)) for name, _, value in (p.partition("=") for p in ask.query.split("&"))]
        query = "&".join(f"{_rfc3986(name)}={_rfc3986(value)}" for name, value in sorted(pairs))
        lines = "".join(f"{name}:{ask.headers[name].strip()}\n" for name in signed)
        canonical = "\n".join([ask.method, ask.path, query, lines, ";".join(signed), body_hash])
        to_sign = "ACS3-HMAC-SHA256\n" + hashlib.sha256(canonical.encode()).hexdigest()
        right = hmac.new(secret.encode(), to_sign.encode(), hashlib.sha256).hexdigest()
        if given.get("Signature") != right:
            return "signature"
        if ask.headers["x-acs-signature-nonce"] in nonces:
            return "nonce used before"
        nonces.add(ask.headers["x-acs-signature-nonce"])
        return None

    return check


def tencent_signed(key_id: str, secret: str, service: str = "sms") -> Callable[[Ask], str | None]:
    """Check TC3-HMAC-SHA256."""

    def check(ask: Ask) -> str | None:
        algorithm, _, rest = ask.headers.get("authorization", "").partition(" ")
        given = dict(part.strip().partition("=")[::2] for part in rest.split(","))
        seconds = int(ask.headers.get("x-tc-timestamp", "0"))
        date = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d")
        scope = f"{date}/{service}/tc3_request"
        if algorithm != "TC3-HMAC-SHA256" or given.get("Credential") != f"{key_id}/{scope}":
            return "wrong kind of signature"
        signed = given["SignedHeaders"].split(";")
        values = {**ask.headers, "x-tc-action": ask.headers["x-tc-action"].lower()}
        lines = "".join(f"{name}:{values[name]}\n" for name in signed)
        canonical = "\n".join(
            [ask.method, ask.path, ask.query, lines, ";".join(signed), hashlib.sha256(ask.body).hexdigest()]
        )
        to_sign = "\n".join([algorithm, str(seconds), scope, hashlib.sha256(canonical.encode()).hexdigest()])
        key = ("TC3" + secret).encode()
        for part in (date, service, "tc3_request"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        right = hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()
        return None if given["Signature"] == right else "signature"

    return check


def twilio_signed(account: str, token: str) -> Callable[[Ask], str | None]:
    """Check basic authentication and that the path is the account's."""

    def check(ask: Ask) -> str | None:
        right = "Basic " + base64.b64encode(f"{account}:{token}".encode()).decode()
        if ask.headers.get("authorization") != right:
            return "authentication"
        return None if ask.path.startswith(f"/2010-04-01/Accounts/{account}/") else "path"

    return check
