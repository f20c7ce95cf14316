from __future__ import annotations

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices import Reason
from ingest.decoder import FAST, Entry, Form, Message, Stamped, read_native, read_status

MS = 1_732_243_200_123
US = MS * 1000.0


def plain(message: Message) -> list[tuple[float | None, dict[str, float | None]]]:
    return [(None if math.isnan(e.stamp_us) else e.stamp_us, e.values) for e in message.entries]


def reasons(message: Message) -> list[Reason]:
    return [fault.reason for fault in message.faults]


# ThingsBoard, MQTT device API, telemetry: https://thingsboard.io/docs/reference/mqtt-api/telemetry/
# and the older https://thingsboard.io/docs/paas/reference/mqtt-api/ (the examples with key1 and key2).
CAPTURED = [
    (b'{"temperature": 22.5, "humidity": 61}', [(None, {"temperature": 22.5, "humidity": 61.0})], []),
    (
        b'{"ts": 1451649600512, "values": {"temperature": 22.5, "humidity": 61}}',
        [(1451649600512000.0, {"temperature": 22.5, "humidity": 61.0})],
        [],
    ),
    (
        (
            b'[ {"ts": 1451649600000, "values": {"temperature": 22.5, "humidity": 61}},'
            b' {"ts": 1451649601000, "values": {"temperature": 22.7, "humidity": 60}}]'
        ),
        [
            (1451649600000000.0, {"temperature": 22.5, "humidity": 61.0}),
            (1451649601000000.0, {"temperature": 22.7, "humidity": 60.0}),
        ],
        [],
    ),
    (b'[{"key1":"value1"}, {"key2":true}]', [(None, {"key2": 1.0})], [Reason.WRONG_TYPE]),
    (
        (
            b'{"stringKey":"value1", "booleanKey":true, "doubleKey":42.0, "longKey":73,'
            b' "jsonKey":{"nested":{"key":"value"}}}'
        ),
        [(None, {"booleanKey": 1.0, "doubleKey": 42.0, "longKey": 73.0})],
        [Reason.WRONG_TYPE, Reason.WRONG_TYPE],
    ),
    # Zigbee2MQTT: zigbee-herdsman-converters, a smoke detector and a gas detector with its text state
    (
        b'{"smoke":true,"test":false,"tamper":false,"battery_low":false,"battery":87,"linkquality":96}',
        [(None, {"smoke": 1.0, "test": 0.0, "tamper": 0.0, "battery_low": 0.0, "battery": 87.0, "linkquality": 96.0})],
        [],
    ),
    (
        b'{"gas":true,"gas_density":12,"gas_sensitivity":"10%LEL","state":"work","test":false}',
        [(None, {"gas": 1.0, "gas_density": 12.0, "test": 0.0})],
        [Reason.WRONG_TYPE, Reason.WRONG_TYPE],
    ),
]


@pytest.mark.parametrize(("payload", "entries", "faults"), CAPTURED)
def test_captured_payloads_are_read(
    payload: bytes, entries: list[tuple[float | None, dict[str, float | None]]], faults: list[Reason]
) -> None:
    message = read_native(payload)
    assert plain(message) == entries
    assert reasons(message) == faults


