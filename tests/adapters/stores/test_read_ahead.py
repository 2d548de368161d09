"""Reading ahead: fewer questions, the same answers."""

from __future__ import annotations

import random

import pytest

from covenant.adapters.stores.memory import MemoryStore
from covenant.adapters.stores.metered import MeteredStore
from covenant.adapters.stores.read_ahead import ReadAheadStore
from covenant.kernel.errors import ObjectMissing
from covenant.vault.ports import Store
from tests.contracts.store_contract import StoreContract


class TestReadAheadContract(StoreContract):
    """It keeps every promise of the store that it stands before."""

    @pytest.fixture
    def store(self) -> Store:
        """A memory store, read ahead."""
        return ReadAheadStore(MemoryStore())


def test_neighbours_cost_one_question() -> None:
    """A thousand small ranges side by side ask the store once a megabyte, and each answer is right."""
    data = random.Random(5).randbytes(3 << 20)
    metered = MeteredStore(MemoryStore())
    metered.put("data/aa/pack", data)
    store = ReadAheadStore(metered)

    for at in range(0, len(data) - 3000, 3000):
        assert data[at : at + 3000] == store.get_range("data/aa/pack", at, 3000)

    assert metered.traffic()["get_range"].calls <= 4


def test_what_was_deleted_is_not_answered() -> None:
    """An object that is gone is missing, whatever was read ahead of it."""
    store = ReadAheadStore(MemoryStore())
    store.put("data/aa/pack", bytes(5000))
    store.get_range("data/aa/pack", 0, 100)
    store.delete("data/aa/pack")

    with pytest.raises(ObjectMissing):
        store.get_range("data/aa/pack", 0, 100)
