"""Compiling kernels: plain Python functions over arrays become machine code, once, and are kept on disk.

Source: numba's `@jit(cache=True)`. Its cache looks at the file of the function itself, not at those of the functions it
calls, so the folder carries a digest of all kernels: no kernel is ever older than its source.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numba
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["FOLDER", "compiled", "plain"]

_Function = TypeVar("_Function", bound=Callable[..., Any])
_Scalar = TypeVar("_Scalar", bound=np.generic)

_HERE = Path(__file__).parent
_BUILT_WITH = {"layout.py", "memory.py"}


def _digest() -> str:
    """Return what tells these kernels from others: the sources of all compiled functions, and what they build on."""
    digest = hashlib.blake2b(numba.__version__.encode(), digest_size=8)
    for source in sorted(_HERE.rglob("*.py")):
        text = source.read_bytes()
        if b"@compiled" in text or source.name in _BUILT_WITH:
            digest.update(text)
    return digest.hexdigest()


def _folder() -> Path:
    """Return where the machine code is kept: where the environment says, else beside the source, else in a home."""
    given = os.environ.get("NUMBA_CACHE_DIR")
    if given:
        return Path(given)
    beside = _HERE / "__pycache__"
    if os.access(beside if beside.is_dir() else _HERE, os.W_OK):
        return beside
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "vigil"


FOLDER = _folder() / f"kernels-{_digest()}"
"""Where the machine code of these kernels is."""

numba.config.CACHE_DIR = str(FOLDER)  # type: ignore[attr-defined]  # set as the module is loaded


def compiled(function: _Function) -> _Function:
    """Return `function` as machine code. It knows no Python objects; division by zero gives infinity or NaN."""
    return cast("_Function", numba.njit(cache=True, error_model="numpy")(function))


def plain(array: NDArray[_Scalar]) -> NDArray[_Scalar]:
    """Return `array` itself where it is contiguous, aligned and writable, else a copy that is.

    Numba makes other machine code for one that is not, in seconds: those of a block out of the journal are read-only.
    """
    return array if array.flags.carray else array.copy()
