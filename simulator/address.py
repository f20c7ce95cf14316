"""Where the broker is and how the simulator proves who it is."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["BrokerAddress"]


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """An MQTT 5 broker, and what it wants to see.

    tls:      speak TLS; implied by any of the files
    ca_file:  PEM of the authority that signed the broker's certificate; None trusts the system's
    certificate_file, key_file: PEM of the client's own certificate and its key
    """

    host: str = "127.0.0.1"
    port: int = 1883
    username: str | None = None
    password: str | None = None
    tls: bool = False
    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None

    def ssl_context(self) -> ssl.SSLContext | None:
        """Return the TLS context, or None for a plain connection. Raises OSError where a file cannot be read."""
        if not (self.tls or self.ca_file or self.certificate_file):
            return None
        context = ssl.create_default_context(cafile=self.ca_file)
        if self.certificate_file:
            context.load_cert_chain(self.certificate_file, self.key_file)
        return context
