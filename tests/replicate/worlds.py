"""Regions for tests: stores side by side, some of which go away."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from covenant.kernel.clock import SystemClock
from covenant.kernel.errors import StoreUnavailable
from covenant.replicate.region import Region
from covenant.replicate.regional import RegionalStore
from covenant.vault.ports import Buffer, Listed, Store
from tests.faults.stores import Sound

NAMES = "abcdefg"


def regions_of(stores: Sequence[Store]) -> list[Region]:
    """The stores as regions ``a``, ``b``, ``c``."""
    return [Region(NAMES[number], store, SystemClock()) for number, store in enumerate(stores)]


def regional(*stores: Store, acknowledge: int = 0) -> RegionalStore:
    """A newcomer's view of these regions."""
    return RegionalStore(regions_of(stores), acknowledge or len(stores), SystemClock())


class Away(Sound):
    """A store that can go ``away`` and come back. ``refused`` counts the calls that met it away."""

    def __init__(self, store: Store, away: bool = False) -> None:
        super().__init__(store)
        self.away = away
        self.refused = 0

    def get(self, name: str) -> bytes:
        self._here()
        return super().get(name)

    def get_range(self, name: str, offset: int, length: int) -> bytes:
        self._here()
        return super().get_range(name, offset, length)

    def size(self, name: str) -> int:
        self._here()
        return super().size(name)

    def list(self, prefix: str) -> Iterator[Listed]:
        self._here()
        return super().list(prefix)

    def put(self, name: str, data: Buffer) -> None:
        self._here()
        super().put(name, data)

    def delete(self, name: str) -> None:
        self._here()
        super().delete(name)

    def _here(self) -> None:
        if self.away:
            self.refused += 1
            raise StoreUnavailable(f"{self.url} is away, as planned by this test")
