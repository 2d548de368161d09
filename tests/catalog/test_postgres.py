"""The catalog in PostgreSQL, which several daemons share: the contract on a real server, and a server that is away."""

from __future__ import annotations

import pytest

from covenant.catalog.catalog import open_catalog
from covenant.kernel.errors import CatalogError, CatalogUnavailable
from tests.contracts.catalog_contract import CatalogContract
from tests.servers.postgres import PASSWORD, PostgresServer, postgres_server

__all__ = ["postgres_server"]


class TestPostgresCatalog(CatalogContract):
    @pytest.fixture
    def place(self, postgres_server: PostgresServer) -> str:
        return postgres_server.new_database()

    @pytest.fixture
    def another_place(self, postgres_server: PostgresServer) -> str:
        return postgres_server.new_database()


def test_no_password_is_shown(postgres_server: PostgresServer) -> None:
    """Neither where the catalog lies nor an error tells the password of its address."""
    with open_catalog(postgres_server.new_database()) as catalog:
        assert PASSWORD not in catalog.place

    with pytest.raises(CatalogError) as caught:
        open_catalog(postgres_server.url("missing"))

    assert PASSWORD not in str(caught.value) + caught.value.hint
    assert "missing" in str(caught.value)


def test_a_server_that_is_away_is_asked_again_later() -> None:
    """A server that does not answer is no lasting error."""
    with pytest.raises(CatalogUnavailable) as caught:
        open_catalog("postgresql://me:hush@127.0.0.1:1/catalog")

    assert caught.value.transient
    assert "hush" not in str(caught.value)
