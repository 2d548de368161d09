"""Stores that do less than they could.

Types already say who may write and who may delete; these say it again while the program runs, for code that was
handed a whole ``Store`` and must not use it.
"""

from __future__ import annotations

from collections.abc import Iterator

from covenant.kernel.errors import StoreDenied
from covenant.vault.names import LOCKS
from covenant.vault.ports import Buffer, Listed, ReadStore, Store, another_copy, put_content


class ReadOnlyStore:
    """A ``Store`` that can be read, and refuses everything else."""

    def __init__(self, store: ReadStore) -> None:
        self._store = store

    @property
    def url(self) -> str:
        return self._store.url

    def get(self, name: str) -> bytes:
        return self._store.get(name)

    def get_range(self, name: str, offset: int, length: int) -> bytes:
        return self._store.get_range(name, offset, length)

    def size(self, name: str) -> int:
        return self._store.size(name)

    def distrust(self, name: str) -> bool:
        return another_copy(self._store, name)

    def list(self, prefix: str) -> Iterator[Listed]:
        return self._store.list(prefix)

    def put(self, name: str, data: Buffer) -> None:
        raise StoreDenied(f"{self.url} was opened for reading only: '{name}' is not stored")

    def delete(self, name: str) -> None:
        raise StoreDenied(f"{self.url} was opened for reading only: '{name}' is not deleted")


class AppendOnlyStore(ReadOnlyStore):
    """A ``Store`` that takes new objects and deletes none but locks, which must come and go."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._whole: Store = store

    def put(self, name: str, data: Buffer) -> None:
        self._whole.put(name, data)

    def put_content(self, name: str, data: Buffer) -> None:
        put_content(self._whole, name, data)

    def delete(self, name: str) -> None:
        if not name.startswith(f"{LOCKS}/"):
            raise StoreDenied(f"{self.url} was opened for appending only: '{name}' is not deleted")
        self._whole.delete(name)
