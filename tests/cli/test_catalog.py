"""``covenant catalog``: where the record of what was done is, and how it comes back."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest

from covenant.catalog.migrating import NEWEST
from tests.cli.running import Ran, here
from tests.vaults import PASSWORD, a_store, a_vault

TOML = """
[vaults.default]
url = "vault"
password = { file = "password" }

[sources.photos]
kind = "files"
path = "photos"
class = "important"
"""


class Home:
    """A folder with a covenant.toml, a vault and some photos."""

    def __init__(self, path: Path) -> None:
        self.path = path
        a_vault(a_store(path / "vault"))
        (path / "password").write_text(PASSWORD)
        (path / "photos").mkdir()
        (path / "photos" / "cover.jpg").write_bytes(b"cover" * 1000)
        (path / "covenant.toml").write_text(TOML)

    def run(self, *words: object, **variables: str) -> Ran:
        """Run a command there."""
        state = {"COVENANT_STATE_DIR": str(self.path / "state"), "XDG_CACHE_HOME": str(self.path / "cache")}
        return here("-c", self.path / "covenant.toml", *words, variables={**state, **variables})

    def lose_the_catalog(self) -> None:
        """A backup has told it what there is; now it is gone."""
        shutil.rmtree(self.path / "state")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Where it all is."""
    return Home(tmp_path)


def test_a_catalog_is_made_where_the_state_lies(home: Home) -> None:
    """There is one catalog for each covenant.toml, below the folder for state; 'show' tells where."""
    shown = home.run("catalog", "show", "--json")

    assert 0 == shown.code, shown.err
    assert home.path / "state" == Path(shown.document["place"]).parent
    assert NEWEST == shown.document["schema"]
    assert {"runs": 0, "snapshots": 0, "proofs": 0, "journal": 0, "copies": 0} == shown.document["counts"]
    assert shown.document["place"] in home.run("catalog", "show").out


def test_a_catalog_lies_where_the_file_says(home: Home) -> None:
    """``[catalog] path`` is the catalog's file, relative to covenant.toml; ``url`` is where its address is."""
    (home.path / "covenant.toml").write_text(TOML + '[catalog]\npath = "mine.db"\n')
    by_path = home.run("catalog", "show", "--json")
    (home.path / "address").write_text("postgresql://me:hush@127.0.0.1:1/catalog\n")
    (home.path / "covenant.toml").write_text(TOML + '[catalog]\nurl = { file = "address" }\n')
    by_url = home.run("catalog", "show", "--json")

    assert str(home.path / "mine.db") == by_path.document["place"]
    assert 31 == by_url.code
    assert "hush" not in by_url.err


def test_a_catalog_is_rebuilt_from_the_vaults(home: Home) -> None:
    """Snapshots of which the catalog was lost are in it once it was rebuilt, and only once."""
    taken = home.run("backup", "photos")
    assert 0 == taken.code, taken.err
    home.lose_the_catalog()

    first = home.run("catalog", "rebuild", "--json")
    second = home.run("catalog", "rebuild", "--json")

    assert [0, 0] == [first.code, second.code], first.err
    assert [1, 0] == [first.document["snapshots"], second.document["snapshots"]]
    assert 1 == home.run("catalog", "show", "--json").document["counts"]["snapshots"]


def test_what_could_not_be_read_is_a_finding(home: Home) -> None:
    """A damaged snapshot does not stop the rebuilding, and is told."""
    assert 0 == home.run("backup", "photos").code
    home.lose_the_catalog()
    (snapshot,) = (home.path / "vault" / "snapshots").iterdir()
    snapshot.chmod(0o600)
    snapshot.write_bytes(b"damaged")

    ran = home.run("catalog", "rebuild", "--json")

    assert 1 == ran.code, ran.err
    assert ["snapshot-damaged"] == [finding["kind"] for finding in ran.document["findings"]]


def test_a_newer_catalog_is_refused(home: Home) -> None:
    """A catalog of a later program is not touched, and the hint says to update."""
    place = home.run("catalog", "show", "--json").document["place"]
    with sqlite3.connect(place) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")

    ran = [home.run("catalog", word, "--json") for word in ("show", "upgrade", "rebuild")]

    assert [30, 30, 30] == [each.code for each in ran]
    assert ["Update Covenant."] * 3 == [each.error["hint"] for each in ran]


def test_upgrading_what_is_new_changes_nothing(home: Home) -> None:
    """An upgrade says so where there is nothing to do, and makes a catalog where there is none."""
    first = home.run("catalog", "upgrade", "--json")
    second = home.run("catalog", "upgrade", "--json")

    assert [{"before": "", "after": NEWEST}, {"before": NEWEST, "after": NEWEST}] == [first.document, second.document]


def test_without_a_covenant_toml_there_is_no_catalog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which catalog is meant is a matter of a covenant.toml."""
    monkeypatch.chdir(tmp_path)

    assert 2 == here("catalog", "show").code
