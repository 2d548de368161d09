"""Which of a vault's blobs are needed: one byte for each entry of the index, and no object for any.

Ten million ids in a Python set would take more than a gigabyte. The index's segments hold every id already, sorted;
so a blob is known by its position there, and one byte per position says what became of it.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from covenant.vault.pack import BlobType, PackEntry, header_size
from covenant.vault.segment import Segment

UNNEEDED, NEEDED, SEVERAL, SPARE = range(4)
"""Nobody needs it; needed, and this is the copy; needed, but there are several copies; needed, but not this copy."""


@dataclass(slots=True)
class PackTally:
    """What one listing of a pack comes to. Bytes are those in the pack: sealed, and with the blob's header entry."""

    blobs: int = 0
    bytes: int = 0
    needed_blobs: int = 0
    needed_bytes: int = 0
    kinds: int = 0
    """Bit 1 << BlobType for each type in it."""
    uncompressed: bool = False


class Census:
    """The needed blobs of a vault. A *listing* is a pack as one index file lists it; a pack may have several."""

    def __init__(self, segments: Sequence[Segment]) -> None:
        self.segments = segments
        self.listings = [pack for segment in segments for pack in segment.pack_ids()]
        self.usable = bytearray(b"\1" * len(self.listings))
        """By listing: whether its blobs can be had. Clear it before anything is marked."""
        self.missing: dict[tuple[int, bytes], None] = {}
        """Needed, and nowhere to be had: (type, id), in the order in which they were asked for."""
        self._flags = [bytearray(segment.count) for segment in segments]
        bases = accumulate((segment.pack_count for segment in segments), initial=0)
        self._tables = list(zip(segments, self._flags, bases, strict=False))

    def twice_listed(self) -> set[bytes]:
        """The packs that more than one index file lists."""
        return {pack for pack, listings in Counter(self.listings).items() if listings > 1}

    # -- marking --------------------------------------------------------------------------------------------------

    def need(self, blob_id: bytes, kind: int) -> bool:
        """Mark a blob as needed, in every usable pack that has it. Whether this is news; a missing blob is none."""
        found = []
        for segment, flags, base in self._tables:
            for position in segment.positions(blob_id):
                number, its_kind, _, _, _ = segment.row_at(position)
                if its_kind == kind and self.usable[base + number]:
                    if flags[position]:
                        return False
                    found.append((flags, position))
        for flags, position in found:
            flags[position] = NEEDED if len(found) == 1 else SEVERAL
        if not found:
            self.missing[kind, blob_id] = None
        return bool(found)

    def settle(self, cost: Callable[[int], float]) -> int:
        """Choose one of several copies; returns for how many blobs that was necessary.

        It is the copy in the listing that costs least, of equal ones that in the first, so always the same.
        """
        settled = 0
        for segment, flags, _ in self._tables:
            at = flags.find(SEVERAL)
            while at >= 0:
                self._choose(segment.id_at(at), segment.type_at(at), cost)
                settled += 1
                at = flags.find(SEVERAL, at + 1)
        return settled

    def _choose(self, blob_id: bytes, kind: int, cost: Callable[[int], float]) -> None:
        copies = []
        for segment, flags, base in self._tables:
            for position in segment.positions(blob_id):
                number, its_kind, _, _, _ = segment.row_at(position)
                if its_kind == kind and flags[position] == SEVERAL:
                    copies.append((cost(base + number), base + number, flags, position))
        best = min(copies, key=lambda copy: copy[:2])
        for copy in copies:
            copy[2][copy[3]] = NEEDED if copy is best else SPARE

    def drop(self, unwanted: Callable[[bytes, int], bool]) -> None:
        """Take back the mark of every needed blob that ``unwanted(id, type)``."""
        for segment, flags, _ in self._tables:
            at = flags.find(NEEDED)
            while at >= 0:
                if unwanted(segment.id_at(at), segment.type_at(at)):
                    flags[at] = UNNEEDED
                at = flags.find(NEEDED, at + 1)

    # -- counting -------------------------------------------------------------------------------------------------

    def tally(self) -> list[PackTally]:
        """Every listing's sums. Blobs in several copies count as needed in each, until ``settle``."""
        tallies = [PackTally() for _ in self.listings]
        for segment, flags, base in self._tables:
            for (_, number, kind, _, length, plain_length), flag in zip(segment.rows(), flags, strict=True):
                tally = tallies[base + number]
                size = length + header_size(plain_length)
                tally.blobs += 1
                tally.bytes += size
                tally.kinds |= 1 << kind
                if flag in (NEEDED, SEVERAL):
                    tally.needed_blobs += 1
                    tally.needed_bytes += size
                    tally.uncompressed |= not plain_length
        return tallies

    def needed_in(self, listings: Iterable[int]) -> Iterator[tuple[bytes, list[PackEntry]]]:
        """Pack and needed entries of each of these listings, in their order; eight bytes a blob are held meanwhile."""
        positions = {listing: array("Q") for listing in listings}
        for which, (segment, flags, base) in enumerate(self._tables):
            for position, ((_, number, *_), flag) in enumerate(zip(segment.rows(), flags, strict=True)):
                if flag == NEEDED and base + number in positions:
                    positions[base + number].append(position << 16 | which)
        for listing in list(positions):
            entries = [self._entry(which_position) for which_position in positions.pop(listing)]
            if entries:
                yield self.listings[listing], entries

    def _entry(self, which_position: int) -> PackEntry:
        segment, position = self.segments[which_position & 0xFFFF], which_position >> 16
        _, kind, offset, length, plain_length = segment.row_at(position)
        return PackEntry(segment.id_at(position), kind, offset, length, plain_length)


def is_mixed(kinds: int) -> bool:
    """Whether a pack holds both data and trees, as very old versions of restic wrote them."""
    return kinds == 1 << BlobType.DATA | 1 << BlobType.TREE
