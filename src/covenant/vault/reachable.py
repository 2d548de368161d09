"""From snapshots to everything that they need, each directory read once however many snapshots share it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

import msgspec

from covenant.kernel.errors import DamageError, ObjectMissing
from covenant.vault.bulk import in_pack, whole
from covenant.vault.lanes import in_threads
from covenant.vault.pack import BlobType, PackEntry
from covenant.vault.segment import Location
from covenant.vault.vault import Vault

_TREES_AT_ONCE = 1024


class Marks(Protocol):
    """Where it is noted what is needed; a ``Census`` is one."""

    def need(self, blob_id: bytes, kind: int) -> bool:
        """Mark a blob as needed. Whether this is news; a missing blob is none."""
        ...


class _Node(msgspec.Struct):
    """The part of a tree's node that leads on."""

    content: list[str] | None = None
    subtree: str | None = None


class _Tree(msgspec.Struct):
    nodes: list[_Node] | None = None


_decoder = msgspec.json.Decoder(_Tree)


def mark_reachable(vault: Vault, census: Marks, trees: Iterable[str], lanes: int = 2) -> int:
    """Mark all that these trees lead to as needed; returns how many trees were read.

    ``vault.index`` must be what the census was made of. Blobs that are missing end up in ``census.missing``. Raises
    ``DamageError`` or ``ObjectMissing`` for a tree that cannot be read: what it leads to would stay unknown.
    """
    read = 0
    waiting = [tree for text in trees if census.need(tree := _id(text), BlobType.TREE)]
    while waiting:
        batch, waiting = waiting[-_TREES_AT_ONCE:], waiting[:-_TREES_AT_ONCE]
        for opened in _read(vault, batch, lanes):
            for tree, plain in opened:
                waiting += _mark(census, tree, plain)
                read += 1
    return read


def _mark(census: Marks, tree: bytes, plain: bytes) -> Iterator[bytes]:
    """Mark what one directory needs; yields the directories below it that are new."""
    try:
        nodes = _decoder.decode(plain).nodes or []
    except msgspec.MsgspecError as error:
        raise DamageError(f"tree {tree.hex()[:8]} is not readable: {error}") from error
    need = census.need
    for node in nodes:
        for text in node.content or ():
            need(_id(text), BlobType.DATA)
        if node.subtree and need(below := _id(node.subtree), BlobType.TREE):
            yield below


def _read(vault: Vault, trees: list[bytes], lanes: int) -> Iterator[list[tuple[bytes, bytes]]]:
    """Ids and plain bytes of the trees, pack by pack."""
    by_pack: dict[bytes, list[PackEntry]] = {}
    for tree in trees:
        place = _place(vault, tree)
        by_pack.setdefault(place.pack, []).append(PackEntry(tree, *place[1:]))

    def read(wanted: tuple[bytes, list[PackEntry]]) -> list[tuple[bytes, bytes]]:
        return [(read.id, whole(vault, read)) for read in in_pack(vault, *wanted)]

    return in_threads(read, by_pack.items(), lanes)


def _place(vault: Vault, tree: bytes) -> Location:
    place = vault.index.find(tree, BlobType.TREE)
    if place is None:
        raise ObjectMissing(f"tree blob {tree.hex()[:8]} is in no index")
    return place


def _id(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError as error:
        raise DamageError(f"{text[:80]!r} is no id of a blob") from error
