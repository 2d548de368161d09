"""Files that are being written, and the other names that wait for them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from covenant.recover.directory import Directory
from covenant.recover.small import Batch, SmallFile
from covenant.vault.tree import Node

_BATCH_FILES = 512
_BATCH_BYTES = 8 << 20


@dataclass(slots=True)
class Awaited:
    """A file whose content is being written."""

    directory: Directory
    name: bytes
    node: Node
    size: int = 0
    group: LinkGroup | None = None
    differs: bool = False
    """What is there looks complete, and was found not to be."""


@dataclass(slots=True)
class LinkGroup:
    """The names of one file. ``there`` is unknown (``None``) until the first of them is written or lost."""

    first: Awaited
    names_left: int
    there: bool | None = None
    waiting: list[Awaited] = field(default_factory=list)


class Links:
    """The files with several names, as long as some of their names are still to come.

    Only names with the same inode *and* the same content are one file: what a tree claims about inodes is not
    trusted with content.
    """

    def __init__(self) -> None:
        self._groups: dict[tuple[int, int, tuple[str, ...]], LinkGroup] = {}

    def join(self, awaited: Awaited) -> bool:
        """Put a file that has several names into its group; returns whether it is the first of them."""
        node = awaited.node
        key = (node.device_id, node.inode, tuple(node.content or ()))
        group = self._groups.get(key)
        first = group is None
        if group is None:
            group = self._groups[key] = LinkGroup(awaited, node.links)
        awaited.group = group
        group.names_left -= 1
        if group.names_left <= 0:
            del self._groups[key]
        return first


class Sent(NamedTuple):
    """What the coordinator remembers of a batch: how many files of which directories, and those with other names."""

    files: list[Awaited]
    directories: list[tuple[Directory, int]]
    bytes: int
    linked: list[int]


class Gathering:
    """Small files on their way into one batch. ``full`` says that it is time to send it."""

    def __init__(self, *, verify: bool, sparse: bool) -> None:
        self._verify = verify
        self._sparse = sparse
        self._clear()

    def _clear(self) -> None:
        self._awaited: list[Awaited] = []
        self._folders: list[tuple[bytes, bool]] = []
        self._directories: list[Directory] = []
        self._counts: list[int] = []
        self._linked: list[int] = []
        self._files: list[SmallFile] = []
        self._last: Directory | None = None
        self._bytes = 0
        self.full = False

    def __len__(self) -> int:
        return len(self._files)

    def add(self, awaited: Awaited, file: SmallFile) -> None:
        """Add a file; its folder's number is set here."""
        directory = awaited.directory
        if directory is not self._last:
            self._folders.append((directory.path, directory.fresh))
            self._directories.append(directory)
            self._counts.append(0)
            self._last = directory
        self._counts[-1] += 1
        file.folder = len(self._folders) - 1
        self._files.append(file)
        if awaited.group is not None:
            self._linked.append(len(self._awaited))
        self._awaited.append(awaited)
        self._bytes += awaited.size
        self.full = len(self._files) >= _BATCH_FILES or self._bytes >= _BATCH_BYTES

    def take(self) -> tuple[Sent, Batch]:
        """What was gathered; begins anew."""
        sent = Sent(self._awaited, list(zip(self._directories, self._counts, strict=True)), self._bytes, self._linked)
        batch = Batch(self._folders, self._files, self._verify, self._sparse)
        self._clear()
        return sent, batch
