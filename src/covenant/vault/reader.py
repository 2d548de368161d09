"""Reading blobs back, each proved by its own hash before anyone sees it."""

from __future__ import annotations

import contextlib
from hashlib import sha256

from covenant.kernel.errors import DamageError, ObjectMissing
from covenant.vault.names import DATA, object_name
from covenant.vault.pack import BlobType, PackEntry
from covenant.vault.ports import Buffer, another_copy
from covenant.vault.segment import Location
from covenant.vault.tree import Node, decode_tree
from covenant.vault.vault import Vault

LARGEST_DATA = 128 << 20
LARGEST_TREE = 1 << 30
"""What a blob may expand to at most: nobody cuts files into larger pieces, and a tree this long has millions of
entries."""


def open_blob(vault: Vault, blob_id: bytes, place: Location | PackEntry, sealed: Buffer) -> bytes:
    """The plain bytes of a blob from its sealed ones. Raises ``DamageError`` unless they are exactly what was kept."""
    plain = vault.sealer.open(sealed)
    if place.plain_length:
        limit = LARGEST_TREE if place.type == BlobType.TREE else LARGEST_DATA
        plain = vault.decompressor.expand(plain, min(place.plain_length, limit))
    if sha256(plain).digest() != blob_id:
        raise DamageError(f"blob {blob_id.hex()[:8]} does not have the bytes that its name says")
    return plain


def read_blob(vault: Vault, blob_id: bytes, blob_type: BlobType) -> bytes:
    """A blob's plain bytes, from whichever pack still has them whole.

    Raises ``ObjectMissing`` where the index knows no such blob or its packs are gone, ``DamageError`` where no copy
    is whole.
    """
    failure: DamageError | ObjectMissing | None = None
    for place in vault.index.find_all(blob_id, blob_type):
        name = object_name(DATA, place.pack.hex())
        try:
            return _read_from(vault, blob_id, place, name)
        except (DamageError, ObjectMissing) as error:
            failure = failure or error
    hint = "Run 'covenant check --read-data' to see which files it affects."
    if failure is None:
        raise ObjectMissing(f"{blob_type.name.lower()} blob {blob_id.hex()[:8]} is in no index", hint)
    raise type(failure)(f"{blob_type.name.lower()} blob {blob_id.hex()[:8]} cannot be read: {failure}", hint)


def _read_from(vault: Vault, blob_id: bytes, place: Location, name: str) -> bytes:
    """A blob from one pack, and where the store has several copies of the pack, from one that is whole."""
    try:
        return open_blob(vault, blob_id, place, vault.store.get_range(name, place.offset, place.length))
    except DamageError:
        if not another_copy(vault.store, name):
            raise
    return open_blob(vault, blob_id, place, vault.store.get_range(name, place.offset, place.length))


def read_tree(vault: Vault, tree_id: str) -> list[Node]:
    """The entries of a directory."""
    return decode_tree(read_blob(vault, bytes.fromhex(tree_id), BlobType.TREE))


def read_tree_text(vault: Vault, tree_id: str) -> str | None:
    """The raw text of a directory, or ``None`` where it cannot be had: for those who only want to compare."""
    with contextlib.suppress(DamageError, ObjectMissing, UnicodeDecodeError):
        return read_blob(vault, bytes.fromhex(tree_id), BlobType.TREE).decode()
    return None
