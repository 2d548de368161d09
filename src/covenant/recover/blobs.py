"""Reading the blobs of files: a range at a time, and where a range is damaged, one at a time."""

from __future__ import annotations

from covenant.kernel.errors import DamageError, ObjectMissing
from covenant.recover.ranges import Range
from covenant.vault.crypto import OVERHEAD
from covenant.vault.names import DATA, object_name
from covenant.vault.ports import Buffer
from covenant.vault.reader import open_blob
from covenant.vault.segment import Location
from covenant.vault.vault import Vault


def length_of(place: Location) -> int:
    """How many plain bytes the blob at a place has."""
    return place.plain_length or place.length - OVERHEAD


def fetch(vault: Vault, where: Range) -> memoryview | DamageError | ObjectMissing:
    """The sealed bytes of a range, or why they cannot be had."""
    try:
        data = vault.store.get_range(object_name(DATA, where.pack.hex()), where.start, where.end - where.start)
    except (DamageError, ObjectMissing) as error:
        return error
    return memoryview(data)


def opened(vault: Vault, blob_id: bytes, place: Location, sealed: Buffer) -> bytes:
    """A blob's plain bytes, as many as its place announces. Raises ``DamageError``."""
    plain = open_blob(vault, blob_id, place, sealed)
    if len(plain) != length_of(place):
        raise DamageError(f"blob {blob_id.hex()[:8]} is not as long as the index says")
    return plain


def fetch_alone(vault: Vault, blob_id: bytes, place: Location) -> bytes:
    """One blob by itself, from one place. Raises ``DamageError``, ``ObjectMissing``."""
    sealed = vault.store.get_range(object_name(DATA, place.pack.hex()), place.offset, place.length)
    return opened(vault, blob_id, place, sealed)
