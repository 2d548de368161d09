"""Reading many blobs of packs, a range at a time.

Nothing is raised for a blob that is not whole: what is the matter comes in its place, and the others are read all the
same. Who needs the blob asks ``whole``, which looks for another copy of it (``reader.read_blob``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from covenant.kernel.errors import DamageError, ObjectMissing, StoreError
from covenant.vault.names import DATA, object_name
from covenant.vault.pack import BlobType, PackEntry
from covenant.vault.ports import another_copy
from covenant.vault.ranges import GAP, LONGEST, Range, ranges
from covenant.vault.reader import open_blob, read_blob
from covenant.vault.segment import Location
from covenant.vault.vault import Vault

_CARRIED = 16 << 20
_CARRIED_GAP = 256 << 10


class Read(NamedTuple):
    """A blob read from one place: its plain and its sealed bytes, proved, or else why it cannot be had from there."""

    id: bytes
    place: Location
    plain: bytes | None
    sealed: memoryview | None
    error: DamageError | StoreError | None


def read_each(
    vault: Vault, wanted: Iterable[tuple[bytes, Location]], *, longest: int = LONGEST, gap: int = GAP
) -> Iterator[Read]:
    """Every blob of ``wanted`` (id and place), in its order: sort by place first, unless another order is needed."""
    for where, inside in ranges(wanted, longest=longest, gap=gap):
        yield from read_range(vault, where, inside)


def in_pack(vault: Vault, pack: bytes, entries: Iterable[PackEntry]) -> Iterator[Read]:
    """Many blobs of one pack, in the order in which they lie there, in long ranges: for those who carry them off."""
    wanted = [(entry.id, Location(pack, *entry[1:])) for entry in sorted(entries, key=lambda entry: entry.offset)]
    return read_each(vault, wanted, longest=_CARRIED, gap=_CARRIED_GAP)


def read_range(vault: Vault, where: Range, inside: Sequence[tuple[bytes, Location]]) -> Iterator[Read]:
    """The blobs that lie in one range, in order. Where the range as a whole cannot be had, each is tried alone."""
    try:
        data = memoryview(vault.store.get_range(object_name(DATA, where.pack.hex()), where.start, where.size))
    except (DamageError, StoreError) as error:
        if len(inside) == 1:
            yield Read(*inside[0], None, None, error)
        else:
            for item in inside:
                yield from read_range(vault, Range.of(item[1]), [item])
        return
    for blob_id, place in inside:
        at = place.offset - where.start
        sealed = data[at : at + place.length]
        try:
            plain = open_blob(vault, blob_id, place, sealed)
            if len(plain) != place.size:
                raise DamageError(f"blob {blob_id.hex()[:8]} is not as long as the index says")
            yield Read(blob_id, place, plain, sealed, None)
        except DamageError as error:
            yield _again(vault, Read(blob_id, place, None, None, error))


def _again(vault: Vault, failed: Read) -> Read:
    """A blob that is damaged here, from another copy of its pack, where the store has several."""
    place, name = failed.place, object_name(DATA, failed.place.pack.hex())
    if not another_copy(vault.store, name):
        return failed
    try:
        sealed = memoryview(vault.store.get_range(name, place.offset, place.length))
        plain = open_blob(vault, failed.id, place, sealed)
    except (DamageError, StoreError) as error:
        return failed._replace(error=error)
    return failed if len(plain) != place.size else Read(failed.id, place, plain, sealed, None)


def whole(vault: Vault, read: Read) -> bytes:
    """The blob's plain bytes, from another copy where they could not be had from this one.

    Raises ``DamageError`` or ``ObjectMissing`` where no copy is whole, ``StoreError`` where the store failed.
    """
    if read.plain is not None:
        return read.plain
    if read.error is not None and not isinstance(read.error, DamageError | ObjectMissing):
        raise read.error
    return read_blob(vault, read.id, BlobType(read.place.type))
