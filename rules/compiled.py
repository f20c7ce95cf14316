"""Compiling kernels: plain Python functions over arrays become machine code, once, and are kept on disk.

Source: numba's `@jit(cache=True)`. Its cache looks at the file of the function itself, not at those of the functions it
calls, so the folder carries a digest of all kernels: no kernel is ever older than its source.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numba
import numpy as np

from devices import batch

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["FOLDER", "are_kept", "compiled", "forget_others", "plain"]

_Function = TypeVar("_Function", bound=Callable[..., Any])
_Scalar = TypeVar("_Scalar", bound=np.generic)

_HERE = Path(__file__).parent
_BUILT_WITH = (_HERE / "layout.py", _HERE / "measures/memory.py", _HERE / "measures/table.py", Path(batch.__file__))
"""Sources of figures that become part of the machine code."""


def _digest() -> str:
    """Return what tells these kernels from others: the sources of all compiled functions, and what they build on."""
    digest = hashlib.blake2b(numba.__version__.encode(), digest_size=8)
    for source in sorted((*_HERE.rglob("*.py"), *_BUILT_WITH)):
        text = source.read_bytes()
        if b"@compiled" in text or source in _BUILT_WITH:
            digest.update(text)
    return digest.hexdigest()


def _folder(name: str) -> Path | None:
    """Return the first of these folders that can be written: what the environment says, beside the source, a home's."""
    given = os.environ.get("NUMBA_CACHE_DIR")
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")  # noqa: PTH111 - "~" where there is none
    for parent in (*([Path(given)] if given else []), _HERE / "__pycache__", Path(home) / "vigil"):
        folder = parent / name
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK):
            return folder
    return None


FOLDER = _folder(f"kernels-{_digest()}")
"""Where the machine code of these kernels is kept; None where nothing can be written, and each start compiles anew."""

numba.config.CACHE_DIR = str(FOLDER or "")  # type: ignore[attr-defined]  # set as the module is loaded


def are_kept() -> bool:
    """Say whether the machine code was made before."""
    return FOLDER is not None and any(FOLDER.iterdir())


def forget_others() -> None:
    """Throw away the machine code of other versions."""
    for other in FOLDER.parent.glob("kernels-*") if FOLDER is not None else ():
        if other != FOLDER:
            shutil.rmtree(other, ignore_errors=True)


def compiled(function: _Function) -> _Function:
    """Return `function` as machine code. It knows no Python objects; division by zero gives infinity or NaN."""
    return cast("_Function", numba.njit(cache=FOLDER is not None, error_model="numpy")(function))


def plain(array: NDArray[_Scalar]) -> NDArray[_Scalar]:
    """Return `array` itself where it is contiguous, aligned and writable, else a copy that is.

    Numba makes other machine code for one that is not, in seconds: those of a block out of the journal are read-only.
    """
    return array if array.flags.carray else array.copy()
