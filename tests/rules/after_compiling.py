"""`python -m tests.rules.after_compiling`: what is compiled once the kernels were, as a JSON object of how often.

A process of its own: what other tests called kernels with is compiled there as well.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from dataclasses import replace
from itertools import cycle
from typing import TYPE_CHECKING

from numba.core.dispatcher import Dispatcher

from rules import Engine, load_rules
from rules.engine import compile_kernels
from storage.journal import decode_block, encode_block
from tests.rules.fleet import SECOND, batch, register, registry, tank, tick

if TYPE_CHECKING:
    from devices import ReadingBatch


def main() -> None:
    compile_kernels()
    before = compiled()
    play()
    print(json.dumps({"before": before, "after": compiled() - before}))  # noqa: T201 - it is read by the test


def compiled() -> Counter[str]:
    """Return kernel → for how many sets of types it is compiled."""
    kernels = {
        kernel
        for name, module in sys.modules.items()
        if name.split(".")[0] == "rules"
        for kernel in vars(module).values()
        if isinstance(kernel, Dispatcher)
    }
    return Counter(
        {f"{kernel.py_func.__module__}.{kernel.py_func.__name__}": len(kernel.overloads) for kernel in kernels}
    )


def play() -> None:
    """Step over fresh and stored blocks: holds, faults, silences, gateways that go and return, restarts, a clock."""
    of = registry(1)
    register(of, *(replace(tank(n), gateway="d0") for n in (1, 2)))
    engine = Engine(of, load_rules(of.profiles))
    values = cycle((4.0, 6.0, 9.0, 0.5, None, 99.0))
    for second in range(60):
        at = second * SECOND
        heard = [] if second % 20 > 8 else [0, 1, 3, 5, 6]
        block = batch([(channel, at, next(values), False) for channel in heard], at) if heard else tick(at)
        engine.step(stored(block) if second % 3 else block, at)
        if second % 25 == 24:
            state = engine.snapshot()
            engine = Engine(of, load_rules(of.profiles))
            engine.restore(state)
            engine.reload(load_rules(of.profiles), at)
        if second == 45:
            engine.resume(at + SECOND // 2)
    engine.step(stored(batch([(0, 30 * SECOND, 4.0, True)])), 30 * SECOND)


def stored(block: ReadingBatch) -> ReadingBatch:
    return decode_block(encode_block(block)).batch


if __name__ == "__main__":
    main()
