"""Reading many trees, in the order in which they lie rather than the order in which they were met.

A request for each directory would make a check of a distant vault a matter of round trips; neighbours in a pack are
read together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from covenant.vault.bulk import Read, read_each
from covenant.vault.check.blobs import Blobs
from covenant.vault.ranges import by_place
from covenant.vault.vault import Vault

_TOGETHER = 1 << 20


def read_trees(vault: Vault, blobs: Blobs, positions: Iterable[int]) -> Iterator[tuple[int, Read]]:
    """Every tree at these positions, each with its position, in any order."""
    segment = blobs.segment
    at = {segment.id_at(position): position for position in positions}
    places = sorted([(blob_id, segment.location(position)) for blob_id, position in at.items()], key=by_place)
    for read in read_each(vault, places, longest=_TOGETHER):
        yield at[read.id], read
