"""Where files are cut into blobs.

Content-defined: FastCDC finds the cuts from the bytes themselves, so that something inserted at the front moves no
cut behind it. Any cuts are valid in the format; restic's own merely differ.

Fixed: a database file is an array of pages that are changed in place and never shift. Cut at fixed places into
small blocks, a changed page costs one block instead of a megabyte.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from pyfastcdc import FastCDC

from covenant.vault.ports import Buffer

SMALLEST = 512 << 10
AVERAGE = 1 << 20
LARGEST = 8 << 20
"""Bounds of content-defined blobs, the same as restic's. Only the last blob of a file is smaller."""

_SQLITE = b"SQLite format 3\0"
_BLOCKS = ((4 << 30, 64 << 10), (64 << 30, 256 << 10))
_LARGEST_BLOCK = 1 << 20

Cut = Callable[[memoryview], Iterator[int]]
"""Gives the lengths of the blobs that a stretch of bytes is cut into; all but the last are final."""


def content_defined() -> Cut:
    """Cuts by content; not thread-safe."""
    cdc = FastCDC(AVERAGE, min_size=SMALLEST, max_size=LARGEST, normalized_chunking=2)

    def cut(stretch: memoryview) -> Iterator[int]:
        return (chunk.length for chunk in cdc.cut_buf(stretch))

    return cut


def fixed(block: int) -> Cut:
    """Cuts every ``block`` bytes."""

    def cut(stretch: memoryview) -> Iterator[int]:
        for at in range(0, len(stretch), block):
            yield min(block, len(stretch) - at)

    return cut


def cut_for(head: Buffer, size: int) -> Cut:
    """How to cut a file that begins with ``head`` and has ``size`` bytes."""
    if bytes(head[: len(_SQLITE)]) == _SQLITE:
        return fixed(next((block for limit, block in _BLOCKS if size <= limit), _LARGEST_BLOCK))
    return content_defined()
