"""For minutes: a server under load, a streamer that is killed at random, and PostgreSQL's own program as the oracle."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from covenant.adapters.sources.postgres.wal import parse_segment
from tests.adapters.sources.postgres.logged import Logged, until
from tests.cli.running import ended
from tests.servers import postgres
from tests.servers.postgres import PASSWORD, SUPERUSER, PostgresServer, give_away


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    """A server that lets ``pg_receivewal`` in."""
    found = postgres.start(wal_keep_size="0")
    with (found.data / "pg_hba.conf").open("a") as rows:
        rows.write("host replication all 127.0.0.1/32 scram-sha-256\n")
    found.run("SELECT pg_reload_conf()")
    yield found
    found.stop()


def oracle(server: PostgresServer, folder: Path) -> subprocess.Popen[bytes]:
    """``pg_receivewal``, with a slot of its own."""
    server.run("SELECT pg_create_physical_replication_slot('oracle', true)")
    words = ["-h", "127.0.0.1", "-p", str(server.port), "-U", SUPERUSER, "-w", "-S", "oracle", "--synchronous"]
    return subprocess.Popen(
        [server.programs / "pg_receivewal", "-D", folder, *words],
        env={"PATH": "/usr/bin:/bin", "PGPASSWORD": PASSWORD},
        stderr=subprocess.DEVNULL,
    )


@pytest.mark.soak
def test_killed_twenty_times_under_load_it_has_what_the_oracle_has(server: PostgresServer, tmp_path: Path) -> None:
    """Every file that PostgreSQL's own program received is in the vault, byte for byte, and no place is missing."""
    folder = tmp_path / "oracle"
    folder.mkdir()
    give_away(folder)
    received = oracle(server, folder)
    logged = Logged(server, tmp_path, "ours")
    database = server.new_database()
    server.program("pgbench", "-i", "-s", "5", "-q", database)
    load = server.workload(database, 90)
    chance = random.Random(11)
    try:
        for _ in range(20):
            process = logged.streamer()
            time.sleep(chance.uniform(0.3, 4.0))
            process.send_signal(signal.SIGKILL)
            ended(process)
        load.wait()
        with logged.streaming():
            server.run("SELECT pg_switch_wal()")
            end = logged.log_something()
            until(lambda: logged.reached >= end, 120)
            until(lambda: len(list(folder.glob("*.partial"))) == 1 and _written(server) >= end, 60)
    finally:
        received.terminate()
        received.wait()

    shelf = logged.shelf
    assert () == shelf.lost
    compared = 0
    for file in sorted(folder.iterdir()):
        segment = parse_segment(file.name)
        if segment is None or segment.end > logged.reached or segment.begin < shelf.pieces[0].span.begin:
            continue
        found = shelf.find(file.name)
        assert found is not None, file.name
        assert file.read_bytes() == shelf.read(found), file.name
        compared += 1
    assert compared >= 3
    assert 0 == logged.run("check", "--read-data").code


def _written(server: PostgresServer) -> int:
    from covenant.kernel.spans import parse_place

    rows = server.run("SELECT restart_lsn FROM pg_replication_slots WHERE slot_name = 'oracle'")
    return parse_place(str(rows[0][0]))
