"""How much there is: as files, as distinct content, and as the vault stores it.

The three ways of counting are restic's: what a restore of all snapshots would write, how much of that is left when
files with the same content count once, and what the blobs that the snapshots need take in the vault.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

from covenant.kernel.errors import ObjectMissing
from covenant.vault.crypto import OVERHEAD
from covenant.vault.names import DATA
from covenant.vault.pack import BlobType
from covenant.vault.reader import read_tree
from covenant.vault.snapshot import Snapshot
from covenant.vault.tree import Node
from covenant.vault.vault import Vault

_CHECK = "Run 'covenant check' to see what else is missing, and what to do."


@dataclass(frozen=True, slots=True)
class FileStats:
    """Files (and other entries) of some snapshots, and their bytes."""

    snapshots: int
    files: int
    bytes: int


@dataclass(frozen=True, slots=True)
class BlobStats:
    """Blobs of one type: how many, their plain bytes, and what they take in the vault, seals included."""

    blobs: int = 0
    plain: int = 0
    stored: int = 0

    @property
    def ratio(self) -> float:
        """How many plain bytes one stored byte stands for."""
        return self.plain / self.stored if self.stored else 1.0

    def __add__(self, other: BlobStats) -> BlobStats:
        return BlobStats(self.blobs + other.blobs, self.plain + other.plain, self.stored + other.stored)


@dataclass(frozen=True, slots=True)
class RawStats:
    """What some snapshots need in the vault, by type; ``packs`` and ``pack_bytes`` are the whole vault's."""

    snapshots: int
    data: BlobStats
    trees: BlobStats
    packs: int
    pack_bytes: int

    @property
    def total(self) -> BlobStats:
        """Both types together."""
        return self.data + self.trees


def restore_size(vault: Vault, snapshots: Iterable[Snapshot]) -> FileStats:
    """What restoring each of these snapshots would write; a file with several hard links counts once in each.

    Raises ``DamageError``, ``ObjectMissing`` where a directory cannot be read.
    """
    known: dict[str, _Summary] = {}
    count = files = size = 0
    for snapshot in snapshots:
        count += 1
        linked: set[_Link] = set()
        waiting = [snapshot.tree]
        while waiting:
            tree = waiting.pop()
            here = known.get(tree)
            if here is None:
                here = known[tree] = _summary(read_tree(vault, tree))
            files += here.entries
            size += here.bytes
            linked.update(here.linked)
            waiting += here.below
        size += sum(link.size for link in linked)
    return FileStats(count, files, size)


def files_by_contents(vault: Vault, snapshots: Iterable[Snapshot]) -> FileStats:
    """Files, those with the same content counted once. Raises as ``restore_size``."""
    seen: set[bytes] = set()
    count = size = 0
    visited: set[str] = set()
    for snapshot in snapshots:
        count += 1
        for node in _new_nodes(vault, snapshot.tree, visited):
            if node.type == "file":
                digest = sha256("".join(node.content or ()).encode()).digest()
                size += 0 if digest in seen else node.size
                seen.add(digest)
    return FileStats(count, len(seen), size)


def raw_data(vault: Vault, snapshots: Iterable[Snapshot]) -> RawStats:
    """The blobs that these snapshots need, each once. Raises as ``restore_size``, and for a blob that is missing."""
    visited: set[str] = set()
    data: set[bytes] = set()
    count = 0
    for snapshot in snapshots:
        count += 1
        for node in _new_nodes(vault, snapshot.tree, visited):
            data.update(map(bytes.fromhex, node.content or ()))
    sizes = [listed.size for listed in vault.store.list(DATA)]
    trees = _measured(vault, map(bytes.fromhex, visited), BlobType.TREE)
    return RawStats(count, _measured(vault, data, BlobType.DATA), trees, len(sizes), sum(sizes))


class _Link(NamedTuple):
    """A file that has several names."""

    device: int
    inode: int
    size: int


class _Summary(NamedTuple):
    """One directory by itself; ``bytes`` are those of files with one name."""

    entries: int
    bytes: int
    linked: tuple[_Link, ...]
    below: tuple[str, ...]


def _summary(nodes: list[Node]) -> _Summary:
    return _Summary(
        len(nodes),
        sum(node.size for node in nodes if node.links < 2),
        tuple(_Link(node.device_id, node.inode, node.size) for node in nodes if node.links > 1 and node.size),
        tuple(node.subtree for node in nodes if node.subtree),
    )


def _new_nodes(vault: Vault, root: str, visited: set[str]) -> Iterator[Node]:
    """Every entry below ``root`` in directories that were not visited before."""
    waiting = [root]
    while waiting:
        tree = waiting.pop()
        if tree in visited:
            continue
        visited.add(tree)
        for node in read_tree(vault, tree):
            yield node
            if node.subtree:
                waiting.append(node.subtree)


def _measured(vault: Vault, blobs: Iterable[bytes], blob_type: BlobType) -> BlobStats:
    count = plain = stored = 0
    for blob_id in blobs:
        place = vault.index.find(blob_id, blob_type)
        if place is None:
            raise ObjectMissing(f"{blob_type.name.lower()} blob {blob_id.hex()[:8]} is in no index", _CHECK)
        count += 1
        plain += place.plain_length or place.length - OVERHEAD
        stored += place.length
    return BlobStats(count, plain, stored)
