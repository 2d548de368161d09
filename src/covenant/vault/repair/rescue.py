"""What can still be had of a pack."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from covenant.kernel.errors import DamageError, ObjectMissing, StoreError
from covenant.vault.crypto import Sealer
from covenant.vault.names import DATA, object_name
from covenant.vault.pack import HEADER_LENGTH_SIZE, PackEntry, decode_header, header_length
from covenant.vault.ports import ReadStore
from covenant.vault.reader import open_blob
from covenant.vault.vault import Vault


def read_header(sealer: Sealer, store: ReadStore, pack_id: str, size: int) -> list[PackEntry]:
    """The blobs that a pack's own header lists. Raises ``DamageError``, ``StoreError``."""
    name = object_name(DATA, pack_id)
    if size <= HEADER_LENGTH_SIZE:
        raise DamageError("pack is cut off")
    length = header_length(store.get_range(name, size - HEADER_LENGTH_SIZE, HEADER_LENGTH_SIZE), size)
    begin = size - HEADER_LENGTH_SIZE - length
    entries = decode_header(sealer.open(store.get_range(name, begin, length)))
    if sum(entry.length for entry in entries) != begin:
        raise DamageError("pack header does not cover the pack's blobs")
    return entries


@dataclass(frozen=True, slots=True)
class Rescue:
    """The blobs of a damaged pack: those that are whole, and those that are lost.

    ``refused`` says that the store failed rather than the bytes: what is lost today may be read tomorrow.
    """

    pack: str
    whole: tuple[PackEntry, ...]
    lost: tuple[PackEntry, ...]
    refused: bool


def try_blobs(vault: Vault, pack_id: str, entries: Iterable[PackEntry]) -> Rescue:
    """Try every blob that a pack is said to hold."""
    whole, lost, refused = list[PackEntry](), list[PackEntry](), False
    for entry in entries:
        try:
            sealed_blob(vault, pack_id, entry)
            whole.append(entry)
        except (DamageError, StoreError) as error:
            lost.append(entry)
            refused |= isinstance(error, StoreError) and not isinstance(error, ObjectMissing)
    return Rescue(pack_id, tuple(whole), tuple(lost), refused)


def sealed_blob(vault: Vault, pack_id: str, entry: PackEntry) -> bytes:
    """A blob's sealed bytes, proved. Raises ``DamageError``, ``StoreError``."""
    sealed = vault.store.get_range(object_name(DATA, pack_id), entry.offset, entry.length)
    open_blob(vault, entry.id, entry, sealed)
    return sealed


def without_doubles(entries: Iterable[PackEntry]) -> Iterator[PackEntry]:
    """Each blob once."""
    seen: set[PackEntry] = set()
    for entry in entries:
        if entry not in seen:
            seen.add(entry)
            yield entry
