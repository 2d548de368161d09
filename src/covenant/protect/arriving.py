"""What ``protect`` asks of a system that sends itself: its entries arrive one after another, in an order of its own.

A server's base backup is a stream: no file of it can be read twice, or at a path. So such a source is not listed, it is
received. What it need not send, because a parent snapshot has it, arrives as the names of blobs.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from typing import NamedTuple, Protocol, TypeAlias, runtime_checkable

from covenant.kernel.findings import Finding
from covenant.kernel.progress import Progress
from covenant.protect.before import Before
from covenant.vault.ports import Buffer


class Kept(NamedTuple):
    """The next ``size`` bytes of a file are those of blobs that the vault has."""

    blobs: bytes
    """Their ids, one after another."""
    size: int


class Patched(NamedTuple):
    """The next ``size`` bytes of a file are one blob of the parent's, with something else in some places.

    Where the blob is shorter, or ``None``, zeros follow. Each edit is where it begins in the blob, and its bytes.
    """

    blob: bytes | None
    size: int
    edits: tuple[tuple[int, bytes], ...]


Piece: TypeAlias = Buffer | Kept | Patched
"""What a file is made of. A buffer is valid until the next piece is taken."""


AS_IT_COMES = -1
"""The size of a file that is not known before all of it is here."""


class Arrival(NamedTuple):
    """One entry. ``path`` is where the snapshot has it, ``mode`` its permission bits, ``target`` a link's.

    The pieces of a file are ``size`` bytes together. They must be taken before the next entry is. A program's output
    has no size before it ends: then ``size`` is ``AS_IT_COMES``, and each piece of it begins a blob of its own.
    """

    path: str
    kind: str
    mode: int
    mtime_ns: int
    owner: str
    """From ``vault.tree.owner_text``."""
    size: int = 0
    pieces: Iterator[Piece] = iter(())
    target: str = ""


class Stream(Protocol):
    """One system, as it arrives."""

    @property
    def paths(self) -> tuple[str, ...]:
        """What the snapshot says it holds: absolute paths."""
        ...

    @property
    def block(self) -> int:
        """Into pieces of how many bytes files are cut."""
        ...

    @property
    def findings(self) -> list[Finding]:
        """What was seen so far that a person should know."""
        ...

    @property
    def notes(self) -> list[str]:
        """In what way it was done, where there are several, in sentences; none of them is a reason to worry."""
        ...

    @property
    def position(self) -> str:
        """Which state of the system this is. Asked, as ``moment`` is, when everything has arrived."""
        ...

    @property
    def moment(self) -> datetime:
        """When the system was in that state."""
        ...

    def arrivals(self) -> Iterator[Arrival]:
        """Every entry, directories among them, each once.

        Raises ``SourceError`` where the stream breaks off, and ``DamageError`` where what arrived is not what was
        sent: then there is no snapshot.
        """
        ...


@runtime_checkable
class Arriving(Protocol):
    """A system to be kept that sends itself."""

    @property
    def name(self) -> str:
        """The name that the user gave it."""
        ...

    def receive(
        self, before: Before | None, stop: threading.Event, progress: Progress
    ) -> AbstractContextManager[Stream]:
        """Begin to receive. ``before`` is the parent snapshot, if what is unchanged may be taken over from it.

        Ends soon after ``stop`` is set, with ``Interrupted``. ``progress`` is told what to expect, and what arrives.
        """
        ...
