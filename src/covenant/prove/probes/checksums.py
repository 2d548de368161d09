"""Whether everything that the snapshot names lies in the restore, byte for byte.

The restored files are read and hashed piece by piece, and each piece is compared with the name that the vault gave it
when it was kept. Nothing of the restoring code is used: what writes wrong bytes would believe them.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from covenant.kernel.answers import Result
from covenant.kernel.findings import Finding
from covenant.prove.ports import Aspect, Restored, Said, counted
from covenant.recover.listing import Found, walk
from covenant.vault.pack import BlobType
from covenant.vault.tree import Node
from covenant.vault.vault import Vault

_KINDS = {"file": stat.S_ISREG, "dir": stat.S_ISDIR, "symlink": stat.S_ISLNK}


@dataclass(slots=True)
class _Count:
    files: int = 0
    bytes: int = 0
    wrong: int = 0
    first: str = ""

    def blame(self, path: str, what: str) -> None:
        self.wrong += 1
        self.first = self.first or f"{path}: {what}"


@dataclass(frozen=True, slots=True)
class Checksums:
    """Asked of every restore."""

    within: float = 24 * 3600.0
    question: str = "Is every file as it was when it was kept?"
    aspect: Aspect = Aspect.INTEGRITY
    needs: tuple[str, ...] = ()

    def ask(self, restored: Restored, hurry: Callable[[], None]) -> Said:
        """Compare everything; one thing that differs is enough to fail."""
        count, lost = _Count(), list[Finding]()
        for found in walk(restored.vault, restored.snapshot, restored.path, findings=lost):
            hurry()
            problem = _problem(restored, found, count, hurry)
            if problem:
                count.blame(found.path, problem)
        for finding in lost:
            count.blame(finding.subject, finding.message)
        of = f"with {count.bytes:,} bytes compared with snapshot {restored.snapshot.id[:8]}"
        compared = f"{counted(count.files, 'file')} {of}"
        if count.wrong:
            return Said(Result.FAILED, f"wrong: {count.wrong:,}, the first {count.first}; {compared}")
        if not count.files:
            return Said(Result.COULD_NOT_VERIFY, f"there is no file to compare in snapshot {restored.snapshot.id[:8]}")
        return Said(Result.PASSED, compared)


def _problem(restored: Restored, found: Found, count: _Count, hurry: Callable[[], None]) -> str:
    """What is wrong with one entry of the restore, or ``""``."""
    place, node = restored.place(found.path), found.node
    is_such = _KINDS.get(node.type)
    if is_such is None:
        return ""  # pipes, sockets and devices have no content, and not everyone may make them
    try:
        if not is_such(os.lstat(place).st_mode):
            return f"is no {node.type}"
        if node.type == "symlink":
            return "" if os.readlink(place) == node.target else "points elsewhere"
        return _differs(place, node, restored.vault, count, hurry) if node.type == "file" else ""
    except OSError as error:
        return (error.strerror or str(error)).lower()


def _differs(place: Path, node: Node, vault: Vault, count: _Count, hurry: Callable[[], None]) -> str:
    with open(os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb", buffering=0) as file:
        with suppress(OSError):
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_SEQUENTIAL)
        count.files += 1
        for number, blob in enumerate(node.content or ()):
            hurry()
            where = vault.index.find(bytes.fromhex(blob), BlobType.DATA)
            if where is None:
                return f"the vault does not know its piece {number}"
            data = _exactly(file.fileno(), where.size)
            count.bytes += len(data)
            if sha256(data).hexdigest() != blob:
                return f"piece {number} is not what was kept"
        return "is longer than what was kept" if os.read(file.fileno(), 1) else ""


def _exactly(descriptor: int, size: int) -> bytes:
    """So many bytes, or what there is."""
    parts = []
    while size and (part := os.read(descriptor, size)):
        parts.append(part)
        size -= len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)
