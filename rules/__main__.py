"""`python -m rules`: compile the kernels now, so that no start has to wait, and throw away those of other versions."""

from __future__ import annotations

import shutil

from rules.compiled import FOLDER
from rules.engine import compile_kernels

for other in FOLDER.parent.glob("kernels-*"):
    if other != FOLDER:
        shutil.rmtree(other, ignore_errors=True)
compile_kernels()
print(f"kernels compiled into {FOLDER}")  # noqa: T201 - a command of its own
