"""The chain: each record names the hash of the one before it, so none can be changed, dropped, moved or put in between.

A record is one line, canonical JSON in UTF-8 without its line feed, and begins with its number and that hash:

    {"n":7,"prev":"<64 hexadecimal digits>","at":…,"kind":…,"subject":…,"actor":…,"uid":…,"facts":{…}}

Its own hash is the SHA-256 of the line; the first record names 64 zeros, and its hash is the name of the chain. Because
bytes are hashed as they are, nobody who verifies has to know how they were made.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import NamedTuple

START = "0" * 64
"""What the first record names in the place of a hash."""


class Head(NamedTuple):
    """The end of a chain: how many records it has, and the hash of the last."""

    length: int = 0
    hash: str = START


def hash_of(line: bytes) -> str:
    """The hash of a record."""
    return sha256(line).hexdigest()


def beginning(after: Head) -> bytes:
    """How the record that follows must begin."""
    return b'{"n":%d,"prev":"%s",' % (after.length + 1, after.hash.encode())


def linked(after: Head, bodies: Iterable[bytes]) -> Iterator[bytes]:
    """The records with these bodies, JSON objects from ``at`` on, as they follow on a chain."""
    for body in bodies:
        line = beginning(after) + body[1:]
        yield line
        after = Head(after.length + 1, hash_of(line))
