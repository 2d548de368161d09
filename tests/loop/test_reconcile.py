"""The loop over a real catalog: what falls due is done, once, by whoever holds the lease."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from covenant.catalog.catalog import Catalog, open_catalog
from covenant.catalog.records import State
from covenant.kernel.errors import Interrupted
from covenant.kernel.policy import Policy
from covenant.loop.due import Due
from covenant.loop.events import Event
from covenant.loop.reconcile import Loop, Terms
from tests.clocks import FrozenClock
from tests.loop.worlds import HOURLY, NOON, Pretender, a_policy, a_source, a_vault, broken


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    """A new catalog."""
    with open_catalog(tmp_path / "catalog.db") as opened:
        yield opened


@pytest.fixture
def clock() -> FrozenClock:
    """Noon."""
    return FrozenClock(NOON)


@pytest.fixture
def worker(catalog: Catalog, clock: FrozenClock) -> Pretender:
    """A worker that only says that it did."""
    return Pretender(catalog, clock)


def a_loop(worker: Pretender, policy: Policy, holder: str = "one", told: list[Event] | None = None) -> Loop:
    """A daemon over the worker's catalog."""
    told = told if told is not None else []
    return Loop(lambda: policy, worker.catalog, worker, worker.clock, Terms(holder=holder), told.append)


def test_everything_due_is_done_once(worker: Pretender) -> None:
    """What is due is done, is recorded with what it came to, and is not done again at the same moment."""
    policy = a_policy(a_source("a"), a_source("b"), a_source("c"), vault=a_vault(check=HOURLY))

    assert a_loop(worker, policy).once()
    assert a_loop(worker, policy).once()

    assert ["a", "b", "c", "default"] == sorted(due.subject for due in worker.done)
    assert {State.DONE} == {run.state for run in worker.catalog.runs()}
    assert {10} == {run.tally["files"] for run in worker.catalog.runs(kind="full")}


def test_a_failure_is_told_and_tried_again_later(worker: Pretender, clock: FrozenClock) -> None:
    """A run that fails says why, keeps nothing else from being done, and is made again after a pause."""
    policy = a_policy(a_source("a", schedules={"incremental": HOURLY}), a_source("b"))
    worker.breaks = lambda due: broken() if due.subject == "a" else None
    first = a_loop(worker, policy)
    first.once()

    assert 1 == first.bad
    assert [("a", "the folder is gone", "Mount it.")] == [
        (run.subject, run.message, run.hint) for run in worker.catalog.runs(states=(State.FAILED,))
    ]

    worker.breaks = lambda due: None
    a_loop(worker, policy).once()
    assert ["b"] == [due.subject for due in worker.done]

    clock.sleep(120)
    a_loop(worker, policy).once()
    assert ["b", "a"] == [due.subject for due in worker.done]


def test_only_who_leads_does_anything(worker: Pretender, clock: FrozenClock) -> None:
    """A second daemon does nothing while the first holds the lease, and everything when it lapsed."""
    policy = a_policy(a_source())
    worker.catalog.lease("loop", "another", timedelta(minutes=1), clock.now())

    assert not a_loop(worker, policy).once()
    assert [] == worker.done

    clock.sleep(61)
    assert a_loop(worker, policy).once()
    assert 1 == len(worker.done)


def test_who_lost_the_lease_acknowledges_nothing(worker: Pretender, clock: FrozenClock) -> None:
    """A daemon that was frozen in a run, past its lease, is stopped before it stores; the run is made anew."""
    policy = a_policy(a_source())
    entered, go_on = threading.Event(), threading.Event()

    def freeze(due: object, stop: threading.Event) -> None:
        entered.set()
        go_on.wait(20)

    frozen = Pretender(worker.catalog, clock, pause=freeze)
    told: list[Event] = []
    first = threading.Thread(target=a_loop(frozen, policy, "frozen", told).once, daemon=True)
    first.start()
    assert entered.wait(20)
    clock.sleep(3600)
    assert a_loop(worker, policy, "second").once()
    go_on.set()
    first.join(20)

    assert [] == frozen.done
    assert 1 == len(worker.done)
    assert "deposed" in [event.kind for event in told]
    assert [State.DONE, State.LOST] == [run.state for run in worker.catalog.runs()]


def test_told_to_stop_what_is_at_work_saves_what_it_has(worker: Pretender) -> None:
    """Told to stop, the loop interrupts what is at work, waits for it, and gives the lease back."""
    from covenant.kernel.errors import Interrupted

    entered = threading.Event()

    def until_stopped(due: object, stop: threading.Event) -> None:
        entered.set()
        assert stop.wait(20)
        raise Interrupted("the backup was stopped")

    worker.pause = until_stopped
    loop = a_loop(worker, a_policy(a_source()))
    running = threading.Thread(target=loop.run, daemon=True)
    running.start()
    assert entered.wait(20)
    loop.stop.set()
    loop.wake()
    running.join(20)

    assert not running.is_alive()
    assert [State.INTERRUPTED] == [run.state for run in worker.catalog.runs()]
    assert worker.catalog.lease("loop", "next", timedelta(minutes=1), worker.clock.now())


def test_a_lost_catalog_is_taken_up_from_the_vault(worker: Pretender, clock: FrozenClock, tmp_path: Path) -> None:
    """When the catalog was lost, what the vault holds answers what is due: nothing is done twice."""
    policy = a_policy(a_source())
    a_loop(worker, policy).once()
    with open_catalog(tmp_path / "new.db") as empty:
        again = Pretender(empty, clock, snapshots=worker.snapshots)

        a_loop(again, policy).once()

        assert [] == again.done


def test_the_loop_wakes_for_the_next_moment(worker: Pretender, clock: FrozenClock) -> None:
    """A running loop does at each hour what is due then, and nothing in between."""
    policy = a_policy(a_source(schedules={"incremental": HOURLY}))
    loop = a_loop(worker, policy)
    running = threading.Thread(target=loop.run, daemon=True)
    running.start()
    for hour in range(3):
        _until(lambda: len(worker.done) == hour + 1)  # noqa: B023 - asked within this turn alone
        clock.sleep(3600)
        loop.wake()
    loop.stop.set()
    loop.wake()
    running.join(20)

    assert [NOON + timedelta(hours=hour) for hour in range(3)] == [due.due_at for due in worker.done][:3]


def _until(true: object) -> None:
    """Wait until it is so."""
    pause = threading.Event()
    for _ in range(400):
        if true():  # type: ignore[operator]
            return
        pause.wait(0.05)
    raise AssertionError("it did not come to pass")


def test_reading_back_makes_way_and_goes_on(worker: Pretender, clock: FrozenClock) -> None:
    """A sync that falls due while the vault is read back begins at once; the reading is begun anew after it, and was
    no failure."""
    policy = a_policy(vault=a_vault(sync=HOURLY, verify=HOURLY))
    reading = threading.Event()

    def read_until_asked(due: Due, stop: threading.Event) -> None:
        if due.kind == "verify" and not reading.is_set():
            reading.set()
            clock.sleep(3600)  # meanwhile the next sync falls due
            assert stop.wait(20), "nobody asked it to make way"
            raise Interrupted("made way")

    worker.pause = read_until_asked
    loop = a_loop(worker, policy)

    loop.once()

    assert ["sync", "sync", "verify"] == [due.kind for due in worker.done]
    assert [("verify", "interrupted")] == [
        (run.kind, str(run.state)) for run in worker.catalog.runs(states=(State.INTERRUPTED,))
    ]
    assert 0 == loop.bad
