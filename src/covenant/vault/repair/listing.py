"""Index files written anew, and the old ones removed after.

No ``supersedes`` is written: a reader that honours it would miss packs while only the first of several new files is
stored. Killed at any point, some packs are named twice, which no reader minds.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Iterator, Sequence

from covenant.kernel.errors import ObjectMissing
from covenant.vault.check.index_files import refuse_nonsense
from covenant.vault.index import BLOBS_PER_FILE, IndexedPack, IndexFile, encode_index
from covenant.vault.names import INDEX, object_name
from covenant.vault.pack import PackEntry
from covenant.vault.ports import AppendStore, Store
from covenant.vault.vault import Vault

Listing = tuple[bytes, Sequence[PackEntry]]


def load_plausible(vault: Vault, index_id: str) -> IndexFile:
    """An index file that makes sense. Raises ``DamageError``, ``StoreError``."""
    file = vault.load_index(index_id)
    for pack in file.packs:
        plausible_entries(pack)
    return file


def plausible_entries(pack: IndexedPack) -> list[PackEntry]:
    """A pack's blobs, by offset. Raises ``DamageError`` where they make no sense."""
    return sorted(map(refuse_nonsense, pack.entries()), key=lambda entry: entry.offset)


def carried_over(vault: Vault, index_ids: Iterable[str], leave_out: Collection[str]) -> Iterator[Listing]:
    """What these index files say of all packs but some, each pack once."""
    seen = set(leave_out)
    for index_id in index_ids:
        for pack in load_plausible(vault, index_id).packs:
            if pack.id not in seen:
                seen.add(pack.id)
                yield bytes.fromhex(pack.id), plausible_entries(pack)


def write_listings(vault: Vault, store: AppendStore, listings: Iterable[Listing]) -> None:
    """Store index files that name these packs; durable on return."""
    waiting, blobs = list[Listing](), 0
    for listing in listings:
        waiting.append(listing)
        blobs += len(listing[1])
        if blobs >= BLOBS_PER_FILE:
            vault.save(store, INDEX, encode_index(waiting))
            waiting, blobs = [], 0
    if waiting:
        vault.save(store, INDEX, encode_index(waiting))


def remove(store: Store, folder: str, ids: Iterable[str]) -> None:
    """Remove objects; one that is gone already is what it was to be."""
    for object_id in ids:
        with contextlib.suppress(ObjectMissing):
            store.delete(object_name(folder, object_id))
