"""What befalls a log: a new timeline, and a slot that was lost. One server, whose slots hold little."""

from __future__ import annotations

import itertools
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from covenant.adapters.stores.posix import PosixStore
from covenant.kernel.clock import SystemClock
from covenant.vault.lock import Locks
from tests.adapters.sources.postgres.logged import Logged, until
from tests.cli.running import ended, started
from tests.servers import postgres
from tests.servers.postgres import PostgresServer, give_away
from tests.vaults import OWNER

_slots = itertools.count(1)


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A server that keeps 32 MiB for a slot, like a provider's with its gigabyte."""
    small = {"max_slot_wal_keep_size": "32MB", "max_wal_size": "32MB", "min_wal_size": "32MB", "wal_keep_size": "0"}
    found = postgres.start(**small, wal_sender_timeout="2s")
    yield found
    found.stop()


@pytest.fixture
def logged(server: PostgresServer, tmp_path: Path) -> Iterator[Logged]:
    """A source of that server."""
    slot = f"fortune_{next(_slots)}"
    yield Logged(server, tmp_path, slot)
    server.run(f"SELECT pg_drop_replication_slot('{slot}') FROM pg_replication_slots WHERE slot_name = '{slot}'")


def overrun(server: PostgresServer) -> None:
    """Have the server log more than it keeps for a slot, and let go of it."""
    for _ in range(4):
        server.run("SELECT pg_logical_emit_message(false, 'noise', 'x'), pg_switch_wal()")
    server.run("CHECKPOINT")


def test_a_new_timeline_is_followed_without_a_gap(logged: Logged) -> None:
    """Through a crash and a promotion: the old timeline is there to its end, the new one from its beginning."""
    server = logged.server
    with logged.streaming():
        end = logged.log_something()
        until(lambda: logged.reached >= end)
        server.crash()
        server.start_again()
        end = logged.log_something()
        until(lambda: logged.reached >= end)
    logged.log_something()
    server.crash()
    signal = server.data / "standby.signal"
    signal.touch()
    give_away(signal)
    server.start_again()
    with logged.streaming():
        until(lambda: bool(_sent(logged)))
        server.run("SELECT pg_promote()")
        end = logged.log_something()
        until(lambda: logged.reached >= end)

    shelf = logged.shelf
    ((_, left),) = shelf.lineages[2].left
    begin = left - left % (16 << 20)
    assert () == shelf.lost
    assert {1, 2} == {piece.span.timeline for piece in shelf.pieces}
    assert left == max(piece.span.end for piece in shelf.pieces if piece.span.timeline == 1)
    assert logged.server_bytes(2, begin, end) == logged.kept_bytes(2, begin, end)


def _sent(logged: Logged) -> list[tuple[str]]:
    asked = "SELECT sent_lsn FROM pg_stat_replication WHERE sent_lsn IS NOT NULL AND state = 'streaming'"
    return logged.server.run(asked)


def test_a_lost_slot_is_noticed_and_named_and_made_anew(logged: Logged) -> None:
    """What the server let go of is LOST, with its place, in what is told and in the status; what follows is FOUND."""
    with logged.streaming():
        until(lambda: bool(logged.shelf.pieces))
        end = logged.log_something()
        until(lambda: logged.reached >= end)
    before = logged.reached
    overrun(logged.server)
    late = logged.run("log", "status", "--json")

    process = logged.streamer()
    until(lambda: logged.reached > before)
    end = logged.log_something()
    until(lambda: logged.reached >= end)
    process.terminate()
    ran = ended(process)
    status = logged.run("log", "status", "--json")

    assert "lost" == late.document["logs"][0]["slot"]["status"]
    assert "slot-lost" in [finding["kind"] for finding in late.document["logs"][0]["findings"]]
    assert 1 == ran.code
    assert ["log-lost"] == [line["finding"]["kind"] for line in ran.lines if line["event"] == "finding"]
    states = [each["state"] for each in status.document["logs"][0]["stretches"]]
    assert 1 == status.code
    assert ["FOUND", "LOST", "FOUND"] == states[:3]
    (gap,) = logged.shelf.lost
    assert before == gap.begin


def test_the_daemon_follows_the_log_and_has_a_gap_answered_by_a_whole_backup(logged: Logged) -> None:
    """The daemon keeps the RPO by the log; a gap breaks the promise until a whole backup was taken behind it."""
    assert 0 == logged.apart("backup", "accounts").code
    with logged.streaming():
        until(lambda: bool(logged.shelf.pieces))
    overrun(logged.server)

    daemon = started(logged.home, "--no-cache", "run", "--json")
    until(lambda: bool(_leads_on(logged)), 60)
    daemon.terminate()
    ran = ended(daemon)
    after = logged.apart("status", "--json").document["sources"][0]

    assert 0 == ran.code, ran.err
    assert {"log-followed", "log-lost", "log-left"} <= {line["kind"] for line in ran.lines}
    assert [] == [why for why in after["because"] if why["promise"] == "log"]
    assert after["log_until"] is not None
    assert after["rpo_reached"] < 60


def _leads_on(logged: Logged) -> list[object]:
    """The windows that no gap ends, from a base behind the gap."""
    (asked,) = logged.run("log", "status", "--offline", "--json").document["logs"]
    return [window for window in asked["windows"] if window["lost"] is None]


@pytest.mark.soak
def test_a_vault_that_is_held_by_others_costs_no_connection(logged: Logged) -> None:
    """While another has the vault alone for longer than the server is patient, the server is answered all the same."""
    with logged.streaming():
        end = logged.log_something()
        until(lambda: logged.reached >= end)
        before = _sender(logged)
        store = PosixStore(logged.home / "vault")
        with Locks(logged.vault, store, OWNER, SystemClock()).exclusive(wait_seconds=20):
            end = logged.log_something(14 << 20)
            time.sleep(6)
            assert logged.reached < end
            assert before == _sender(logged)
        until(lambda: logged.reached >= end, 60)
        assert before == _sender(logged)


def _sender(logged: Logged) -> object:
    """The server's process that sends us its log."""
    asked = f"SELECT active_pid FROM pg_replication_slots WHERE slot_name = '{logged.slot}'"
    return logged.server.run(asked)


@pytest.mark.soak
def test_a_server_that_was_set_back_is_refused(logged: Logged) -> None:
    """A server whose bytes are not those that the vault has is not followed, though its number and places are."""
    server = logged.server
    with logged.streaming():
        until(lambda: bool(logged.shelf.pieces))
        end = logged.log_something()
        until(lambda: logged.reached >= end)
    server.program("pg_ctl", "-D", server.data, "-m", "fast", "-w", "stop")
    server.process.wait(20)
    before = shutil.copytree(server.data, server.folder / "before", symlinks=True)
    server.start_again()
    with logged.streaming():
        end = logged.log_something()
        until(lambda: logged.reached >= end)
    server.crash()
    shutil.rmtree(server.data)
    before.rename(server.data)
    for path in [server.data, *server.data.rglob("*")]:
        give_away(path)
    server.start_again()
    logged.log_something(3 << 20)
    reached = logged.reached

    ran = logged.apart("log", "stream", "accounts")

    assert 22 == ran.code, ran.err
    assert "has another log" in ran.err
    assert reached == logged.reached
