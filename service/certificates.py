"""When the certificates end that stand between Vigil and its broker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography import x509

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["Certificates"]

BROKER = "broker"
CLIENT = "client"
AUTHORITY = "authority"


class Certificates:
    """The expiry times of the certificates in use, read anew where they changed.

    broker:      the certificate that the broker shows now, DER; None while nothing is known of it
    client, authority: PEM files of ours and of who signs the broker's; None where there is none
    """

    def __init__(
        self, broker: Callable[[], bytes | None], client: Path | None = None, authority: Path | None = None
    ) -> None:
        self._broker = broker
        self._files = {CLIENT: client, AUTHORITY: authority}
        self._read: dict[str, tuple[bytes | tuple[int, int], float]] = {}

    def expiries(self) -> dict[str, float]:
        """Return s since the epoch when each ends, by name; the broker's is remembered while it is away.

        Of several authorities in one file the last to end counts. What cannot be read has ended: 0.
        """
        der = self._broker()
        if der is not None and not self._is_known(BROKER, der):
            try:
                self._read[BROKER] = der, x509.load_der_x509_certificate(der).not_valid_after_utc.timestamp()
            except ValueError:  # TLS is less strict
                self._read[BROKER] = der, 0.0
        for name, file in self._files.items():
            if file is None:
                continue
            try:
                status = file.stat()
                version = (status.st_mtime_ns, status.st_size)
                if not self._is_known(name, version):
                    ends = _ends(file)
                    self._read[name] = version, ends[0] if name == CLIENT else max(ends)
            except (OSError, ValueError):
                self._read[name] = (0, 0), 0.0
        return {name: expiry_s for name, (_, expiry_s) in self._read.items()}

    def _is_known(self, name: str, version: bytes | tuple[int, int]) -> bool:
        return name in self._read and self._read[name][0] == version


def _ends(file: Path) -> list[float]:
    """Return when the certificates of a PEM file end, the owner's first, s since the epoch.

    Raises OSError where it cannot be read, ValueError where there is none in it.
    """
    return [one.not_valid_after_utc.timestamp() for one in x509.load_pem_x509_certificates(file.read_bytes())]
