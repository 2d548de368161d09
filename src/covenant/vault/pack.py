"""Packs: many sealed blobs in one object of about 16 MiB.

    blob 1 || … || blob n || sealed header || length of the sealed header (4 bytes, little-endian)

The header, once opened, is a sequence of entries:

    offset  length  what
    0       1       kind: 0 data, 1 tree, 2 compressed data, 3 compressed tree
    1       4       length of the sealed blob (little-endian)
    5       4       length before compression, in kinds 2 and 3 only
    5 or 9  32      id: SHA-256 of the plain, uncompressed blob

so that a vault whose indexes are lost can be read from its packs alone. (restic ``doc/design.rst``, "Pack Format")
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from enum import IntEnum
from hashlib import sha256
from typing import NamedTuple

from covenant.kernel.errors import DamageError
from covenant.vault.crypto import OVERHEAD, Sealer
from covenant.vault.ports import Buffer

DEFAULT_PACK_SIZE = 16 << 20
MAX_HEADER = 16 << 20

_PLAIN = struct.Struct("<BI32s")
_COMPRESSED = struct.Struct("<BII32s")
_LENGTH = struct.Struct("<I")
_COMPRESSED_KIND = 2
_SLACK = 512 << 10

HEADER_LENGTH_SIZE = _LENGTH.size
"""The bytes at a pack's end that say how long its header is."""


class BlobType(IntEnum):
    """What a blob holds: a piece of a file, or one directory."""

    DATA = 0
    TREE = 1


class PackEntry(NamedTuple):
    """Where one blob lies in its pack. ``plain_length`` is 0 for a blob that is not compressed."""

    id: bytes
    type: int
    offset: int
    length: int
    plain_length: int


class Pack(NamedTuple):
    """A finished pack, ready to be stored. ``data`` is only good until the builder is used again."""

    id: bytes
    data: memoryview
    entries: list[PackEntry]


class PackBuilder:
    """Collects sealed blobs of one type in one reused buffer.

    Blobs are encrypted straight into their place: no copy is made, and no page is faulted in twice.
    """

    def __init__(self, target: int, largest_blob: int) -> None:
        self._target = target
        self._buffer = memoryview(bytearray(target + largest_blob + _SLACK))
        self.size = 0
        self.entries: list[PackEntry] = []

    def fits(self, length: int) -> bool:
        """Whether ``length`` more plain bytes can be added."""
        header = (len(self.entries) + 1) * _COMPRESSED.size + 2 * OVERHEAD + _LENGTH.size
        return self.size + length + 2 * OVERHEAD + header <= len(self._buffer)

    @property
    def full(self) -> bool:
        """Whether the pack has reached its size, or its header its own."""
        return self.size >= self._target or len(self.entries) * _COMPRESSED.size > _SLACK - 4 * OVERHEAD

    def add(self, sealer: Sealer, blob_id: bytes, kind: int, stored: Buffer, plain_length: int) -> None:
        """Seal ``stored`` (compressed where ``plain_length`` is not 0) into the pack."""
        length = sealer.seal_into(stored, self._buffer[self.size :])
        self.entries.append(PackEntry(blob_id, kind, self.size, length, plain_length))
        self.size += length

    def adopt(self, entry: PackEntry, sealed: Buffer) -> None:
        """Take over a blob that is sealed already, from another pack of the same vault."""
        self._buffer[self.size : self.size + entry.length] = sealed
        self.entries.append(entry._replace(offset=self.size))
        self.size += entry.length

    def sealed(self, entry: PackEntry) -> memoryview:
        """The sealed bytes of one of this builder's blobs."""
        return self._buffer[entry.offset : entry.offset + entry.length]

    def finish(self, sealer: Sealer) -> Pack:
        """Close the pack with its header. ``reset`` makes the builder ready for the next one."""
        header = sealer.seal(encode_header(self.entries))
        end = self.size + len(header)
        self._buffer[self.size : end] = header
        self._buffer[end : end + _LENGTH.size] = _LENGTH.pack(len(header))
        data = self._buffer[: end + _LENGTH.size]
        return Pack(sha256(data).digest(), data, self.entries)

    def reset(self) -> None:
        """Begin a new pack in the same buffer."""
        self.size = 0
        self.entries = []


def encode_header(entries: Sequence[PackEntry]) -> bytes:
    """The plain header that describes ``entries``."""
    return b"".join(
        [
            _COMPRESSED.pack(kind + _COMPRESSED_KIND, length, plain_length, blob_id)
            if plain_length
            else _PLAIN.pack(kind, length, blob_id)
            for blob_id, kind, _, length, plain_length in entries
        ]
    )


def header_size(plain_length: int) -> int:
    """The bytes of one entry in a plain header; ``plain_length`` is 0 for a blob that is not compressed."""
    return _COMPRESSED.size if plain_length else _PLAIN.size


def fingerprint(blob_id: bytes, kind: int, offset: int, length: int, plain_length: int) -> int:
    """A number for one entry. The sum over a pack's entries tells whether two lists, in any order, are the same.

    Ids are hashes, so two different lists have the same sum only by a chance of less than one in 2^100.
    """
    return int.from_bytes(blob_id, "little") * (offset << 68 | length << 35 | plain_length << 2 | kind << 1 | 1)


def decode_header(header: bytes) -> list[PackEntry]:
    """The entries of a plain header. Raises ``DamageError`` for one that makes no sense."""
    entries: list[PackEntry] = []
    at = offset = 0
    while at < len(header):
        kind = header[at]
        try:
            if kind < _COMPRESSED_KIND:
                _, length, blob_id = _PLAIN.unpack_from(header, at)
                plain_length, at = 0, at + _PLAIN.size
            else:
                _, length, plain_length, blob_id = _COMPRESSED.unpack_from(header, at)
                kind, at = kind - _COMPRESSED_KIND, at + _COMPRESSED.size
        except struct.error:
            raise DamageError("pack header is cut off") from None
        if kind > BlobType.TREE or length < OVERHEAD:
            raise DamageError(f"pack header has an entry of kind {kind} and length {length}")
        entries.append(PackEntry(blob_id, kind, offset, length, plain_length))
        offset += length
    return entries


def header_length(tail: Buffer, pack_size: int) -> int:
    """The length of the sealed header, from a pack's last four bytes. Raises ``DamageError``."""
    if len(tail) < _LENGTH.size:
        raise DamageError("pack is cut off")
    length = int(_LENGTH.unpack_from(tail, len(tail) - _LENGTH.size)[0])
    if not OVERHEAD < length <= min(pack_size - _LENGTH.size, MAX_HEADER):
        raise DamageError(f"pack header claims a length of {length} bytes")
    return length


def read_entries(sealer: Sealer, data: Buffer) -> list[PackEntry]:
    """The entries of a whole pack held in memory. Raises ``DamageError``."""
    view = memoryview(data)
    length = header_length(view[-_LENGTH.size :], len(view))
    entries = decode_header(sealer.open(view[-_LENGTH.size - length : -_LENGTH.size]))
    blobs_end = entries[-1].offset + entries[-1].length if entries else 0
    if blobs_end != len(view) - _LENGTH.size - length:
        raise DamageError("pack header does not cover the pack's blobs")
    return entries
