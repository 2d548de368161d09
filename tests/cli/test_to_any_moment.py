"""PostgreSQL to any moment: what was committed by then is there, exactly, and nothing stands in for what is lost."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from covenant.kernel.spans import place_text
from tests.adapters.sources.postgres.histories import History, a_history
from tests.adapters.sources.postgres.ledger import Line, up_to
from tests.adapters.sources.postgres.logged import until
from tests.cli.running import ended
from tests.servers.postgres import NEW, SYSTEM, running


@contextmanager
def lived_through(which: str) -> Iterator[History]:
    """A server under load: a full backup, a streamer killed in the middle, an incremental one, a crash, and more."""
    server = running(which)
    with a_history(server) as found:
        url = server.new_database()
        server.program("pgbench", "-i", "-q", url)
        killed = found.kept.streamer()
        until(lambda: found.kept.reached > 0)
        found.backup()
        load = server.workload(url, 30)
        with found.ledger.growing():
            time.sleep(0.5)
            killed.kill()
            ended(killed)
        with found.kept.streaming(), found.ledger.growing():
            time.sleep(0.3)
            found.backup("incremental")
            time.sleep(0.3)
        load.terminate()
        load.wait()
        server.crash()
        server.start_again()
        with found.kept.streaming():
            found.ledger.commit(5)
            found.ledger.restore_point("before the mistake")
            found.ledger.commit(5)
            time.sleep(0.02)
            server.run("SELECT pg_create_restore_point('no commit')")
            until(lambda: found.kept.reached >= found.kept.flushed())
        yield found


@pytest.fixture(scope="module")
def history() -> Iterator[History]:
    """What the older server lived through."""
    with lived_through(SYSTEM) as found:
        yield found


@pytest.fixture(scope="module")
def newer_history() -> Iterator[History]:
    """What the newer server lived through, whose incremental backup holds changed blocks alone."""
    with lived_through(NEW) as found:
        yield found


def line(history: History, part: float) -> Line:
    """A line of the ledger, so far on."""
    lines = history.ledger.lines
    return lines[int(part * (len(lines) - 1))]


def test_a_moment_has_exactly_what_was_committed_by_then(history: History) -> None:
    """A recovery to a moment has every row until then and no other, proved, from the newest backup that leads there."""
    early, late = line(history, 0.3), history.ledger.lines[-7]

    at_first, from_first = history.restored("--to", early.moment)
    at_last, from_second = history.restored("--to-lsn", place_text(late.place))

    assert up_to(early) == at_first
    assert up_to(late) == at_last
    assert from_first["plan"]["base"] != from_second["plan"]["base"]
    assert ("passed", True) == (from_first["result"], from_first["objectives"]["rto_kept"])


def test_a_moment_after_an_incremental_backup_of_blocks(newer_history: History) -> None:
    """Beginning with a backup that only changed blocks crossed the wire for, a moment has exactly its rows."""
    wanted = newer_history.ledger.lines[-7]

    found, report = newer_history.restored("--to", wanted.moment)

    assert up_to(wanted) == found
    assert "passed" == report["result"]
