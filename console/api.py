"""The HTTP API: every command, and what there is to decide about. docs/api.md, and `/api/v1/openapi.json`."""

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING, Any, Final

import msgspec
from starlette.responses import Response
from starlette.routing import Route

from alerts.command import Audit, External, Settle, Silence, StartDrill, Subscribe, Test, Unsubscribe
from alerts.identity import normalised
from alerts.incident import IncidentEvent
from alerts.lifecycle import CommandRejected
from alerts.privacy import WHAT_IS_PROTECTED, is_protected, veiled
from console.metrics import Refusal
from console.once import Once
from console.openapi import document
from console.orders import ORDERS, Order
from console.reading import BodyFaults, read
from console.request import address_of
from console.settings import May
from console.shown import Fault, Made, SeenAsk, SeenIncident

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from starlette.requests import Request

    from alerts.command import Command
    from alerts.incident import AlertEvent, Incident
    from console.desk import Desk
    from console.guard import Guard
    from console.metrics import ConsoleMetrics
    from console.tokens import Bearer, Tokens

__all__ = ["PREFIX", "Api"]

PREFIX: Final = "/api/v1"
LIST_MOST: Final = 1_000
LIST_USUAL: Final = 100
LIMIT_DIGITS: Final = 9
KEY_CHARACTERS: Final = 200
_JSON: Final = "application/json"


class Refused(Exception):
    """A request that gets an answer other than what it wanted."""

    def __init__(self, status: int, fault: Fault, why: Refusal, headers: dict[str, str] | None = None) -> None:
        super().__init__(fault.error)
        self.status = status
        self.fault = fault
        self.why = why
        self.headers = headers


