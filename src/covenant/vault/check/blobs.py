"""Every blob that the index names, with one byte of remarks for each.

A check must remember for millions of blobs which are used, which are bad and which trees it has seen. Sets of ids
would need gigabytes; here a blob is its position in one sorted segment, and a remark is a bit in a ``bytearray``.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from functools import cached_property

from covenant.vault.crypto import OVERHEAD
from covenant.vault.pack import HEADER_LENGTH_SIZE, PackEntry, fingerprint, header_size
from covenant.vault.segment import ID_SIZE, Segment

SEEN = 1
"""A tree that the walk has met."""
USED = 2
"""Some snapshot needs it."""
BAD = 4
"""It cannot be read from this place."""
CLEAN = 8
"""A tree below which nothing is lost."""
SAME = 16
"""Another index file says the very same: it does not count."""


def parse_id(text: str) -> bytes | None:
    """The blob id that a tree has as text, or ``None`` where it is none."""
    try:
        blob_id = bytes.fromhex(text)
    except ValueError:
        return None
    return blob_id if len(blob_id) == ID_SIZE else None


class Blobs:
    """The blobs by position, and the packs by number."""

    def __init__(self, segment: Segment) -> None:
        self.segment = segment
        self.remarks = bytearray(segment.count)
        self.packs = list(segment.pack_ids())
        first = dict(zip(reversed(self.packs), range(len(self.packs) - 1, -1, -1), strict=True))
        self._first = array("I", [first[pack] for pack in self.packs])
        self.numbers = first
        """The number of every pack; one that several index files name has the first of its numbers."""
        self.twice = 0
        self._measure()

    def _measure(self) -> None:
        """Add up what each pack holds, and strike out what is said twice."""
        empty = bytes(8 * len(self.packs))
        self._counts, self._stored, self._ends = array("Q", empty), array("Q", empty), array("Q", empty)
        self._headers, self._kinds = array("Q", empty), bytearray(len(self.packs))
        self._prints = [0] * len(self.packs)
        first, previous, places = self._first, b"", list[tuple[int, ...]]()
        for position, (blob_id, number, kind, offset, length, plain_length) in enumerate(self.segment.rows()):
            number = first[number]
            if blob_id == previous:
                place = (number, kind, offset, length, plain_length)
                places = places or [(first[(row := self.segment.row_at(position - 1))[0]], *row[1:])]
                if place in places:
                    self.remarks[position] |= SAME
                    continue
                self.twice += any(other[1] == kind for other in places)
                places.append(place)
            elif places:
                places = []
            previous = blob_id
            self._counts[number] += 1
            self._kinds[number] |= 1 << kind
            self._stored[number] += length
            self._headers[number] += header_size(plain_length)
            self._prints[number] += fingerprint(blob_id, kind, offset, length, plain_length)
            if offset + length > self._ends[number]:
                self._ends[number] = offset + length

    @cached_property
    def _by_pack(self) -> tuple[array[int], array[int]]:
        """Where each pack begins in the array of positions sorted by pack. Only damage needs it."""
        starts = array("Q", [0])
        for count in self._counts:
            starts.append(starts[-1] + count)
        positions, free = array("I", bytes(4 * starts[-1])), starts[:-1]
        for position, (_, number, *_rest) in enumerate(self.segment.rows()):
            if not self.remarks[position] & SAME:
                number = self._first[number]
                positions[free[number]] = position
                free[number] += 1
        return starts, positions

    def __len__(self) -> int:
        return sum(self._counts)

    # -- packs ----------------------------------------------------------------------------------------------------

    def pack_size(self, number: int) -> int:
        """How large a pack is that holds what the index says."""
        return self._stored[number] + self._headers[number] + OVERHEAD + HEADER_LENGTH_SIZE

    def seamless(self, number: int) -> bool:
        """Whether the blobs of a pack can lie side by side as the index says."""
        return self._stored[number] == self._ends[number]

    def mixed(self, number: int) -> bool:
        """Whether a pack holds both trees and data."""
        return self._kinds[number] == 0b11

    def count(self, number: int) -> int:
        """How many blobs a pack holds."""
        return self._counts[number]

    def stored(self, number: int) -> int:
        """The bytes of a pack's blobs, without its header."""
        return self._stored[number]

    def fingerprint(self, number: int) -> int:
        """The sum of ``pack.fingerprint`` over a pack's blobs."""
        return self._prints[number]

    def entries(self, number: int) -> list[PackEntry]:
        """The blobs of a pack, in the order in which they lie there."""
        starts, by_pack = self._by_pack
        entries = [
            PackEntry(self.segment.id_at(position), *self.segment.row_at(position)[1:])
            for position in by_pack[starts[number] : starts[number + 1]]
        ]
        return sorted(entries, key=lambda entry: entry.offset)

    def pack_of(self, position: int) -> int:
        """The number of the pack in which a blob lies."""
        return self._first[self.segment.row_at(position)[0]]

    # -- blobs ----------------------------------------------------------------------------------------------------

    def places(self, blob_id: bytes, blob_type: int) -> Iterator[int]:
        """Every position of a blob."""
        for position in self.segment.span(blob_id):
            if self.segment.type_at(position) == blob_type:
                yield position

    def lost(self, blob_id: bytes, blob_type: int) -> bool:
        """Whether no place is known from which the blob can be read."""
        return all(self.remarks[position] & BAD for position in self.places(blob_id, blob_type))

    def use(self, blob_id: bytes, blob_type: int) -> int:
        """Remark that a blob is used; its plain length, or -1 where the index does not know it."""
        plain = -1
        for position in self.segment.span(blob_id):
            _, kind, _, length, plain_length = self.segment.row_at(position)
            if kind == blob_type:
                self.remarks[position] |= USED
                plain = plain_length or length - OVERHEAD
        return plain

    def condemn(self, number: int, entry: PackEntry) -> None:
        """Remark that a blob cannot be read from where it lies in this pack."""
        for position in self.places(entry.id, entry.type):
            if self.pack_of(position) == number and self.segment.row_at(position)[2] == entry.offset:
                self.remarks[position] |= BAD

    def unused(self) -> int:
        """How many blobs nothing needs."""
        return sum(not remark & (USED | SAME) for remark in self.remarks)
