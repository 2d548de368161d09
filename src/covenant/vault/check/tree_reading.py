"""Reading many trees, in the order in which they lie rather than the order in which they were met.

A request for each directory would make a check of a distant vault a matter of round trips; neighbours in a pack are
read together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from covenant.kernel.errors import DamageError, StoreError
from covenant.vault.check.blobs import Blobs
from covenant.vault.names import DATA, object_name
from covenant.vault.reader import open_blob
from covenant.vault.segment import Location
from covenant.vault.vault import Vault

_TOGETHER = 1 << 20
_GAP = 64 << 10


class TreeRead(NamedTuple):
    """A tree, or why it cannot be had from this place."""

    position: int
    id: bytes
    plain: bytes | None
    error: DamageError | StoreError | None


def read_trees(vault: Vault, blobs: Blobs, positions: Iterable[int]) -> Iterator[TreeRead]:
    """Every tree at these positions, in any order."""
    places = [(blobs.segment.location(position), position) for position in positions]
    places.sort(key=lambda item: (item[0].pack, item[0].offset))
    for run in _runs(places):
        yield from _read_run(vault, blobs, run)


def _runs(places: list[tuple[Location, int]]) -> Iterator[list[tuple[Location, int]]]:
    run: list[tuple[Location, int]] = []
    for item in places:
        if run:
            first, last = run[0][0], run[-1][0]
            apart = item[0].offset - last.offset - last.length
            near = item[0].pack == first.pack and 0 <= apart <= _GAP
            if not near or item[0].offset + item[0].length - first.offset > _TOGETHER:
                yield run
                run = []
        run.append(item)
    if run:
        yield run


def _read_run(vault: Vault, blobs: Blobs, run: list[tuple[Location, int]]) -> Iterator[TreeRead]:
    first, last = run[0][0], run[-1][0]
    name = object_name(DATA, first.pack.hex())
    try:
        data = memoryview(vault.store.get_range(name, first.offset, last.offset + last.length - first.offset))
    except (DamageError, StoreError) as error:
        if len(run) == 1:
            position = run[0][1]
            yield TreeRead(position, blobs.segment.id_at(position), None, error)
        else:
            for item in run:
                yield from _read_run(vault, blobs, [item])
        return
    for place, position in run:
        blob_id = blobs.segment.id_at(position)
        sealed = data[place.offset - first.offset : place.offset - first.offset + place.length]
        try:
            yield TreeRead(position, blob_id, open_blob(vault, blob_id, place, sealed), None)
        except DamageError as error:
            yield TreeRead(position, blob_id, None, error)
