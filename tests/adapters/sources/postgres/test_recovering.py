"""PostgreSQL to any moment: what was committed by then is there, exactly, and nothing stands in for what is lost."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from covenant.kernel.answers import Result
from covenant.recover.goal import Goal
from tests.adapters.sources.postgres.histories import History, a_history
from tests.adapters.sources.postgres.ledger import Line, up_to
from tests.adapters.sources.postgres.logged import until
from tests.cli.running import ended
from tests.servers.postgres import NEW, SYSTEM, running


@pytest.fixture(scope="module", params=[SYSTEM, NEW])
def history(request: pytest.FixtureRequest) -> Iterator[History]:
    """A server under load: a full backup, a streamer killed in the middle, an incremental one, a crash, and more."""
    server = running(request.param)
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
            server.run("SELECT pg_create_restore_point('no commit')")
            found.settle()
            until(lambda: found.kept.reached >= found.kept.flushed())
        yield found


def line(history: History, part: float) -> Line:
    """A line of the ledger, so far on."""
    lines = history.ledger.lines
    return lines[int(part * (len(lines) - 1))]


def test_a_moment_has_exactly_what_was_committed_by_then(history: History) -> None:
    """A recovery to a moment before the second backup begins with the first, and has every row until then, no other."""
    wanted = line(history, 0.3)

    found, done = history.recovered(Goal(moment=wanted.moment), "moment")

    assert up_to(wanted) == found
    assert history.bases[0] == done.route.base
    assert Result.PASSED is done.result, done.answers
    assert done.counted.rows > 100_000
