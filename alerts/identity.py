"""Identities: short names made from what caused a thing, so that a replay makes the same ones."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Container

__all__ = ["INCIDENT_CHARACTERS", "NOTIFICATION_CHARACTERS", "identity", "normalised"]

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no I, L, O or U, so that a name can be read out on the phone."""
BITS = 5
INCIDENT_CHARACTERS = 8
"""40 bits: typed by people, and checked against every incident still held."""
NOTIFICATION_CHARACTERS = 20
"""100 bits: never typed, and too many to meet by chance."""

_READ_AS = str.maketrans({"O": "0", "I": "1", "L": "1", "-": "", " ": ""})


def identity(*causes: str | int, characters: int, taken: Container[str] = ()) -> str:
    """Return the first name of `causes` that is not in `taken`; the same arguments give the same name."""
    cause = "\x1f".join(str(part) for part in causes)
    salt = 0
    while True:
        digest = hashlib.blake2b(f"{cause}\x1f{salt}".encode(), digest_size=-(-characters * BITS // 8)).digest()
        number = int.from_bytes(digest, "big")
        name = "".join(ALPHABET[(number >> BITS * place) & 31] for place in range(characters))
        if name not in taken:
            return name
        salt += 1


def normalised(typed: str) -> str:
    """Return the name that a person meant: any case, O for 0, I or L for 1, hyphens and spaces ignored."""
    return typed.strip().upper().translate(_READ_AS)
