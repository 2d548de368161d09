"""Cuts: bounded, covering everything, and steady where they should be."""

from __future__ import annotations

import random
from hashlib import sha256

from hypothesis import given, settings
from hypothesis import strategies as st

from covenant.vault.chunker import LARGEST, SMALLEST, content_defined, cut_for, fixed


def pieces(data: bytes, lengths: list[int]) -> list[bytes]:
    """The pieces of these lengths, hashed."""
    out, at = [], 0
    for length in lengths:
        out.append(sha256(data[at : at + length]).digest())
        at += length
    assert at == len(data)
    return out


@given(st.integers(0, 12 << 20), st.integers(0, 2**32))
@settings(max_examples=10, deadline=None)
def test_cuts_cover_everything_within_bounds(size: int, seed: int) -> None:
    """No piece but the last is smaller than the smallest, none is larger than the largest."""
    data = random.Random(seed).randbytes(size)

    lengths = list(content_defined()(memoryview(data)))

    assert size == sum(lengths)
    assert all(SMALLEST <= length <= LARGEST for length in lengths[:-1])


def test_an_insertion_moves_few_cuts() -> None:
    """A megabyte in front leaves nearly all pieces behind it as they were."""
    chance = random.Random(3)
    data = chance.randbytes(40 << 20)
    longer = chance.randbytes(1 << 20) + data

    before = set(pieces(data, list(content_defined()(memoryview(data)))))
    after = set(pieces(longer, list(content_defined()(memoryview(longer)))))

    assert len(before - after) <= 4


def test_database_files_are_cut_into_blocks() -> None:
    """A changed page of a SQLite database costs one small block."""
    database = b"SQLite format 3\0" + bytes(1 << 20)

    assert [65536] * 16 + [16] == list(cut_for(database[:16], len(database))(memoryview(database)))
    assert [256 << 10] * 4 + [16] == list(cut_for(database[:16], 5 << 30)(memoryview(database)))
    assert [3, 3, 1] == list(fixed(3)(memoryview(b"1234567")))
