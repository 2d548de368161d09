"""Counting copies while others write."""

from __future__ import annotations

from collections.abc import Iterator

from covenant.adapters.stores.memory import MemoryStore
from covenant.replicate.census import count, look
from covenant.replicate.holdings import Holdings, gaps
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


def test_a_gap_is_found_whatever_the_order_of_listings() -> None:
    """Two regions that list the same in another order lack nothing; one that lacks an object, or has another in its
    place, has exactly that gap, and not after it was set right."""
    names = [f"data/{n:02x}/{n:02x}{'0' * 60}{n:02x}" for n in range(40)] + ["config"]
    first = Holdings(Listed(name, 4) for name in names)
    second = Holdings(Listed(name, 4) for name in reversed(names))
    alike = list(gaps([first, second]))

    second.discard(names[7])
    second.add(names[7].replace("0000", "0001"), 4)
    unlike = list(gaps([first, second]))
    second.discard(names[7].replace("0000", "0001"))
    second.add(names[7], 4)

    assert [] == alike
    assert {names[7], names[7].replace("0000", "0001")} == set(unlike)
    assert [] == list(gaps([first, second]))
