"""What the settings file says about web push, and the key that names this service to push services."""

from __future__ import annotations

import base64
import os
from typing import TYPE_CHECKING, Final, Literal

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["KEY_FILE", "PushSettings", "VapidKeyFault", "vapid_key", "vapid_public_key"]

KEY_FILE: Final = "vapid.pem"


class PushSettings(BaseModel):
    """Web push to the browsers that people have subscribed on the console.

    subject: whom a push service may write to about our messages: `mailto:` and an address, or https:// and a host
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: Literal["push"]
    subject: str = Field(pattern=r"^(mailto:[^@\s]+@[\w-]+(\.[\w-]+)+|https://[\w-]+(\.[\w-]+)+)$")


class VapidKeyFault(Exception):
    """The key's file holds no key of ours."""


def vapid_key(data_dir: Path) -> ec.EllipticCurvePrivateKey:
    """Return the key in `data_dir`, made where there is none yet; only its owner may read the file.

    With another key every browser would have to subscribe again, so a file that is no key is a fault and not replaced.
    Raises VapidKeyFault; OSError where the folder cannot be read or written.
    """
    path = data_dir / KEY_FILE
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return _made(path)
    try:
        key = serialization.load_pem_private_key(text, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise VapidKeyFault(f"{path}: no private key in PEM: {error}") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise VapidKeyFault(f"{path}: a key of another kind; wanted one on P-256")
    return key


def vapid_public_key(data_dir: Path) -> str:
    """Return the public half of the key in `data_dir` as browsers want it: the point, base64url without padding.

    Raises as `vapid_key`.
    """
    point = (
        vapid_key(data_dir)
        .public_key()
        .public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    )
    return base64.urlsafe_b64encode(point).rstrip(b"=").decode()


def _made(path: Path) -> ec.EllipticCurvePrivateKey:
    """Write a new key, whole or not at all."""
    key = ec.generate_private_key(ec.SECP256R1())
    text = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    half = path.with_suffix(".new")
    half.unlink(missing_ok=True)
    file = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(file, "wb") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    half.rename(path)
    return key
