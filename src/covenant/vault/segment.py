"""A sorted, immutable table of blobs that is searched where it lies, in memory or in a mapped file.

Ten million blobs as Python objects would need gigabytes. Here a blob costs 48 bytes and no object: ids lie sorted
side by side, a fan-out table says where the ids with a given first two bytes begin, and C code searches that short
stretch.

    offset          length          what
    0               8               magic ``CVNTIDX2``
    8               8               number of blobs n (little-endian, as all numbers here)
    16              8               number of packs p
    24              8               length j of the JSON list of index ids that this segment was made from
    32              4 × 65,537      fan-out: the first position whose id begins with at least this prefix
    …               32 × n          ids, ascending
    …               16 × n          places: pack number | type << 31, offset, length, plain length (4 bytes each)
    …               32 × p          pack ids
    …               j               JSON list of index ids
    …               32              SHA-256 of everything before

A blob that lies in several packs appears several times.
"""

from __future__ import annotations

import json
import mmap
import os
import struct
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from covenant.kernel.errors import DamageError
from covenant.vault.crypto import OVERHEAD

MAGIC = b"CVNTIDX2"
ID_SIZE = 32

_HEAD = struct.Struct("<8sQQQ")
_PLACE = struct.Struct("<IIII")
_PREFIXES = 1 << 16
_FANOUT_SIZE = 4 * (_PREFIXES + 1)
_TYPE_SHIFT = 31
_PACK_MASK = (1 << _TYPE_SHIFT) - 1
_RECORD = struct.Struct("<32sIIII")
_NOWHERE = range(0)


class Location(NamedTuple):
    """Where a blob lies: ``length`` sealed bytes at ``offset`` of ``pack``; ``plain_length`` 0 if not compressed."""

    pack: bytes
    type: int
    offset: int
    length: int
    plain_length: int

    @property
    def size(self) -> int:
        """How many plain bytes the blob has."""
        return self.plain_length or self.length - OVERHEAD


