"""Index files without the packs that go.

Only files that name such a pack are written anew; what they say of the packs that stay is carried over as it stands,
without being taken apart.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

import msgspec

from covenant.kernel.errors import DamageError
from covenant.vault.crypto import OVERHEAD
from covenant.vault.index import BLOBS_PER_FILE, IndexedBlob
from covenant.vault.names import INDEX
from covenant.vault.pack import header_size
from covenant.vault.ports import AppendStore
from covenant.vault.vault import Vault

_PACK_FRAME = OVERHEAD + 4
_SMALL_FILE = BLOBS_PER_FILE // 8
_SMALL_FILES = 16


class _Listing(msgspec.Struct):
    id: str
    blobs: msgspec.Raw


class _Outline(msgspec.Struct):
    packs: list[_Listing]


_outline = msgspec.json.Decoder(_Outline)
_items = msgspec.json.Decoder(list[msgspec.Raw])
_blobs = msgspec.json.Decoder(list[IndexedBlob])


def stale_files(vault: Vault, indexes: Iterable[str], gone: Collection[str], twice: Collection[str]) -> list[str]:
    """The index files to write anew: those that name a pack in ``gone``, or one of ``twice``, named elsewhere as well.

    Where anything is written and small files have become many, they are written into one on this occasion.
    """
    stale, small = [], []
    for index_id in sorted(indexes):
        packs = _load(vault, index_id)
        if not packs or any(pack.id in gone or pack.id in twice for pack in packs):
            stale.append(index_id)
        elif sum(_count(pack) for pack in packs) < _SMALL_FILE:
            small.append(index_id)
    return stale + small if stale and len(small) >= _SMALL_FILES else stale


def named_by(vault: Vault, index_id: str) -> set[str]:
    """The packs that an index file names."""
    return {listing.id for listing in _load(vault, index_id)}


def write_anew(
    vault: Vault, store: AppendStore, stale: Iterable[str], gone: Collection[str], twice: Mapping[str, int]
) -> list[str]:
    """Write what ``stale`` index files say of packs that stay into new ones; returns their ids.

    ``twice`` gives the stored size of packs with several listings: the first that accounts for it is carried over.

    No ``supersedes`` is written: a reader that honours it would miss packs while only the first of several new files
    is stored.
    """
    written, listings, blobs = [], list[_Listing](), 0
    for listing in _staying(vault, stale, gone, twice):
        listings.append(listing)
        blobs += _count(listing)
        if blobs >= BLOBS_PER_FILE:
            written.append(vault.save(store, INDEX, msgspec.json.encode(_Outline(listings))))
            listings, blobs = [], 0
    if listings:
        written.append(vault.save(store, INDEX, msgspec.json.encode(_Outline(listings))))
    return written


def _staying(vault: Vault, stale: Iterable[str], gone: Collection[str], twice: Mapping[str, int]) -> Iterator[_Listing]:
    carried = set()
    for index_id in stale:
        for listing in _load(vault, index_id):
            if listing.id in gone or listing.id in carried:
                continue
            if listing.id in twice:
                if _accounted(listing) != twice[listing.id]:
                    continue
                carried.add(listing.id)
            yield listing


def _load(vault: Vault, index_id: str) -> list[_Listing]:
    try:
        return _outline.decode(vault.load(INDEX, index_id)).packs
    except msgspec.MsgspecError as error:
        raise DamageError(f"index {index_id[:8]} is not readable: {error}") from error


def _count(listing: _Listing) -> int:
    return len(_items.decode(listing.blobs))


def _accounted(listing: _Listing) -> int:
    """How large a pack is that holds just these blobs."""
    blobs = _blobs.decode(listing.blobs)
    return _PACK_FRAME + sum(blob.length + header_size(blob.uncompressed_length) for blob in blobs)
