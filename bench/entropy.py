"""Bytes that look random and are the same on every machine, made at about a gigabyte a second.

A key stream of AES-256-CTR: its key is the SHA-256 of a label, so every file has a stream of its own and one file can
be made anew without making those before it.
"""

from __future__ import annotations

import hashlib
import random

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

SEED = "covenant-bench-1"
"""Changing it changes every data set; figures from different seeds do not belong side by side."""


class Noise:
    """An endless incompressible stream named by its label."""

    def __init__(self, label: str) -> None:
        key = hashlib.sha256(f"{SEED}/{label}".encode()).digest()
        self._stream = Cipher(algorithms.AES(key), modes.CTR(bytes(16))).encryptor()

    def take(self, size: int) -> bytes:
        """The next ``size`` bytes."""
        return self._stream.update(bytes(size))


def dice(label: str) -> random.Random:
    """A generator for choices (sizes, names, places) that always falls the same way for the same label."""
    return random.Random(f"{SEED}/{label}")


def phrases(label: str, count: int, words: int) -> list[str]:
    """``count`` short texts of up to ``words`` words, from 4,000 words used as unevenly as speech uses them."""
    rng = dice(label)
    letters = "etaoinshrdlucmfwypvbgkjqxz"
    weights = [1 / (rank + 2) for rank in range(len(letters))]
    vocabulary = ["".join(rng.choices(letters, weights, k=rng.randint(2, 10))) for _ in range(4000)]
    steps = [1 / (rank + 10) for rank in range(len(vocabulary))]
    stock = rng.choices(vocabulary, steps, k=count * words)
    return [" ".join(stock[at * words : at * words + rng.randint(2, words)]) for at in range(count)]
