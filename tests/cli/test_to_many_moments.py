"""A long history, with everything that befalls a server, and many moments of it: each comes back exactly."""

from __future__ import annotations

import random
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pytest

from covenant.kernel.spans import place_text
from tests.adapters.sources.postgres.histories import History, a_history
from tests.adapters.sources.postgres.ledger import Line, up_to
from tests.adapters.sources.postgres.logged import until
from tests.cli.running import ended
from tests.servers.postgres import NEW, SYSTEM, PostgresServer, give_away, start, start_from

MOMENTS = 24
_OPTIONS = {SYSTEM: {}, NEW: {"summarize_wal": "on"}}


@dataclass(slots=True)
class Long:
    """A history that ends on a second timeline. ``lost`` are lines that only the first one has."""

    history: History
    lost: list[Line] = field(default_factory=list)
    left_at: int = 0
    tablespace: Path = Path()


@contextmanager
def busy(history: History, seconds: float) -> Iterator[None]:
    """Transactions of several clients, and commits to the ledger, while something else goes on."""
    server = history.kept.server
    load = server.workload(server.url("bench"), 600, clients=4)
    with history.ledger.growing():
        yield
        time.sleep(seconds)
    load.terminate()
    load.wait()


def a_standby(server: PostgresServer, which: str) -> PostgresServer:
    """A server that follows another, as far as that has come."""
    with (server.data / "pg_hba.conf").open("a") as rows:
        rows.write("host replication all 127.0.0.1/32 scram-sha-256\n")
    server.run("SELECT pg_reload_conf()")
    folder = Path(tempfile.mkdtemp(prefix="covenant-standby-"))
    folder.chmod(0o755)
    give_away(folder)
    mapped = f"--tablespace-mapping={server.folder / 'space'}={folder / 'space'}"
    server.program("pg_basebackup", "-D", folder / "data", "-R", "-c", "fast", mapped, "-d", server.url())
    return start_from(folder / "data", which, **_OPTIONS[which])


def caught_up(server: PostgresServer, standby: PostgresServer) -> None:
    """Wait until a standby has replayed all that its server has written."""
    until(lambda: standby.run(f"SELECT pg_last_wal_replay_lsn() >= '{place(server)}'") == [(True,)], 60)


def place(server: PostgresServer) -> str:
    """Where the server's log ends."""
    return str(server.run("SELECT pg_current_wal_flush_lsn()")[0][0])


@pytest.fixture(scope="module", params=[SYSTEM, NEW])
def long(request: pytest.FixtureRequest) -> Iterator[Long]:
    """Backups of every kind under load, a streamer killed twice, a crash, a fail-over, and more backups."""
    which, servers = request.param, []
    server = start(which, **_OPTIONS[which])
    servers.append(server)
    try:
        with a_history(server) as history:
            kept, found = history.kept, Long(history, tablespace=server.folder / "space")
            found.tablespace.mkdir()
            give_away(found.tablespace)
            server.run(f"CREATE TABLESPACE apart LOCATION '{found.tablespace}'")
            server.run("CREATE DATABASE bench TABLESPACE apart")
            server.program("pgbench", "-i", "-q", "-s", 5, server.url("bench"))
            for kind in ("full", "incremental"):
                killed = kept.streamer()
                before = kept.reached
                until(lambda enough=before: kept.reached > enough)  # type: ignore[misc]
                with busy(history, 4):
                    history.backup(kind)
                    time.sleep(3)
                    killed.kill()
                    ended(killed)
            with kept.streaming():
                with busy(history, 4):
                    history.backup("differential")
                server.crash()
                server.start_again()
                with busy(history, 4):
                    history.backup("incremental")
                history.ledger.commit(3)
                history.ledger.restore_point("before the fail-over")
                standby = a_standby(server, which)
                servers.append(standby)
                with busy(history, 3):
                    pass
                caught_up(server, standby)
                standby.run("SELECT pg_promote()")
                until(lambda: standby.run("SELECT pg_is_in_recovery()") == [(False,)], 30)
                found.left_at = len(history.ledger.lines)
                history.ledger.commit(7)
                history.settle()
            found.lost, history.ledger.lines = history.ledger.lines, history.ledger.lines[: found.left_at]
            server.crash()
            kept.server = standby
            history.ledger.connect(standby)
            kept.write_config()
            with kept.streaming():
                with busy(history, 4):
                    history.backup("full")
                with busy(history, 4):
                    history.backup("incremental")
                history.ledger.commit(3)
                standby.run("SELECT pg_create_restore_point('no commit')")
                until(lambda: kept.reached >= kept.flushed(), 60)
            yield found
    finally:
        for each in servers:
            each.stop()


