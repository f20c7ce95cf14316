"""`HttpGateway`: what every channel that speaks HTTP sends with: pooled, bounded, exact about what may have arrived.

What went wrong becomes a `DeliveryError` that says what delivery needs:

    nothing was sent (no address, no connection, bad certificate)      retry
    sent, and no answer came                                           retry where a repeat does no harm, else unknown
    408, 425, 429, 5xx                                                 retry, after `Retry-After` where it is given
    504, where a repeat does harm                                      unknown: who is behind the gateway may have it
    any other status but 2xx                                           refused for good; redirects are not followed
"""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import aiohttp
import msgspec

from alerts.channels.channel import DeliveryError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Mapping

__all__ = ["LONG_NUMBERS", "Answer", "HttpGateway", "retry_after_s"]

CONNECT_S: Final = 5.0
"""For a connection, name look-up and TLS included; less than delivery's time for an attempt, so that what could not
even be sent is known to be so."""
TOTAL_S: Final = 30.0
"""For the whole; delivery's own time for an attempt is what counts."""
ANSWER_BYTES: Final = 65_536
ANSWER_S: Final = 3.0
"""The body of an answer is read so far, and for so long; beyond that it costs its connection."""
CONNECTIONS: Final = 128
KEEP_ALIVE_S: Final = 15.0
KEEP_ALIVE_ONCE_S: Final = 3.0
"""Where a repeat does harm: a far end that closes an idle connection just as we use it leaves us not knowing."""
SAID_CHARACTERS: Final = 120
LONG_NUMBERS: Final = re.compile(r"\+?\d[\d\s().-]{5,}\d|\d{7,}|\d+\*{2,}\d*")
"""What looks like a number to call; far ends repeat it in what they say of a message."""
_AGAIN: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})


