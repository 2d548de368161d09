"""Which stretches of which packs to read, so that many blobs cost few reads.

Blobs that were kept together lie together. Those wanted are sorted by their place, and neighbours become one range;
a small gap is read along, because skipping it would cost another request.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple, TypeVar

from covenant.vault.segment import Location

GAP = 64 << 10
"""Bytes read along: skipping them would cost another request."""

LONGEST = 4 << 20
"""A range is at most this long, so that what a thread holds at a time stays small."""

_Tag = TypeVar("_Tag")


class Range(NamedTuple):
    """Bytes ``start`` to ``end`` of a pack."""

    pack: bytes
    start: int
    end: int

    @property
    def size(self) -> int:
        """How many bytes."""
        return self.end - self.start

    @classmethod
    def of(cls, place: Location) -> Range:
        """Those of one blob."""
        return cls(place.pack, place.offset, place.offset + place.length)


def ranges(
    wanted: Iterable[tuple[_Tag, Location]], *, longest: int = LONGEST, gap: int = GAP
) -> Iterator[tuple[Range, list[tuple[_Tag, Location]]]]:
    """Ranges that cover places which come in order, each with what lies in it.

    A range is at most ``longest`` bytes, unless one blob alone is longer.
    """
    pack, start, end = b"", 0, 0
    inside: list[tuple[_Tag, Location]] = []
    for item in wanted:
        place = item[1]
        place_end = place.offset + place.length
        near = place.pack == pack and start <= place.offset <= end + gap and place_end - start <= longest
        if inside and not near:
            yield Range(pack, start, end), inside
            inside = []
        if not inside:
            pack, start, end = place.pack, place.offset, place_end
        inside.append(item)
        end = max(end, place_end)
    if inside:
        yield Range(pack, start, end), inside


def by_place(item: tuple[object, Location]) -> tuple[bytes, int]:
    """A sort key: pack by pack, front to back."""
    place = item[1]
    return place.pack, place.offset