@pytest.mark.soak
def test_every_moment_has_exactly_its_rows(long: Long) -> None:
    """At each of many random moments, places and transactions there is every row until then, and no other."""
    chance, wrong = random.Random(15), []
    lines = long.history.ledger.lines
    first = next(line for line in lines if line.moment > first_moment(long))
    for _ in range(MOMENTS):
        wanted = chance.choice(lines[first.number :])
        words = chance.choice([("--to", wanted.moment), ("--to-lsn", place_text(wanted.place))])
        found, report = long.history.restored(*words)
        if found != up_to(wanted) or report["result"] != "passed":
            wrong.append((words, len(found), wanted.number, report["result"], report["findings"]))

    assert [] == wrong


def first_moment(long: Long) -> datetime:
    """The first moment that can be had."""
    ran = long.history.kept.run("log", "status", "accounts", "--offline", "--json")

    return min(datetime.fromisoformat(window["begins"]) for window in ran.document["logs"][0]["windows"])


@pytest.mark.soak
def test_names_transactions_and_branches(long: Long) -> None:
    """A restore point, a transaction, the newest moment and the branch that was left have exactly their rows."""
    lines = long.history.ledger.lines
    last = lines[-1]
    named = long.history.restored("--to-name", "before the fail-over", "--timeline", 1)
    by_transaction = long.history.restored("--to-xid", last.transaction)
    before = long.history.restored("--to-xid", last.transaction, "--before")
    newest = long.history.restored("--latest")
    branch = long.history.restored("--latest", "--timeline", 1)

    assert named[0] == list(range(1, len(named[0]) + 1))
    assert len(named[0]) < long.left_at
    assert up_to(last) == by_transaction[0]
    assert up_to(lines[-2]) == before[0]
    assert up_to(last) == newest[0]
    assert up_to(long.lost[-1]) == branch[0]
    assert ["branch-left"] == [each["kind"] for each in newest[1]["plan"]["findings"]]


@pytest.mark.soak
def test_a_tablespace_comes_to_lie_elsewhere(long: Long) -> None:
    """A tablespace is led to another folder, and the server finds its database there."""
    elsewhere, target = long.history.home / "elsewhere", long.history.home / "restored"

    ran = long.history.restore(
        "--to-name", "before the fail-over", "--timeline", 1, "--target", target,
        "--tablespace", f"{long.tablespace}={elsewhere}",
    )  # fmt: skip

    assert 0 == ran.code, ran.err
    assert list(elsewhere.glob("PG_*/*/*"))
    assert [elsewhere] == [link.readlink() for link in (target / "data" / "pg_tblspc").iterdir()]
    assert long.history.entries(target / "data")
    shutil.rmtree(target)


@pytest.mark.soak
def test_what_is_paused_goes_on_later(long: Long) -> None:
    """A server is left in recovery; what cannot be asked of one that only reads is said, and nothing else is wrong."""
    target, wanted = long.history.home / "paused", long.history.ledger.lines[long.left_at // 2]

    ran = long.history.restore("--to", wanted.moment, "--timeline", 1, "--target", target, "--pause")

    control = long.history.kept.server.program("pg_controldata", target / "data").stdout
    assert {"probe-unanswered"} == {each["kind"] for each in ran.document["findings"]}, ran.err
    assert 1 == ran.code
    assert "shut down in recovery" in control
    assert (target / "data" / "recovery.signal").exists()
