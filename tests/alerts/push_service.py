"""A push service on 127.0.0.1, and browsers that subscribe to it: it believes nothing and decrypts everything."""

from __future__ import annotations

import base64
import json
import os
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import http_ece
from aiohttp import web
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

__all__ = ["Browser", "Push", "PushService", "push_service"]


def unpadded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def padded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass(slots=True)
class Browser:
    """One subscription: its keys stay here, and the service answers for it with `status`."""

    name: str
    status: int = 201
    headers: dict[str, str] = field(default_factory=dict)
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    secret: bytes = field(default_factory=lambda: os.urandom(16))

    def subscription(self, root: str) -> str:
        """Return what the page's script would send."""
        point = self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return json.dumps(
            {
                "endpoint": f"{root}/push/{self.name}",
                "expirationTime": None,
                "keys": {"p256dh": unpadded(point), "auth": unpadded(self.secret)},
            }
        )

    def read(self, body: bytes) -> dict[str, Any]:
        """Decrypt what came (RFC 8291)."""
        plain: bytes = http_ece.decrypt(body, private_key=self.key, auth_secret=self.secret, version="aes128gcm")
        document: dict[str, Any] = json.loads(plain)
        return document


@dataclass(frozen=True, slots=True)
class Push:
    """One message as the service saw it; claims: of its signed token."""

    browser: str
    headers: dict[str, str]
    claims: dict[str, Any]
    sender: str
    size: int
    said: dict[str, Any]


@dataclass(slots=True)
class PushService:
    """Takes messages for its browsers; refuses with 403 what is not signed for it."""

    root: str = ""
    browsers: dict[str, Browser] = field(default_factory=dict)
    pushes: list[Push] = field(default_factory=list)

    def browser(self, name: str, **answers: Any) -> Browser:
        """Return a new browser."""
        self.browsers[name] = Browser(name, **answers)
        return self.browsers[name]

    async def take(self, request: web.Request) -> web.Response:
        browser = self.browsers[request.match_info["name"]]
        body = await request.read()
        try:
            claims, sender = self._claims(request.headers["authorization"])
        except (InvalidSignature, KeyError, ValueError):
            return web.Response(status=403)
        if claims["aud"] != self.root or request.headers["content-encoding"] != "aes128gcm" or len(body) > 4096:
            return web.Response(status=400)
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.pushes.append(Push(browser.name, headers, claims, sender, len(body), browser.read(body)))
        return web.Response(status=browser.status, headers=browser.headers)

    @staticmethod
    def _claims(authorization: str) -> tuple[dict[str, Any], str]:
        """Return a token's claims and whose they are. Raises InvalidSignature where it is not signed with that key."""
        scheme, _, rest = authorization.partition(" ")
        if scheme != "vapid":
            raise ValueError(scheme)
        parts = dict(part.strip().split("=", 1) for part in rest.split(","))
        head, said, signature = parts["t"].split(".")
        raw = padded(signature)
        if json.loads(padded(head))["alg"] != "ES256" or len(raw) != 64:
            raise ValueError(head)
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), padded(parts["k"]))
        both = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
        key.verify(both, f"{head}.{said}".encode(), ec.ECDSA(hashes.SHA256()))
        return json.loads(padded(said)), parts["k"]


@asynccontextmanager
async def push_service() -> AsyncIterator[PushService]:
    """Serve on a free port for the length of the block."""
    service = PushService()
    app = web.Application()
    app.router.add_post("/push/{name}", service.take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    service.root = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield service
    finally:
        await runner.cleanup()
