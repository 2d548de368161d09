"""What ``protect`` asks of a system that is to be kept.

A ``Source`` is opened for one ``Capture``: a consistent reading of the system, seen as a tree of directories, whose
files can be read at a path of this machine. Findings (what vanished, changed or could not be read) never stop it.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import NamedTuple, Protocol

from covenant.kernel.findings import Finding
from covenant.kernel.spans import Span
from covenant.vault.pieces import Piece
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


class Growth(NamedTuple):
    """What one file of a change log gained: ``data``, from ``offset`` on. It has ``full`` bytes when it is done."""

    name: str
    offset: int
    data: bytearray
    full: int


class Batch(NamedTuple):
    """A stretch of a change log that is to be sealed: what its files gained.

    ``beside`` are small files that belong to it, whole. Nothing that the source had logged by the moment ``until``, on
    its own clock, is missing before the end of the stretch; ``taken`` is the same moment on ours.
    """

    span: Span
    growths: tuple[Growth, ...]
    beside: tuple[tuple[str, bytes], ...]
    until: datetime
    taken: datetime


class LogStream(Protocol):
    """A change log that is being followed, from a place on. Used by one thread.

    It holds what came and is not taken yet, up to a bound; beyond that its source has to wait.
    """

    @property
    def after(self) -> Piece | None:
        """The piece of the vault that it goes on from, ``None`` where it begins anew."""
        ...

    @property
    def waiting(self) -> int:
        """How many bytes are held and not taken yet."""
        ...

    def receive(self, seconds: float) -> None:
        """Take in what the source sends, for at most so long; and let it know that we are there.

        Returns early when there is enough to be sealed. Raises ``SourceError`` and its kin.
        """
        ...

    def take(self) -> list[Batch]:
        """What is held, in order: one batch for each timeline. A batch without growth says only up to when."""
        ...

    def acknowledge(self, span: Span) -> None:
        """Tell the source that everything up to the end of this stretch is durable, so that it may let go of it."""
        ...


class LogSource(Protocol):
    """A system whose change log can be followed as it grows."""

    @property
    def name(self) -> str:
        """The name that the user gave it."""
        ...

    def stream(self, last: Sequence[Piece]) -> AbstractContextManager[LogStream]:
        """Follow the log from where the vault has it; ``last`` are the last pieces that it has, of each timeline.

        Where the source has no longer what follows them, the stream begins with the oldest that it has, and the gap
        shows in the first batch. Raises ``SourceError``, ``SourceUnavailable``.
        """
        ...
