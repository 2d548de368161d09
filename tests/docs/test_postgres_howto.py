"""The page about PostgreSQL works, on a server of its own."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.pages import DOCS, Reader
from tests.servers.postgres import MANAGED, PostgresServer, postgres_server

__all__ = ["postgres_server"]


@pytest.fixture
def keeper(environment: dict[str, str], postgres_server: PostgresServer) -> Iterator[Reader]:
    """Someone in /srv whose server keeps invoices; the folder can be reached by the user that servers run as."""
    server = postgres_server
    server.run("DROP DATABASE IF EXISTS accounts")
    server.run("CREATE DATABASE accounts")
    url = server.managed_url("accounts")
    server.run(f"ALTER DATABASE accounts OWNER TO {MANAGED}")
    with tempfile.TemporaryDirectory(prefix="covenant-howto-", ignore_cleanup_errors=True) as root:
        Path(root).chmod(0o755)
        with Reader(Path(root), {**environment, "ACCOUNTS_URL": url}, folder="/srv") as someone:
            for line in (
                "(umask 077; echo 'correct horse' > /root/vault.key)",
                'psql "$ACCOUNTS_URL" -c "CREATE TABLE invoices (n serial PRIMARY KEY, amount int)"',
                'psql "$ACCOUNTS_URL" -c "INSERT INTO invoices (amount) VALUES (100), (200)"',
            ):
                code, out = someone.type(line)
                assert 0 == code, out
            yield someone
            someone.type("kill %1 2> stopped; wait")
    server.run("SELECT pg_drop_replication_slot('covenant_howto')")


def test_the_page_about_postgresql_does_what_it_says(keeper: Reader) -> None:
    """A server comes back to a moment, a table into the live one, and what cannot be had is refused."""
    typed = keeper.follow((DOCS / "howto" / "postgresql-to-any-second.md").read_text())

    assert typed > 12
