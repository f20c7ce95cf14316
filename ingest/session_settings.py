"""Where the broker is and how we introduce ourselves."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["BrokerSettings", "TlsSettings"]

MAX_UINT16 = 0xFFFF
MAX_UINT32 = 0xFFFF_FFFF


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """How the link is kept private and both ends prove who they are.

    ca_file:          PEM of the authorities that may sign the broker's certificate; None: those of the system
    certificate_file: PEM of our client certificate and its chain, or None
    key_file:         PEM of its key; None: it is in `certificate_file`
    server_name:      the name that the broker's certificate must carry; None: the host that we connect to
    verify:           False takes any certificate: for trials only
    """

    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None
    server_name: str | None = None
    verify: bool = True

    def context(self) -> ssl.SSLContext:
        """Read the files. Raises OSError (ssl.SSLError is one) where one is missing or is not what it should be."""
        for file in (self.ca_file, self.certificate_file, self.key_file):
            if file is not None:
                file.open("rb").close()  # its error names the file; that of ssl does not
        context = ssl.create_default_context(cafile=self.ca_file)
        if self.certificate_file is not None:
            context.load_cert_chain(self.certificate_file, self.key_file)
        if not self.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


@dataclass(frozen=True, slots=True)
class BrokerSettings:
    """One session's broker. Raises ValueError that names every field that MQTT or we do not allow.

    client_id:         fixed, and of this session alone: the broker keeps the backlog under it
    keep_alive_s:      s after which a silent link is tried, 1-65535; the broker may set another
    session_expiry_s:  s that the broker keeps our backlog while we are away: more than the longest outage
    receive_maximum:   messages that may wait for our acknowledgement at once, 1-65535: the back-pressure
    gather_s:          s to wait between reads, so that each finds more messages: cheaper, and that much later
    connect_timeout_s: s from the first TCP packet to the answered subscription
    backoff_first_s, backoff_max_s: s, bounds of the first and of any wait before another attempt
    """

    host: str
    port: int
    client_id: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: TlsSettings | None = None
    keep_alive_s: int = 30
    session_expiry_s: int = 7 * 86400
    receive_maximum: int = 5000
    gather_s: float = 0.0
    connect_timeout_s: float = 10.0
    backoff_first_s: float = 0.5
    backoff_max_s: float = 30.0

    def __post_init__(self) -> None:
        faults = [
            f"{name} is {getattr(self, name)!r}; wanted {wanted}"
            for name, wanted, right in (
                ("host", "a name or an address", bool(self.host)),
                ("port", "1-65535", 1 <= self.port <= MAX_UINT16),
                ("client_id", "a fixed name of 1-65535 bytes", 1 <= len(self.client_id.encode()) <= MAX_UINT16),
                ("keep_alive_s", "1-65535 s", 1 <= self.keep_alive_s <= MAX_UINT16),
                ("session_expiry_s", "1-4294967295 s", 1 <= self.session_expiry_s <= MAX_UINT32),
                ("receive_maximum", "1-65535", 1 <= self.receive_maximum <= MAX_UINT16),
                ("gather_s", "0 s or more", self.gather_s >= 0),
                ("connect_timeout_s", "more than 0 s", self.connect_timeout_s > 0),
                ("backoff_first_s", "more than 0 s", self.backoff_first_s > 0),
                ("backoff_max_s", "no less than backoff_first_s", self.backoff_max_s >= self.backoff_first_s),
            )
            if not right
        ]
        if faults:
            raise ValueError("; ".join(faults))

    @property
    def address(self) -> str:
        """`host:port`, as messages name it."""
        return f"{self.host}:{self.port}"
