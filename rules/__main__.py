"""`python -m rules`: compile the kernels now, so that no start has to wait, and throw away those of other versions."""

from __future__ import annotations

from rules.compiled import FOLDER, forget_others
from rules.engine import compile_kernels

forget_others()
compile_kernels()
print(f"kernels compiled into {FOLDER}" if FOLDER else "kernels compiled, and nowhere to keep them")  # noqa: T201
