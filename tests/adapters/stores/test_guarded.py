"""Stores that do less than they could."""

from __future__ import annotations

import pytest

from covenant.adapters.stores.guarded import AppendOnlyStore, ReadOnlyStore
from covenant.adapters.stores.memory import MemoryStore
from covenant.kernel.errors import StoreDenied
from covenant.vault.ports import Listed


@pytest.fixture
def inside() -> MemoryStore:
    """A store with one object and one lock."""
    store = MemoryStore()
    store.put("data/one", b"12345")
    store.put("locks/ours", b"1")
    return store


def test_a_read_only_store_reads(inside: MemoryStore) -> None:
    """Every way to read goes through."""
    store = ReadOnlyStore(inside)

    assert b"12345" == store.get("data/one")
    assert b"23" == store.get_range("data/one", 1, 2)
    assert 5 == store.size("data/one")
    assert [Listed("data/one", 5)] == list(store.list("data"))
    assert inside.url == store.url


def test_a_read_only_store_writes_nothing(inside: MemoryStore) -> None:
    """Puts and deletes are denied, locks included, and name what they were about."""
    store = ReadOnlyStore(inside)

    with pytest.raises(StoreDenied, match="data/two"):
        store.put("data/two", b"2")
    with pytest.raises(StoreDenied, match="locks/ours"):
        store.delete("locks/ours")
    assert ["data/one", "locks/ours"] == sorted(name for name, _ in inside.list(""))


def test_an_append_only_store_deletes_locks_alone(inside: MemoryStore) -> None:
    """New objects are taken, locks come and go, and nothing else is deleted."""
    store = AppendOnlyStore(inside)

    store.put("data/two", b"2")
    store.delete("locks/ours")
    for name in ("data/one", "locks", "data/locks/one"):
        with pytest.raises(StoreDenied):
            store.delete(name)

    assert ["data/one", "data/two"] == sorted(name for name, _ in inside.list(""))
