"""``covenant doctor``: every source is looked at live, graded, and told what it lacks."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

from tests.cli.running import Ran, here
from tests.servers.postgres import PASSWORD, PostgresServer, postgres_server

__all__ = ["postgres_server"]


def a_config(home: Path, url: str) -> Path:
    """Four sources: a server, a database file, a folder, and a folder that is not there."""
    (home / "url").write_text(url)
    (home / "url").chmod(0o600)
    (home / "media").mkdir()
    with contextlib.closing(sqlite3.connect(home / "studio.db")) as database:
        database.execute("CREATE TABLE t (x)")
    path = home / "covenant.toml"
    path.write_text(
        """
        [sources.accounts]
        kind = "postgres"
        url = { file = "./url" }
        class = "critical"

        [sources.metadata]
        kind = "sqlite"
        path = "./studio.db"
        class = "critical"

        [sources.media]
        kind = "files"
        path = "./media"
        class = "important"

        [sources.lost]
        kind = "files"
        path = "./gone"
        class = "important"
        """
    )
    return path


def asked(config: Path, *words: str) -> Ran:
    """The doctor, asked for a document."""
    return here("-c", config, "doctor", *words, "--json")


def test_each_kind_has_its_grade(tmp_path: Path, postgres_server: PostgresServer) -> None:
    """A managed server is graded physical, a database consistent, a folder readable; what is missing has its fix."""
    config = a_config(tmp_path, postgres_server.managed_url())

    ran = asked(config)

    found = {each["source"]: each for each in ran.document["sources"]}
    grades = {name: each["grade"] for name, each in found.items()}
    assert {"accounts": "physical", "metadata": "consistent", "media": "readable", "lost": None} == grades
    assert found["media"]["sound"]
    assert "10 s (log_interval)" == found["accounts"]["grades"][0]["rpo"]
    assert ["Check the path, and that the disk is mounted."] == [each["fix"] for each in found["lost"]["checks"]]
    assert 1 == ran.code


def test_what_to_do_is_said_to_people(tmp_path: Path, postgres_server: PostgresServer) -> None:
    """A role that may not replicate is told the statement that lets it, in words, beside the grade that is left."""
    server = postgres_server
    server.run("DROP ROLE IF EXISTS bystander")
    server.run(f"CREATE ROLE bystander LOGIN PASSWORD '{PASSWORD}' IN ROLE pg_read_all_data")
    config = a_config(tmp_path, server.url(user="bystander"))

    ran = here("-c", config, "doctor", "accounts")

    assert 1 == ran.code
    assert "accounts (postgres): dump" in ran.out
    assert "REPLICATION: ALTER ROLE bystander REPLICATION;" in ran.out
    assert "physical" in ran.out


def test_a_source_that_cannot_be_asked_is_an_error(tmp_path: Path, postgres_server: PostgresServer) -> None:
    """A server that lets nobody in ends with the source's exit code, and the others are looked at all the same."""
    config = a_config(tmp_path, postgres_server.url(password="wrong"))

    ran = asked(config, "accounts", "media")

    assert 23 == ran.code
    assert ["media"] == [each["source"] for each in ran.document["sources"]]
    assert ["accounts"] == [each["source"] for each in ran.document["failed"]]
    assert "wrong" not in ran.out.replace("wrong usage", "")
