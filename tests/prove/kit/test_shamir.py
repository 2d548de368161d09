"""A secret that was split: any k people have it, and k - 1 know nothing."""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from covenant.kernel.errors import UsageError
from covenant.prove.kit.shamir import combine, divide, multiply, split


def given_bytes(*rows: bytes) -> Callable[[int], bytes]:
    """A source of randomness that gives these, one after another."""
    left = iter(rows)
    return lambda size: next(left)


@st.composite
def splits(draw: st.DrawFn) -> tuple[int, int]:
    """A k and an n that make sense."""
    n = draw(st.integers(2, 9))
    return draw(st.integers(2, n)), n


@given(st.binary(min_size=1, max_size=20), splits(), st.randoms(use_true_random=False))
def test_any_k_shares_give_the_secret(secret: bytes, split_in: tuple[int, int], chance: object) -> None:
    """Whichever k people come together, and in whatever order, they have the secret."""
    k, n = split_in
    shares = split(secret, k, n, os.urandom)

    for chosen in combinations(shares, k):
        assert secret == combine({x: shares[x] for x in reversed(chosen)})


@given(st.binary(min_size=1, max_size=20), splits())
def test_more_shares_than_needed_give_the_same(secret: bytes, split_in: tuple[int, int]) -> None:
    """All n together agree."""
    k, n = split_in

    assert secret == combine(split(secret, k, n, os.urandom))


@pytest.mark.parametrize(("k", "n"), [(2, 3), (3, 3), (3, 5)])
def test_fewer_shares_fit_every_secret(k: int, n: int) -> None:
    """Whatever k - 1 people hold, each of the 256 values of a byte is the secret under exactly one more share."""
    shares = split(b"\x2a", k, n, os.urandom)
    held = {x: shares[x] for x in list(shares)[: k - 1]}

    fitting = {combine({**held, n: bytes([value])}) for value in range(256)}

    assert {bytes([value]) for value in range(256)} == fitting


def test_the_field_is_that_of_aes() -> None:
    """Products are those of FIPS 197, section 4.2, so that another program can put the shares together."""
    assert (0xC1, 0x01, 0x00) == (multiply(0x57, 0x83), multiply(0x53, 0xCA), multiply(0, 7))


def test_division_undoes_multiplication() -> None:
    """Every product can be taken apart again."""
    assert all(a == divide(multiply(a, b), b) for a in range(256) for b in range(1, 256))


def test_the_shares_are_the_values_of_the_polynomial() -> None:
    """Secret 0x2a with the coefficient 0x07 gives 0x2a + 0x07·x: what the page says can be done by hand."""
    shares = split(b"\x2a", 2, 3, given_bytes(b"\x07"))

    assert {1: b"\x2d", 2: b"\x24", 3: b"\x23"} == shares


@pytest.mark.parametrize(("k", "n"), [(1, 3), (4, 3), (2, 256), (0, 0)])
def test_a_split_that_makes_no_sense_is_refused(k: int, n: int) -> None:
    """One person alone is no split, and nobody can need more shares than there are."""
    with pytest.raises(UsageError):
        split(b"secret", k, n, os.urandom)
