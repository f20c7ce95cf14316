"""How vendors have requests signed; each is checked against the example that the vendor published.

acs3:   Alibaba Cloud, "V3 request syntax and signature method" (ACS3-HMAC-SHA256)
tc3:    Tencent Cloud, "Signature v3" (TC3-HMAC-SHA256)
twilio: Twilio, "Validating requests are coming from Twilio" (X-Twilio-Signature)
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["acs3", "basic", "tc3", "twilio"]


def acs3(
    *,
    key_id: str,
    secret: str,
    host: str,
    action: str,
    version: str,
    query: Mapping[str, str],
    nonce: str,
    now_us: int,
) -> tuple[str, dict[str, str]]:
    """Sign a POST to `/` whose parameters are all in the query, and whose body is empty.

    Returns the query string to send and the headers.
    """
    sent = "&".join(f"{_quoted(name)}={_quoted(value)}" for name, value in sorted(query.items()))
    body_hash = hashlib.sha256(b"").hexdigest()
    headers = {
        "host": host,
        "x-acs-action": action,
        "x-acs-content-sha256": body_hash,
        "x-acs-date": _utc(now_us).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "x-acs-signature-nonce": nonce,
        "x-acs-version": version,
    }
    names = ";".join(sorted(headers))
    lines = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    request = f"POST\n/\n{sent}\n{lines}\n{names}\n{body_hash}"
    digest = hashlib.sha256(request.encode()).hexdigest()
    signature = hmac.new(secret.encode(), f"ACS3-HMAC-SHA256\n{digest}".encode(), hashlib.sha256).hexdigest()
    headers["authorization"] = f"ACS3-HMAC-SHA256 Credential={key_id},SignedHeaders={names},Signature={signature}"
    return sent, headers


def tc3(
    *,
    key_id: str,
    secret: str,
    service: str,
    host: str,
    action: str,
    version: str,
    region: str,
    body: bytes,
    now_us: int,
) -> dict[str, str]:
    """Return the headers of a POST of JSON to `/`."""
    seconds = now_us // 1_000_000
    date = _utc(now_us).strftime("%Y-%m-%d")
    headers = {"content-type": "application/json; charset=utf-8", "host": host, "x-tc-action": action.lower()}
    names = ";".join(headers)
    lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
    request = "\n".join(["POST", "/", "", lines, names, hashlib.sha256(body).hexdigest()])
    scope = f"{date}/{service}/tc3_request"
    signed = "\n".join(["TC3-HMAC-SHA256", str(seconds), scope, hashlib.sha256(request.encode()).hexdigest()])
    key = f"TC3{secret}".encode()
    for part in (date, service, "tc3_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.new(key, signed.encode(), hashlib.sha256).hexdigest()
    return {
        "content-type": headers["content-type"],
        "host": host,
        "x-tc-action": action,
        "x-tc-version": version,
        "x-tc-region": region,
        "x-tc-timestamp": str(seconds),
        "authorization": f"TC3-HMAC-SHA256 Credential={key_id}/{scope}, SignedHeaders={names}, Signature={signature}",
    }


def twilio(token: str, url: str, fields: Iterable[tuple[str, str]]) -> str:
    """Return the `X-Twilio-Signature` of a form that is POSTed to `url`; a field that comes twice the same is one."""
    signed = url + "".join(name + value for name, value in sorted(set(fields)))
    return base64.b64encode(hmac.digest(token.encode(), signed.encode(), "sha1")).decode()


def basic(username: str, password: str) -> str:
    """Return the `authorization` of RFC 7617."""
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


def _quoted(text: str) -> str:
    return quote(text, safe="~")


def _utc(now_us: int) -> datetime:
    return datetime.fromtimestamp(now_us // 1_000_000, UTC)
