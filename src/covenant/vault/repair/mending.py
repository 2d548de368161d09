"""Trees without what is lost: a file keeps the pieces that are left, a directory that cannot be read becomes empty.

Neither keeps its name: something called ``master.wav`` that is not the whole of it would lie, so it comes back as
``master.wav.damaged``. A file of which nothing is left is left out.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec

from covenant.kernel.errors import DamageError, ObjectMissing
from covenant.kernel.findings import Finding
from covenant.vault.names import is_id
from covenant.vault.pack import BlobType
from covenant.vault.reader import read_tree
from covenant.vault.tree import EMPTY_TREE, Node, encode_tree
from covenant.vault.vault import Vault
from covenant.vault.writer import Writer

_SUFFIX = ".damaged"


@dataclass(slots=True)
class _Directory:
    """A directory being gone through."""

    tree_id: str
    path: str
    rest: Iterator[Node]
    node: Node | None
    """As which it stands in the directory above."""
    kept: list[Node] = field(default_factory=list)
    changed: bool = False


class Mender:
    """Mends the trees of snapshots; without a writer it only finds what would be lost.

    A tree below which nothing is lost is remembered and not read again.
    """

    def __init__(self, vault: Vault, writer: Writer | None = None) -> None:
        self._vault = vault
        self._writer = writer
        self._sound: set[str] = set()
        self.losses: list[Finding] = []

    def mend(self, tree_id: str, snapshot: str) -> str | None:
        """The id of the tree without what is lost (the same, where nothing is), or ``None`` if it cannot be read."""
        self._snapshot = snapshot
        root = self._enter(tree_id, "/", None)
        if root is None:
            return None
        stack = [root]
        while True:
            here = stack[-1]
            node = next(here.rest, None)
            if node is None:
                stack.pop()
                mended = self._leave(here)
                if not stack:
                    return mended
                self._put_back(stack[-1], here, mended)
            elif node.type == "dir" and node.subtree not in self._sound:
                self._descend(stack, here, node)
            elif node.type == "file":
                self._judge(here, node)
            else:
                here.kept.append(node)

    def _enter(self, tree_id: str, path: str, node: Node | None) -> _Directory | None:
        try:
            if not is_id(tree_id):
                raise DamageError(f"its tree is called {tree_id[:70]!r}")
            nodes = read_tree(self._vault, tree_id)
        except (DamageError, ObjectMissing) as error:
            self._lose("directory-lost", path, f"it cannot be read: {error}")
            return None
        return _Directory(tree_id, path, iter(nodes), node)

    def _descend(self, stack: list[_Directory], here: _Directory, node: Node) -> None:
        below = self._enter(node.subtree or "", f"{here.path}{node.filename}/", node)
        if below is not None:
            stack.append(below)
            return
        here.changed = True
        here.kept.append(_renamed(node, subtree=self._store(EMPTY_TREE)))

    def _put_back(self, above: _Directory, below: _Directory, mended: str) -> None:
        if below.node is not None:
            above.changed |= below.changed
            above.kept.append(msgspec.structs.replace(below.node, subtree=mended))

    def _leave(self, here: _Directory) -> str:
        if not here.changed:
            self._sound.add(here.tree_id)
            return here.tree_id
        return self._store(encode_tree(node.text() for node in _in_order(here.kept)))

    def _store(self, tree: bytes) -> str:
        return self._writer.tree(tree).hex() if self._writer else ""

    def _judge(self, here: _Directory, node: Node) -> None:
        """Keep a file, or what is left of it."""
        content = node.content or []
        sizes = [self._plain_length(piece) for piece in content]
        if -1 not in sizes:
            here.kept.append(node)
            return
        here.changed = True
        left = [piece for piece, size in zip(content, sizes, strict=True) if size >= 0]
        saved = sum(size for size in sizes if size >= 0)
        path = f"{here.path}{node.filename}"
        if not left:
            self._lose("file-lost", path, "nothing is left of it; it is left out")
            return
        self._lose("file-truncated", path, f"{saved} of {node.size} bytes are left, as '{node.filename}{_SUFFIX}'")
        here.kept.append(_renamed(node, content=left, size=saved))

    def _plain_length(self, piece: str) -> int:
        place = self._vault.index.find(bytes.fromhex(piece), BlobType.DATA) if is_id(piece) else None
        return -1 if place is None else place.size

    def _lose(self, kind: str, path: str, message: str) -> None:
        self.losses.append(Finding(kind, f"{self._snapshot}:{path}", message))


def _renamed(node: Node, **changes: object) -> Node:
    return msgspec.structs.replace(node, name=node.name + _SUFFIX, **changes)


def _in_order(nodes: list[Node]) -> list[Node]:
    """Nodes by name, with a number behind a new name that is taken."""
    taken: dict[bytes, Node] = {}
    for node in sorted(nodes, key=lambda node: node.name.endswith(_SUFFIX)):
        plain, number = node.name, 2
        while os.fsencode(node.filename) in taken:
            node = msgspec.structs.replace(node, name=f"{plain}-{number}")
            number += 1
        taken[os.fsencode(node.filename)] = node
    return [taken[name] for name in sorted(taken)]
