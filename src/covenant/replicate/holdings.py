"""What each region holds, side by side, in forty bytes an object.

A vault has millions of objects, and a Python object for each of them in each region would not fit. So the ids lie as
plain records in one array per folder and first byte of the id:

    offset  0   id, 32 bytes
    offset 32   size, 8 bytes, big-endian

Only one such slice, a 256th of a folder, is ever unpacked at a time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import reduce
from operator import xor
from typing import TypeAlias

from covenant.replicate.naming import FOLDERS, folder_of, proves_itself
from covenant.vault.names import object_name
from covenant.vault.ports import Listed

Sizes: TypeAlias = tuple[int | None, ...]
"""An object's size in each region, in their order; ``None`` where it is not."""

_RECORD = 40
_Key: TypeAlias = tuple[str, int]


class Holdings:
    """What one region lists."""

    def __init__(self, listed: Iterable[Listed] = ()) -> None:
        self._records: dict[_Key, bytearray] = {}
        self._sums: dict[_Key, int] = {}
        self.others: dict[str, int] = {}
        """Objects that do not prove themselves, by name: ``config``, and what is no part of a vault."""
        for name, size in listed:
            self.add(name, size)

    def add(self, name: str, size: int) -> None:
        """One more object."""
        if not proves_itself(name):
            self.others[name] = size
            return
        object_id = bytes.fromhex(name[-64:])
        key = (folder_of(name), object_id[0])
        record = object_id + size.to_bytes(8)
        self._records.setdefault(key, bytearray()).extend(record)
        self._sums[key] = self._sums.get(key, 0) ^ hash(record)

    def discard(self, name: str) -> None:
        """No such object, as it turned out."""
        if not proves_itself(name):
            self.others.pop(name, None)
            return
        object_id = bytes.fromhex(name[-64:])
        key = (folder_of(name), object_id[0])
        kept = {known: size for known, size in self.unpacked(key).items() if known != object_id}
        if key in self._records:
            records = [known + size.to_bytes(8) for known, size in kept.items()]
            self._records[key] = bytearray(b"".join(records))
            self._sums[key] = reduce(xor, map(hash, records), 0)

    def slices(self) -> Iterable[_Key]:
        """The slices that are not empty."""
        return self._records.keys()

    def looks_like(self, other: Holdings, key: _Key) -> bool:
        """Whether two regions have the same in one slice, as far as their lengths and sums tell, unpacking neither."""
        ours, theirs = self._records.get(key, b""), other._records.get(key, b"")
        return len(ours) == len(theirs) and self._sums.get(key, 0) == other._sums.get(key, 0)

    def unpacked(self, key: _Key) -> dict[bytes, int]:
        """One slice: id to size."""
        records = self._records.get(key, b"")
        starts = range(0, len(records), _RECORD)
        return {bytes(records[at : at + 32]): int.from_bytes(records[at + 32 : at + _RECORD]) for at in starts}


def gaps(holdings: Sequence[Holdings]) -> Iterator[str]:
    """Every object that one region holds and another does not. Slices that are alike are not unpacked."""
    keys = {key for held in holdings for key in held.slices()}
    unlike = {key for key in keys if not all(held.looks_like(holdings[0], key) for held in holdings[1:])}
    return (name for name, sizes in side_by_side(holdings, unlike) if None in sizes)


def side_by_side(holdings: Sequence[Holdings], only: Iterable[_Key] | None = None) -> Iterator[tuple[str, Sizes]]:
    """Every object that any region holds, folder after folder in the order in which they must arrive.

    ``only`` names the slices that are meant, else all are; objects that do not prove themselves come in either case.
    """
    keys = sorted({key for held in holdings for key in held.slices()} if only is None else only, key=_order)
    for key in keys:
        slices = [held.unpacked(key) for held in holdings]
        for object_id in sorted(set[bytes]().union(*slices)):
            yield object_name(key[0], object_id.hex()), tuple(held.get(object_id) for held in slices)
    for name in sorted({name for held in holdings for name in held.others}):
        yield name, tuple(held.others.get(name) for held in holdings)


def right_size(sizes: Sizes) -> int:
    """The size that most copies have; where they are even, the larger, for what breaks off is shorter."""
    votes = Counter(size for size in sizes if size is not None)
    return max(votes, key=lambda size: (votes[size], size))


def _order(key: _Key) -> tuple[int, str, int]:
    folder, first = key
    return (FOLDERS.index(folder) if folder in FOLDERS else len(FOLDERS), folder, first)
