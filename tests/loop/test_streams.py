"""Change logs are followed by whoever leads, begun anew when they break off, and sealed when the daemon is stopped."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from covenant.catalog.catalog import open_catalog
from covenant.catalog.history import SourceHistory
from covenant.catalog.records import Proof
from covenant.kernel.errors import SourceUnavailable
from covenant.kernel.policy import Policy
from covenant.kernel.standing import Verdict
from covenant.loop.due import due, moments, newest_before
from covenant.loop.events import Event
from covenant.loop.reconcile import Loop, Terms
from covenant.loop.standing import standing
from tests.clocks import FrozenClock
from tests.loop.worlds import DAILY, HOURLY, NOON, Pretender, a_past, a_policy, a_source, kept


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Pretender]:
    """A worker that follows nothing, but says that it does."""
    with open_catalog(tmp_path / "catalog.db") as catalog:
        yield Pretender(catalog, FrozenClock(NOON))


@contextmanager
def running(worker: Pretender, policy: Callable[[], Policy], told: list[Event]) -> Iterator[Loop]:
    """A daemon at work, stopped at the end."""
    terms = Terms(holder="one", look_every=timedelta(seconds=0.1), drain=timedelta(seconds=20))
    loop = Loop(policy, worker.catalog, worker, worker.clock, terms, told.append)
    thread = threading.Thread(target=loop.run)
    thread.start()
    try:
        yield loop
    finally:
        loop.stop.set()
        loop.wake()
        thread.join(20)
        assert not thread.is_alive()


def until(what: Callable[[], bool]) -> None:
    """Wait until something holds."""
    late = time.monotonic() + 10
    while not what():
        assert time.monotonic() < late, "it did not come to hold"
        time.sleep(0.01)


def followed(continuous: bool = True) -> Policy:
    """A source whose log is followed, and one that has none."""
    return a_policy(a_source("log", system="postgres", continuous=continuous), a_source("files"))


def test_a_log_that_was_promised_is_followed_until_the_daemon_stops(worker: Pretender) -> None:
    """What is continuous is followed, once; stopping waits until what came is sealed."""
    ended = threading.Event()

    def stream(source: str, stop: threading.Event, noticed: Callable[[], None]) -> None:
        stop.wait(20)
        time.sleep(0.2)
        ended.set()

    worker.stream = stream
    policy = followed()
    with running(worker, lambda: policy, []):
        until(lambda: bool(worker.followed))
        time.sleep(0.3)

    assert ["log"] == worker.followed
    assert ended.is_set()


def test_a_log_that_breaks_off_is_begun_anew(worker: Pretender) -> None:
    """After a failure the log is followed again, and how often it failed is entered."""

    def stream(source: str, stop: threading.Event, noticed: Callable[[], None]) -> None:
        if len(worker.followed) < 2:
            raise SourceUnavailable("the server is gone", "Start it.")
        stop.wait(20)

    worker.stream, told = stream, list[Event]()
    policy = followed()
    with running(worker, lambda: policy, told):
        until(lambda: len(worker.followed) == 2)

    assert [("log", 1)] == worker.log_failures
    assert ["the server is gone; trying again in 1 s"] == [event.text for event in told if event.kind == "log-failed"]


def test_a_new_policy_is_followed_and_the_old_one_left(worker: Pretender) -> None:
    """A changed policy has the log followed anew; one that no longer promises it has it left."""
    now = [followed()]
    with running(worker, lambda: now[0], []) as loop:
        until(lambda: len(worker.followed) == 1)
        now[0] = followed()
        loop.wake()
        until(lambda: len(worker.followed) == 2)
        now[0] = followed(continuous=False)
        loop.wake()
        until(lambda: not loop._streams.following())

    assert 2 == len(worker.followed)


def test_who_does_not_lead_follows_nothing(worker: Pretender) -> None:
    """While another holds the lease no log is followed; who loses it leaves them."""
    lease = worker.catalog.lease("loop", "other", timedelta(hours=1), NOON)
    policy = followed()
    with running(worker, lambda: policy, []):
        time.sleep(0.3)
        assert [] == worker.followed
        assert lease is not None
        worker.catalog.release(lease, NOON)
        until(lambda: worker.followed == ["log"])


def test_doing_what_is_due_once_follows_no_log(worker: Pretender) -> None:
    """A log has no end, and who was told to end when everything is done follows none."""
    policy = followed()

    Loop(lambda: policy, worker.catalog, worker, worker.clock, Terms(holder="one"), lambda event: None).once()

    assert [] == worker.followed


# -- what a gap makes of it -------------------------------------------------------------------------------------------


def a_gap(hours: int = 1, verdict: str = "failed") -> dict[str, Proof]:
    """A log of which that was found so many hours ago."""
    at = NOON - timedelta(hours=hours)
    return {"log": Proof(id=1, subject="media", kind="log", at=at, verdict=verdict, detail="lost")}


def test_a_gap_makes_a_full_backup_due_until_one_was_begun_behind_it() -> None:
    """Behind a gap only a new beginning helps: it is due at once, whatever the schedule says, and once."""
    source = a_source("media", system="postgres", continuous=True, schedules={"full": DAILY})
    old = {"full": kept("full", NOON - timedelta(hours=2))}
    new = {"full": kept("full", NOON - timedelta(minutes=30))}

    (owed,) = due(a_policy(source), a_past(kinds=old, proofs=a_gap()), NOON)

    assert "full" == owed.kind
    assert () == due(a_policy(source), a_past(kinds=new, proofs=a_gap()), NOON)
    assert () == due(a_policy(source), a_past(kinds=old, proofs=a_gap(verdict="passed")), NOON)


def test_a_log_behind_a_gap_keeps_nothing_new() -> None:
    """The newest piece counts where a backup is there that it leads on from, and behind a gap it does not."""
    log, full = kept("log", NOON - timedelta(minutes=1)), kept("full", NOON - timedelta(hours=2))

    def newest(**more: object) -> object:
        return newest_before(SourceHistory(source="media", newest=log, **more), NOON)  # type: ignore[arg-type]

    assert log.time == newest(kinds={"log": log, "full": full})
    assert full.time == newest(kinds={"log": log, "full": full}, proofs=a_gap())
    assert None is newest(kinds={"log": log})


def test_status_says_what_is_the_matter_with_a_log() -> None:
    """A gap breaks the promise, and what is not known of a log puts it at risk; the age of its last piece counts."""
    source = a_source("media", system="postgres", continuous=True, rpo=timedelta(minutes=15))
    log, full = kept("log", NOON - timedelta(minutes=1)), kept("full", NOON - timedelta(hours=2))

    def verdict(proofs: dict[str, Proof]) -> Verdict:
        past = a_past(newest=log, kinds={"log": log, "full": full}, proofs=proofs)
        (found,) = standing(a_policy(source), past, NOON).sources
        assert log.time == found.log_until
        return found.verdict

    assert Verdict.KEPT == verdict(a_gap(verdict="passed"))
    assert Verdict.AT_RISK == verdict(a_gap(verdict="could not verify"))
    assert Verdict.BROKEN == verdict(a_gap())


def test_a_log_from_which_nothing_comes_is_told_before_the_promise_breaks() -> None:
    """From half of the RPO on the promise is at risk, at its end it is broken."""
    source = a_source("media", system="postgres", continuous=True, rpo=timedelta(minutes=15))
    full = kept("full", NOON - timedelta(hours=2))

    def verdict(minutes: int) -> Verdict:
        log = kept("log", NOON - timedelta(minutes=minutes))
        past = a_past(newest=log, kinds={"log": log, "full": full})
        (found,) = standing(a_policy(source), past, NOON).sources
        return found.verdict

    assert [Verdict.KEPT, Verdict.AT_RISK, Verdict.BROKEN] == [verdict(7), verdict(8), verdict(16)]


def test_where_the_log_is_followed_no_backup_stands_in_for_it() -> None:
    """A schedule of log pieces is an incremental backup only where nobody follows the log."""
    schedules = {"full": DAILY, "log": HOURLY}

    assert {"full", "incremental"} == set(moments(a_source(schedules=schedules), NOON))
    assert {"full"} == set(moments(a_source(schedules=schedules, system="postgres", continuous=True), NOON))
