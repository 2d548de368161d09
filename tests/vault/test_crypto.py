"""Sealing: what comes back is what went in, and nothing else passes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from covenant.kernel.errors import DamageError
from covenant.vault.crypto import OVERHEAD, MasterKey, Sealer

KEY = MasterKey(bytes(range(32)), bytes(range(16)), bytes(range(16, 32)))


@given(st.binary(max_size=5000))
def test_what_is_sealed_opens_again(plain: bytes) -> None:
    """Sealing and opening is the identity, and costs exactly the overhead."""
    sealed = Sealer(KEY).seal(plain)

    assert plain == Sealer(KEY).open(sealed)
    assert OVERHEAD == len(sealed) - len(plain)


@given(st.binary(max_size=3000))
def test_sealing_in_place_writes_the_same_shape(plain: bytes) -> None:
    """A blob sealed into a larger buffer opens, and what lies behind it stays untouched."""
    buffer = bytearray(b"\xee" * (len(plain) + OVERHEAD + 40))

    length = Sealer(KEY).seal_into(plain, memoryview(buffer))

    assert plain == Sealer(KEY).open(buffer[:length])
    assert b"\xee" * 40 == buffer[length:]


@given(st.binary(max_size=300), st.data())
def test_one_flipped_bit_is_noticed(plain: bytes, data: st.DataObject) -> None:
    """No bit of IV, ciphertext or tag can change unseen."""
    sealed = bytearray(Sealer(KEY).seal(plain))
    bit = data.draw(st.integers(0, len(sealed) * 8 - 1))
    sealed[bit // 8] ^= 1 << bit % 8

    with pytest.raises(DamageError):
        Sealer(KEY).open(sealed)


@pytest.mark.parametrize("length", [0, 1, OVERHEAD - 1])
def test_cut_off_bytes_are_damage(length: int) -> None:
    """Too few bytes for an IV and a tag are damage, not an index error."""
    with pytest.raises(DamageError):
        Sealer(KEY).open(bytes(length))


def test_no_two_seals_share_an_iv() -> None:
    """Counter mode breaks if an IV is used twice."""
    sealer = Sealer(KEY)

    assert 2000 == len({sealer.seal(b"")[:16] for _ in range(2000)})


def test_a_key_never_shows_itself() -> None:
    """Keys end up in tracebacks; they must say nothing there."""
    assert "MasterKey(…)" == repr(KEY)
