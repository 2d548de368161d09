"""A vault's store with one key of our own in the place of all others, none of which is written or can be used."""

from __future__ import annotations

from collections.abc import Iterator

from covenant.adapters.stores.os_errors import missing
from covenant.kernel.errors import DamageError
from covenant.vault.names import KEYS
from covenant.vault.ports import Listed, ReadStore, another_copy

_FOLDER = f"{KEYS}/"


class RekeyedStore:
    """A ``ReadStore`` over another, whose keys are those given here."""

    def __init__(self, store: ReadStore, keys: dict[str, bytes]) -> None:
        self._store = store
        self._keys = keys

    @property
    def url(self) -> str:
        return self._store.url

    def get(self, name: str) -> bytes:
        if not name.startswith(_FOLDER):
            return self._store.get(name)
        if name not in self._keys:
            raise missing(name, self.url)
        return self._keys[name]

    def get_range(self, name: str, offset: int, length: int) -> bytes:
        if not name.startswith(_FOLDER):
            return self._store.get_range(name, offset, length)
        data = self.get(name)
        if len(data) < offset + length:
            raise DamageError(f"'{name}' ends before byte {offset + length}")
        return data[offset : offset + length]

    def size(self, name: str) -> int:
        return len(self.get(name)) if name.startswith(_FOLDER) else self._store.size(name)

    def distrust(self, name: str) -> bool:
        return another_copy(self._store, name)

    def list(self, prefix: str) -> Iterator[Listed]:
        folder = prefix.rstrip("/")
        if folder in ("", KEYS):
            yield from (Listed(name, len(data)) for name, data in self._keys.items())
        if folder != KEYS:
            yield from (listed for listed in self._store.list(prefix) if not listed.name.startswith(_FOLDER))
