"""The way from every released schema to the newest, in both databases, with data in it.

``schemas/<database>-<version>.sql`` is a catalog as that version left it. A file that is there is never changed; a new
version of the schema brings two more.
"""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect

from covenant.catalog.catalog import Catalog, open_catalog
from covenant.catalog.connecting import connect, parse_place, reading
from covenant.catalog.migrating import NEWEST, unfit, upgrade, versions
from covenant.catalog.records import State
from covenant.catalog.tables import metadata
from tests.servers.postgres import PostgresServer, postgres_server

__all__ = ["postgres_server"]

SCHEMAS = Path(__file__).parent / "schemas"


def from_sqlite(path: Path, version: str) -> str:
    """A catalog in SQLite as that version left it."""
    connection = sqlite3.connect(path)
    connection.executescript((SCHEMAS / f"sqlite-{version}.sql").read_text())
    connection.close()
    return str(path)


def from_postgres(server: PostgresServer, version: str) -> str:
    """A catalog in PostgreSQL as that version left it."""
    place = server.new_database()
    server.run((SCHEMAS / f"postgresql-{version}.sql").read_text(), place.rpartition("/")[2])
    return place


def shape(place: str) -> dict[str, Any]:
    """Tables with their columns, keys and indices, by what they are and not by the order in which they were made."""
    engine = connect(parse_place(place))
    with reading(engine) as tx:
        seen = inspect(tx)
        found = {
            table: (
                sorted((c["name"], str(c["type"]), c["nullable"], str(c["default"])) for c in seen.get_columns(table)),
                sorted(map(str, (seen.get_pk_constraint(table), *seen.get_foreign_keys(table)))),
                sorted(map(str, seen.get_unique_constraints(table))),
                sorted(map(index, seen.get_indexes(table))),
            )
            for table in seen.get_table_names()
        }
    engine.dispose()
    return found


def index(seen: Any) -> tuple[str, ...]:
    """An index: its name, its columns, whether it is unique, and of which rows."""
    where = (str(condition) for condition in seen.get("dialect_options", {}).values())
    return (seen["name"], *seen["column_names"], str(seen["unique"]), *where)


def tell(catalog: Catalog, version: str) -> None:
    """What the dump of that version has in it is still there."""
    history = catalog.history()
    photos = history.source("photos")
    assert photos.newest is not None
    assert ("7/2A", ("one", "two")) == (photos.newest.position, photos.newest.tags)
    assert {"files": 3} == photos.habits[0].tally
    assert [State.FAILED, State.DONE] == [run.state for run in catalog.runs()]
    assert "passed" == photos.proofs["drill"].verdict
    assert ["Grüße"] == [entry.text for entry in catalog.journal()]
    assert 5 == history.vault("default").copies["eu"].objects
    assert ("told" if version >= "0002" else "") == catalog.remembered("alerts")


@pytest.mark.parametrize("version", versions())
def test_every_schema_in_sqlite_comes_up(tmp_path: Path, version: str) -> None:
    """A catalog of any version, upgraded, has the shape of a new one, and all that was in it."""
    old, new = from_sqlite(tmp_path / "old.db", version), str(tmp_path / "new.db")
    open_catalog(new).close()

    upgraded = upgrade(old)

    assert (version, versions()[-1]) == upgraded
    assert shape(new) == shape(old)
    with open_catalog(old) as catalog:
        tell(catalog, version)


@pytest.mark.parametrize("version", versions())
def test_every_schema_in_postgresql_comes_up(postgres_server: PostgresServer, version: str) -> None:
    """A catalog of any version, upgraded, has the shape of a new one, and all that was in it."""
    old, new = from_postgres(postgres_server, version), postgres_server.new_database()
    open_catalog(new).close()

    upgraded = upgrade(old)

    assert (version, versions()[-1]) == upgraded
    assert shape(new) == shape(old)
    with open_catalog(old) as catalog:
        tell(catalog, version)


def test_the_migrations_lead_to_our_tables(tmp_path: Path, postgres_server: PostgresServer) -> None:
    """What the migrations make is what the code believes the tables to be."""
    for place in (str(tmp_path / "new.db"), postgres_server.new_database()):
        open_catalog(place).close()
        engine = connect(parse_place(place))
        with reading(engine) as tx:
            differences = compare_metadata(MigrationContext.configure(tx, opts={"compare_type": True}), metadata)
        engine.dispose()

        assert [] == differences


def test_an_older_schema_asks_to_be_upgraded() -> None:
    """A catalog that another daemon may be using is not upgraded unasked; the hint says how."""
    error = unfit("catalog.db", "0001", ("0001", "0002"))

    assert "the catalog catalog.db has schema 0001, and this program needs 0002" == str(error)
    assert "covenant catalog upgrade" in error.hint


def test_a_newer_schema_asks_for_a_newer_program() -> None:
    """A schema that is not known is one of a later program."""
    error = unfit("catalog.db", "0003", ("0001", "0002"))

    assert "newer" in str(error)
    assert "Update Covenant." == error.hint


def test_many_open_a_new_catalog_at_once(tmp_path: Path, postgres_server: PostgresServer) -> None:
    """Of several who open a catalog that is not there yet one makes it, and all have it."""
    for place in (str(tmp_path / "new.db"), postgres_server.new_database()):
        with ThreadPoolExecutor(6) as threads:
            opened = list(threads.map(open_catalog, [place] * 6))

        assert {versions()[-1]} == {catalog.schema for catalog in opened}
        for catalog in opened:
            catalog.close()


def test_the_newest_schema_is_the_last_migration() -> None:
    """The version that a catalog is opened by, without reading the migrations, is the last of them."""
    assert NEWEST == versions()[-1]


def test_opening_a_catalog_loads_no_more_than_it_needs(tmp_path: Path) -> None:
    """Who opens a catalog that is up to date, and reads it, does not wait for Alembic."""
    place = str(tmp_path / "catalog.db")
    open_catalog(place).close()
    program = (
        "import sys; from covenant.catalog.catalog import open_catalog; open_catalog(sys.argv[1]).history(); "
        "print('alembic' in sys.modules)"
    )

    found = subprocess.run([sys.executable, "-c", program, place], check=True, capture_output=True, text=True)

    assert "False" == found.stdout.strip()
