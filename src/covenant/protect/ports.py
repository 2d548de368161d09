"""What ``protect`` asks of a system that is to be kept.

A ``Source`` is opened for one ``Capture``: a consistent reading of the system, seen as a tree of directories, whose
files can be read at a path of this machine. Findings (what vanished, changed or could not be read) never stop it.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

from covenant.kernel.findings import Finding
from covenant.vault.snapshot import Snapshot


class Entry(NamedTuple):
    """One entry of a directory.

    ``metadata`` is the node's text up to its content (``vault.tree.metadata_text``), ``path`` where its bytes can be
    read. The three numbers that follow ``size`` tell whether it changed since. ``link`` is the same for all names
    of one file that has several.
    """

    name: str
    kind: str
    path: str
    metadata: str
    size: int = 0
    mtime_ns: int = 0
    ctime_ns: int = 0
    inode: int = 0
    link: tuple[int, int] | None = None


class Capture(Protocol):
    """A consistent reading of one system."""

    @property
    def paths(self) -> tuple[str, ...]:
        """What the snapshot says it holds: absolute paths."""
        ...

    @property
    def excludes(self) -> tuple[str, ...]:
        """What the snapshot says was left out."""
        ...

    @property
    def findings(self) -> list[Finding]:
        """What was seen so far that a person should know."""
        ...

    @property
    def position(self) -> str:
        """Which state of the system this is, as the next capture will compare it; ``""`` where there is no such thing.

        Asked when everything has been read.
        """
        ...

    def list(self, directory: str) -> list[Entry]:
        """The entries of one directory, in ascending byte order of their names; ``"/"`` is the top.

        Thread-safe is not asked: one thread lists. What cannot be read becomes a finding and is left out.
        """
        ...

    def ready(self, entry: Entry) -> Entry:
        """The same entry, its content now readable at its path.

        Called before a file is read, for systems whose content has to be fetched first. Raises ``SourceError``.
        """
        ...


class Source(Protocol):
    """A system to be kept."""

    @property
    def name(self) -> str:
        """The name that the user gave it; ``""`` for paths named on the command line."""
        ...

    def capture(self, parent: Snapshot | None) -> AbstractContextManager[Capture]:
        """Begin a reading. ``parent`` is the snapshot that unchanged parts may be taken from.

        Raises ``SourceError`` where nothing at all can be read.
        """
        ...
