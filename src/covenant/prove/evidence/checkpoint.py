"""Checkpoints: signed words of how long a chain was at a moment, and how it ended.

One signature speaks for every record up to there, for each names the one before. So a chain needs one signature for as
many records as are sealed at once, and a checkpoint that is kept elsewhere shows when a chain was cut off at its end.

    {"checkpoint":{"chain":…,"length":…,"head":…,"at":…,"key":…},"signature":"<128 hexadecimal digits>"}

It is one line. Signed is what stands before ``,"signature"``, byte by byte.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import msgspec

from covenant.kernel.errors import DamageError
from covenant.prove.evidence.chain import Head
from covenant.prove.evidence.signing import Signer, signed_by

MARK = b'{"checkpoint":'
_JOIN, _END = b',"signature":"', b'"}'
_TAIL = len(_JOIN) + 128 + len(_END)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """The chain ``chain`` had ``length`` records at ``at``, the last of which had the hash ``head``."""

    chain: str
    length: int
    head: str
    at: datetime
    key: str
    """The public half of the key that signed, in hexadecimal."""

    @property
    def end(self) -> Head:
        """The end of the chain that it speaks of."""
        return Head(self.length, self.head)


class _Signed(msgspec.Struct):
    checkpoint: Checkpoint


class Read(NamedTuple):
    """A checkpoint that was read, and whether one of the keys that are trusted signed it."""

    checkpoint: Checkpoint
    signed: bool


def sign(signer: Signer, chain: str, end: Head, now: datetime) -> bytes:
    """The line of a checkpoint."""
    point = Checkpoint(chain=chain, length=end.length, head=end.hash, at=now, key=signer.public)
    message = MARK + msgspec.json.encode(point)
    return message + _JOIN + signer.sign(message).hex().encode() + _END


def read(line: bytes, trusted: Collection[str]) -> Read:
    """What a line says, and whether a trusted key says it. Raises ``DamageError`` for what is no checkpoint."""
    message, tail = line[:-_TAIL], line[-_TAIL:]
    signature = tail[len(_JOIN) : -len(_END)]
    try:
        if not (tail.startswith(_JOIN) and tail.endswith(_END) and signature == signature.lower()):
            raise ValueError
        point = msgspec.json.decode(message + b"}", type=_Signed).checkpoint
        raw = bytes.fromhex(signature.decode("ascii"))
    except (msgspec.MsgspecError, ValueError):
        raise DamageError("a checkpoint is not readable", "Take another copy of it.") from None
    return Read(point, point.key in trusted and signed_by(point.key, message, raw))
