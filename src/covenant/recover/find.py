"""Finding files in a snapshot: by name, size, time or blob."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase

from covenant.kernel.findings import Finding
from covenant.recover.listing import Found, walk
from covenant.vault.snapshot import Snapshot
from covenant.vault.tree import Node
from covenant.vault.vault import Vault

_NANO = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Sought:
    """What is looked for: everything said here must hold.

    ``names`` are globs, any of which may match: the name alone, or with a ``/`` in it the whole path (where ``*``
    crosses slashes). Sizes are bytes, bounds included; times are those of the last change of content. ``blobs`` are
    beginnings of blob or tree ids.
    """

    names: tuple[str, ...] = ()
    ignore_case: bool = False
    kinds: tuple[str, ...] = ()
    at_least: int | None = None
    at_most: int | None = None
    newer: datetime | None = None
    older: datetime | None = None
    blobs: tuple[str, ...] = ()

    def fits(self, found: Found) -> bool:
        """Whether an entry is one of those. Raises ``DamageError`` where its time is none."""
        return self._fits_name(found.path) and self._fits_node(found.node)

    def _fits_name(self, path: str) -> bool:
        if not self.names:
            return True
        shown = path.casefold() if self.ignore_case else path
        name = shown.rpartition("/")[2]
        globs = [glob.casefold() for glob in self.names] if self.ignore_case else self.names
        return any(fnmatchcase(shown if "/" in glob else name, glob) for glob in globs)

    def _fits_node(self, node: Node) -> bool:
        if self.kinds and node.type not in self.kinds:
            return False
        if (self.at_least is not None or self.at_most is not None) and node.type != "file":
            return False
        if self.at_least is not None and node.size < self.at_least:
            return False
        if self.at_most is not None and node.size > self.at_most:
            return False
        if self.newer is not None and node.mtime_ns < self.newer.timestamp() * _NANO:
            return False
        if self.older is not None and node.mtime_ns > self.older.timestamp() * _NANO:
            return False
        return not self.blobs or self._has_blob(node)

    def _has_blob(self, node: Node) -> bool:
        ids = [*(node.content or ()), node.subtree or ""]
        return any(blob.startswith(self.blobs) for blob in ids)


def find(
    vault: Vault, snapshot: Snapshot, sought: Sought, path: str = "/", *, findings: list[Finding] | None = None
) -> Iterator[Found]:
    """Every entry from ``path`` on that is sought. Raises as ``walk`` does."""
    return (found for found in walk(vault, snapshot, path, findings=findings) if sought.fits(found))
