"""The change log of a real server, followed into a vault: what is there is what the server wrote, whoever dies when."""

from __future__ import annotations

import itertools
import random
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.adapters.sources.postgres.logged import Logged, until
from tests.cli.running import ended
from tests.servers.postgres import PostgresServer, postgres_server
from tests.small_worlds import restic

__all__ = ["postgres_server"]

_slots = itertools.count(1)


@pytest.fixture
def logged(postgres_server: PostgresServer, tmp_path: Path) -> Iterator[Logged]:
    """A source of the shared server, with a slot and a vault of its own."""
    slot = f"log_{next(_slots)}"
    yield Logged(postgres_server, tmp_path, slot)
    postgres_server.run(
        f"SELECT pg_drop_replication_slot('{slot}') FROM pg_replication_slots WHERE slot_name = '{slot}'"
    )


def test_the_log_in_the_vault_is_the_servers_own(logged: Logged) -> None:
    """What was sealed is, byte for byte, what the server wrote, and only then it hears of it; restic restores it."""
    with logged.streaming():
        end = logged.log_something(20 << 20)
        until(lambda: logged.reached >= end)
        until(lambda: _restart(logged) >= end)

    assert _restart(logged) <= logged.reached

    begin = logged.shelf.pieces[0].span.begin
    assert 0 == begin % (16 << 20)
    assert logged.server_bytes(1, begin, end) == logged.kept_bytes(1, begin, end)
    restic(logged.home / "vault", "restore", "latest", "--target", str(logged.home / "restored"))
    files = {file.name: file.stat().st_size for file in (logged.home / "restored" / "pg_wal").iterdir()}
    assert files
    assert all(size == 16 << 20 for name, size in files.items() if not name.endswith(".partial"))


def test_killed_at_any_moment_it_leaves_no_gap(logged: Logged) -> None:
    """A streamer that is killed in the middle of a file, again and again, goes on without a gap and without a doubt."""
    chance = random.Random(5)
    for _ in range(3):
        process = logged.streamer()
        end = logged.log_something(chance.randrange(1 << 20, 6 << 20))
        until(lambda: bool(logged.shelf.pieces))
        if chance.random() < 0.5:
            until(lambda end=end: logged.reached >= end)  # type: ignore[misc]
        process.send_signal(signal.SIGKILL)
        ended(process)
    with logged.streaming():
        end = logged.log_something()
        until(lambda: logged.reached >= end)

    begin = logged.shelf.pieces[0].span.begin
    assert () == logged.shelf.lost
    assert logged.server_bytes(1, begin, end) == logged.kept_bytes(1, begin, end)
    assert 0 == logged.run("check", "--read-data").code


def _restart(logged: Logged) -> int:
    from covenant.kernel.spans import parse_place

    asked = f"SELECT restart_lsn FROM pg_replication_slots WHERE slot_name = '{logged.slot}'"
    return parse_place(str(logged.server.run(asked)[0][0]))


def test_told_to_stop_it_seals_what_came(logged: Logged) -> None:
    """After SIGTERM everything that the server had logged by then is in the vault, and the exit code is 0."""
    process = logged.streamer()
    until(lambda: bool(logged.shelf.pieces))
    end = logged.log_something(1 << 20)
    until(lambda: _sent(logged) >= end)
    process.terminate()
    ran = ended(process)

    assert 0 == ran.code, ran.err
    assert logged.reached >= end
    assert "ended" == ran.lines[-1]["event"]


def _sent(logged: Logged) -> int:
    from covenant.kernel.spans import parse_place

    rows = logged.server.run(
        "SELECT write_lsn FROM pg_stat_replication r JOIN pg_replication_slots s ON s.active_pid = r.pid"
        f" WHERE slot_name = '{logged.slot}'"
    )
    return parse_place(str(rows[0][0])) if rows and rows[0][0] else 0
