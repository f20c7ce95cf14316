"""The GSM 7-bit alphabet (3GPP TS 23.038, 6.2.1) and how long messages are cut into parts (TS 23.040, 9.2.3.24.1)."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["PARTS_MAX", "count", "decode", "encode", "segments", "septets"]

BASIC: Final = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
ESCAPE: Final = 0x1B
EXTENSION: Final = {
    "\f": 0x0A,
    "^": 0x14,
    "{": 0x28,
    "}": 0x29,
    "\\": 0x2F,
    "[": 0x3C,
    "~": 0x3D,
    "]": 0x3E,
    "|": 0x40,
    "€": 0x65,
}
"""They take an escape and a second septet."""
SINGLE_SEPTETS: Final = 160
PART_SEPTETS: Final = 153
SINGLE_UNITS: Final = 70
PART_UNITS: Final = 67
"""What a message holds, and what is left of each part of a long one beside its 6 octets of header."""
PARTS_MAX: Final = 255

_BASIC_CODES: Final = {character: code for code, character in enumerate(BASIC) if code != ESCAPE}
_EXTENSION_CHARACTERS: Final = {code: character for character, code in EXTENSION.items()}
_COSTS: Final = {**dict.fromkeys(_BASIC_CODES, 1), **dict.fromkeys(EXTENSION, 2)}
_WITHIN: Final = re.compile(f"[{re.escape(''.join(_COSTS))}]*")
_TWO: Final = re.compile(f"[{re.escape(''.join(EXTENSION))}]")
_ASTRAL: Final = 0x10000


def septets(text: str) -> int | None:
    """Return how many septets `text` takes, None where it has a character that the alphabet has not."""
    return len(text) + len(_TWO.findall(text)) if _WITHIN.fullmatch(text) else None


def count(text: str) -> int:
    """Return `len(segments(text))`, sooner."""
    size = septets(text)
    if size is not None:
        single, part, is_even = SINGLE_SEPTETS, PART_SEPTETS, size == len(text)
    else:
        size = len(text.encode("utf-16-le", "surrogatepass")) // 2
        single, part, is_even = SINGLE_UNITS, PART_UNITS, size == len(text)
    if size <= single:
        return 1
    return -(-size // part) if is_even else len(segments(text))


def encode(text: str) -> bytes:
    """Return one octet per septet, unpacked, as SMPP carries it. Raises ValueError where the alphabet lacks one."""
    out = bytearray()
    for character in text:
        if (code := _BASIC_CODES.get(character)) is not None:
            out.append(code)
        elif (code := EXTENSION.get(character)) is not None:
            out += bytes((ESCAPE, code))
        else:
            raise ValueError("a character that the GSM 7-bit alphabet has not")
    return bytes(out)


def decode(octets: bytes) -> str:
    """Read unpacked septets; what is no septet becomes U+FFFD, and an unknown extension its basic character."""
    out: list[str] = []
    escaped = False
    for octet in octets:
        if octet >= len(BASIC):
            out.append("\ufffd")
        elif escaped:
            out.append(_EXTENSION_CHARACTERS.get(octet, BASIC[octet]))
        elif octet != ESCAPE:
            out.append(BASIC[octet])
        escaped = octet == ESCAPE and not escaped
    return "".join(out)


def segments(text: str) -> list[str]:
    """Cut `text` into what its parts carry; a lone one where it fits. No pair of septets or surrogates is parted."""
    size = septets(text)
    if size is not None:
        costs = [_COSTS[character] for character in text]
        single, part = SINGLE_SEPTETS, PART_SEPTETS
    else:
        costs = [2 if ord(character) >= _ASTRAL else 1 for character in text]
        size, single, part = sum(costs), SINGLE_UNITS, PART_UNITS
    if size <= single:
        return [text]
    cut: list[str] = []
    start = used = 0
    for at, cost in enumerate(costs):
        if used + cost > part:
            cut.append(text[start:at])
            start, used = at, 0
        used += cost
    return [*cut, text[start:]]
