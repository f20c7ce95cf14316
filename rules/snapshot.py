"""The snapshot: all of the engine's state as bytes, little-endian, with a version; what is idle takes no room.

Rules go by their keys (`compiler.key_of`), since they may be others when it is read. Rows of channels and devices are
the registry's. Version 1, written before there were measures, is still read.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from rules.compiler import key_of
from rules.instances import Live
from rules.kernels import CLEARING, PENDING
from rules.layout import INSTANCE, NEVER_US, NONE
from rules.silence_state import SilenceState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from rules.model import Rule

__all__ = ["VERSION", "ReloadReport", "RestoreReport", "Snapshot", "columns_of", "decode", "encode", "live_of"]

VERSION = 2
_HEADER = 5

_COLUMNS = tuple(name for name in INSTANCE.names or () if name != "queued")


class Snapshot(msgspec.Struct, frozen=True, array_like=True):
    """The state. Arrays are bytes.

    now_us:    the fold's time of the last step
    keys:      of rules; rule rows below are places in it
    newest_us: int64 by channel row
    instances: the columns of `layout.INSTANCE` by name, without `queued`
    words:     float64, the memory of all instances
    silence, conclusions: their own
    """

    now_us: int
    keys: tuple[bytes, ...]
    newest_us: bytes
    instances: dict[str, bytes]
    words: bytes
    silence: SilenceState
    conclusions: bytes


@dataclass(frozen=True, slots=True)
class RestoreReport:
    """What a restore took over and what it dropped.

    kept:              instances not idle, and silences, whose state goes on
    dropped_rules:     ids of rules whose state is not that of any rule now, in order
    dropped_instances: all that were dropped, those included whose rule is there but no longer on that channel
    """

    kept: int
    dropped_rules: tuple[str, ...]
    dropped_instances: int


@dataclass(frozen=True, slots=True)
class ReloadReport:
    """What became of the state as the rules changed.

    added, removed: ids of rules
    changed:        ids of rules that decide otherwise than before, whose state is gone
    reworded:       ids of rules that only say it otherwise (severity, name, mode, …), whose state goes on
    kept, reset:    instances not idle, silences and relations whose state goes on, and those begun anew
    """

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]
    reworded: tuple[str, ...]
    kept: int
    reset: int


def encode(snapshot: Snapshot) -> bytes:
    """Return the version, a checksum and the state."""
    body = msgspec.msgpack.encode(snapshot)
    return bytes([VERSION]) + zlib.crc32(body).to_bytes(4, "little") + body


def decode(data: bytes, rules_by_id: Mapping[str, Rule]) -> Snapshot:
    """Return the state.

    rules_by_id: version 1 named rules by id alone: its state goes on under the rule that has the id now
    Raises ValueError where the version is not read by this program, or the bytes are damaged.
    """
    if not data or data[0] not in (1, VERSION):
        raise ValueError(f"rules snapshot of version {data[:1]!r}; wanted 1 … {VERSION}")
    body = memoryview(data)[_HEADER:]
    if zlib.crc32(body) != int.from_bytes(data[1:_HEADER], "little"):
        raise ValueError("rules snapshot: the checksum does not fit; wanted the bytes that `snapshot` gave")
    if data[0] == 1:
        return _from_version_1(msgspec.msgpack.decode(body, type=_Version1), rules_by_id)
    return msgspec.msgpack.decode(body, type=Snapshot)


def columns_of(live: Live) -> dict[str, bytes]:
    """Return the instances' columns as bytes."""
    return {name: live.records[name].tobytes() for name in _COLUMNS}


def live_of(snapshot: Snapshot) -> Live:
    """Return the instances; their rule rows are places in `snapshot.keys`."""
    columns = {name: np.frombuffer(column, INSTANCE[name]) for name, column in snapshot.instances.items()}
    records = np.zeros(len(columns["channel"]), INSTANCE)
    for name, column in columns.items():
        records[name] = column
    return Live(records, np.frombuffer(snapshot.words, "<f8"))


# ── version 1 ────────────────────────────────────────────────────────────────────────────────────────────────────────


class _Version1(msgspec.Struct, frozen=True, array_like=True):
    """What the first engine wrote: rule ids; of pending instances the value, of clearing ones when that began."""

    now_us: int
    second: int
    rules: tuple[str, ...]
    newest_us: bytes
    heard_us: bytes
    channel: bytes
    rule: bytes
    state: bytes
    since_us: bytes
    clear_us: bytes
    value: bytes
    silent_device: bytes
    silent_rule: bytes


def _from_version_1(old: _Version1, rules_by_id: Mapping[str, Rule]) -> Snapshot:
    rules = [rules_by_id.get(rule_id) for rule_id in old.rules]
    hold_us, clear_hold_us = (
        np.array([round(getattr(rule.timing, name) * 1e6) if rule else 0 for rule in rules], np.int64)
        for name in ("hold_s", "clear_hold_s")
    )
    state, rule = np.frombuffer(old.state, "u1"), np.frombuffer(old.rule, "<i4")
    since_us, clear_us = np.frombuffer(old.since_us, "<i8"), np.frombuffer(old.clear_us, "<i8")
    value = np.frombuffer(old.value, "<f8")
    pending, clearing = state == PENDING, state == CLEARING
    records = np.zeros(len(state), INSTANCE)
    records["channel"], records["rule"], records["state"] = np.frombuffer(old.channel, "<i4"), rule, state
    records["since_us"], records["value"], records["measured"] = since_us, value, value
    records["due_us"] = np.where(
        pending, since_us + hold_us[rule], np.where(clearing, clear_us + clear_hold_us[rule], 0)
    )
    newest_us: NDArray[np.int64] = np.frombuffer(old.newest_us, "<i8")
    records["last_us"] = newest_us[records["channel"]] if len(newest_us) else NEVER_US
    for name in ("reference", "low", "high"):
        records[name] = np.where(pending, np.nan, 0.0)
    records["memory"] = NONE
    return Snapshot(
        now_us=old.now_us,
        keys=tuple(
            key_of(rule) if rule else msgspec.msgpack.encode((old_id,))
            for rule, old_id in zip(rules, old.rules, strict=True)
        ),
        newest_us=old.newest_us,
        instances=columns_of(Live(records, np.zeros(0))),
        words=b"",
        silence=SilenceState(
            second=old.second, heard_us=old.heard_us, silent_device=old.silent_device, silent_rule=old.silent_rule
        ),
        conclusions=b"",
    )