class Segment:
    """One table, over bytes or a mapped file."""

    def __init__(self, data: bytes | mmap.mmap, path: Path | None = None) -> None:
        self.path = path
        self.count: int
        self.pack_count: int
        magic, self.count, self.pack_count, json_length = _HEAD.unpack_from(data, 0)
        if magic != MAGIC:
            raise DamageError("index segment has a wrong beginning")
        self._data = data
        self._fanout = memoryview(data)[_HEAD.size : _HEAD.size + _FANOUT_SIZE].cast("I")
        self._ids = _HEAD.size + _FANOUT_SIZE
        self._places = self._ids + ID_SIZE * self.count
        self._packs = self._places + _PLACE.size * self.count
        sources = self._packs + ID_SIZE * self.pack_count
        self.sources = frozenset(json.loads(data[sources : sources + json_length]))

    @classmethod
    def map(cls, path: Path) -> Segment:
        """Map a segment file. Raises ``DamageError`` for one that is not as it was written, ``OSError`` otherwise."""
        with path.open("rb") as file:
            end = file.seek(0, 2) - ID_SIZE
            file.seek(0)
            digest = sha256()
            while (left := end - file.tell()) > 0:
                digest.update(file.read(min(left, 1 << 20)))
            if end < _HEAD.size + _FANOUT_SIZE or digest.digest() != file.read(ID_SIZE):
                raise DamageError(f"index segment {path.name} is damaged")
            return cls(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), path)

    def positions(self, blob_id: bytes) -> Iterator[int]:
        """Every position at which ``blob_id`` stands."""
        prefix = blob_id[0] << 8 | blob_id[1]
        at = self._ids + ID_SIZE * self._fanout[prefix]
        end = self._ids + ID_SIZE * self._fanout[prefix + 1]
        find = self._data.find
        while (at := find(blob_id, at, end)) >= 0:
            position, misaligned = divmod(at - self._ids, ID_SIZE)
            if not misaligned:
                yield position
            at += ID_SIZE - misaligned

    def span(self, blob_id: bytes) -> range:
        """The positions at which ``blob_id`` stands: ``positions`` for those who ask very often."""
        prefix = blob_id[0] << 8 | blob_id[1]
        fanout, ids, data = self._fanout, self._ids, self._data
        at, end = ids + ID_SIZE * fanout[prefix], ids + ID_SIZE * fanout[prefix + 1]
        at = data.find(blob_id, at, end)
        while at >= 0 and (at - ids) % ID_SIZE:
            at = data.find(blob_id, at + 1, end)
        if at < 0:
            return _NOWHERE
        after = at + ID_SIZE
        while after < end and data[after : after + ID_SIZE] == blob_id:
            after += ID_SIZE
        return range((at - ids) // ID_SIZE, (after - ids) // ID_SIZE)

    def holds(self, blob_id: bytes, blob_type: int) -> bool:
        """Whether ``blob_id`` stands here with this type."""
        prefix = blob_id[0] << 8 | blob_id[1]
        fanout, ids = self._fanout, self._ids
        at = self._data.find(blob_id, ids + ID_SIZE * fanout[prefix], ids + ID_SIZE * fanout[prefix + 1])
        if at < 0:
            return False
        place = self._places + (at - ids) // ID_SIZE * _PLACE.size
        if not (at - ids) % ID_SIZE and self._data[place + 3] >> 7 == blob_type:  # the first copy, nearly always
            return True
        return any(self.type_at(position) == blob_type for position in self.positions(blob_id))

    def location(self, position: int) -> Location:
        """Where the blob at ``position`` lies."""
        packed, offset, length, plain_length = _PLACE.unpack_from(self._data, self._places + _PLACE.size * position)
        pack = self._packs + ID_SIZE * (packed & _PACK_MASK)
        return Location(self._data[pack : pack + ID_SIZE], packed >> _TYPE_SHIFT, offset, length, plain_length)

    def id_at(self, position: int) -> bytes:
        """The id at ``position``."""
        at = self._ids + ID_SIZE * position
        return self._data[at : at + ID_SIZE]

    def type_at(self, position: int) -> int:
        """The type of the blob at ``position``."""
        packed: int = _PLACE.unpack_from(self._data, self._places + _PLACE.size * position)[0]
        return packed >> _TYPE_SHIFT

    def rows(self) -> Iterator[tuple[bytes, int, int, int, int, int]]:
        """Every blob by position: id, pack number, type, offset, length, plain length."""
        for prefix in range(256):
            for blob_id, packed, offset, length, plain_length in map(_RECORD.unpack, self.records(prefix, 0)):
                yield blob_id, packed & _PACK_MASK, packed >> _TYPE_SHIFT, offset, length, plain_length

    def row_at(self, position: int) -> tuple[int, int, int, int, int]:
        """The blob at ``position``: pack number, type, offset, length, plain length."""
        packed, offset, length, plain_length = _PLACE.unpack_from(self._data, self._places + _PLACE.size * position)
        return packed & _PACK_MASK, packed >> _TYPE_SHIFT, offset, length, plain_length

    def pack_ids(self) -> Iterator[bytes]:
        """Every pack that this segment knows."""
        for number in range(self.pack_count):
            at = self._packs + ID_SIZE * number
            yield self._data[at : at + ID_SIZE]

    def records(self, prefix: int, pack_offset: int) -> list[bytes]:
        """The raw records of the ids whose first byte is ``prefix``, their pack numbers shifted by ``pack_offset``."""
        first, last = self._fanout[prefix << 8], self._fanout[(prefix + 1) << 8]
        ids = self._data[self._ids + ID_SIZE * first : self._ids + ID_SIZE * last]
        places = self._data[self._places + _PLACE.size * first : self._places + _PLACE.size * last]
        if not pack_offset:
            return [
                ids[at * ID_SIZE : (at + 1) * ID_SIZE] + places[at * _PLACE.size : (at + 1) * _PLACE.size]
                for at in range(last - first)
            ]
        return [
            _RECORD.pack(ids[at * ID_SIZE : (at + 1) * ID_SIZE], packed + pack_offset, offset, length, plain_length)
            for at, (packed, offset, length, plain_length) in enumerate(_PLACE.iter_unpack(places))
        ]


class SegmentBuilder:
    """Collects blobs, by the first byte of their ids, without an object for each."""

    def __init__(self) -> None:
        self._buckets = [bytearray() for _ in range(256)]
        self._packs: list[bytes] = []
        self.count = 0

    def add(self, pack: bytes, blobs: Iterable[tuple[bytes, int, int, int, int]]) -> None:
        """Add the blobs of one pack: (id, type, offset, length, plain length) each."""
        number = len(self._packs)
        self._packs.append(pack)
        buckets, encode = self._buckets, _RECORD.pack
        for blob_id, kind, offset, length, plain_length in blobs:
            buckets[blob_id[0]] += encode(blob_id, number | kind << _TYPE_SHIFT, offset, length, plain_length)
            self.count += 1

    def build(self, sources: Iterable[str]) -> Segment:
        """The finished segment, in memory."""
        listed = _list_sources(sources)
        out = bytearray(_size(self.count, len(self._packs), listed))

        def write_at(offset: int, data: bytes) -> None:
            out[offset : offset + len(data)] = data

        _write(write_at, self._records, self.count, self._packs, listed)
        return Segment(bytes(out))

    def _records(self, prefix: int) -> list[bytes]:
        raw = bytes(self._buckets[prefix])
        return [raw[at : at + _RECORD.size] for at in range(0, len(raw), _RECORD.size)]


def merge_to_file(path: Path, segments: Sequence[Segment]) -> None:
    """Merge segments into one file, with one first byte's records in memory at a time. Raises ``OSError``."""
    packs: list[bytes] = []
    shifts = []
    for segment in segments:
        shifts.append(len(packs))
        packs.extend(segment.pack_ids())
    sources = frozenset[str]().union(*(segment.sources for segment in segments))

    def records(prefix: int) -> list[bytes]:
        merged: list[bytes] = []
        for segment, shift in zip(segments, shifts, strict=True):
            merged += segment.records(prefix, shift)
        return merged

    with path.open("wb") as file:
        descriptor = file.fileno()

        def write_at(offset: int, data: bytes) -> None:
            os.pwrite(descriptor, data, offset)

        _write(write_at, records, sum(segment.count for segment in segments), packs, _list_sources(sources))
    digest = sha256()
    with path.open("r+b") as written:
        while block := written.read(1 << 20):
            digest.update(block)
        written.write(digest.digest())


def _list_sources(sources: Iterable[str]) -> bytes:
    return json.dumps(sorted(sources)).encode()


def _size(count: int, packs: int, sources: bytes) -> int:
    return _HEAD.size + _FANOUT_SIZE + (ID_SIZE + _PLACE.size) * count + ID_SIZE * packs + len(sources)


def _write(
    write_at: Callable[[int, bytes], None],
    records: Callable[[int], list[bytes]],
    count: int,
    packs: list[bytes],
    sources: bytes,
) -> None:
    """Write every part but the closing hash; ``records(first byte)`` gives that byte's records in any order."""
    fanout = array("I", bytes(_FANOUT_SIZE))
    ids_at = _HEAD.size + _FANOUT_SIZE
    places_at = ids_at + ID_SIZE * count
    position = 0
    for first_byte in range(256):
        bucket = sorted(records(first_byte))
        write_at(ids_at + ID_SIZE * position, b"".join([record[:ID_SIZE] for record in bucket]))
        write_at(places_at + _PLACE.size * position, b"".join([record[ID_SIZE:] for record in bucket]))
        counts = Counter([record[1] for record in bucket])
        for second_byte in range(256):
            fanout[first_byte << 8 | second_byte] = position
            position += counts[second_byte]
    fanout[_PREFIXES] = position
    packs_at = places_at + _PLACE.size * count
    write_at(0, _HEAD.pack(MAGIC, count, len(packs), len(sources)) + fanout.tobytes())
    write_at(packs_at, b"".join(packs) + sources)
