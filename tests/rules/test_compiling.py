"""After `python -m rules` nothing is compiled while the engine runs: one kernel takes seconds."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from rules.compiled import plain

ROOT = Path(__file__).parents[2]


def test_nothing_is_compiled_in_a_step_over_fresh_or_stored_blocks() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.rules.after_compiling"], cwd=ROOT, capture_output=True, check=True
    )
    found = json.loads(done.stdout)
    assert {name for name, times in found["before"].items() if times} >= {
        "rules.fold.fold",
        "rules.hearing.take_in",
        "rules.gateways.due",
        "rules.gateways.pass_over_absence",
    }
    assert found["after"] == {}


def test_an_array_that_kernels_know_is_taken_as_it_is() -> None:
    array = np.arange(5)
    assert plain(array) is array


@pytest.mark.parametrize(
    "array", [np.frombuffer(bytes(17), "<i8", 2, 1), np.frombuffer(bytes(16), "<i8"), np.arange(6)[::2]]
)
def test_any_other_is_copied(array: np.ndarray[tuple[int], np.dtype[np.int64]]) -> None:
    copy = plain(array)
    assert copy.flags.carray
    assert copy.tolist() == array.tolist()