@dataclass(frozen=True, slots=True)
class Answer:
    """What the far end said.

    body: its first `ANSWER_BYTES`, cut short where it broke off, or took longer than `ANSWER_S`
    """

    status: int
    reason: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def said(self) -> str:
        """The status line, for the timeline and the log: nothing of the body, and no number to call."""
        return f"HTTP {self.status} {LONG_NUMBERS.sub('…', self.reason)}".rstrip()[:SAID_CHARACTERS]

    @property
    def is_success(self) -> bool:
        """Whether it is a 2xx."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES


class HttpGateway:
    """Talks to one far end, or a few of one kind.

    idempotent:  a request that comes twice does no harm, since the far end knows a repeat
    headers:     sent with each request
    verify:      the certificates to trust, where not those of the machine
    proxy:       URL of an HTTP proxy, "" for none
    connections: kept open and used at once, at most
    clock_us:    µs since the epoch, for a `Retry-After` that is a date

    No request is ever sent twice on one's own account, be it a GET.
    """

    def __init__(
        self,
        *,
        idempotent: bool,
        headers: Mapping[str, str] | None = None,
        verify: ssl.SSLContext | None = None,
        proxy: str = "",
        connections: int = CONNECTIONS,
        clock_us: Callable[[], int] = lambda: time.time_ns() // 1000,
    ) -> None:
        self._idempotent = idempotent
        self._headers = {"user-agent": "Vigil", "accept-encoding": "identity", **(headers or {})}
        self._verify = verify
        self._proxy = proxy or None
        self._connections = connections
        self._clock_us = clock_us
        self._session: aiohttp.ClientSession | None = None

    async def post(self, url: str, body: bytes, headers: Mapping[str, str] | None = None) -> Answer:
        """POST and return the answer, a 2xx. Raises DeliveryError for any other, and where none came."""
        answer = await self.request("POST", url, body=body, headers=headers)
        if not answer.is_success:
            raise self.refusal(answer)
        return answer

    async def request(
        self, method: str, url: str, *, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send and return the answer whatever its status: `refusal` makes an error of it.

        Raises DeliveryError where no answer came.
        """
        try:
            async with self._opened().request(
                method, url, data=body or None, headers=headers, proxy=self._proxy, allow_redirects=False
            ) as response:
                said = await _read(response)
        except _NoAnswerError as error:
            raise self.unknown(f"no answer: {error}") from error
        except aiohttp.ServerTimeoutError as error:  # its text holds the URL, which may hold a token
            raise DeliveryError(f"no connection within {CONNECT_S:g} s", retry=True) from error
        except aiohttp.ClientHttpProxyError as error:
            raise DeliveryError(f"the proxy said HTTP {error.status}", retry=True) from error
        except aiohttp.ClientConnectionError as error:
            raise DeliveryError(_named(error), retry=True) from error
        except TimeoutError as error:
            raise self.unknown(f"no answer within {TOTAL_S:g} s") from error
        except aiohttp.ClientResponseError as error:  # and so does its
            raise self.unknown(f"no HTTP answer: {type(error).__name__}") from error
        except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError, ValueError) as error:
            raise DeliveryError("not an URL or headers that can be sent", retry=False) from error
        except aiohttp.ClientError as error:
            raise self.unknown(_named(error)) from error
        return Answer(response.status, response.reason or "", response.headers, said)

    def refusal(self, answer: Answer) -> DeliveryError:
        """Return what an answer that is no 2xx means to delivery."""
        if answer.status == HTTPStatus.GATEWAY_TIMEOUT and not self._idempotent:
            return self.unknown(answer.said)
        if answer.status in _AGAIN or answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            wait_s = retry_after_s(answer.headers.get("retry-after"), self._clock_us())
            return DeliveryError(answer.said, retry=True, retry_after_s=wait_s)
        return DeliveryError(answer.said, retry=False)

    def unknown(self, reason: str) -> DeliveryError:
        """Return the error for what may have been taken: to retry where a repeat does no harm."""
        return DeliveryError(reason, retry=self._idempotent, unknown=not self._idempotent)

    def document(self, answer: Answer) -> dict[str, Any]:
        """Return an answer's JSON object. Raises DeliveryError, as for what may have been taken, where it is none."""
        try:
            return msgspec.json.decode(answer.body, type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise self.unknown(f"{answer.said}, and no JSON object") from error

    async def close(self) -> None:
        """Close the connections; a request after this opens new ones."""
        if self._session is not None:
            session, self._session = self._session, None
            await session.close()

    def _opened(self) -> aiohttp.ClientSession:
        """Return the session; it is made when first needed, since it belongs to the running loop."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=self._connections,
                    keepalive_timeout=KEEP_ALIVE_S if self._idempotent else KEEP_ALIVE_ONCE_S,
                    ssl=True if self._verify is None else self._verify,
                ),
                timeout=aiohttp.ClientTimeout(total=TOTAL_S, connect=CONNECT_S),
                headers=self._headers,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                middlewares=(_once,),
            )
        return self._session


def retry_after_s(value: str | None, now_us: int) -> float | None:
    """Return for how many s `Retry-After` (s, or a date) asks; None where it is missing or makes no sense."""
    if value is None:
        return None
    if value.strip().isdecimal():
        return float(value)
    try:
        at = parsedate_to_datetime(value)
    except (ValueError, OverflowError):  # a zone or a day of 20 digits
        return None
    return max(0.0, (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() - now_us / 1e6)


class _NoAnswerError(aiohttp.ClientError):
    """The connection was lost after the request may have left."""


async def _once(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Send, and keep aiohttp from sending a GET again by itself: at some gateways a GET is a message to a person."""
    try:
        return await send(request)
    except (aiohttp.ClientConnectorError, aiohttp.ServerTimeoutError):
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise _NoAnswerError(_named(error)) from error


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """Return the first `ANSWER_BYTES` of the body. The status has been said: a break after it takes nothing back."""
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(ANSWER_S):
            async for part in response.content.iter_any():
                parts.append(part)
                size += len(part)
                if size > ANSWER_BYTES:
                    response.close()
                    break
    except (aiohttp.ClientPayloadError, aiohttp.ClientConnectionError, TimeoutError):
        response.close()
    return b"".join(parts)[:ANSWER_BYTES]


def _named(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:SAID_CHARACTERS]
