"""Several regions keep every promise of one store."""

from __future__ import annotations

from pathlib import Path

import pytest

from covenant.adapters.stores.memory import MemoryStore
from covenant.adapters.stores.objects import ObjectStore
from covenant.replicate.regional import RegionalStore
from tests.contracts.store_contract import StoreContract
from tests.replicate.worlds import regional
from tests.servers.seaweedfs import SeaweedServer, s3_server
from tests.vaults import a_store

__all__ = ["s3_server"]


class TestThreeFolders(StoreContract):
    """Acknowledged by all three."""

    many = 300

    @pytest.fixture
    def store(self, tmp_path: Path) -> RegionalStore:
        return regional(*(a_store(tmp_path / name) for name in "abc"))


class TestQuorumOfThree(StoreContract):
    """Acknowledged by two of three."""

    many = 300

    @pytest.fixture
    def store(self) -> RegionalStore:
        return regional(MemoryStore("a"), MemoryStore("b"), MemoryStore("c"), acknowledge=2)


class TestFolderBucketMemory(StoreContract):
    """Three kinds of stores together."""

    many = 300

    @pytest.fixture
    def store(self, tmp_path: Path, s3_server: SeaweedServer) -> RegionalStore:
        bucket = ObjectStore.open(s3_server.new_url(), s3_server.options())
        return regional(a_store(tmp_path / "a"), bucket, MemoryStore("c"))
