"""Walking every tree that a snapshot needs, each once, however many snapshots share it."""

from __future__ import annotations

from array import array
from collections.abc import Iterable

from covenant.kernel.errors import DamageError
from covenant.vault.bulk import Read
from covenant.vault.check.blobs import BAD, SEEN, USED, Blobs, parse_id
from covenant.vault.check.ledger import Ledger, PackTrouble
from covenant.vault.check.nodes import problems
from covenant.vault.check.proof import store_refused
from covenant.vault.check.tree_reading import read_trees
from covenant.vault.pack import BlobType
from covenant.vault.tree import Node, decode_tree
from covenant.vault.vault import Vault

_AT_ONCE = 4096


class TreeWalk:
    """One walk: marks what is used, and writes into the ledger what is missing, damaged or nonsense.

    It goes level by level without regard to paths; what is affected by damage is found by a second walk, where there
    is any.
    """

    def __init__(self, vault: Vault, blobs: Blobs, ledger: Ledger) -> None:
        self._vault = vault
        self._blobs = blobs
        self._ledger = ledger
        self.trees = 0

    def walk(self, roots: Iterable[str]) -> None:
        """Walk the trees below these roots."""
        level = array("I")
        for root in roots:
            self._want(root, level)
        while level:
            below = array("I")
            for at in range(0, len(level), _AT_ONCE):
                for position, read in read_trees(self._vault, self._blobs, level[at : at + _AT_ONCE]):
                    self._take(position, read, below)
            level = below

    def _want(self, tree_id: str, level: array[int]) -> None:
        """Have a tree read with the next level, unless it was met before."""
        blob_id = parse_id(tree_id)
        if blob_id is None:
            return  # told with the entry that names it
        remarks = self._blobs.remarks
        places = list(self._blobs.places(blob_id, BlobType.TREE))
        if not places:
            self._ledger.blob(blob_id, BlobType.TREE)
        elif not any(remarks[place] & SEEN for place in places):
            self.trees += 1
            for place in places:
                remarks[place] |= SEEN | USED
            self._try_a_place(places, level)

    def _try_a_place(self, places: Iterable[int], level: array[int]) -> None:
        good = next((place for place in places if not self._blobs.remarks[place] & BAD), None)
        if good is not None:
            level.append(good)

    def _take(self, position: int, read: Read, below: array[int]) -> None:
        if read.error is not None or read.plain is None:
            number = self._blobs.pack_of(position)
            kind: PackTrouble = "pack-unreadable" if read.error and store_refused(read.error) else "pack-damaged"
            self._ledger.pack(number, self._blobs.packs[number], kind, f"tree {read.id.hex()[:8]}: {read.error}")
            self._blobs.remarks[position] |= BAD
            self._try_a_place(self._blobs.places(read.id, BlobType.TREE), below)
            return
        try:
            nodes = decode_tree(read.plain)
        except DamageError as error:
            self._ledger.tree(read.id, "", str(error))
            return
        for name, problem in problems(nodes):
            self._ledger.tree(read.id, name, problem)
        for node in nodes:
            if node.type == "file":
                self._use_content(read.id, node)
            elif node.type == "dir" and node.subtree:
                self._want(node.subtree, below)

    def _use_content(self, tree_id: bytes, node: Node) -> None:
        size, whole, use = 0, True, self._blobs.use
        for text in node.content or ():
            blob_id = parse_id(text)
            if blob_id is None:
                return
            length = use(blob_id, 0)
            if length < 0:
                self._ledger.blob(blob_id, BlobType.DATA)
                whole = False
            size += length
        if whole and size != node.size:
            self._ledger.tree(tree_id, node.name, f"has {size} bytes of content where its size is {node.size}")
