"""Counting copies while others write."""

from __future__ import annotations

from collections.abc import Iterator

from covenant.adapters.stores.memory import MemoryStore
from covenant.replicate.census import count, look
from covenant.vault.ports import Listed, Store
from tests.faults.stores import Sound
from tests.replicate.worlds import regions_of

OBJECT = "data/ab/ab" + "0" * 62


class ListedLate(Sound):
    """A store in which something happens right after all of it was listed."""

    def __init__(self, store: Store, gone: bool) -> None:
        super().__init__(store)
        self._gone = gone

    def list(self, prefix: str) -> Iterator[Listed]:
        found = list(super().list(prefix))
        if not prefix and self._gone:
            super().delete(OBJECT)
        elif not prefix:
            super().put(OBJECT, b"1234")
        return iter(found)


def test_what_arrives_while_regions_are_listed_is_not_missing() -> None:
    """An object that came to one region before its listing and to another after it is in both."""
    early, late = MemoryStore(), MemoryStore()
    early.put(OBJECT, b"1234")

    seen = look(regions_of([early, ListedLate(late, gone=False)]))

    assert {2: 1} == count(seen, ["a", "b"], 2).copies


def test_what_goes_while_regions_are_listed_is_not_counted() -> None:
    """An object that was let go between two listings is owed to nobody."""
    empty, late = MemoryStore(), MemoryStore()
    late.put(OBJECT, b"1234")

    seen = look(regions_of([empty, ListedLate(late, gone=True)]))

    assert {} == count(seen, ["a", "b"], 2).copies
