"""`Guard`: slows down an address that guesses. A right link, token or secret is never refused for its address.

Whole quarters reach us from one address of their mobile carrier, or all the world from that of a reverse proxy: to
block an address would give whoever guesses a way to keep a fire crew out. What protects a secret is its length; this
keeps guessing cheap for us, and shows it.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

__all__ = ["Guard"]

_IPV6_NETWORK_BITS: Final = 64


@dataclass(slots=True)
class _Tries:
    left: float
    at_s: float


class Guard:
    """Wrong tries by address: `tries` at once, and as many again in every `per_s`; the last `addresses` are kept."""

    def __init__(self, tries: int = 20, per_s: float = 600.0, addresses: int = 4096) -> None:
        self._tries = tries
        self._per_s = per_s
        self._addresses = addresses
        self._known: OrderedDict[str, _Tries] = OrderedDict()

    def __len__(self) -> int:
        """Addresses kept."""
        return len(self._known)

    def wrong(self, address: str, now_s: float) -> float | None:
        """Note a wrong try at `now_s` (s of a steady clock).

        Returns after how many s the next is worth an answer, where there were too many; else None.
        """
        network = _network(address)
        tries = self._known.setdefault(network, _Tries(self._tries, now_s))
        self._known.move_to_end(network)
        if len(self._known) > self._addresses:
            self._known.popitem(last=False)
        tries.left = min(self._tries, tries.left + (now_s - tries.at_s) * self._tries / self._per_s)
        tries.at_s = now_s
        if tries.left >= 1:
            tries.left -= 1
            return None
        return (1 - tries.left) * self._per_s / self._tries


def _network(address: str) -> str:
    """Return the address; of IPv6 its /64, which belongs to one customer."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if parsed.version == 4:  # noqa: PLR2004  # the name of the protocol
        return address
    return str(ipaddress.ip_network((parsed, _IPV6_NETWORK_BITS), strict=False))
