"""Which files suffer when a blob is lost: asked only when something is wrong already."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from covenant.kernel.errors import DamageError, ObjectMissing
from covenant.vault.pack import BlobType
from covenant.vault.reader import read_tree
from covenant.vault.snapshot import Snapshot
from covenant.vault.vault import Vault

_MOST = 20


def files_with(vault: Vault, snapshots: Iterable[Snapshot], blobs: Iterable[tuple[int, bytes]]) -> tuple[str, ...]:
    """Files and directories, as ``snapshot:path``, whose bytes or entries lie in ``blobs`` (type, id); twenty at most.

    One that several snapshots share is named once, in the first. A directory that cannot be read is named itself.
    """
    bad = {(kind, blob.hex()) for kind, blob in blobs}
    seen: set[str] = set()
    found: list[str] = []
    for snapshot in snapshots:
        for path in _below(vault, snapshot.tree, "", bad, seen):
            found.append(f"{snapshot.short_id}:{path or '/'}")
            if len(found) >= _MOST:
                return tuple(found)
    return tuple(found)


def _below(vault: Vault, root: str, top: str, bad: set[tuple[int, str]], seen: set[str]) -> Iterator[str]:
    waiting = [(root, top)]
    while waiting:
        tree, path = waiting.pop()
        if tree in seen:
            continue
        seen.add(tree)
        if (BlobType.TREE, tree) in bad:
            yield path
            continue
        try:
            nodes = read_tree(vault, tree)
        except (DamageError, ObjectMissing):
            yield path
            continue
        for node in nodes:
            below = f"{path}/{node.filename}"
            if any((BlobType.DATA, blob) in bad for blob in node.content or ()):
                yield below
            if node.subtree:
                waiting.append((node.subtree, below))
