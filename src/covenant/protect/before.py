"""What the parent snapshot has, file by file, for a source that sends only what has changed since."""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

from covenant.kernel.errors import DamageError, ObjectMissing
from covenant.vault.pack import BlobType
from covenant.vault.reader import read_blob, read_tree
from covenant.vault.snapshot import Snapshot
from covenant.vault.vault import Vault

ID = 32
"""The bytes of a blob's id."""


class Held(NamedTuple):
    """A file of the parent: the ids of its blobs, one after another, and its size."""

    blobs: bytes
    size: int


class Before:
    """A parent snapshot. Its directories are read when they are first asked about, and all of them at once."""

    def __init__(self, vault: Vault, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self._vault = vault
        self._unreadable = False

    def file(self, path: str) -> Held | None:
        """The file at an absolute path, or ``None`` where there was none."""
        return self._files.get(path)

    @property
    def whole(self) -> bool:
        """Whether its directories can be read, and the vault has every blob of its files."""
        has, files = self._vault.index.has, self._files.values()
        blobs = (held.blobs[at : at + ID] for held in files for at in range(0, len(held.blobs), ID))
        return all(has(blob, BlobType.DATA) for blob in blobs) and not self._unreadable

    def sizes(self, held: Held) -> list[int]:
        """How many bytes each blob of a file has. Raises ``DamageError`` where they are not the file."""
        sizes = []
        for at in range(0, len(held.blobs), ID):
            place = self._vault.index.find(held.blobs[at : at + ID], BlobType.DATA)
            sizes.append(place.size if place else 0)
        if sum(sizes) != held.size:
            raise DamageError(
                f"a file of snapshot {self.snapshot.short_id} has {held.size} bytes, and its blobs have {sum(sizes)}",
                "Run 'covenant check', and make a full backup.",
            )
        return sizes

    def read(self, path: str) -> bytes:
        """The content of a (small) file. Raises ``DamageError``, and ``ObjectMissing`` where there is none."""
        held = self.file(path)
        if held is None:
            raise ObjectMissing(f"snapshot {self.snapshot.short_id} has no {path}")
        ids = [held.blobs[at : at + ID] for at in range(0, len(held.blobs), ID)]
        return b"".join([read_blob(self._vault, blob, BlobType.DATA) for blob in ids])

    @cached_property
    def _files(self) -> dict[str, Held]:
        files: dict[str, Held] = {}
        waiting = [("/", self.snapshot.tree)]
        while waiting:
            above, tree = waiting.pop()
            try:
                nodes = read_tree(self._vault, tree)
            except (DamageError, ObjectMissing):
                self._unreadable = True
                continue
            for node in nodes:
                path = above + node.filename
                if node.type == "dir" and node.subtree:
                    waiting.append((path + "/", node.subtree))
                elif node.type == "file":
                    files[path] = Held(b"".join(map(bytes.fromhex, node.content or ())), node.size)
        return files
