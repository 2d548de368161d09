"""A store that lives as long as the process: for tests, and for trying things out."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from covenant.adapters.stores.naming import checked, folder
from covenant.adapters.stores.os_errors import missing, taken
from covenant.kernel.errors import DamageError
from covenant.vault.ports import Buffer, Listed


class MemoryStore:
    """A ``Store`` that keeps its objects in a dictionary."""

    def __init__(self, name: str = "") -> None:
        self._url = f"memory:{name}"
        self._objects: dict[str, bytes] = {}
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        return self._url

    def get(self, name: str) -> bytes:
        with self._lock:
            data = self._objects.get(checked(name))
        if data is None:
            raise missing(name, self.url)
        return data

    def get_range(self, name: str, offset: int, length: int) -> bytes:
        data = self.get(name)
        if len(data) < offset + length:
            raise DamageError(f"'{name}' in {self.url} ends before byte {offset + length}")
        return data[offset : offset + length]

    def size(self, name: str) -> int:
        return len(self.get(name))

    def list(self, prefix: str) -> Iterator[Listed]:
        below = folder(prefix)
        start = f"{below}/" if below else ""
        with self._lock:
            found = [Listed(name, len(data)) for name, data in self._objects.items() if name.startswith(start)]
        return iter(found)

    def put(self, name: str, data: Buffer) -> None:
        kept = bytes(data)
        with self._lock:
            if checked(name) in self._objects:
                raise taken(name, self.url)
            self._objects[name] = kept

    def overwrite(self, name: str, data: Buffer) -> None:
        """Put over whatever is there. No port has this: it is for measuring immutability, and nothing else."""
        with self._lock:
            self._objects[checked(name)] = bytes(data)

    def delete(self, name: str) -> None:
        with self._lock:
            if self._objects.pop(checked(name), None) is None:
                raise missing(name, self.url)
