"""The store in memory, which other tests stand on."""

from __future__ import annotations

import pytest

from covenant.adapters.stores.memory import MemoryStore
from covenant.vault.ports import Store
from tests.contracts.store_contract import StoreContract


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def store(self) -> Store:
        return MemoryStore("test")
