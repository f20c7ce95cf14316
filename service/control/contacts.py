"""Tests of contacts on the control interface: begin one, and what came of the last ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from starlette.routing import Route

from alerts.command import Test
from alerts.identity import normalised
from service.control.answer import in_json

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from alerts.contact_tests import ContactTests
    from service.core import Core

__all__ = ["WantedTest", "contact_routes"]


class WantedTest(msgspec.Struct, forbid_unknown_fields=True):
    """Who asks for a test, from where, and of whom; of everybody where `people` is empty."""

    by: str
    origin: str
    people: tuple[str, ...] = ()


def contact_routes(core: Core) -> list[Route]:
    """Return `POST /contacts/test`, `GET /contacts/report` and `GET /contacts/report/{id}` of `core`."""
    contacts = _Contacts(core)
    return [
        Route("/contacts/test", contacts.test, methods=["POST"]),
        Route("/contacts/report", contacts.report),
        Route("/contacts/report/{id}", contacts.report),
    ]


class _Contacts:
    def __init__(self, core: Core) -> None:
        self._core = core

    @property
    def _tests(self) -> ContactTests:
        return self._core.shard.alerting.contact_tests

    async def test(self, request: Request) -> Response:
        """Begin a test and return its report as it is at the beginning."""
        try:
            wanted = msgspec.json.decode(await request.body(), type=WantedTest)
        except msgspec.DecodeError as error:
            return in_json({"error": str(error)}, 400)
        command = Test(by=wanted.by, origin=wanted.origin, people=wanted.people)
        effects = await self._core.source.command(command)
        if effects.rejected is not None:
            return in_json({"error": str(effects.rejected)}, 409)
        return in_json(self._tests.report())

    async def report(self, request: Request) -> Response:
        """Return the report of one test, the newest where no id is given."""
        name = normalised(request.path_params.get("id", ""))
        report = self._tests.report(name)
        if report is None:
            known = ", ".join(one.id for one in self._tests.reports())
            wrong = f"no test {name}; there are {known}" if known else "there has been no test yet"
            return in_json({"error": wrong}, 404)
        return in_json(report)
