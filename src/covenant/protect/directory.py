"""A directory on its way into the vault: it waits for its files and subdirectories, then becomes a tree."""

from __future__ import annotations

from covenant.protect.parent import OldDirectory
from covenant.protect.ports import Entry
from covenant.vault.tree import encode_tree, node_text, resized


class Directory:
    """The nodes of one directory, in order, as they become known.

    ``old_id`` is the tree that it had in the parent snapshot; ``old`` is that tree, once this one is visited.
    """

    __slots__ = ("_nodes", "metadata", "old", "old_id", "path", "pending", "slot", "up")

    def __init__(
        self, path: str, metadata: str = "", up: Directory | None = None, slot: int = 0, old_id: str | None = None
    ) -> None:
        self.path = path
        self.metadata = metadata
        self.up = up
        self.slot = slot
        self.old_id = old_id
        self.old: OldDirectory | None = None
        self.pending = 1  # itself, until it has been listed
        self._nodes: list[str | None] = []

    def reserve(self) -> int:
        """The place of the next entry."""
        self._nodes.append(None)
        return len(self._nodes) - 1

    def keep(self, text: str) -> None:
        """The next entry's node, known already."""
        self._nodes.append(text)

    def settle(self, slot: int, text: str | None) -> None:
        """The node in this place is known, or left out."""
        self._nodes[slot] = text

    def tree(self) -> bytes:
        """The finished tree."""
        return encode_tree([text for text in self._nodes if text is not None])


class Awaited:
    """A file whose content is being read: where its node goes, and what it will say."""

    __slots__ = ("directory", "entry", "slot")

    def __init__(self, directory: Directory, slot: int, entry: Entry) -> None:
        self.directory = directory
        self.slot = slot
        self.entry = entry

    def text(self, content: tuple[str, ...], size: int) -> str:
        """The node, now that its content is known."""
        metadata = self.entry.metadata
        return node_text(metadata if size == self.entry.size else resized(metadata, size), content)
