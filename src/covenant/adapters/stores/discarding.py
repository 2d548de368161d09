"""A store that takes everything and keeps nothing: what a dry run writes to."""

from __future__ import annotations

from covenant.adapters.stores.guarded import ReadOnlyStore
from covenant.vault.ports import Buffer


class DiscardingStore(ReadOnlyStore):
    """An ``AppendStore`` that reads from a real store, and says of every new object that it is stored."""

    def put(self, name: str, data: Buffer) -> None:
        """Let it go."""
