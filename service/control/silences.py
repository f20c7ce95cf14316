"""Silences on the control interface: what is silenced, by whom, why and until when."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from starlette.routing import Route

from alerts.command import EndSilence, Matcher, Silence
from alerts.identity import normalised
from service.control.answer import in_json

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from alerts.noise.noise import Noise
    from alerts.noise.silences import SilenceInForce
    from service.core import Core

__all__ = ["EndedSilence", "WantedSilence", "silence_routes"]


class WantedSilence(msgspec.Struct, forbid_unknown_fields=True):
    """A silence as a person asks for it; the fields are those of `alerts.command.Silence`."""

    matcher: Matcher
    ends_us: int
    by: str
    origin: str
    reason: str
    id: str = ""
    starts_us: int = 0
    maintenance: bool = False
    life_safety: bool = False

    def command(self) -> Silence:
        """Return the command that makes or changes it."""
        return Silence(
            matcher=self.matcher,
            ends_us=self.ends_us,
            by=self.by,
            origin=self.origin,
            reason=self.reason,
            id=self.id,
            starts_us=self.starts_us,
            maintenance=self.maintenance,
            life_safety=self.life_safety,
        )


class EndedSilence(msgspec.Struct, forbid_unknown_fields=True):
    """Who ends a silence, and from where."""

    by: str
    origin: str


def silence_routes(core: Core) -> list[Route]:
    """Return `GET /silences`, `POST /silences` and `POST /silences/{id}/end` of `core`."""
    silences = _Silences(core)
    return [
        Route("/silences", silences.list),
        Route("/silences", silences.make, methods=["POST"]),
        Route("/silences/{id}/end", silences.end, methods=["POST"]),
    ]


class _Silences:
    def __init__(self, core: Core) -> None:
        self._core = core

    def _known(self) -> list[SilenceInForce]:
        noise: Noise = self._core.shard.alerting.noise
        return noise.silences(self._core.shard.now_us)

    async def list(self, _: Request) -> Response:
        return in_json(self._known())

    async def make(self, request: Request) -> Response:
        try:
            command = msgspec.json.decode(await request.body(), type=WantedSilence).command()
        except msgspec.DecodeError as error:
            return in_json({"error": str(error)}, 400)
        before = {one.id for one in self._known()}
        effects = await self._core.source.command(command)
        if effects.rejected is not None:
            return in_json({"error": str(effects.rejected)}, 409)
        made = next(one for one in self._known() if _is_of(one, command, before))
        return in_json(made)

    async def end(self, request: Request) -> Response:
        try:
            wanted = msgspec.json.decode(await request.body(), type=EndedSilence)
        except msgspec.DecodeError as error:
            return in_json({"error": str(error)}, 400)
        command = EndSilence(id=request.path_params["id"], by=wanted.by, origin=wanted.origin)
        effects = await self._core.source.command(command)
        if effects.rejected is not None:
            return in_json({"error": str(effects.rejected)}, 409)
        return in_json(next(one for one in self._known() if one.id == normalised(command.id)))


def _is_of(one: SilenceInForce, command: Silence, before: set[str]) -> bool:
    """Say whether `command` made or changed it: somebody else may have made one meanwhile."""
    if command.id:
        return one.id == normalised(command.id)
    wanted = (command.matcher, command.ends_us, command.by.strip(), command.reason.strip())
    return one.id not in before and (one.matcher, one.ends_us, one.by, one.reason) == wanted
