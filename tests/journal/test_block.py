from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices import ReadingBatch
from storage.journal import decode_block, encode_block


def batch_of(rng: np.random.Generator, n: int) -> ReadingBatch:
    return ReadingBatch(
        rng.integers(0, 2**31, n, dtype=np.int32),
        rng.integers(-(2**62), 2**62, n, dtype=np.int64),
        rng.normal(size=n) * 10.0 ** rng.integers(-300, 300),
        rng.random(n) < 0.5,
        rng.integers(0, 256, n, dtype=np.uint8),
        int(rng.integers(0, 2**60)),
    )


def body_of(seed: int, n: int, m: int) -> bytes:
    rng = np.random.default_rng(seed)
    return encode_block(
        batch_of(rng, n), 1, rng.integers(0, 2**16, m, dtype=np.uint16), rng.integers(0, 2**32, m, dtype=np.uint32)
    )


@given(seed=st.integers(0, 2**32), n=st.integers(0, 300), m=st.integers(0, 50), session=st.integers(0, 255))
@settings(max_examples=100)
def test_a_block_comes_back_as_it_was(seed: int, n: int, m: int, session: int) -> None:
    rng = np.random.default_rng(seed)
    batch = batch_of(rng, n)
    packet_id = rng.integers(0, 2**16, m, dtype=np.uint16)
    digest = rng.integers(0, 2**32, m, dtype=np.uint32)
    stored = decode_block(encode_block(batch, session, packet_id, digest))
    for name in ("channel", "time_us", "value", "known", "flags"):
        array = getattr(batch, name)
        other = getattr(stored.batch, name)
        assert other.dtype == array.dtype
        np.testing.assert_array_equal(other, array)
    assert stored.batch.arrival_us == batch.arrival_us
    assert stored.session == session
    np.testing.assert_array_equal(stored.packet_id, packet_id)
    np.testing.assert_array_equal(stored.digest, digest)


@given(seed=st.integers(0, 2**32), n=st.integers(0, 40), m=st.integers(0, 9), data=st.data())
@settings(max_examples=200)
def test_a_changed_block_is_refused(seed: int, n: int, m: int, data: st.DataObject) -> None:
    body = bytearray(body_of(seed, n, m))
    at = data.draw(st.integers(0, len(body) - 1))
    body[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(ValueError, match="block"):
        decode_block(bytes(body))


@given(seed=st.integers(0, 2**32), n=st.integers(0, 40), m=st.integers(0, 9), data=st.data())
@settings(max_examples=100)
def test_a_cut_or_lengthened_block_is_refused(seed: int, n: int, m: int, data: st.DataObject) -> None:
    body = body_of(seed, n, m)
    cut = data.draw(st.integers(0, len(body) - 1))
    with pytest.raises(ValueError, match="block"):
        decode_block(body[:cut])
    with pytest.raises(ValueError, match="block"):
        decode_block(body + data.draw(st.binary(min_size=1, max_size=9)))


@given(st.binary(max_size=200))
def test_bytes_that_are_no_block_are_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match="block"):
        decode_block(body)


def test_decoding_copies_nothing_and_lets_nobody_write() -> None:
    stored = decode_block(body_of(1, 100, 10))
    for array in (stored.batch.value, stored.batch.time_us, stored.packet_id, stored.digest):
        assert not array.flags.owndata
        assert not array.flags.writeable
        assert array.flags.aligned


def test_arrays_that_are_not_contiguous_are_stored_right() -> None:
    batch = batch_of(np.random.default_rng(2), 100).select(np.arange(0, 100, 3))
    ids = np.arange(20, dtype=np.uint16)[::2]
    stored = decode_block(encode_block(batch, 0, ids, np.arange(10, dtype=np.uint32)))
    np.testing.assert_array_equal(stored.packet_id, ids)
    np.testing.assert_array_equal(stored.batch.value, batch.value)


def test_what_cannot_be_stored_is_refused() -> None:
    batch = ReadingBatch.empty(0)
    with pytest.raises(ValueError, match="session is 256"):
        encode_block(batch, 256)
    with pytest.raises(ValueError, match="wanted \\(m,\\) for both"):
        encode_block(batch, 0, np.zeros(2, np.uint16), np.zeros(3, np.uint32))
    with pytest.raises(ValueError, match="wanted \\(m,\\) for both"):
        encode_block(batch, 0, np.zeros(2, np.uint16))


def test_the_size_is_as_documented() -> None:
    assert len(body_of(3, 5_000, 1_250)) == 117_524
