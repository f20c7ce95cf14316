"""Where the control socket of a service is."""

from __future__ import annotations

import hashlib
import os
import socket
import tempfile
from pathlib import Path

__all__ = ["control_socket", "is_served"]

# A Unix socket's path may not be longer on Linux (108 bytes with the NUL).
LONGEST_SOCKET_PATH = 107


def control_socket(data_dir: Path) -> Path:
    """Return the path of the control socket of the service that keeps its data in `data_dir`."""
    path = data_dir.absolute() / "control.sock"
    if len(os.fsencode(path)) <= LONGEST_SOCKET_PATH:
        return path
    digest = hashlib.blake2b(os.fsencode(data_dir.absolute()), digest_size=8).hexdigest()
    return Path(tempfile.gettempdir()) / f"vigil-{os.geteuid()}-{digest}" / "control.sock"


def is_served(data_dir: Path) -> bool:
    """Say whether a service listens on the control socket of `data_dir`."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(control_socket(data_dir)))
        except OSError:
            return False
        return True