@pytest.mark.parametrize(
    ("payload", "entries", "faults"),
    [
        (b'{"a":null}', [(None, {"a": None})], []),
        (b'{"a":true,"b":false}', [(None, {"a": 1.0, "b": 0.0})], []),
        (b'{"a":-0}', [(None, {"a": 0.0})], []),
        (b'{"a":1e-999}', [(None, {"a": 0.0})], []),
        (b'{"a":12345678901234567890123}', [(None, {"a": 12345678901234567890123.0})], []),
        (b'{"values":{"a":1}}', [(None, {"a": 1.0})], []),
        (b'{"ts":null,"values":{"a":1}}', [(None, {"a": 1.0})], []),
        (b'{"ts":%d,"a":1}' % MS, [(US, {"a": 1.0})], []),
        (b'{"values":5}', [(None, {"values": 5.0})], []),
        (b'{"ts":%d,"values":5}' % MS, [(US, {"values": 5.0})], []),
        (b'[{"a":1},{"ts":%d,"values":{"a":2}}]' % MS, [(None, {"a": 1.0}), (US, {"a": 2.0})], []),
        (b'{"ts":%d,"values":{"a":1},"rssi":-70}' % MS, [(US, {"a": 1.0})], [Reason.WRONG_SHAPE]),
        (b'[{"a":1},7,{},{"a":2}]', [(None, {"a": 1.0}), (None, {"a": 2.0})], [Reason.WRONG_SHAPE] * 2),
    ],
)
def test_regular_and_half_regular_payloads(
    payload: bytes, entries: list[tuple[float | None, dict[str, float | None]]], faults: list[Reason]
) -> None:
    message = read_native(payload)
    assert plain(message) == entries
    assert reasons(message) == faults


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", Reason.NOT_JSON),
        (b"{", Reason.NOT_JSON),
        (b'{"a":1', Reason.NOT_JSON),
        (b'{"a":1} x', Reason.NOT_JSON),
        (b'{"a":nan}', Reason.NOT_JSON),
        (b'\xef\xbb\xbf{"a":1}', Reason.NOT_JSON),
        (b'\xff{"a":1}', Reason.NOT_UTF8),
        (b'{"a":"\xff"}', Reason.NOT_UTF8),
        (b'{"\xc3":1}', Reason.NOT_UTF8),
        (b"[" * 60_000, Reason.TOO_DEEP),
        (b'{"a":' * 12_000, Reason.TOO_DEEP),
        (b"5", Reason.WRONG_SHAPE),
        (b"true", Reason.WRONG_SHAPE),
        (b"null", Reason.WRONG_SHAPE),
        (b'"smoke"', Reason.WRONG_SHAPE),
        (b"{}", Reason.WRONG_SHAPE),
        (b"[]", Reason.WRONG_SHAPE),
        (b"[1,2]", Reason.WRONG_SHAPE),
        (b'[["a",1]]', Reason.WRONG_SHAPE),
        (b'{"ts": 5}', Reason.WRONG_SHAPE),
        (b'{"ts":%d,"values":{}}' % MS, Reason.WRONG_SHAPE),
    ],
)
def test_a_message_that_says_nothing_has_one_reason(payload: bytes, reason: Reason) -> None:
    message = read_native(payload)
    assert message.entries == ()
    assert reasons(message) == [reason]
    assert message.faults[0].may_hide_alarm


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b'"on"', Reason.WRONG_TYPE),
        (b"[1]", Reason.WRONG_TYPE),
        (b'{"x":1}', Reason.WRONG_TYPE),
        (b"NaN", Reason.NOT_FINITE),
        (b"-Infinity", Reason.NOT_FINITE),
        (b"1e999", Reason.NOT_FINITE),
        (b"9" * 400, Reason.NOT_FINITE),
        (b"9" * 5000, Reason.NOT_FINITE),
    ],
)
def test_one_bad_value_leaves_the_others(value: bytes, reason: Reason) -> None:
    message = read_native(b'{"a":1,"b":' + value + b',"c":3}')
    assert plain(message) == [(None, {"a": 1.0, "c": 3.0})]
    assert reasons(message) == [reason]
    assert message.faults[0].may_hide_alarm


def test_metric_names_have_1_to_64_printable_characters() -> None:
    long = "m" * 64
    assert read_native(json.dumps({long: 1}).encode()).faults == ()
    for name in ("", long + "m", "a\0b", "\ud800"):
        message = read_native(json.dumps({name: 1, "b": 2}).encode())
        assert plain(message) == [(None, {"b": 2.0})]
        assert reasons(message) == [Reason.BAD_METRIC]


@pytest.mark.parametrize(
    ("value", "may_hide"), [("0", False), ("false", False), ("null", False), ("1", True), ('"x"', True)]
)
def test_a_quiet_value_under_a_bad_name_hides_no_alarm(value: str, may_hide: bool) -> None:
    (fault,) = read_native(f'{{"":{value}}}'.encode()).faults
    assert fault.may_hide_alarm is may_hide


