"""Buckets as stores, on a real S3-compatible server."""

from __future__ import annotations

import pytest

from covenant.adapters.stores.opening import open_store
from covenant.vault.ports import Store
from tests.contracts.store_contract import StoreContract
from tests.servers.seaweedfs import SeaweedServer


class TestObjectStore(StoreContract):
    @pytest.fixture
    def store(self, s3_server: SeaweedServer) -> Store:
        return open_store(s3_server.new_url(), s3_server.options())
