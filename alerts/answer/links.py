"""`Links`: the signed, expiring link of a message, with which a person answers without a login.

A token is one number of 220 bits in 37 letters and digits, as it stands in an SMS, and no messenger takes a mark of it
for formatting or for the end of the address:

    100 bits  the notification's id, 20 characters of Crockford's base 32
     24 bits  when it expires, whole minutes since 2026-01-01 00:00 UTC
     96 bits  HMAC-SHA256 over the other two, cut short
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import secrets
import string
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from alerts.identity import ALPHABET, BITS, NOTIFICATION_CHARACTERS
from alerts.notification import Purpose

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from alerts.notification import Notification

__all__ = ["ANSWER_PATH", "TOKEN_CHARACTERS", "LinkRefused", "Links", "RefusedBecause", "load_or_make_keys"]

ANSWER_PATH: Final = "/a/"
"""Where the page of a token is, under the public address."""
TOKEN_CHARACTERS: Final = 37
LINK_DAYS: Final = 7.0
KEY_BYTES: Final = 32
_SPEC: Final = b"vigil answer link 1\0"
_DIGITS: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase
_VALUE_OF: Final = {digit: value for value, digit in enumerate(_DIGITS)}
_CROCKFORD: Final = {digit: value for value, digit in enumerate(ALPHABET)}
_EPOCH_MIN: Final = 29_453_760
"""2026-01-01 00:00 UTC, min since 1970."""
_MINUTE_US: Final = 60_000_000
_NAME_BITS: Final = NOTIFICATION_CHARACTERS * BITS
_EXPIRY_BITS: Final = 24
_MAC_BITS: Final = 96
_LAST_MINUTE: Final = (1 << _EXPIRY_BITS) - 1


class RefusedBecause(StrEnum):
    """Why a link opens nothing."""

    BAD = "bad"
    """It is none of ours: mistyped, cut off, forged, or signed with a key that is no longer used."""
    EXPIRED = "expired"
    """It was ours, and its time is over."""


class LinkRefused(Exception):
    """A token that opens nothing."""

    def __init__(self, reason: RefusedBecause) -> None:
        super().__init__(f"the link is {reason}")
        self.reason = reason


class Links:
    """Makes links and reads their tokens.

    keys:       16 bytes or more each; the first signs, every one of them verifies, so that a key can be changed while
                links signed with the one before are still under way
    public_url: the address that people's phones reach us by, such as `https://vigil.example`; "" makes no links
    days:       how long after its event a message can be answered
    """

    def __init__(self, keys: bytes | Sequence[bytes], public_url: str, days: float = LINK_DAYS) -> None:
        self._keys = (keys,) if isinstance(keys, bytes) else tuple(keys)
        if not self._keys or any(len(key) < KEY_BYTES // 2 for key in self._keys):
            raise ValueError(f"wanted keys of {KEY_BYTES // 2} bytes or more")
        self._public_url = public_url.rstrip("/")
        self._life_us = round(days * 86_400e6)

    def url(self, notification: Notification) -> str:
        """Return the link of `notification`, the same each time.

        "" where no public address is set, and for what tells systems and displays: nobody answers those.
        """
        if not self._public_url or notification.purpose is Purpose.TELL:
            return ""
        return f"{self._public_url}{ANSWER_PATH}{self.token(notification.id, notification.created_us + self._life_us)}"

    def token(self, notification: str, expires_us: int) -> str:
        """Return the token of the notification with that id. expires_us: µs since the epoch, rounded up to a minute.

        Raises ValueError where it is no id of `alerts.identity`.
        """
        minute = min(max(-(-expires_us // _MINUTE_US) - _EPOCH_MIN, 0), _LAST_MINUTE)
        said = _number_of(notification) << _EXPIRY_BITS | minute
        return _written(said << _MAC_BITS | _mac(self._keys[0], said))

    def read(self, token: str, now_us: int) -> str:
        """Return the id of the notification that a token is of. Raises LinkRefused where it opens nothing."""
        number = _read(token)
        said, mac = number >> _MAC_BITS, number & (1 << _MAC_BITS) - 1
        given = mac.to_bytes(_MAC_BITS // 8, "big")
        matches = [hmac.compare_digest(_mac(key, said).to_bytes(_MAC_BITS // 8, "big"), given) for key in self._keys]
        if not any(matches):
            raise LinkRefused(RefusedBecause.BAD)
        if now_us >= ((said & _LAST_MINUTE) + _EPOCH_MIN) * _MINUTE_US:
            raise LinkRefused(RefusedBecause.EXPIRED)
        name = said >> _EXPIRY_BITS
        return "".join(ALPHABET[(name >> place) & 31] for place in range(_NAME_BITS - BITS, -1, -BITS))


def load_or_make_keys(path: Path) -> tuple[bytes, ...]:
    """Return the keys of `path`, one a line in base64, the newest first; makes the file where there is none.

    Only its owner can read the file that it makes. To change the key, put a new line above the others, and take the old
    one out when `days` have passed. Raises ValueError where a line is no key, or others can read the file; OSError.
    """
    if path.exists():
        return _keys_of(path)
    key = secrets.token_bytes(KEY_BYTES)
    fresh = path.with_name(f"{path.name}.new")  # whole or not there: half a key would keep the service from starting
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(base64.b64encode(key) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    return (key,)


def _keys_of(path: Path) -> tuple[bytes, ...]:
    if path.stat().st_mode & 0o077:
        raise ValueError(f"{path}: others can read it, and could sign links; wanted mode 0600")
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    if not lines:
        raise ValueError(f"{path}: holds no key")
    keys: list[bytes] = []
    for number, line in enumerate(lines, 1):
        try:
            key = base64.b64decode(line.strip(), validate=True)
        except binascii.Error:
            key = b""
        if len(key) < KEY_BYTES // 2:
            raise ValueError(f"{path}: line {number}: wanted base64 of {KEY_BYTES // 2} bytes or more")
        keys.append(key)
    return tuple(keys)


def _mac(key: bytes, said: int) -> int:
    digest = hmac.new(key, _SPEC + said.to_bytes((_NAME_BITS + _EXPIRY_BITS + 7) // 8, "big"), hashlib.sha256).digest()
    return int.from_bytes(digest[: _MAC_BITS // 8], "big")


def _number_of(notification: str) -> int:
    if len(notification) != NOTIFICATION_CHARACTERS or not _CROCKFORD.keys() >= set(notification):
        raise ValueError(f"{notification!r} is no id of a notification")
    number = 0
    for character in notification:
        number = number << BITS | _CROCKFORD[character]
    return number


def _written(number: int) -> str:
    digits: list[str] = []
    for _ in range(TOKEN_CHARACTERS):
        number, digit = divmod(number, len(_DIGITS))
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits))


def _read(token: str) -> int:
    if len(token) != TOKEN_CHARACTERS or not _VALUE_OF.keys() >= set(token):
        raise LinkRefused(RefusedBecause.BAD)
    number = 0
    for digit in token:
        number = number * len(_DIGITS) + _VALUE_OF[digit]
    return number
