"""`Tokens`: whose bearer token it is, and what it may do."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from console.settings import May, TokenSection

__all__ = ["Bearer", "Tokens"]


@dataclass(frozen=True, slots=True)
class Bearer:
    """A system that uses the API. sites: () means all."""

    name: str
    may: frozenset[May]
    sites: tuple[str, ...] = ()

    def sees(self, site: str) -> bool:
        """Say whether things of `site` exist for it."""
        return not self.sites or site in self.sites


class Tokens:
    """The tokens of the settings, as digests: how long a comparison takes tells nothing."""

    def __init__(self, sections: Iterable[TokenSection]) -> None:
        self._known = [
            (_digest(section.secret.get_secret_value()), Bearer(section.name, frozenset(section.may), section.sites))
            for section in sections
        ]

    def bearer(self, authorization: str) -> Bearer | None:
        """Return whose `Authorization` header it is; None where it is nobody's."""
        scheme, _, secret = authorization.partition(" ")
        given = _digest(secret.strip())
        found = None
        for digest, bearer in self._known:
            if hmac.compare_digest(digest, given):
                found = bearer
        return found if scheme.lower() == "bearer" else None


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
