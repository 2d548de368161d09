"""A directory on its way into the target: it waits for everything in it, then gets its own mode and times."""

from __future__ import annotations

import os

from covenant.recover.attributes import Attributes
from covenant.recover.listing import join
from covenant.vault.tree import Node


class Directory:
    """One directory: where it lies in the snapshot (``shown``) and below the target (``path``)."""

    __slots__ = ("attributes", "broken", "depth", "fresh", "made", "only", "path", "pending", "shown", "tree", "up")

    def __init__(self, shown: str, path: bytes, tree: str | None, up: Directory | None = None) -> None:
        self.shown = shown
        self.path = path
        self.tree = tree
        self.up = up
        self.attributes: Attributes | None = None
        self.depth: int = up.depth + 1 if up else 0
        self.pending = 1  # itself, until it has been listed
        self.only: str | None = None
        self.made = up is None
        self.fresh = False
        self.broken = False

    def below(self, name: str, node: Node) -> Directory:
        """A directory in this one, which waits for it from now on."""
        inner = Directory(join(self.shown, name), self.place(os.fsencode(name)), node.subtree, self)
        inner.attributes = Attributes.of(node)
        self.pending += 1
        return inner

    def place(self, name: bytes) -> bytes:
        """The path below the target of something in it."""
        return self.path + b"/" + name if self.path else name

    def unmade(self) -> list[Directory]:
        """This directory and those above it that are not made yet, the highest first."""
        chain: list[Directory] = []
        directory: Directory | None = self
        while directory is not None and not directory.made:
            chain.append(directory)
            directory = directory.up
        return chain[::-1]

    def contains_itself(self) -> bool:
        """Whether a directory above has the same tree: no honest vault can say so."""
        directory = self.up
        while directory is not None:
            if directory.tree == self.tree and self.tree is not None:
                return True
            directory = directory.up
        return False
