"""What a vault asks of the place where its objects lie.

Objects are named, immutable and whole. A name is a relative path of ASCII letters, digits, ``-``, ``_``, ``.`` in
segments joined by ``/`` (``data/ab/ab12…``, ``config``). The three interfaces are steps of privilege: who is handed
an ``AppendStore`` cannot delete, by type.

Errors are those of ``covenant.kernel.errors``: ``ObjectMissing``, ``ObjectExists``, ``StoreFull``, ``StoreDenied``,
``StoreUnavailable`` (the only transient one) and ``StoreError`` for the rest. Every method is thread-safe.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple, Protocol, TypeAlias, runtime_checkable

Buffer: TypeAlias = bytes | bytearray | memoryview


class Listed(NamedTuple):
    """An object as a listing shows it."""

    name: str
    size: int


class ReadStore(Protocol):
    """Named immutable objects that can be read."""

    @property
    def url(self) -> str:
        """The store's address, without any secret in it."""
        ...

    def get(self, name: str) -> bytes:
        """The whole object. Raises ``ObjectMissing``."""
        ...

    def get_range(self, name: str, offset: int, length: int) -> bytes:
        """Exactly ``length`` bytes from ``offset``.

        Raises ``ObjectMissing``; raises ``DamageError`` when the object ends before ``offset + length``.
        """
        ...

    def size(self, name: str) -> int:
        """The object's size in bytes. Raises ``ObjectMissing``."""
        ...

    def list(self, prefix: str) -> Iterator[Listed]:
        """Every object below the folder ``prefix`` (``"snapshots"``, ``"data"``; ``""`` is everything).

        No order is promised. Unfinished writes are never listed. A folder that does not exist lists nothing.
        """
        ...


class AppendStore(ReadStore, Protocol):
    """A store that takes new objects and never loses or changes one."""

    def put(self, name: str, data: Buffer) -> None:
        """Store an object: whole or not at all, durable on return, never over another.

        Raises ``ObjectExists`` if the name is taken, whatever it holds. The caller may reuse ``data`` on return.
        """
        ...


class Store(AppendStore, Protocol):
    """A store from which objects can be deleted."""

    def delete(self, name: str) -> None:
        """Delete an object, durably. Raises ``ObjectMissing`` if there is none."""
        ...


@runtime_checkable
class ManyCopies(Protocol):
    """What a store does that has several copies of each object, and cannot tell by itself that a part is damaged."""

    def distrust(self, name: str) -> bool:
        """Say that what was read of an object was not what was written; whether another copy can stand in."""
        ...


def another_copy(store: ReadStore, name: str) -> bool:
    """Whether reading a damaged object again may give better bytes: a plain store has no others."""
    return isinstance(store, ManyCopies) and store.distrust(name)


@runtime_checkable
class ContentApart(Protocol):
    """What a store does that has a cheaper class of storage for what nobody reads before files are brought back."""

    def put_content(self, name: str, data: Buffer) -> None:
        """As ``put``, for a pack that holds content of files and no tree."""
        ...


def put_content(store: AppendStore, name: str, data: Buffer) -> None:
    """Store a pack of files' content: in the class that the store has for such, or else as everything else."""
    if isinstance(store, ContentApart):
        store.put_content(name, data)
    else:
        store.put(name, data)


class Terms(Protocol):
    """What a store itself lets nobody delete, and until when."""

    def term(self, name: str) -> datetime | None:
        """Until when an object cannot be deleted; ``None`` where it can be, by the store's clock and not by ours.

        Raises ``ObjectMissing``.
        """
        ...
