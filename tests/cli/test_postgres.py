"""A PostgreSQL server of covenant.toml is kept by the commands that keep everything else."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.running import Ran, here
from tests.servers.postgres import PostgresServer, postgres_18
from tests.vaults import PASSWORD, a_store, a_vault

__all__ = ["postgres_18"]

SOURCES = """\
[vault]
url = "vault"
password = { file = "password" }
[sources.shop]
kind = "postgres"
url = { env = "SHOP" }
class = "important"
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder with a vault and a covenant.toml."""
    a_vault(a_store(tmp_path / "vault"))
    (tmp_path / "password").write_text(PASSWORD)
    (tmp_path / "covenant.toml").write_text(SOURCES)
    return tmp_path


def covenant(home: Path, *words: object, url: str = "postgresql://nobody@127.0.0.1:9/none") -> Ran:
    """Run a command on the folder's covenant.toml."""
    return here("-c", home / "covenant.toml", *words, variables={"SHOP": url})


def test_each_kind_builds_on_what_it_says(home: Path, postgres_18: PostgresServer) -> None:
    """An incremental builds on the last, a differential on the last full; the output says what crossed the wire."""
    url = postgres_18.managed_url()
    first, second, third = (
        covenant(home, "backup", "shop", f"--{kind}", "--json", url=url)
        for kind in ("full", "incremental", "differential")
    )

    assert (0, 0, 0) == (first.code, second.code, third.code), first.err + second.err + third.err
    full = first.document["snapshot_id"]
    assert (None, full, full) == tuple(ran.document["parent"] for ran in (first, second, third))
    assert ["full", "incremental", "differential"] == [ran.document["kind"] for ran in (first, second, third)]
    assert [] == first.document["notes"]
    for ran in (second, third):
        assert f"only blocks that changed since {full[:8]} crossed the wire" in ran.document["notes"][0]
    assert "only blocks that changed" in covenant(home, "backup", "shop", url=url).out
    in_place = covenant(home, "restore", full[:8], "--in-place")
    assert 2 == in_place.code
    assert "start PostgreSQL on DIR/shop/data" in in_place.err


def test_a_server_that_is_away_has_a_code_of_its_own(home: Path) -> None:
    """A script can tell a server that does not answer, and trying again may help, from one that cannot be read."""
    ran = covenant(home, "backup", "shop")

    assert 36 == ran.code
    assert "cannot be reached" in ran.err


def test_it_is_kept_as_its_class_asks(home: Path, postgres_18: PostgresServer) -> None:
    """``covenant run`` takes the full backup that is due and knows of it."""
    (home / "covenant.toml").write_text(SOURCES.replace('class = "important"', 'class = "operational"'))
    variables = {"COVENANT_STATE_DIR": str(home / "state"), "SHOP": postgres_18.managed_url()}

    here("-c", home / "covenant.toml", "run", "--once", variables=variables)

    ran = here("-c", home / "covenant.toml", "runs", "--json", variables=variables)
    backups = {
        (run["subject"], run["kind"], run["state"]) for run in ran.document["runs"] if run["subject"] != "default"
    }
    assert {("shop", "full", "done")} == backups
