"""Daemons as real processes: frozen, killed, woken. No run happens twice, and every run is accounted for."""

from __future__ import annotations

import signal
import threading
import time
from pathlib import Path
from random import Random

import pytest

from covenant.catalog.records import State
from tests.loop.daemons import Place, stop, until
from tests.oracle.program import Restic
from tests.servers.postgres import running
from tests.vaults import PASSWORD


def test_a_frozen_daemon_is_stopped_by_its_token(tmp_path: Path) -> None:
    """Of two daemons on one PostgreSQL one is frozen in a backup past its lease: the other makes the backup, and the
    first, woken, finds that out and stores no snapshot. No run happens twice."""
    place = Place(tmp_path, running().new_database())
    place.prepare()
    first = place.daemon("--json", slowly=True)
    with place.opened() as catalog:
        until(lambda: catalog.runs(kind="archive", states=(State.RUNNING,)))
        first.send_signal(signal.SIGSTOP)
        second = place.daemon("--json")
        until(lambda: catalog.runs(kind="archive", states=(State.DONE,)))
        first.send_signal(signal.SIGCONT)
        threading.Event().wait(6)  # time enough for the first to read all it wanted to keep, and to lose
        said, _ = stop(first)
        stop(second)

        assert '"deposed"' in said
        assert [State.DONE, State.LOST] == [run.state for run in catalog.runs(kind="archive")]
        assert 1 == place.snapshots()


def test_a_daemon_that_is_told_to_stop_ends_when_its_drain_is_over(tmp_path: Path) -> None:
    """A backup that waits for a slow line to several regions is given up when the time to drain is over: the daemon
    ends then and not minutes later, the run is accounted for as interrupted, and the next one goes on at once."""
    place = Place(tmp_path, "catalog.db", regions=("one", "two"))
    place.prepare(kilobytes=10_000)
    daemon = place.daemon("--drain", "1s", "--json", slowly=True)
    with place.opened() as catalog:
        until(lambda: catalog.runs(kind="archive", states=(State.RUNNING,)))
        threading.Event().wait(1)
        told = time.monotonic()
        said, _ = stop(daemon)
        took = time.monotonic() - told

        assert 0 == daemon.returncode
        assert took < 10
        assert '"given-up"' in said
        assert [State.INTERRUPTED] == [run.state for run in catalog.runs()]
        place.daemon("--once").communicate(timeout=60)
        assert [State.DONE] == [run.state for run in catalog.runs(kind="archive", most=1)]


def _killed_at_random(place: Place, seconds: float, random: Random) -> None:
    """Daemons are killed again and again in the midst of backups; then one is left to finish."""
    pause, passed = threading.Event(), 0.0
    while passed < seconds:
        (place.home / "media" / "0.raw").write_bytes(random.randbytes(300_000))
        daemon = place.daemon("--once", "--lease", "1s")
        lived = random.uniform(0.6, 2.5)
        pause.wait(lived)
        stop(daemon, signal.SIGKILL)
        pause.wait(1.2)  # until its lease has lapsed
        passed += lived + 1.2
    last = place.daemon("--once")
    last.communicate(timeout=60)


@pytest.mark.parametrize("seconds", [8, pytest.param(240, marks=pytest.mark.soak)])
def test_whoever_is_killed_leaves_nothing_unaccounted(tmp_path: Path, seconds: int) -> None:
    """After daemons were killed at random moments every run is done, failed or lost, none is under way, each snapshot
    belongs to a run, and restic finds nothing wrong with the vault."""
    place = Place(tmp_path, "catalog.db")
    place.prepare()

    _killed_at_random(place, seconds, Random(seconds))

    with place.opened() as catalog:
        runs = catalog.runs(most=10_000)
        assert runs
        assert all(run.state.ended for run in runs)
        assert any(run.state is State.DONE for run in runs)
        assert place.snapshots() == catalog.counts()["snapshots"]
    restic = Restic(place.home / "vault", PASSWORD)
    restic.run("unlock")
    assert "no errors were found" in restic.run("check")


def test_a_catalog_that_is_deleted_is_made_anew_and_nothing_uploaded_again(tmp_path: Path) -> None:
    """Without its catalog the loop learns from the vault what is kept: no pack and no snapshot is stored again."""
    place = Place(tmp_path, "catalog.db")
    place.prepare()
    place.daemon("--once").communicate(timeout=60)
    packs = sorted((tmp_path / "vault" / "data").rglob("*"))
    for file in tmp_path.glob("catalog.db*"):
        file.unlink()

    place.daemon("--once").communicate(timeout=60)

    assert packs == sorted((tmp_path / "vault" / "data").rglob("*"))
    assert 1 == place.snapshots()
    with place.opened() as catalog:
        assert 1 == catalog.counts()["snapshots"]
