"""Trees without some of their entries: the new trees' ids, and what disappears.

Ids follow from content, so the same cut gives the same ids whether or not the trees are stored; a plan is made
without writing, and carried out by cutting again with a writer in hand. Directories are worked off on a stack of
our own: a snapshot may be nested deeper than the interpreter's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import NamedTuple, TypeAlias

from covenant.kernel.errors import Refusal
from covenant.vault.pack import BlobType
from covenant.vault.reader import read_blob, read_tree
from covenant.vault.tree import Node, decode_tree, encode_tree
from covenant.vault.vault import Vault

Match: TypeAlias = Callable[[str, bool], bool]
"""Whether an entry goes: its path in the snapshot, beginning with a slash, and whether it is a directory."""


class Dropped(NamedTuple):
    """An entry that disappears, with all that is in it: so many files and bytes."""

    path: str
    kind: str
    files: int
    bytes: int


class Cut(NamedTuple):
    """A tree after the cut."""

    tree: str
    dropped: tuple[Dropped, ...]


@dataclass(slots=True)
class _Open:
    """A directory that is being worked on."""

    tree: str
    path: str
    raw: bytes
    nodes: list[Node]
    waiting: list[Node]
    cuts: dict[str, str] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    dropped: list[Dropped] = field(default_factory=list)


class Cutter:
    """Cuts trees of one vault. ``keep`` takes a new tree's bytes and returns its id; by default nothing is stored."""

    def __init__(self, vault: Vault, match: Match, keep: Callable[[bytes], bytes] | None = None) -> None:
        self._vault = vault
        self._match = match
        self._keep = keep or (lambda raw: sha256(raw).digest())
        self._known: dict[tuple[str, str], Cut] = {}
        self._sizes: dict[str, tuple[int, int]] = {}

    def cut(self, tree: str) -> Cut:
        """A snapshot's tree without the entries that match.

        Raises ``Refusal`` for a directory that would have to change and says something that we do not understand.
        """
        stack = [] if (tree, "") in self._known else [self._opened(tree, "")]
        while stack:
            directory = stack[-1]
            if directory.waiting:
                below = self._enter(directory, directory.waiting.pop())
                stack += [below] if below else []
            else:
                self._known[directory.tree, directory.path] = self._closed(stack.pop())
                if stack:
                    self._take_in(stack[-1], directory.tree, directory.path)
        return self._known[tree, ""]

    def _opened(self, tree: str, path: str) -> _Open:
        raw = read_blob(self._vault, bytes.fromhex(tree), BlobType.TREE)
        nodes = decode_tree(raw)
        return _Open(tree, path, raw, nodes, waiting=list(reversed(nodes)))

    def _enter(self, directory: _Open, node: Node) -> _Open | None:
        """Judge one entry; the directory to go into first, if it is one that is not known yet."""
        path = f"{directory.path}/{node.filename}"
        if self._match(path, node.type == "dir"):
            directory.gone.add(node.name)
            directory.dropped.append(Dropped(path, node.type, *self._size(node)))
        elif node.subtree:
            if (node.subtree, path) not in self._known:
                return self._opened(node.subtree, path)
            self._take_in(directory, node.subtree, path)
        return None

    def _take_in(self, directory: _Open, tree: str, path: str) -> None:
        """A directory below is done."""
        cut = self._known[tree, path]
        directory.cuts[path] = cut.tree
        directory.dropped += cut.dropped

    def _closed(self, directory: _Open) -> Cut:
        if not directory.dropped:
            return Cut(directory.tree, ())
        if encode_tree(node.text() for node in directory.nodes) != directory.raw:
            raise Refusal(
                f"directory '{directory.path or '/'}' holds entries that are not understood in full",
                "It would lose what is not understood; change it with the program that wrote it.",
            )
        for node in directory.nodes:
            if node.subtree and node.name not in directory.gone:
                node.subtree = directory.cuts[f"{directory.path}/{node.filename}"]
        left = encode_tree(node.text() for node in directory.nodes if node.name not in directory.gone)
        return Cut(self._keep(left).hex(), tuple(directory.dropped))

    def _size(self, node: Node) -> tuple[int, int]:
        """Files and bytes in an entry. A directory that several snapshots share is counted once and remembered."""
        if not node.subtree:
            return (1, node.size) if node.type == "file" else (0, 0)
        if node.subtree not in self._sizes:
            files = size = 0
            waiting = [node.subtree]
            while waiting:
                for entry in read_tree(self._vault, waiting.pop()):
                    files += entry.type == "file"
                    size += entry.size if entry.type == "file" else 0
                    waiting += [entry.subtree] if entry.subtree else []
            self._sizes[node.subtree] = files, size
        return self._sizes[node.subtree]
