"""Reading ahead in packs that lie far away.

Directories are small blobs side by side in a pack, and are asked for one after another. Over a network each costs a
round trip of its own, so a thousand directories cost half a minute. Here the first one asked for brings the next
megabyte along, and the others are answered from memory.

Objects never change, so what was read stays true until the object is deleted through this store.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from typing import NamedTuple

from covenant.vault.ports import Buffer, Listed, Store, put_content

WINDOW = 1 << 20
_KEPT = 24
_SMALL = 128 << 10


class _Window(NamedTuple):
    start: int
    data: bytes


class ReadAheadStore:
    """A store whose small ranges are read a megabyte at a time; at most ``_KEPT`` megabytes are held."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._windows: OrderedDict[tuple[str, int], _Window] = OrderedDict()
        self._sizes: dict[str, int] = {}

    @property
    def url(self) -> str:
        """The store's address."""
        return self._store.url

    def get(self, name: str) -> bytes:
        """The whole object, always from the store itself."""
        return self._store.get(name)

    def get_range(self, name: str, offset: int, length: int) -> bytes:
        """A range; a small one from what was read ahead, or with what follows it."""
        if length > _SMALL:
            return self._store.get_range(name, offset, length)
        held = self._held(name, offset, length)
        if held is not None:
            return held
        size = self._size(name)
        end = min(offset + WINDOW, size)
        if offset + length > end:  # too short an object: let the store say so
            return self._store.get_range(name, offset, length)
        data = self._store.get_range(name, offset, end - offset)
        self._hold(name, _Window(offset, data))
        return data[:length]

    def size(self, name: str) -> int:
        """The object's size, asked of the store."""
        return self._store.size(name)

    def list(self, prefix: str) -> Iterator[Listed]:
        """What there is."""
        return self._store.list(prefix)

    def put(self, name: str, data: Buffer) -> None:
        """Store an object."""
        self._store.put(name, data)

    def put_content(self, name: str, data: Buffer) -> None:
        """Store an object in the class for content."""
        put_content(self._store, name, data)

    def delete(self, name: str) -> None:
        """Delete an object, and forget what was read of it."""
        self._forget(name)
        self._store.delete(name)

    def _held(self, name: str, offset: int, length: int) -> bytes | None:
        """The range, if a window holds all of it: windows begin wherever reading began, so neighbours are tried."""
        with self._lock:
            for key in reversed(self._windows):
                window = self._windows[key]
                if key[0] == name and window.start <= offset and offset + length <= window.start + len(window.data):
                    self._windows.move_to_end(key)
                    at = offset - window.start
                    return window.data[at : at + length]
        return None

    def _hold(self, name: str, window: _Window) -> None:
        with self._lock:
            self._windows[name, window.start] = window
            while len(self._windows) > _KEPT:
                self._windows.popitem(last=False)

    def _size(self, name: str) -> int:
        size = self._sizes.get(name)
        if size is None:
            size = self._sizes[name] = self._store.size(name)
        return size

    def _forget(self, name: str) -> None:
        with self._lock:
            self._sizes.pop(name, None)
            for key in [key for key in self._windows if key[0] == name]:
                del self._windows[key]
