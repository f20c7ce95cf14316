"""The responder's page: from a link to what it is about, and from a tap to a command.

A GET changes nothing but the note that somebody looked: messengers fetch links to show what is behind them. A POST is
an answer; the page after it says how it stands. The page never refuses a good link: what is not possible any more is
said on it.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from alerts.answer import Answer, LinkRefused, RefusedBecause, command_for, is_given
from alerts.command import Audit
from alerts.identity import normalised
from alerts.incident import Exercise, NotificationStatus
from alerts.lifecycle import CommandRejected
from alerts.people.model import Language
from alerts.privacy import WHAT_IS_PROTECTED, is_protected, veiled
from alerts.text import Text
from console.markup import Tongue
from console.metrics import Refusal, Way
from console.offers import offers
from console.once import Once
from console.page import CONTENT_SECURITY_POLICY, OTHERS_SHOWN, Other, View, draw, draw_refusal, draw_test
from console.question import Question, question_of
from console.request import address_of, form_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from alerts.incident import Incident
    from alerts.people.model import Person
    from console.desk import Desk
    from console.guard import Guard
    from console.metrics import ConsoleMetrics
    from console.settings import ConsoleSection

__all__ = ["Responder"]

LOOK_S: Final = 60.0
"""Looks at the same thing through the same link from the same address are one look for so long, s."""
_HEADERS: Final = {"content-security-policy": CONTENT_SECURITY_POLICY}
_BOTH: Final = Tongue(())


class Responder:
    """`/a/{token}`. push: whether browsers can subscribe; steady: s of a clock that never steps."""

    def __init__(
        self,
        desk: Desk,
        settings: ConsoleSection,
        metrics: ConsoleMetrics,
        guard: Guard,
        *,
        push: bool = False,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._desk = desk
        self._settings = settings
        self._metrics = metrics
        self._guard = guard
        self._push = push
        self._steady = steady
        self._done: Once[bool] = Once()
        self._looks: Once[None] = Once(for_s=LOOK_S, steady=steady)

    @property
    def routes(self) -> list[Route]:
        """The page's addresses."""
        return [Route("/a/{token}", self.show), Route("/a/{token}", self.answer, methods=["POST"])]

    # ── looking ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def show(self, request: Request) -> Response:
        """GET: the page as it stands."""
        question = self.open(request)
        if isinstance(question, Response):
            return question
        if question.is_test:
            return self._test(request, question)
        incident = self._wanted(question, request.query_params.get("incident", ""))
        if incident is None:
            return self._gone()
        seen = await self._seen(incident, question, address_of(request))
        return Response(draw(self._view(request, question, seen)), media_type="text/html", headers=_HEADERS)

    def _test(self, request: Request, question: Question) -> Response:
        is_answered = self._desk.outbox.status(question.notification) is NotificationStatus.ANSWERED
        path = f"/a/{request.path_params['token']}"
        page = draw_test(self.tongue(question), path, is_answered=is_answered, phone=self._settings.duty_phone)
        return Response(page, media_type="text/html", headers=_HEADERS)

    def open(self, request: Request) -> Question | Response:
        """Return what the request's token is about, or the page that says why it opens nothing."""
        try:
            notification = self._desk.links.read(request.path_params["token"], self._desk.now_us)
        except LinkRefused as refused:
            return self._refused(refused.reason, address_of(request))
        question = question_of(self._desk, notification)
        return self._gone() if question is None else question

    def person(self, question: Question) -> Person | None:
        """Return who was asked; None where the directory does not have them any more."""
        return next((one for one in self._desk.directory.people if one.name == question.person), None)

    def tongue(self, question: Question) -> Tongue:
        """Return the languages of who was asked."""
        person = self.person(question)
        return Tongue(person.languages if person is not None else tuple(Language))

    def _wanted(self, question: Question, typed: str) -> Incident | None:
        """Return the incident to show: the one named, where the message is about it; else the first still known."""
        wanted = normalised(typed)
        names = [wanted] if wanted in question.incidents else question.incidents
        return next((found for name in names if (found := self._desk.incidents.get(name)) is not None), None)

    async def _seen(self, incident: Incident, question: Question, address: str) -> Incident:
        """Return what this person may see of it, after the look is in the journal."""
        if not is_protected(incident):
            return incident
        allowed = incident.state.is_open

        async def note() -> None:
            for what in WHAT_IS_PROTECTED:
                await self._desk.submit(
                    Audit(
                        by=question.person,
                        origin=f"link {address}",
                        subject=incident.device,
                        what=what,
                        incident=incident.id,
                        allowed=allowed,
                    )
                )

        await self._looks.do((question.notification, incident.id, address, allowed), note)
        return incident if allowed else veiled(incident)

    def _view(self, request: Request, question: Question, incident: Incident) -> View:
        people = {person.name: person for person in self._desk.directory.people}
        rest = [found for name in question.incidents if (found := self._desk.incidents.get(name)) is not None]
        others = [veiled(other) for other in rest if other.id != incident.id]
        first = _number(request.query_params.get("from", ""), len(others))
        said = request.query_params.get("said", "")
        path = f"/a/{request.path_params['token']}"
        return View(
            path=path,
            incident=incident,
            offers=self._offers(incident, question),
            person=question.person,
            called=lambda name: people[name].called if name in people else name,
            tongue=self.tongue(question),
            zone=ZoneInfo(self._desk.directory.timezone),
            now_us=self._desk.now_us,
            is_drill=question.is_drill or incident.exercise is Exercise.DRILL,
            asked=[ask.person for ask in self._desk.response.asks(incident.id)],
            others=[Other(o, self._offers(o, question)) for o in others[first : first + OTHERS_SHOWN]],
            first=first,
            others_count=len(others),
            said=Answer(said) if said in set(Answer) else None,
            too_late=said == Refusal.TOO_LATE,
            map_url=self._settings.map_url,
            phone=self._settings.duty_phone,
            push_path=f"{path}/push" if self._push and self.person(question) is not None else "",
        )

    def _offers(self, incident: Incident, question: Question) -> tuple[Answer, ...]:
        """Return what is offered: nothing to who is in the directory no more."""
        return offers(incident, question.person) if self.person(question) is not None else ()

    # ── answering ────────────────────────────────────────────────────────────────────────────────────────────────

    async def answer(self, request: Request) -> Response:
        """POST: an answer; the page after it shows how it stands."""
        question = self.open(request)
        if isinstance(question, Response):
            return question
        try:
            form = await form_of(request)
            answer, rating = _answer(form.get("answer", ""))
        except ValueError:
            return self._bad_form()
        if self.person(question) is None:
            return self._gone()
        if question.is_test:
            return await self._answer_test(request, question)
        incident = self._desk.incidents.get(form.get("incident", ""))
        if incident is None or incident.id not in question.incidents:
            return self._bad_form()

        async def act() -> bool:
            return await self._submit(answer, incident, question, address_of(request), rating)

        key = (question.notification, incident.id, form["answer"], form.get("seen", ""))
        taken, _ = await self._done.do(key, act)
        said = answer if taken else Refusal.TOO_LATE
        query = urlencode({"incident": incident.id, "said": said})
        return RedirectResponse(f"/a/{request.path_params['token']}?{query}", 303)

    async def _answer_test(self, request: Request, question: Question) -> Response:
        if self._desk.outbox.status(question.notification) is not NotificationStatus.ANSWERED:
            command = command_for(
                Answer.ACCEPT,
                question.incidents[0],
                by=question.person,
                origin=f"link {address_of(request)}",
                notification=question.notification,
            )
            try:
                await self._desk.submit(command)
            except CommandRejected:
                return self._gone()
            self._metrics.answer(Answer.ACCEPT, Way.LINK)
        return RedirectResponse(f"/a/{request.path_params['token']}", 303)

    async def _submit(self, answer: Answer, incident: Incident, question: Question, address: str, rating: int) -> bool:
        """Put the answer into the journal; return whether it stands now."""
        if is_given(answer, incident, question.person):
            return True
        command = command_for(
            answer,
            incident.id,
            by=question.person,
            origin=f"link {address}",
            notification=question.notification,
            rating=rating,
        )
        try:
            await self._desk.submit(command)
        except CommandRejected:
            self._metrics.refuse(Refusal.TOO_LATE)
            return False
        self._metrics.answer(answer, Way.LINK)
        return True

    # ── refusing ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _refused(self, reason: RefusedBecause, address: str) -> Response:
        if reason is RefusedBecause.EXPIRED:
            self._metrics.refuse(Refusal.EXPIRED_LINK)
            return self._page(_EXPIRED, 410)
        self._metrics.refuse(Refusal.BAD_LINK)
        wait_s = self._guard.wrong(address, self._steady())
        if wait_s is None:
            return self._page(_BAD, 404)
        self._metrics.refuse(Refusal.GUESSING)
        return self._page(_BAD, 429, {"retry-after": str(int(wait_s) + 1)})

    def _gone(self) -> Response:
        self._metrics.refuse(Refusal.GONE)
        return self._page(_GONE, 410)

    def _bad_form(self) -> Response:
        self._metrics.refuse(Refusal.BAD_FORM)
        return self._page(_BAD_FORM, 400)

    def _page(self, told: Text, status: int, headers: dict[str, str] | None = None) -> Response:
        page = draw_refusal(_BOTH, told, self._settings.duty_phone)
        return Response(page, status, media_type="text/html", headers=_HEADERS | (headers or {}))


def _answer(typed: str) -> tuple[Answer, int]:
    """Read the value of a button. Raises ValueError where no button of ours has it."""
    if typed in {f"rate-{rating}" for rating in range(1, 6)}:
        return Answer.RATE, int(typed[-1])
    answer = Answer(typed)
    if answer is Answer.RATE:
        raise ValueError("a rating without stars")
    return answer, 0


def _number(typed: str, below: int) -> int:
    return min(int(typed), max(below - 1, 0)) if typed.isdecimal() and len(typed) < 4 else 0  # noqa: PLR2004  # 999 is plenty


_BAD: Final = Text("This link opens nothing. Is it complete?", "链接无效，请检查是否完整。")
_EXPIRED: Final = Text("This link has expired.", "链接已过期。")
_GONE: Final = Text("This matter is done with.", "该事件已办结。")
_BAD_FORM: Final = Text("The answer could not be read. Go back and tap again.", "无法识别您的应答，请返回重试。")
