"""The fold: from any checkpoint, the same records give the same state, incidents and notifications."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerts import (
    Accept,
    AlertingLimits,
    AlertsCounters,
    IncidentEvent,
    NotificationStatus,
    Outcome,
    Recipient,
    Resolve,
    Routing,
    Settle,
    encode_command,
)
from devices import Device, Kind, QuarantineReport, ReadingBatch, Reason, Sample, load_profiles
from rules import encode_rules, load_rules
from rules.model import Severity
from rules.ruleset import Override, Variant
from service.shard import Shard, decode
from storage.journal import Lane, Record, RecordKind, encode_block

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from devices import Profile
    from service.shard import Effects

PROFILES = load_profiles()
RULES = load_rules(PROFILES)
START_US = 1_795_000_000_000_000
DEVICES = [Device("s", "smoke-1", Kind.SMOKE, "smoke", grid="1"), Device("s", "gas-1", Kind.GAS, "gas", grid="2")]


def new_shard(profiles: Mapping[str, Profile] = PROFILES) -> Shard:
    routing = Routing([Recipient("desk", ("console",)), Recipient("station", ("console", "other"), updates=True)])
    rules = RULES.fitting(profiles)
    return Shard(profiles, rules, routing, AlertingLimits(), AlertsCounters(), receive_maximum=100)


def record(offset: int, time_us: int, kind: RecordKind, body: bytes = b"") -> Record:
    return Record(offset, time_us, kind, Lane.CONTROL, body, 0)


def registration(shard: Shard) -> bytes:
    return msgspec.msgpack.encode(shard.registry.plan_registration(DEVICES))


def block(channel: int, time_us: int, value: float, packet_id: int) -> bytes:
    batch = ReadingBatch(
        np.array([channel], np.int32),
        np.array([time_us], np.int64),
        np.array([value]),
        np.array([True]),
        np.zeros(1, np.uint8),
        time_us,
    )
    return encode_block(batch, 0, np.array([packet_id], np.uint16), np.array([packet_id * 7], np.uint32))


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("smoke"), st.sampled_from([0.0, 1.0])),
        st.tuples(st.just("gas_lel"), st.sampled_from([0.5, 4.0, 6.0, 11.0, 30.0, 900.0])),
        st.tuples(st.just("tick"), st.sampled_from([1.0, 700.0, 100_000.0])),
        st.tuples(st.sampled_from(["ack", "resolve", "settle", "quarantine"]), st.integers(0, 3)),
    ),
    max_size=25,
)


def write(steps: Sequence[tuple[str, float]]) -> tuple[Shard, list[Record], list[Effects]]:
    """Fold `steps` as a live run would; return the shard, the records and what followed from each."""
    shard = new_shard()
    records = [record(1, START_US, RecordKind.REGISTRY, registration(shard))]
    effects = [shard.apply(records[0], decode(records[0]))]
    now_us = START_US
    for number, (what, value) in enumerate(steps, 2):
        now_us += int(value * 1e6) if what == "tick" else 1_000_000
        kind, body = RecordKind.TICK, b""
        if what in ("smoke", "gas_lel"):
            device = 0 if what == "smoke" else 1
            channel = shard.registry.channels_of(device)[what]
            kind, body = RecordKind.BLOCK, block(channel, now_us, value, number)
        elif what == "quarantine":
            sample = Sample(Reason.NOT_JSON, now_us, "topic", b"{", 1, "cut")
            kind = RecordKind.QUARANTINE
            body = msgspec.msgpack.encode(QuarantineReport({Reason.NOT_JSON: 3}, (sample,)))
        elif what == "settle" and shard.outbox.pending():
            owed = shard.outbox.pending()
            chosen = owed[int(value) % len(owed)]
            kind = RecordKind.COMMAND
            body = encode_command(
                Settle(notification=chosen.id, status=NotificationStatus.HANDED, detail="", attempts=1)
            )
        elif what in ("ack", "resolve") and shard.incidents.recent(10):
            incidents = shard.incidents.recent(10)
            chosen_id = incidents[int(value) % len(incidents)].id
            kind = RecordKind.COMMAND
            body = encode_command(
                Accept(incident=chosen_id, by="a", origin="t")
                if what == "ack"
                else Resolve(incident=chosen_id, by="a", origin="t", outcome=Outcome.TRUE)
            )
        records.append(record(number, now_us, kind, body))
        effects.append(shard.apply(records[-1], decode(records[-1])))
    return shard, records, effects


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(STEPS, st.data())
def test_a_restart_from_any_checkpoint_folds_to_the_same_state(
    steps: list[tuple[str, float]], data: st.DataObject
) -> None:
    live, records, effects = write(steps)
    cut = data.draw(st.integers(1, len(records)))
    before = new_shard()
    for one in records[:cut]:
        before.apply(one, decode(one))
    restarted = new_shard()
    restarted.restore(before.offset, before.snapshot())
    again = [restarted.apply(one, decode(one)) for one in records[cut:]]
    assert [e.events for e in again] == [e.events for e in effects[cut:]]
    assert [e.owed for e in again] == [e.owed for e in effects[cut:]]
    live_parts, again_parts = live.snapshot(), restarted.snapshot()
    for name in again_parts.keys() - {"registry", "registry-changes"}:
        assert live_parts[name] == again_parts[name], name
    assert live.registry.snapshot() == restarted.registry.snapshot()
    assert live.outbox.pending() == restarted.outbox.pending()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(STEPS)
def test_no_two_open_incidents_are_of_one_device_and_rule(steps: list[tuple[str, float]]) -> None:
    live, _, effects = write(steps)
    keys = [incident.key for incident in live.incidents.open()]
    assert len(keys) == len(set(keys))
    ids = [event.id for effect in effects for event in effect.events if isinstance(event, IncidentEvent)]
    assert len(ids) == len(set(ids))


def test_a_rejected_command_is_said_and_changes_nothing() -> None:
    shard, records, _ = write([("smoke", 1.0)])
    incident = shard.incidents.open()[0]
    resolve = encode_command(Resolve(incident=incident.id, by="a", origin="t", outcome=Outcome.TEST))
    first = record(100, START_US + 10**7, RecordKind.COMMAND, resolve)
    second = record(101, START_US + 10**7 + 1, RecordKind.COMMAND, resolve)
    assert shard.apply(first, decode(first)).rejected is None
    after = shard.incidents.snapshot()
    assert shard.apply(second, decode(second)).rejected is not None
    assert shard.incidents.snapshot() == after
    assert len(records) == 2


def test_rules_of_a_metric_that_is_gone_are_left_out_wherever_they_are_otherwise() -> None:
    gas = PROFILES["gas"]
    metrics = {name: metric for name, metric in gas.metrics.items() if name != "gas_lel"}
    shard = new_shard({**PROFILES, "gas": replace(gas, metrics=metrics)})
    for offset, severity in enumerate((Severity.ALARM, Severity.EMERGENCY), 1):
        variant = Variant("gas.high", (0,), msgspec.structs.replace(RULES.by_id["gas.high"], severity=severity))
        rules = msgspec.structs.replace(RULES, overrides=(Override("s", "", "", ("gas.high",)),), variants=(variant,))
        replayed = record(offset, START_US, RecordKind.RULES, encode_rules(rules))
        report = shard.apply(replayed, decode(replayed)).reloaded
        assert report is not None
        assert "gas.high" not in {*report.added, *report.changed, *report.reworded}
    assert "gas.high" not in shard.engine.rules.by_id
