"""Who was told what, kept in the catalog: who takes over, on whatever machine, goes on from there."""

from __future__ import annotations

from pathlib import Path

from covenant.catalog.catalog import Catalog

_NAME = "alerts"


class CatalogMemory:
    """A small text that is replaced whole, and only by who has read the one before.

    ``formerly`` is the file in which it lay before the catalog had room for it: read while the catalog has nothing, so
    that who upgrades tells nobody twice.
    """

    def __init__(self, catalog: Catalog, formerly: Path) -> None:
        self._catalog = catalog
        self._formerly = formerly
        self._read = ""

    def load(self) -> str:
        """What was saved last; empty where nothing was. Raises ``CatalogError``."""
        self._read = self._catalog.remembered(_NAME)
        return self._read or self._left_behind()

    def save(self, text: str) -> None:
        """Remember this instead, durably. Raises ``CatalogError``, and ``LeaseLost`` where another took over."""
        self._catalog.remember(_NAME, text, self._read)
        self._read = text

    def _left_behind(self) -> str:
        try:
            return self._formerly.read_text("utf-8", errors="replace")
        except OSError:
            return ""
