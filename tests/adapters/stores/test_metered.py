"""Counting what a store is asked for."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from covenant.adapters.stores.memory import MemoryStore
from covenant.adapters.stores.metered import MeteredStore, Traffic
from covenant.kernel.errors import ObjectMissing
from covenant.vault.ports import Store
from tests.contracts.store_contract import StoreContract


class TestMeteredStore(StoreContract):
    """The contract, with a meter on it."""

    @pytest.fixture
    def store(self) -> Store:
        return MeteredStore(MemoryStore())


def test_each_kind_of_call_is_counted() -> None:
    """Calls, the bytes of objects that went through, and what was asked in vain."""
    store = MeteredStore(MemoryStore())

    store.put("data/one", b"12345")
    store.get("data/one")
    store.get_range("data/one", 1, 2)
    store.size("data/one")
    list(store.list(""))
    store.delete("data/one")
    with pytest.raises(ObjectMissing):
        store.get("data/one")

    assert {
        "put": Traffic(calls=1, bytes=5),
        "get": Traffic(calls=2, bytes=5, failures=1),
        "get_range": Traffic(calls=1, bytes=2),
        "size": Traffic(calls=1),
        "list": Traffic(calls=1),
        "delete": Traffic(calls=1),
    } == store.traffic()


def test_threads_are_counted_together() -> None:
    """No call is lost where many threads count."""
    store = MeteredStore(MemoryStore())

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda number: store.put(f"data/{number}", b"1234"), range(500)))

    assert {"put": Traffic(calls=500, bytes=2_000)} == store.traffic()
