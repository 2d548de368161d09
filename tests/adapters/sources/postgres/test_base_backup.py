"""A server is kept whole over one ordinary connection, and a directory comes back that PostgreSQL starts from."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Iterator

import psycopg
import pytest

from covenant.kernel.errors import Interrupted
from covenant.kernel.spans import parse_span
from covenant.protect.before import Before
from tests.adapters.sources.postgres.keeping import SUMS, kept, name_of, nobody_is_sent_to, with_accounts
from tests.servers.postgres import PostgresServer, give_away, postgres_18, postgres_server

_TICKS = 7

__all__ = ["postgres_18", "postgres_server"]


def test_a_busy_server_comes_back_consistent(postgres_server: PostgresServer, postgres_18: PostgresServer) -> None:
    """Kept under load, in full and then by what changed, either version verifies and starts with every sum right."""
    for server in (postgres_server, postgres_18):
        url = with_accounts(server)
        with kept(server) as shop:
            load = server.workload(url, seconds=30)
            time.sleep(0.3)
            full = shop.backup(kind="full").snapshot
            changed = shop.backup(full).snapshot
            load.kill()
            load.wait()

            data = shop.by_us(full) if server is postgres_server else shop.by_restic(changed)
            assert shop.verified(data)
            with shop.started(data) as restored:
                (sums,) = restored.run(SUMS, name_of(url))
            assert 1 == len(set(sums))
            assert sums[0] != 0
        assert [] == server.run("SELECT slot_name FROM pg_replication_slots")


def test_a_snapshot_says_which_state_it_holds(postgres_server: PostgresServer) -> None:
    """Its position is the stretch of log from the checkpoint to where it is consistent, its time is that moment."""
    now = "SELECT pg_current_wal_lsn() - '0/0', now(), system_identifier::text FROM pg_control_system()"
    with kept(postgres_server) as shop:
        (before,) = postgres_server.run(now)
        snapshot = shop.backup().snapshot
        (after,) = postgres_server.run(now)

        position = parse_span(snapshot.position)
        assert position is not None
        assert (int(after[2]), 1) == (position.system, position.timeline)
        assert before[0] <= position.begin < position.end <= after[0]
        assert before[1] < snapshot.time < after[1]
        said = json.loads(Before(shop.vault, snapshot).read("/shop/backup.json"))
        assert (str(position.system), 1, {}) == (said["system"], said["timeline"], said["tablespaces"])


def test_tablespaces_come_along_and_what_is_unlogged_comes_back_empty(postgres_server: PostgresServer) -> None:
    """Wherever it is restored to, a tablespace lies beside the data and is found; an unlogged table is there, empty."""
    server, url = postgres_server, postgres_server.new_database()
    elsewhere = server.folder / "elsewhere"
    elsewhere.mkdir()
    give_away(elsewhere)
    server.run(f"CREATE TABLESPACE elsewhere LOCATION '{elsewhere}'")
    server.run("CREATE TABLE far TABLESPACE elsewhere AS SELECT generate_series(1, 10000) AS n", name_of(url))
    server.run("CREATE UNLOGGED TABLE fleeting AS SELECT generate_series(1, 10000) AS n", name_of(url))
    with kept(server) as shop:
        snapshot = shop.backup().snapshot
        server.run("DROP TABLE far", name_of(url))
        server.run("DROP TABLESPACE elsewhere")

        data = shop.by_restic(snapshot)

        assert shop.verified(data)
        with shop.started(data) as restored:
            assert [(10000,)] == restored.run("SELECT count(*) FROM far", name_of(url))
            assert [(0,)] == restored.run("SELECT count(*) FROM fleeting", name_of(url))
        said = json.loads(Before(shop.vault, snapshot).read("/shop/backup.json"))
        assert [str(elsewhere)] == list(said["tablespaces"].values())


def test_who_stops_a_backup_leaves_nothing_on_the_server(postgres_server: PostgresServer) -> None:
    """Stopped in the middle, at a rate that was kept to, no slot and no sender remain; what came is in the vault."""
    with_accounts(postgres_server)
    stop = threading.Event()
    with kept(postgres_server) as shop:
        threading.Timer(1.0, stop.set).start()
        began = time.monotonic()

        with pytest.raises(Interrupted):
            shop.backup(max_rate=8 << 20, stop=stop)

        assert 0.9 < time.monotonic() - began < 10
        assert nobody_is_sent_to(postgres_server, within=20)
        assert [] == list(shop.vault.snapshots())
        assert len(shop.vault.index) > 0


@pytest.mark.soak
def test_a_server_that_keeps_little_log_is_kept_all_the_same(postgres_server: PostgresServer) -> None:
    """More log than a slot may hold back, as at Supabase, is written during the backup: all of it comes along."""
    server, database = postgres_server, name_of(with_accounts(postgres_server))
    server.run("CREATE TABLE ticks (n int)", database)
    server.set("max_slot_wal_keep_size", "48MB")
    with kept(server) as shop, ticking(server, database):
        snapshot = shop.backup(max_rate=20 << 20).snapshot

        stretch = parse_span(snapshot.position)
        assert stretch is not None
        assert stretch.size > (_TICKS - 2) * (16 << 20)
        data = shop.by_us(snapshot)
        assert shop.verified(data)
        with shop.started(data) as restored:
            assert restored.run("SELECT count(*) FROM ticks", database)[0][0] >= _TICKS - 2
    server.set("max_slot_wal_keep_size", "-1")


@contextlib.contextmanager
def ticking(server: PostgresServer, database: str) -> Iterator[None]:
    """Meanwhile a file of log is begun whenever those who read it have nearly come to its end."""
    done = threading.Event()
    behind = "SELECT coalesce(max(pg_current_wal_lsn() - restart_lsn), 0) < 16 * 1024 * 1024 FROM pg_replication_slots"

    def tick() -> None:
        with psycopg.connect(server.url(database), autocommit=True) as connection:
            ticks = 0
            while ticks < _TICKS and not done.wait(0.02):
                if connection.execute(behind.encode()).fetchall() == [(True,)]:
                    for statement in (b"INSERT INTO ticks SELECT 1", b"SELECT pg_switch_wal()", b"CHECKPOINT"):
                        connection.execute(statement)
                    ticks += 1

    thread = threading.Thread(target=tick)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def test_without_a_free_slot_it_is_kept_all_the_same(postgres_server: PostgresServer) -> None:
    """A server whose slots are all taken is kept, and it is said that nothing holds its log meanwhile."""
    (most,) = postgres_server.run("SELECT current_setting('max_replication_slots')::int")
    with contextlib.ExitStack() as undo:
        for number in range(most[0]):
            postgres_server.run(f"SELECT pg_create_physical_replication_slot('taken_{number}')")
            undo.callback(postgres_server.run, f"SELECT pg_drop_replication_slot('taken_{number}')")
        shop = undo.enter_context(kept(postgres_server))

        outcome = shop.backup()

    assert ["no slot keeps the log"] == [note[:21] for note in outcome.notes]
    assert outcome.snapshot.id
