"""An irreducible polynomial over GF(2) of degree 53, as restic's own chunker needs one.

Polynomials are integers: bit i is the coefficient of x^i. Irreducibility by Ben-Or's test: f of degree n is
irreducible if gcd(f, x^(2^i) - x) = 1 for every i up to n / 2. About one in 53 candidates is.
"""

from __future__ import annotations

import secrets

DEGREE = 53


def random_irreducible() -> int:
    """A random irreducible polynomial of degree 53."""
    while True:
        candidate = 1 << DEGREE | secrets.randbits(DEGREE) | 1
        if is_irreducible(candidate):
            return candidate


def is_irreducible(f: int) -> bool:
    """Whether ``f`` has no divisor but 1 and itself."""
    power = 2  # x
    for _ in range((f.bit_length() - 1) // 2):
        power = _modulo(_square(power), f)
        if _gcd(f, power ^ 2) != 1:
            return False
    return True


def _square(a: int) -> int:
    """Squaring over GF(2) spreads the bits apart."""
    return int("0".join(f"{a:b}"), 2)


def _modulo(a: int, f: int) -> int:
    while (excess := a.bit_length() - f.bit_length()) >= 0:
        a ^= f << excess
    return a


def _gcd(a: int, b: int) -> int:
    while b:
        a, b = b, _modulo(a, b)
    return a