@pytest.mark.parametrize(
    "ts", [b"5", b"-5", b"0", b'"1732243200123"', b"true", b"1e300", b"1e999", b"NaN", b"[]", b"1732243200123000000"]
)
def test_a_time_that_can_be_none_is_counted_and_the_values_are_kept(ts: bytes) -> None:
    message = read_native(b'{"ts":' + ts + b',"values":{"a":1}}')
    assert plain(message) == [(None, {"a": 1.0})]
    assert reasons(message) == [Reason.BAD_TIME]
    assert not message.faults[0].may_hide_alarm


@pytest.mark.parametrize(
    ("ts", "stamp_us"),
    [
        (b"1732243200", 1732243200e6),
        (b"1732243200.25", 1732243200.25e6),
        (b"1732243200123", US),
        (b"1732243200123.5", US + 500),
        (b"1.732243200123e12", US),
        (b"99999999999", 99999999999e6),
        (b"1262304000", 1262304000e6),
        (b"1262304000000", 1262304000e6),
    ],
)
def test_times_are_ms_or_seconds(ts: bytes, stamp_us: float) -> None:
    assert plain(read_native(b'{"ts":' + ts + b',"values":{"a":1}}')) == [(stamp_us, {"a": 1.0})]


def test_the_receipts_time_is_the_newest_given_even_if_it_is_none() -> None:
    assert read_native(b'[{"ts":7,"values":{"a":1}},{"ts":9,"values":{"a":1}},{"ts":8,"values":{"a":1}}]').ts == 9.0
    assert read_native(b'{"ts":1e999,"values":{"a":1}}').ts is None
    assert read_native(b'{"a":1}').ts is None


@pytest.mark.parametrize(
    ("payload", "online"),
    [
        (b"online", 1.0),
        (b"offline", 0.0),
        (b" Online\n", 1.0),
        (b'"offline"', 0.0),
        (b'{"status":"online"}', 1.0),
        (b'{"status":"OFFLINE"}', 0.0),
    ],
)
def test_a_status_is_a_reading_of_online(payload: bytes, online: float) -> None:
    assert plain(read_status(payload)) == [(None, {"online": online})]


def test_a_status_may_have_a_time() -> None:
    assert plain(read_status(b'{"status":"online","ts":%d}' % MS)) == [(US, {"online": 1.0})]
    assert reasons(read_status(b'{"status":"online","ts":"noon"}')) == [Reason.BAD_TIME]


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", Reason.NOT_JSON),
        (b"dead", Reason.NOT_JSON),
        (b"\xff", Reason.NOT_UTF8),
        (b"1", Reason.WRONG_SHAPE),
        (b'{"status":1}', Reason.WRONG_SHAPE),
        (b'{"online":true}', Reason.WRONG_SHAPE),
        (b'["online"]', Reason.WRONG_SHAPE),
        (b"[" * 60_000, Reason.TOO_DEEP),
    ],
)
def test_any_other_status_is_set_aside(payload: bytes, reason: Reason) -> None:
    message = read_status(payload)
    assert message.entries == ()
    assert reasons(message) == [reason]


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_break_the_decoder(payload: bytes) -> None:
    for read in (read_native, read_status):
        message = read(payload)
        assert message.entries or message.faults


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["ts", "values", "a", "b", ""]), inner),
    max_leaves=12,
)


@settings(deadline=None)
@given(ANY_JSON)
def test_every_value_of_any_json_is_kept_or_set_aside(body: object) -> None:
    message = read_native(json.dumps(body).encode())
    assert message.entries or message.faults
    for entry in message.entries:
        assert entry.values
        assert all(value is None or math.isfinite(value) for value in entry.values.values())


@settings(deadline=None)
@given(ANY_JSON)
def test_what_a_fast_decoder_reads_the_careful_one_reads_alike(body: object) -> None:
    payload = json.dumps(body).encode()
    careful = read_native(payload)
    for form, decode in FAST.items():
        try:
            fast = decode(payload)
        except (ValueError, RecursionError):
            assert careful.form is not form
            continue
        items = fast if isinstance(fast, list) else [fast]
        values = [item.values if isinstance(item, Stamped) else item for item in items]
        if careful.form is form and form is not Form.FLAT:
            assert values == [entry.values for entry in careful.entries]
        elif careful.form is form and "ts" not in values[0]:
            assert careful.entries == (Entry(careful.entries[0].stamp_us, values[0]),)
