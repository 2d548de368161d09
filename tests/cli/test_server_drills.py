"""Drills over a PostgreSQL server: brought back by its log into a sandbox, asked while it runs, and gone afterwards."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.adapters.sources.postgres.clusters import open_folder
from tests.adapters.sources.postgres.logged import Logged, until
from tests.cli.running import Ran, here
from tests.servers.postgres import PostgresServer, postgres_server

__all__ = ["postgres_server"]

PROBE = """
[[sources.accounts.probes]]
kind = "sql"
query = "SELECT count(*), true FROM public.drilled"
expect = [[1000, true]]
"""


@pytest.fixture(scope="module")
def logged(postgres_server: PostgresServer) -> Iterator[Logged]:
    """A server with a table, kept whole, and its log after that."""
    postgres_server.run("CREATE TABLE drilled AS SELECT generate_series(1, 999) AS n")
    kept = Logged(postgres_server, open_folder(), "drills", PROBE)
    with kept.streaming():
        ran = kept.run("backup", "--full")
        assert 0 == ran.code, ran.err
        postgres_server.run("INSERT INTO drilled VALUES (1000)")
        until(lambda: kept.reached >= kept.flushed())
    yield kept
    postgres_server.run("DROP TABLE drilled")
    postgres_server.run(
        "SELECT pg_drop_replication_slot('drills') FROM pg_replication_slots WHERE slot_name = 'drills'"
    )


def drill(kept: Logged, *words: object) -> Ran:
    """Hold one where the server's user can reach the sandbox; nothing may be left there."""
    variables = {"COVENANT_STATE_DIR": str(kept.home / "state"), "PATH": "/usr/bin:/bin"}
    ran = here("-c", kept.home / "covenant.toml", "--no-cache", "drill", "run", *words, "--json", variables=variables)
    assert [] == list((kept.home / "state" / "sandboxes").iterdir())
    return ran


def test_a_server_comes_back_by_its_log_and_is_asked(logged: Logged) -> None:
    """What was committed after the backup is there; the user's question is answered, and planted damage caught."""
    ran = drill(logged, "monthly")

    (source,) = ran.document["drill"]["sources"]
    answers = {answer["question"]: answer for answer in source["answers"]}
    assert (0, "passed") == (ran.code, ran.document["result"]), ran.out
    assert "1000|t" == next(found["detail"] for question, found in answers.items() if "drilled" in question)
    assert ["assess", "isolate", "restore", "validate", "plant"] == [step["name"] for step in source["steps"]]
    assert {"passed"} == {damage["result"] for damage in source["planted"]}
    assert 3 == len(source["planted"])


def test_a_server_without_its_packs_fails_the_drill(logged: Logged, tmp_path: Path) -> None:
    """What does not come back has failed, and is not merely unasked."""
    home = open_folder()
    shutil.copytree(logged.home, home, dirs_exist_ok=True)
    kept = Logged.__new__(Logged)
    kept.server, kept.home, kept.slot, kept.more = logged.server, home, logged.slot, logged.more
    sizes = {path: path.stat().st_size for path in (home / "vault" / "data").rglob("*") if path.is_file()}
    max(sizes, key=lambda path: sizes[path]).unlink()

    ran = drill(kept, "monthly")

    assert (1, "failed") == (ran.code, ran.document["result"]), ran.out


def test_an_error_of_a_minute_ago_is_not_in_what_comes_back(logged: Logged) -> None:
    """A server goes back to before the error, if its log leads there; this one is too young for that."""
    ran = drill(logged, "quarterly", "--scenario", "human-error")

    assert (3, "could not verify") == (ran.code, ran.document["result"]), ran.out
    assert ran.document["drill"]["sources"][0]["why_not"]
