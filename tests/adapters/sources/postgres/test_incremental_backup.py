"""What changed is enough: an incremental backup is the full one, byte for byte, and says when it could not be one."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from covenant.protect.before import Before
from tests.adapters.sources.postgres.keeping import kept, name_of
from tests.servers.postgres import PostgresServer, postgres_18, postgres_server

__all__ = ["postgres_18", "postgres_server"]

STILL = "WITH (autovacuum_enabled = off)"
BEFORE = f"""
CREATE TABLE grown {STILL} AS SELECT n, repeat('g', 500) AS t FROM generate_series(1, 1000) n;
CREATE TABLE updated {STILL} AS SELECT n, repeat('u', 500) AS t FROM generate_series(1, 5000) n;
CREATE TABLE shrunk {STILL} AS SELECT n, repeat('s', 500) AS t FROM generate_series(1, 5000) n;
CREATE TABLE emptied {STILL} AS SELECT n FROM generate_series(1, 1000) n;
CREATE TABLE still {STILL} AS SELECT n FROM generate_series(1, 20000) n;
CREATE TABLE dropped {STILL} AS SELECT n FROM generate_series(1, 1000) n;
VACUUM FREEZE grown, updated, shrunk, still"""
AFTER = f"""
INSERT INTO grown SELECT n, repeat('h', 500) FROM generate_series(1, 3000) n;
UPDATE updated SET t = repeat('v', 500) WHERE n % 1000 = 0;
DELETE FROM shrunk WHERE n > 700;
VACUUM shrunk;
TRUNCATE emptied;
DROP TABLE dropped;
CREATE TABLE made {STILL} AS SELECT n, repeat('m', 500) AS t FROM generate_series(1, 1000) n;
VACUUM FREEZE grown, updated, shrunk, made"""
TABLES = ("grown", "updated", "shrunk", "still", "made")


def run_all(server: PostgresServer, statements: str, database: str) -> None:
    """One statement after another, each by itself."""
    for statement in statements.split(";"):
        server.run(statement, database)


def test_an_incremental_backup_is_the_full_one(postgres_18: PostgresServer) -> None:
    """Grown, changed, shrunk, left alone, made: each table is what the server has, piece for piece, and starts."""
    server, database = postgres_18, name_of(postgres_18.new_database())
    run_all(server, BEFORE, database)
    with kept(server) as shop:
        first = shop.backup(kind="full").snapshot
        run_all(server, AFTER, database)
        changed = shop.backup(first)
        again = shop.backup(changed.snapshot)
        whole = shop.backup(kind="full").snapshot

        assert [f"only blocks that changed since {first.short_id}"] == [note[:39] for note in changed.notes]
        for table in TABLES:
            ((path,),) = server.run(f"SELECT '/shop/data/' || pg_relation_filepath('{table}')", database)
            files = [Before(shop.vault, each).file(path) for each in (changed.snapshot, again.snapshot, whole)]
            assert files[0] is not None
            assert [files[0]] * 3 == files
        assert again.added.data_bytes < 1 << 20
        data = shop.by_restic(again.snapshot)
        assert shop.verified(data)
        counts = ", ".join(f"(SELECT count(*) FROM {table})" for table in (*TABLES, "emptied"))
        with shop.started(data) as restored:
            assert [(4000, 5000, 700, 20000, 1000, 0)] == restored.run(f"SELECT {counts}", database)


@pytest.mark.soak
def test_a_differential_builds_on_a_synthetic_one_too(postgres_18: PostgresServer) -> None:
    """Any snapshot of the server can be built on, for each is whole: the one before the last as well."""
    server, database = postgres_18, name_of(postgres_18.new_database())
    server.run("CREATE TABLE ledger AS SELECT n FROM generate_series(1, 50000) n", database)
    with kept(server) as shop:
        first = shop.backup(kind="full").snapshot
        server.run("INSERT INTO ledger SELECT n FROM generate_series(1, 50000) n", database)
        second = shop.backup(first).snapshot
        server.run("DELETE FROM ledger WHERE n < 100", database)
        shop.backup(second)

        third = shop.backup(second, kind="differential").snapshot

        data = shop.by_us(third)
        assert shop.verified(data)
        with shop.started(data) as restored:
            assert [(100000 - 2 * 99,)] == restored.run("SELECT count(*) FROM ledger", database)


def test_why_everything_crossed_the_wire_is_said(postgres_server: PostgresServer, postgres_18: PostgresServer) -> None:
    """An old server, no summaries, another cluster, a damaged parent, a refusal: each is kept whole, and told."""
    with kept(postgres_18) as shop, kept(postgres_server) as elder:
        old = elder.backup(kind="full").snapshot
        first = shop.backup(kind="full").snapshot
        forged = msgspec.structs.replace(first, tags_=[])
        unreadable = msgspec.structs.replace(first, tree="00" * 32)
        theirs = replace(elder, store=shop.store, vault=shop.vault, folder=shop.folder).backup(kind="full").snapshot
        disguised = msgspec.structs.replace(theirs, tags_=first.tags_)
        postgres_18.set("summarize_wal", "off")
        unsummarised = shop.backup(first)
        postgres_18.set("summarize_wal", "on")

        told = [
            *elder.backup(old).notes,
            *unsummarised.notes,
            *shop.backup(forged).notes,
            *shop.backup(unreadable).notes,
            *shop.backup(disguised).notes,
        ]

    whys = [note.removeprefix("everything crossed the wire, and only what is new was stored: ") for note in told]
    assert [
        f"PostgreSQL {postgres_server.version} cannot tell which blocks changed, 17 and later can",
        "the server does not note which blocks changed (summarize_wal is off)",
        f"snapshot {first.short_id} is no base backup of this server",
        f"the vault no longer has all of snapshot {first.short_id}",
    ] == whys[:-1]
    assert whys[-1].startswith("the server of source 'shop' refuses: backup manifest")


def test_what_is_unchanged_costs_no_room(postgres_server: PostgresServer) -> None:
    """Where everything crosses the wire, what the vault has already is not stored again."""
    server, database = postgres_server, name_of(postgres_server.new_database())
    server.run("CREATE TABLE songs AS SELECT n, md5(n::text) AS t FROM generate_series(1, 50000) n", database)
    server.run("VACUUM (FREEZE) songs", database)  # else the server itself writes into its pages meanwhile
    with kept(server) as shop:
        first = shop.backup(kind="full")
        second = shop.backup(first.snapshot)

    assert first.added.data_bytes > 4 << 20
    assert second.added.data_bytes < 1 << 20
    assert second.tally.files_unmodified > 0.9 * first.tally.files
