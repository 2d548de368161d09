"""What a directory was like in the parent snapshot, and whether an entry is still the same.

The quick way needs no parsing: the text that we would write for an entry today, up to its content, stands word for
word in the parent's tree if nothing changed, and in the same order. At the first entry that differs the parent's
tree is parsed and looked up by name; then the file's size, times and inode decide (which is also how trees of
another program are compared, whose times have another zone).
"""

from __future__ import annotations

from collections.abc import Callable

from covenant.kernel.errors import DamageError
from covenant.protect.ports import Entry
from covenant.vault.snapshot import Snapshot
from covenant.vault.tree import Node, decode_tree, node_text

_HEAD = len('{"nodes":[')
_CONTENT = ',"content":['
_SUBTREE = ',"content":null,"subtree":"'
_LISTED = 64 + len('""')
_SECOND_NS = 1_000_000_000
_TICK_NS = 20_000_000
_COARSE_TICK_NS = 2 * _SECOND_NS
"""How coarse file times may be: those of most file systems, and those of one that counts in whole seconds or two."""


def settled_before(parent: Snapshot) -> int:
    """What was touched earlier than this, in nanoseconds since 1970, was the same all the while it was read."""
    return int(parent.time.timestamp() * _SECOND_NS) - _TICK_NS


def unsettled(touched_ns: int, settled_ns: int) -> bool:
    """Whether something touched at this moment may have been touched again, unseen, after the parent had read it."""
    if touched_ns < settled_ns - _COARSE_TICK_NS:
        return False
    return touched_ns >= settled_ns or touched_ns % _SECOND_NS == 0


class OldDirectory:
    """One directory of the parent snapshot.

    ``present(id)`` tells whether the vault still has a blob: what it has lost is read again, so that backups mend it.
    A file that is ``unsettled`` at ``settled_ns`` counts as changed.
    """

    def __init__(self, text: str, present: Callable[[str], bool], settled_ns: int) -> None:
        self._text = text
        self._present = present
        self._settled_ns = settled_ns
        self._surely_settled_ns = settled_ns - _COARSE_TICK_NS
        self._at = _HEAD
        self._nodes: dict[str, Node] | None = None

    def unchanged(self, entry: Entry) -> str | None:
        """The whole text of the entry's node, if its content need not be read again."""
        touched_ns = entry.ctime_ns if entry.ctime_ns > entry.mtime_ns else entry.mtime_ns
        if touched_ns >= self._surely_settled_ns and unsettled(touched_ns, self._settled_ns):
            return None
        if self._nodes is None:
            text, begin, metadata = self._text, self._at, entry.metadata
            if text.startswith(metadata, begin):
                content = begin + len(metadata)
                listed = content + len(_CONTENT)
                end = text.find("]}", content)
                if text.startswith(_CONTENT, content) and self._all_present(text[listed:end]):
                    self._at = end + 3
                    return text[begin : end + 2]
            self._nodes = self._parsed()
        return self._compared(entry, self._nodes.get(entry.name))

    def had(self, entry: Entry) -> bool:
        """Whether there was an entry of that name. Costs parsing the whole tree once."""
        self._nodes = self._parsed() if self._nodes is None else self._nodes
        return entry.name in self._nodes

    def passed(self, text: str) -> None:
        """The entry just seen, without content, has this text; keep step if it is the same as before."""
        if self._nodes is None and self._text.startswith(text, self._at):
            self._at += len(text) + 1

    def subtree(self, entry: Entry) -> str | None:
        """The tree id that a subdirectory had."""
        if self._nodes is None:
            text, at = self._text, self._at + len(entry.metadata)
            if text.startswith(entry.metadata, self._at) and text.startswith(_SUBTREE, at):
                begin = at + len(_SUBTREE)
                end = text.find('"', begin)
                self._at = end + 3
                return text[begin:end]
            self._nodes = self._parsed()
        node = self._nodes.get(entry.name)
        return node.subtree if node is not None else None

    def _parsed(self) -> dict[str, Node]:
        try:
            return {node.filename: node for node in decode_tree(self._text.encode())}
        except DamageError:
            return {}

    def _compared(self, entry: Entry, node: Node | None) -> str | None:
        if node is None or node.type != "file" or node.content is None or node.size != entry.size:
            return None
        try:
            same = node.inode == entry.inode and node.mtime_ns == entry.mtime_ns and node.ctime_ns == entry.ctime_ns
        except DamageError:
            return None
        if not same or not all(self._present(blob) for blob in node.content):
            return None
        return node_text(entry.metadata, node.content)

    def _all_present(self, listed: str) -> bool:
        """Whether the vault has all blobs of a list as it stands in the text. Anything but a list of ids is refused."""
        if len(listed) == _LISTED:
            return self._present(listed[1:-1])
        return all(len(blob) == _LISTED and self._present(blob[1:-1]) for blob in listed.split(",")) if listed else True
