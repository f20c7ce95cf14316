"""`/a/{token}/push`: where a person lets this browser take messages. The only page of ours with a script."""

from __future__ import annotations

import base64
import hashlib
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING, Final

import msgspec
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from alerts.command import Subscribe, Unsubscribe
from alerts.lifecycle import CommandRejected
from alerts.subscriptions import read_subscription
from alerts.text import Text
from console.metrics import Refusal
from console.page import STYLE_HASH, document
from console.request import address_of

if TYPE_CHECKING:
    from starlette.requests import Request

    from console.desk import Desk
    from console.markup import Tongue
    from console.metrics import ConsoleMetrics
    from console.question import Question
    from console.responder import Responder

__all__ = ["PushPage"]

_FOLDER: Final = files("console")
_PAGE: Final = (_FOLDER / "push.html").read_text(encoding="utf-8")
_SCRIPT: Final = (_FOLDER / "push_page.js").read_text(encoding="utf-8")
_WORKER: Final = (_FOLDER / "push_worker.js").read_bytes()
_WORKER_POLICY: Final = "default-src 'none'"


class PushPage:
    """The page, what it sends, and the service worker. key: our public VAPID key, base64url of the 65-byte point."""

    def __init__(self, desk: Desk, responder: Responder, metrics: ConsoleMetrics, key: str) -> None:
        self._desk = desk
        self._responder = responder
        self._metrics = metrics
        self._key = key

    @property
    def routes(self) -> list[Route]:
        """The addresses."""
        return [
            Route("/a/{token}/push", self.show),
            Route("/a/{token}/push", self.subscribe, methods=["POST"]),
            Route("/a/{token}/push/remove", self.unsubscribe, methods=["POST"]),
            Route("/push/worker.js", self.worker),
        ]

    async def show(self, request: Request) -> Response:
        """GET: the page."""
        question = self._responder.open(request)
        if isinstance(question, Response):
            return question
        tongue = self._responder.tongue(question)
        script = _script(tongue, self._key)
        body = _PAGE.format(
            title=tongue.say(_TITLE),
            about=tongue.say(_ABOUT),
            on=tongue.say(_ON),
            off=tongue.say(_OFF),
            home=tongue.say(_BACK),
            needs=tongue.say(_CANNOT),
            back=f"/a/{escape(request.path_params['token'])}",
            script=script,
        )
        page = document(tongue, f"{tongue.plain(_TITLE)} · 守望 Vigil", body)
        return Response(page, media_type="text/html", headers={"content-security-policy": _policy(script)})

    async def subscribe(self, request: Request) -> Response:
        """POST: the browser's subscription, as JSON."""
        question, said = await self._said(request)
        if isinstance(question, Response):
            return question
        command = Subscribe(person=question.person, subscription=said, origin=f"link {address_of(request)}")
        try:
            read_subscription(said)
            await self._desk.submit(command)
        except (ValueError, CommandRejected):
            return self._refuse()
        return Response(status_code=204)

    async def unsubscribe(self, request: Request) -> Response:
        """POST: the same, of a browser that takes no more."""
        question, said = await self._said(request)
        if isinstance(question, Response):
            return question
        try:
            endpoint = read_subscription(said).endpoint
        except ValueError:
            return self._refuse()
        await self._desk.submit(Unsubscribe(endpoint=endpoint, origin=f"link {address_of(request)}"))
        return Response(status_code=204)

    async def worker(self, _: Request) -> Response:
        """GET: the service worker, which shows messages."""
        return Response(_WORKER, media_type="text/javascript", headers={"content-security-policy": _WORKER_POLICY})

    async def _said(self, request: Request) -> tuple[Question | Response, str]:
        question = self._responder.open(request)
        if isinstance(question, Response):
            return question, ""
        if self._responder.person(question) is None:
            return self._refuse(), ""
        return question, (await request.body()).decode("utf-8", "replace")

    def _refuse(self) -> Response:
        self._metrics.refuse(Refusal.BAD_REQUEST)
        return PlainTextResponse("no subscription\n", 400)


def _script(tongue: Tongue, key: str) -> str:
    words = {
        "key": key,
        "done": tongue.plain(_DONE),
        "ended": tongue.plain(_ENDED),
        "denied": tongue.plain(_DENIED),
        "failed": tongue.plain(_FAILED),
        "cannot": tongue.plain(_CANNOT),
    }
    return _SCRIPT.replace("WORDS", msgspec.json.encode(words).decode().replace("<", "\\u003c"))


def _policy(script: str) -> str:
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src {STYLE_HASH}; script-src 'sha256-{digest}'; connect-src 'self'; "
        "worker-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
    )


_TITLE: Final = Text("Messages in this browser", "在此浏览器接收消息")
_ABOUT: Final = Text(
    "Alarms then come to this device at once, even while the browser is closed. They cost nothing.",
    "开启后，即使浏览器已关闭，报警也会立即送达本机，不产生短信费用。",
)
_ON: Final = Text("Switch on", "开启")
_OFF: Final = Text("Switch off", "关闭")
_BACK: Final = Text("Back", "返回")
_DONE: Final = Text("It is on.", "已开启。")
_ENDED: Final = Text("It is off.", "已关闭。")
_DENIED: Final = Text(
    "The browser does not allow it. Allow notifications and try again.", "浏览器未允许通知，请允许后重试。"
)
_FAILED: Final = Text("It did not work. Try again later.", "操作失败，请稍后重试。")
_CANNOT: Final = Text("This browser cannot take messages.", "此浏览器不支持接收消息。")
