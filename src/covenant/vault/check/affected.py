"""Which files suffer from the damage found: a second walk, with paths, and only where there is damage."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from covenant.kernel.errors import DamageError, StoreError
from covenant.vault.check.blobs import CLEAN, Blobs, parse_id
from covenant.vault.check.ledger import Ledger
from covenant.vault.pack import BlobType
from covenant.vault.reader import read_blob
from covenant.vault.snapshot import Snapshot
from covenant.vault.tree import Node, decode_tree
from covenant.vault.vault import Vault


class _Open(NamedTuple):
    """A directory in which the walk stands."""

    id: bytes
    prefix: str
    rest: Iterator[Node]
    told_before: int


class Sufferers:
    """Writes into the ledger who suffers.

    A file is ``<snapshot>:<path>``; a path that ends in ``/`` is a directory that cannot be read, with all below it.
    A tree below which nothing was found is passed over when it is met again.
    """

    def __init__(self, vault: Vault, blobs: Blobs, ledger: Ledger) -> None:
        self._vault = vault
        self._blobs = blobs
        self._ledger = ledger
        self._told = 0

    def name(self, snapshots: Iterable[Snapshot]) -> None:
        """Name all sufferers in these snapshots."""
        for snapshot in snapshots:
            self._walk(snapshot)

    def _walk(self, snapshot: Snapshot) -> None:
        stack: list[_Open] = []
        self._enter(stack, snapshot.tree, f"{snapshot.short_id}:/")
        while stack:
            here = stack[-1]
            node = next(here.rest, None)
            if node is None:
                stack.pop()
                self._leave(here)
            elif node.type == "dir" and node.subtree:
                self._enter(stack, node.subtree, f"{here.prefix}{_shown(node)}/")
            elif node.type == "file":
                self._judge(node, f"{here.prefix}{_shown(node)}")

    def _enter(self, stack: list[_Open], tree_id: str, prefix: str) -> None:
        blob_id = parse_id(tree_id)
        if blob_id is None:
            return  # told with the entry that names it
        if any(self._blobs.remarks[place] & CLEAN for place in self._blobs.places(blob_id, BlobType.TREE)):
            return
        before = self._told
        for name in self._ledger.inside.get(blob_id, ()):
            self._told += 1
            self._ledger.suffers(self._ledger.trees[blob_id], f"{prefix}{name}")
        try:
            nodes = decode_tree(read_blob(self._vault, blob_id, BlobType.TREE))
        except (DamageError, StoreError):
            self._tell(blob_id, BlobType.TREE, prefix)
            return
        stack.append(_Open(blob_id, prefix, iter(nodes), before))

    def _leave(self, here: _Open) -> None:
        if self._told == here.told_before:
            for place in self._blobs.places(here.id, BlobType.TREE):
                self._blobs.remarks[place] |= CLEAN

    def _judge(self, node: Node, file: str) -> None:
        for text in node.content or ():
            blob_id = parse_id(text)
            if blob_id is not None and self._blobs.lost(blob_id, BlobType.DATA):
                self._tell(blob_id, BlobType.DATA, file)

    def _tell(self, blob_id: bytes, blob_type: BlobType, file: str) -> None:
        """``file`` suffers from whatever is the matter with this blob."""
        self._told += 1
        places = list(self._blobs.places(blob_id, blob_type))
        if not places:
            self._ledger.suffers(self._ledger.missing.get((blob_id, blob_type), self._ledger.more_missing), file)
        for number in {self._blobs.pack_of(place) for place in places}:
            self._ledger.suffers(self._ledger.packs.get(number), file)


def _shown(node: Node) -> str:
    try:
        return node.filename
    except DamageError:
        return node.name