class Api:
    """`/api/v1/…`. steady: s of a clock that never steps."""

    def __init__(
        self,
        desk: Desk,
        tokens: Tokens,
        metrics: ConsoleMetrics,
        guard: Guard,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._desk = desk
        self._tokens = tokens
        self._metrics = metrics
        self._guard = guard
        self._steady = steady
        self._done: Once[Response] = Once()
        self._document = document()

    @property
    def routes(self) -> list[Route]:
        """The API's addresses."""
        looks = [
            ("/incidents", self._incidents),
            ("/incidents/{incident}", self._incident),
            ("/incidents/{incident}/timeline", self._timeline),
            ("/incidents/{incident}/asks", self._asks),
            ("/silences", self._silences),
            ("/contact-tests", self._contact_tests),
        ]
        return [
            Route(f"{PREFIX}/openapi.json", self._openapi),
            *(Route(PREFIX + path, self._look(act)) for path, act in looks),
            *(Route(PREFIX + order.path, self._order(order), methods=[order.method]) for order in ORDERS),
        ]

    # ── looking ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def _openapi(self, _: Request) -> Response:
        return Response(self._document, media_type=_JSON)

    async def _incidents(self, request: Request, bearer: Bearer) -> Response:
        query, faults = request.query_params, []
        state, limit, site = query.get("state", "open"), query.get("limit", str(LIST_USUAL)), query.get("site")
        if state not in {"open", "recent"}:
            faults.append(f"state: {state!r} is none; there are open, recent")
        if not limit.isdecimal() or len(limit) > LIMIT_DIGITS or not 0 < int(limit) <= LIST_MOST:
            faults.append(f"limit: {limit!r}; wanted a number from 1 to {LIST_MOST}")
        if faults:
            raise _bad(faults)
        incidents = self._desk.incidents
        known = incidents.open() if state == "open" else incidents.recent(LIST_MOST)
        mine = [one for one in known if bearer.sees(one.site) and site in (None, one.site)]
        return _json([self._seen(veiled(one)) for one in mine[: int(limit)]])

    async def _incident(self, request: Request, bearer: Bearer) -> Response:
        incident = self._find(request, bearer)
        shown = await self._shown(incident, request, bearer)
        return _json(self._seen(incident if shown else veiled(incident)))

    async def _timeline(self, request: Request, bearer: Bearer) -> Response:
        incident = self._find(request, bearer)
        shown = await self._shown(incident, request, bearer)
        events = await self._desk.timeline(incident.id)
        return _json(events if shown else [_veiled_event(event) for event in events])

    async def _asks(self, request: Request, bearer: Bearer) -> Response:
        incident = self._find(request, bearer)
        return _json([SeenAsk.of(ask) for ask in self._desk.response.asks(incident.id)])

    async def _silences(self, _: Request, bearer: Bearer) -> Response:
        silences = self._desk.noise.silences(self._desk.now_us)
        return _json([one for one in silences if not bearer.sites or one.matcher.site in bearer.sites])

    async def _contact_tests(self, _: Request, bearer: Bearer) -> Response:
        if bearer.sites:
            raise Refused(403, Fault("people are of no site, and this token is for some only"), Refusal.NOT_ALLOWED)
        return _json(self._desk.contact_tests.reports())

    def _seen(self, incident: Incident) -> SeenIncident:
        desk = self._desk
        return SeenIncident.of(incident, desk.response, desk.noise)

    async def _shown(self, incident: Incident, request: Request, bearer: Bearer) -> bool:
        """Say whether all of it may be seen; where it is protected, the look is in the journal first."""
        if not is_protected(incident):
            return True
        for what in WHAT_IS_PROTECTED:
            await self._desk.submit(
                Audit(
                    by=bearer.name,
                    origin=_origin(request, bearer),
                    subject=incident.device,
                    what=what,
                    incident=incident.id,
                    allowed=incident.state.is_open,
                )
            )
        return incident.state.is_open

    def _find(self, request: Request, bearer: Bearer) -> Incident:
        name = request.path_params["incident"]
        incident = self._desk.incidents.get(name)
        if incident is None or not bearer.sees(incident.site):
            told = Fault(f"no incident {name!r} among the open and the recent ones")
            raise Refused(404, told, Refusal.BAD_REQUEST)
        return incident

    def _find_silence(self, request: Request, bearer: Bearer) -> None:
        """Refuse where there is no such silence, or none of the bearer's sites."""
        name = normalised(request.path_params["id"])
        silences = self._desk.noise.silences(self._desk.now_us)
        if not any(one.id == name and (not bearer.sites or one.matcher.site in bearer.sites) for one in silences):
            raise Refused(404, Fault(f"no silence {name!r} is planned, in force or ended lately"), Refusal.BAD_REQUEST)

    # ── deciding ─────────────────────────────────────────────────────────────────────────────────────────────────

    async def _take(self, order: Order, request: Request, bearer: Bearer) -> Response:
        """Do what the request orders; a repeat of its `Idempotency-Key` gets the first one's answer."""
        body = await request.body()
        key = request.headers.get("idempotency-key", "")
        if not key:
            return await self._submit(order, request, bearer, body)
        if len(key) > KEY_CHARACTERS:
            raise _bad([f"Idempotency-Key: wanted {KEY_CHARACTERS} characters at most"])
        asked = hashlib.sha256(f"{request.method} {request.url.path}\n".encode() + body).hexdigest()

        async def act() -> Response:
            answer = await self._submit(order, request, bearer, body)
            answer.headers["x-asked"] = asked
            return answer

        answer, again = await self._done.do((bearer.name, key), act)
        if again and answer.headers["x-asked"] != asked:
            told = Fault("this Idempotency-Key was used for another request")
            raise Refused(422, told, Refusal.BAD_REQUEST)
        headers = {"idempotency-replayed": "true"} if again else {}
        return Response(answer.body, answer.status_code, headers, media_type=_JSON)

    async def _submit(self, order: Order, request: Request, bearer: Bearer, body: bytes) -> Response:
        if order.of_incident:
            self._find(request, bearer)
        if order.of_silence:
            self._find_silence(request, bearer)
        given = {**request.path_params, **dict(order.fixed), "origin": _origin(request, bearer)}
        try:
            command = read(body, order.command, given, {"by": bearer.name})
        except BodyFaults as wrong:
            raise _bad(wrong.faults) from None
        if not getattr(command, "by", bearer.name).strip():
            raise _bad(["by: who does so? it is empty"])
        self._check_site(command, bearer)
        try:
            made = await self._desk.submit(command)
        except CommandRejected as rejected:
            told = Fault(rejected.wrong, possible=tuple(rejected.possible))
            raise Refused(409, told, Refusal.TOO_LATE) from None
        incident = self._desk.incidents.get(made) if made else None
        return _json(Made(made, None if incident is None else self._seen(veiled(incident))))

    def _check_site(self, command: Command, bearer: Bearer) -> None:
        """Refuse what is about other sites than the bearer's; whose incident or silence it is was looked at before."""
        if not bearer.sites:
            return
        match command:
            case Silence():
                sites = [command.matcher.site]
            case StartDrill():
                sites = [command.device.partition("/")[0]]
            case Audit():
                sites = [command.subject.partition("/")[0]]
            case External():
                sites = [command.site]
            case Test() | Subscribe() | Unsubscribe():
                sites = [""]  # people are of no site
            case Settle():
                owed = self._desk.outbox.get(command.notification)
                sites = ["" if owed is None else owed.incident.site]
            case _:
                return
        if not all(site in bearer.sites for site in sites):
            told = Fault(f"this token is for {', '.join(bearer.sites)} only")
            raise Refused(403, told, Refusal.NOT_ALLOWED)

    # ── letting in ───────────────────────────────────────────────────────────────────────────────────────────────

    def _look(self, act: Callable[[Request, Bearer], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def look(request: Request) -> Response:
            return await self._answered(request, May.READ, act)

        return look

    def _order(self, order: Order) -> Callable[[Request], Awaitable[Response]]:
        async def take(request: Request) -> Response:
            return await self._answered(request, order.may, lambda request, bearer: self._take(order, request, bearer))

        return take

    async def _answered(
        self, request: Request, may: May, act: Callable[[Request, Bearer], Awaitable[Response]]
    ) -> Response:
        try:
            return await act(request, self._bearer(request, may))
        except Refused as refused:
            self._metrics.refuse(refused.why)
            return Response(msgspec.json.encode(refused.fault), refused.status, refused.headers, media_type=_JSON)

    def _bearer(self, request: Request, may: May) -> Bearer:
        bearer = self._tokens.bearer(request.headers.get("authorization", ""))
        if bearer is None:
            wait_s = self._guard.wrong(address_of(request), self._steady())
            told = Fault("wanted a bearer token that the settings know")
            if wait_s is not None:
                raise Refused(429, told, Refusal.GUESSING, {"retry-after": str(int(wait_s) + 1)})
            raise Refused(401, told, Refusal.BAD_TOKEN, {"www-authenticate": "Bearer"})
        if may not in bearer.may:
            raise Refused(403, Fault(f"this token may not {may}"), Refusal.NOT_ALLOWED)
        return bearer


def _veiled_event(event: AlertEvent) -> AlertEvent:
    """Return a line of a closed elder's incident: what happened when, and by whom; without the words."""
    if isinstance(event, IncidentEvent):
        return msgspec.structs.replace(event, text_en="", text_zh="", incident=veiled(event.incident))
    return event


def _origin(request: Request, bearer: Bearer) -> str:
    return f"api {bearer.name} {address_of(request)}"


def _bad(faults: Iterable[str]) -> Refused:
    said = tuple(faults)
    return Refused(400, Fault("; ".join(said), faults=said), Refusal.BAD_REQUEST)


def _json(content: Any) -> Response:
    return Response(msgspec.json.encode(content), media_type=_JSON)
