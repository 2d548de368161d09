"""Which blobs the vault has, and where.

The index files of a vault are JSON, sealed and compressed like snapshots:

    {"supersedes": [ids], "packs": [{"id", "blobs": [{"id", "type", "offset", "length", "uncompressed_length"}]}]}

(restic ``doc/design.rst``, "Indexing"). In memory they are a few sorted ``Segment``s and one dict of what this run
has added since the last of them was closed, so that memory is 48 bytes a blob.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from covenant.kernel.errors import DamageError
from covenant.vault.pack import BlobType, PackEntry
from covenant.vault.segment import Location, Segment, SegmentBuilder

BLOBS_PER_FILE = 40_000
"""A file of this many entries stays below restic's 8 MiB."""

_TYPES = {"data": BlobType.DATA, "tree": BlobType.TREE}
_TYPE_NAMES = ("data", "tree")


class IndexedBlob(msgspec.Struct):
    """One blob, as an index file has it."""

    id: str
    type: str
    offset: int
    length: int
    uncompressed_length: int = 0


class IndexedPack(msgspec.Struct):
    """One pack, as an index file has it."""

    id: str
    blobs: list[IndexedBlob]

    def entries(self) -> Iterator[PackEntry]:
        """The blobs as a pack's header would list them. Raises ``DamageError``."""
        try:
            for blob in self.blobs:
                yield PackEntry(
                    bytes.fromhex(blob.id), _TYPES[blob.type], blob.offset, blob.length, blob.uncompressed_length
                )
        except (KeyError, ValueError) as error:
            raise DamageError(f"index entry of pack {self.id} makes no sense: {error}") from error


class IndexFile(msgspec.Struct):
    """One index file."""

    packs: list[IndexedPack]
    supersedes: list[str] = []


_decoder = msgspec.json.Decoder(IndexFile)


def decode_index(raw: bytes) -> IndexFile:
    """Read an index file's JSON. Raises ``DamageError``."""
    try:
        return _decoder.decode(raw)
    except msgspec.MsgspecError as error:
        raise DamageError(f"index is not readable: {error}") from error


def encode_index(packs: Iterable[tuple[bytes, Iterable[PackEntry]]], supersedes: Iterable[str] = ()) -> bytes:
    """Write an index file's JSON."""
    old = list(supersedes)
    content: dict[str, Any] = {"supersedes": old} if old else {}
    content["packs"] = [{"id": pack.hex(), "blobs": [_blob(entry) for entry in entries]} for pack, entries in packs]
    return msgspec.json.encode(content)


def _blob(entry: PackEntry) -> dict[str, Any]:
    blob: dict[str, Any] = {
        "id": entry.id.hex(),
        "type": _TYPE_NAMES[entry.type],
        "offset": entry.offset,
        "length": entry.length,
    }
    if entry.plain_length:
        blob["uncompressed_length"] = entry.plain_length
    return blob


class Index:
    """Every blob of the vault: what its index files say, and what was added since."""

    def __init__(self, segments: Iterable[Segment] = ()) -> None:
        self._segments = list(segments)
        self._fresh: tuple[dict[bytes, Location], dict[bytes, Location]] = ({}, {})  # by BlobType
        self._unwritten: list[tuple[bytes, list[PackEntry]]] = []
        self._unwritten_blobs = 0

    @property
    def segments(self) -> tuple[Segment, ...]:
        """The closed part."""
        return tuple(self._segments)

    def __len__(self) -> int:
        """How many entries there are; a blob in two packs counts twice."""
        return sum(segment.count for segment in self._segments) + sum(map(len, self._fresh))

    def has(self, blob_id: bytes, blob_type: int) -> bool:
        """Whether the vault has this blob, in a stored pack."""
        if blob_id in self._fresh[blob_type]:
            return True
        for segment in self._segments:  # noqa: SIM110 - asked for every file of a backup; a generator doubles the time
            if segment.holds(blob_id, blob_type):
                return True
        return False

    def find(self, blob_id: bytes, blob_type: int) -> Location | None:
        """One place where the blob lies, or ``None``."""
        fresh = self._fresh[blob_type].get(blob_id)
        if fresh is not None:
            return fresh
        for segment in self._segments:  # asked for every file of a restore; ``find_all`` takes twice as long
            for position in segment.span(blob_id):
                location = segment.location(position)
                if location.type == blob_type:
                    return location
        return None

    def find_all(self, blob_id: bytes, blob_type: int) -> Iterator[Location]:
        """Every place where the blob lies: a second copy saves what a damaged pack has lost."""
        fresh = self._fresh[blob_type].get(blob_id)
        if fresh is not None:
            yield fresh
        for segment in self._segments:
            for position in segment.positions(blob_id):
                location = segment.location(position)
                if location.type == blob_type:
                    yield location

    def pack_ids(self) -> set[bytes]:
        """Every pack that the index knows."""
        packs = {pack for segment in self._segments for pack in segment.pack_ids()}
        return packs.union(pack for pack, _ in self._unwritten)

    def add(self, pack: bytes, entries: list[PackEntry]) -> None:
        """Take up the blobs of a pack that has just been stored."""
        for blob_id, kind, offset, length, plain_length in entries:
            self._fresh[kind][blob_id] = Location(pack, kind, offset, length, plain_length)
        self._unwritten.append((pack, entries))
        self._unwritten_blobs += len(entries)

    @property
    def unwritten(self) -> int:
        """How many blobs no index file names yet."""
        return self._unwritten_blobs

    @property
    def unwritten_packs(self) -> int:
        """How many packs no index file names yet."""
        return len(self._unwritten)

    def take_unwritten(self) -> list[tuple[bytes, list[PackEntry]]]:
        """The packs for the next index file; their blobs stay findable."""
        packs, self._unwritten, self._unwritten_blobs = self._unwritten, [], 0
        return packs

    def close(self, packs: list[tuple[bytes, list[PackEntry]]], index_id: str) -> None:
        """Turn packs whose index file is stored into a segment, and forget their dict entries."""
        builder = SegmentBuilder()
        for pack, entries in packs:
            builder.add(pack, entries)
        self._segments.append(builder.build([index_id]))
        for _, entries in packs:
            for entry in entries:
                self._fresh[entry.type].pop(entry.id, None)
