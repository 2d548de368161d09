"""The catalog in one SQLite file: the contract, and what can happen to a file."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest

from covenant.catalog.catalog import open_catalog
from covenant.catalog.records import Entry
from covenant.kernel.errors import CatalogError, UsageError
from tests.contracts.catalog_contract import NOW, CatalogContract, a_lease
from tests.servers.small_disk import SmallDisk, small_disk

__all__ = ["small_disk"]


class TestSqliteCatalog(CatalogContract):
    @pytest.fixture
    def place(self, tmp_path: Path) -> str:
        return str(tmp_path / "state" / "catalog.db")

    @pytest.fixture
    def another_place(self, tmp_path: Path) -> str:
        return str(tmp_path / "another.db")


def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    """Nobody else can read the catalog, the folder that was made for it, or what SQLite puts beside it."""
    with open_catalog(tmp_path / "state" / "catalog.db") as catalog:
        a_lease(catalog)
        modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "state").iterdir()}

    assert {"catalog.db": 0o600, "catalog.db-wal": 0o600, "catalog.db-shm": 0o600} == modes
    assert 0o700 == (tmp_path / "state").stat().st_mode & 0o777


def test_what_is_no_catalog_is_left_alone(tmp_path: Path) -> None:
    """A file of somebody else is refused and stays as it is: one that is no database, and one that is another's."""
    text, other = tmp_path / "letters.txt", tmp_path / "other.db"
    text.write_text("not a database, but long enough to be taken for one " * 40)
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE runs (distance INTEGER)")
    before = text.read_bytes()

    with pytest.raises(CatalogError, match="damaged"):
        open_catalog(text)
    with pytest.raises(CatalogError, match="somebody else"):
        open_catalog(other)

    assert before == text.read_bytes()


def test_a_place_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    """A folder in the place of the file, and a file in the place of its folder, are errors of ours with a hint."""
    (tmp_path / "file").touch()

    for place in (tmp_path, tmp_path / "file" / "catalog.db"):
        with pytest.raises(CatalogError) as caught:
            open_catalog(place)
        assert caught.value.hint


@pytest.mark.parametrize("address", ["mysql://me:hush@host/database", "postgresql://me:hush@host:no/database"])
def test_an_address_that_means_nothing_is_wrong_usage(address: str) -> None:
    """Another kind of database, and an address that cannot be read, are refused without telling the password."""
    with pytest.raises(UsageError) as caught:
        open_catalog(address)

    assert "hush" not in str(caught.value) + caught.value.hint


def test_a_full_disk_is_told_and_nothing_is_lost(small_disk: SmallDisk) -> None:
    """When there is no room left the write is refused, and what was written before is there."""
    with open_catalog(small_disk.path / "catalog.db") as catalog:
        first = catalog.note(Entry(at=NOW, kind="note", subject="s", actor="a", text="first"))
        (small_disk.path / "ballast").write_bytes(
            b"x" * (os.statvfs(small_disk.path).f_bavail * os.statvfs(small_disk.path).f_frsize - 65536)
        )

        large = [Entry(at=NOW, kind="note", subject="s", actor="a", text="x" * 65536)] * 100
        with pytest.raises(CatalogError, match="no room"):
            list(map(catalog.note, large))
        (small_disk.path / "ballast").unlink()

        assert first == catalog.journal(most=1000)[-1]
        assert "after" == catalog.note(Entry(at=NOW, kind="note", subject="s", actor="a", text="after")).text


def test_a_read_only_disk_is_told(small_disk: SmallDisk) -> None:
    """A catalog that cannot be written says so, with a hint."""
    with open_catalog(small_disk.path / "catalog.db"):
        pass
    small_disk.make_read_only()

    with pytest.raises(CatalogError) as caught:
        open_catalog(small_disk.path / "catalog.db")

    assert caught.value.hint
