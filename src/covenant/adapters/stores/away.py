"""A store that does not answer: what a region is while its data centre is away, for rehearsing just that."""

from __future__ import annotations

from collections.abc import Iterator

from covenant.kernel.errors import StoreUnavailable
from covenant.vault.ports import Buffer, Listed


class AwayStore:
    """A ``Store`` whose every call raises ``StoreUnavailable``."""

    def __init__(self, url: str) -> None:
        self._url = url

    @property
    def url(self) -> str:
        return self._url

    def get(self, name: str) -> bytes:
        raise self._away()

    def get_range(self, name: str, offset: int, length: int) -> bytes:
        raise self._away()

    def size(self, name: str) -> int:
        raise self._away()

    def list(self, prefix: str) -> Iterator[Listed]:
        raise self._away()

    def put(self, name: str, data: Buffer) -> None:
        raise self._away()

    def delete(self, name: str) -> None:
        raise self._away()

    def _away(self) -> StoreUnavailable:
        return StoreUnavailable(f"{self._url} was cut off for a drill", "It is back when the drill has ended.")
