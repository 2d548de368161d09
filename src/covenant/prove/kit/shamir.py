"""Splitting a secret among n people so that any k of them can put it together, and k - 1 know nothing at all of it.

Each byte of the secret is the value at 0 of a polynomial of degree k - 1 over GF(256), whose other coefficients are
random; person x gets its value at x. Through k points goes exactly one such polynomial, and through k - 1 points and
any value at 0 goes one too: so fewer shares fit every secret equally well. (Shamir, "How to share a secret", 1979.)

The field is that of AES: polynomials modulo x^8 + x^4 + x^3 + x + 1, in which addition is exclusive or.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce

from covenant.kernel.errors import UsageError

MOST = 255
"""How many people there can be: as many as the field has elements, without 0, where the secret lies."""

_MODULUS = 0x11B


def _tables() -> tuple[list[int], list[int]]:
    """Powers of the generator 3, and their logarithms."""
    powers, logs, power = [0] * 510, [0] * 256, 1
    for exponent in range(255):
        powers[exponent] = powers[exponent + 255] = power
        logs[power] = exponent
        power ^= power << 1
        if power > 255:
            power ^= _MODULUS
    return powers, logs


_POWERS, _LOGS = _tables()


def multiply(a: int, b: int) -> int:
    """The product in the field."""
    return _POWERS[_LOGS[a] + _LOGS[b]] if a and b else 0


def divide(a: int, b: int) -> int:
    """The quotient in the field; ``b`` is not 0."""
    return _POWERS[_LOGS[a] - _LOGS[b] + 255] if a else 0


def split(secret: bytes, k: int, n: int, random: Callable[[int], bytes]) -> dict[int, bytes]:
    """Shares by the number of the person, 1 to ``n``. ``random`` gives so many bytes that nobody can guess.

    Raises ``UsageError`` for a ``k`` and ``n`` that make no sense.
    """
    if not 2 <= k <= n <= MOST:
        raise UsageError(
            f"{k} of {n} is no way to split a kit", f"Any two or more of at most {MOST}: '--split 2-of-3'."
        )
    rows = [secret, *(random(len(secret)) for _ in range(k - 1))]
    return {x: bytes(_value(coefficients, x) for coefficients in zip(*rows, strict=True)) for x in range(1, n + 1)}


def combine(shares: Mapping[int, bytes]) -> bytes:
    """The secret, from as many shares as were asked for when it was split. Fewer give bytes that mean nothing."""
    weights = {x: _weight(x, [other for other in shares if other != x]) for x in shares}
    columns = zip(*shares.values(), strict=True)
    return bytes(
        reduce(lambda sum_, term: sum_ ^ multiply(*term), zip(column, weights.values(), strict=True), 0)
        for column in columns
    )


def _value(coefficients: Sequence[int], x: int) -> int:
    """The polynomial's value, the constant first among its coefficients (Horner)."""
    return reduce(lambda value, coefficient: multiply(value, x) ^ coefficient, reversed(coefficients), 0)


def _weight(x: int, others: Sequence[int]) -> int:
    """What the share of ``x`` counts for at 0 (Lagrange); subtraction is exclusive or too."""
    return reduce(lambda weight, other: multiply(weight, divide(other, other ^ x)), others, 1)
