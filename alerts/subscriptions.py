"""`Subscriptions`: whose browsers take web push. Pure: `alerts.channels.push` does the sending."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Final

import msgspec

from alerts.command import Subscribe, Unsubscribe
from alerts.lifecycle import CommandRejected

__all__ = ["Subscription", "SubscriptionLimits", "Subscriptions", "read_subscription"]

SNAPSHOT_VERSION: Final = 1
POINT_BYTES: Final = 65
"""An uncompressed point of P-256: 4, x, y."""
POINT_FORM: Final = 4
AUTH_BYTES: Final = 16
ENDPOINT_CHARACTERS: Final = 2_000
ENDPOINT: Final = re.compile(
    r"https://[^/?#@:\s]+(:\d{1,5})?/[^\s#]*|http://(127\.0\.0\.1|localhost)(:\d{1,5})?/[^\s#]*"
)
"""Only a push service on this machine may be spoken to in the clear."""


class _Keys(msgspec.Struct, frozen=True):
    p256dh: str
    auth: str


class _PushSubscription(msgspec.Struct, frozen=True):
    """What `JSON.stringify(subscription)` gives in a browser; further members are ignored."""

    endpoint: str
    keys: _Keys


class Subscription(msgspec.Struct, frozen=True):
    """One browser of one person.

    endpoint: URL at the browser's push service; it names the browser
    p256dh:   its public key on P-256, base64url; auth: its secret of 16 bytes, base64url (RFC 8291)
    """

    endpoint: str
    p256dh: str
    auth: str


@dataclass(frozen=True, slots=True)
class SubscriptionLimits:
    """What is kept.

    per_person: browsers of one person; one more takes the place of the oldest
    total:      browsers of everybody; one more is refused
    """

    per_person: int = 10
    total: int = 100_000


class _Snapshot(msgspec.Struct, frozen=True):
    people: dict[str, tuple[Subscription, ...]]
    displaced: int


def read_subscription(text: str) -> Subscription:
    """Read what a browser gave. Raises ValueError, with what is wrong, where no message could be sent to it."""
    try:
        given = msgspec.json.decode(text, type=_PushSubscription)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(f"no subscription: {error}") from error
    if len(given.endpoint) > ENDPOINT_CHARACTERS or not ENDPOINT.fullmatch(given.endpoint):
        raise ValueError(f"endpoint: wanted an https URL of {ENDPOINT_CHARACTERS} characters or fewer")
    point = _bytes(given.keys.p256dh, "keys.p256dh")
    if len(point) != POINT_BYTES or point[0] != POINT_FORM:
        raise ValueError("keys.p256dh: wanted an uncompressed point of P-256")
    if len(_bytes(given.keys.auth, "keys.auth")) != AUTH_BYTES:
        raise ValueError(f"keys.auth: wanted {AUTH_BYTES} bytes")
    return Subscription(given.endpoint, given.keys.p256dh, given.keys.auth)


def _bytes(text: str, name: str) -> bytes:
    try:
        return base64.b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"{name}: wanted base64url") from error


class Subscriptions:
    """The browsers of each person, as their commands leave them."""

    def __init__(self, limits: SubscriptionLimits | None = None) -> None:
        self._limits = limits or SubscriptionLimits()
        self._of: dict[str, dict[str, Subscription]] = {}
        self._owner: dict[str, str] = {}
        self.displaced = 0
        """Browsers that had to make room for a newer one of the same person."""

    def __len__(self) -> int:
        """Browsers of everybody."""
        return len(self._owner)

    def of(self, person: str) -> tuple[Subscription, ...]:
        """Return the person's browsers, the one that subscribed first first."""
        return tuple(self._of.get(person, {}).values())

    def apply(self, command: Subscribe | Unsubscribe) -> None:
        """Fold one command in. A browser is one person's: who subscribes it has it; unknown ones are left quietly.

        Raises CommandRejected where it is no subscription, or there are too many; nothing is changed then.
        """
        if isinstance(command, Unsubscribe):
            self._drop(command.endpoint)
            return
        try:
            subscription = read_subscription(command.subscription)
        except ValueError as error:
            raise CommandRejected(str(error)) from error
        if subscription.endpoint not in self._owner and len(self) >= self._limits.total:
            raise CommandRejected(f"there are {self._limits.total} browsers already")
        self._drop(subscription.endpoint)
        theirs = self._of.setdefault(command.person, {})
        if len(theirs) >= self._limits.per_person:
            oldest = next(iter(theirs))
            del theirs[oldest], self._owner[oldest]
            self.displaced += 1
        theirs[subscription.endpoint] = subscription
        self._owner[subscription.endpoint] = command.person

    def _drop(self, endpoint: str) -> None:
        owner = self._owner.pop(endpoint, None)
        if owner is None:
            return
        del self._of[owner][endpoint]
        if not self._of[owner]:
            del self._of[owner]

    def snapshot(self) -> bytes:
        """Return the whole state; `restore` takes it."""
        state = _Snapshot({person: tuple(theirs.values()) for person, theirs in self._of.items()}, self.displaced)
        return bytes([SNAPSHOT_VERSION]) + msgspec.msgpack.encode(state)

    def restore(self, snapshot: bytes) -> None:
        """Take the state of a snapshot in place of this one.

        Raises ValueError where it is of a version that this program does not read.
        """
        if not snapshot or snapshot[0] != SNAPSHOT_VERSION:
            raise ValueError(f"subscriptions snapshot of version {snapshot[:1]!r}; wanted {SNAPSHOT_VERSION}")
        state = msgspec.msgpack.decode(memoryview(snapshot)[1:], type=_Snapshot)
        self._of = {person: {one.endpoint: one for one in theirs} for person, theirs in state.people.items()}
        self._owner = {endpoint: person for person, theirs in self._of.items() for endpoint in theirs}
        self.displaced = state.displaced
