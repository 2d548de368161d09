"""Files of an incremental base backup: which blocks changed, and the file that comes of them and of its parent.

    offset  bytes   (little endian)
    0       4       0xd3ae1f0d
    4       4       how many blocks there are, n
    8       4       how many blocks the file has at least
    12      4 n     the blocks' numbers
    …       …       zeros up to a whole block, if n > 0
    …       n b     the blocks, b bytes each, in that order

Blocks that are not there are those of the parent, or zeros where its file is shorter.
(PostgreSQL ``src/bin/pg_combinebackup/reconstruct.c``, ``src/backend/backup/basebackup_incremental.c``)

The parent lies in the vault in pieces. A piece none of whose blocks changed is taken over by its name; nothing of it is
read. The others are put together, and stored as pieces again at the same places.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from covenant.kernel.errors import DamageError
from covenant.protect.arriving import Kept, Patched, Piece
from covenant.protect.before import ID, Held
from covenant.vault.ports import Buffer

PREFIX = "INCREMENTAL."
_MAGIC = 0xD3AE1F0D
_HEAD = 12
_DAMAGED = "an incremental file of the server is not whole"
_HINT = "Run 'covenant backup' with '--full'."


class Changed(NamedTuple):
    """The head of an incremental file: the numbers of its blocks, and how many blocks the whole file has."""

    numbers: tuple[int, ...]
    length: int


@dataclass(slots=True)
class Gathered:
    """Bytes that come in pieces, taken in stretches of the length that is wanted."""

    content: Iterator[Buffer]
    rest: bytes = b""

    def exactly(self, size: int) -> bytes:
        """The next ``size`` bytes. Raises ``DamageError`` where there are fewer."""
        parts, have = [self.rest], len(self.rest)
        while have < size:
            piece = next(self.content, None)
            if piece is None:
                raise DamageError(_DAMAGED, _HINT)
            parts.append(bytes(piece))
            have += len(piece)
        data = b"".join(parts)
        self.rest = data[size:]
        return data[:size]


def read_head(content: Gathered, block: int) -> Changed:
    """What an incremental file brings; its blocks are what comes next. Raises ``DamageError``."""
    magic, count, length = _numbers(content.exactly(_HEAD))
    if magic != _MAGIC:
        raise DamageError(_DAMAGED, _HINT)
    numbers = _numbers(content.exactly(4 * count))
    if count:
        content.exactly(-(_HEAD + 4 * count) % block)
    if list(numbers) != sorted(set(numbers)):
        raise DamageError(_DAMAGED, _HINT)
    return Changed(numbers, max(length, numbers[-1] + 1 if numbers else 0))


def put_together(
    changed: Changed, content: Gathered, held: Held, sizes: Sequence[int], block: int, piece: int
) -> Iterator[Piece]:
    """The whole file, piece by piece: ``held`` with the changed blocks in it.

    ``sizes`` are those of its blobs, ``piece`` that of new ones. Raises ``DamageError``.
    """
    size = changed.length * block
    if not changed.numbers and size == held.size:
        yield Kept(held.blobs, size)
        return
    numbers, at = changed.numbers, 0
    for place in _places(held, sizes, size, sizes[0] if len(sizes) > 1 else max(piece, sum(sizes))):
        if place.start % block:
            raise DamageError(f"a file of the parent is not cut at blocks of {block} bytes", _HINT)
        edits = []
        while at < len(numbers) and numbers[at] * block < place.end:
            edits.append((numbers[at] * block - place.start, content.exactly(block)))
            at += 1
        length = place.end - place.start
        if place.blob is not None and not edits and length == place.held:
            yield Kept(place.blob, length)
        else:
            yield Patched(place.blob, length, tuple(edits))


class _Place(NamedTuple):
    """Where a piece of the new file lies, and the parent's blob there, with how many bytes that has."""

    blob: bytes | None
    held: int
    start: int
    end: int


def _places(held: Held, sizes: Sequence[int], size: int, piece: int) -> Iterator[_Place]:
    """The pieces of the new file. The parent's last is filled up, so that cuts stay where they are as files grow."""
    start = 0
    for number, length in enumerate(sizes):
        if start >= size:
            return
        blob = held.blobs[number * ID : (number + 1) * ID]
        end = min(size, start + (max(length, piece) if number == len(sizes) - 1 else length))
        yield _Place(blob, length, start, end)
        start = end
    for begin in range(start, size, piece):
        yield _Place(None, 0, begin, min(size, begin + piece))


def _numbers(data: bytes) -> tuple[int, ...]:
    return struct.unpack(f"<{len(data) // 4}I", data)
