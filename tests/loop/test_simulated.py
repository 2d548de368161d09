"""Simulated months: both kinds of promises, random failures, outages, restarts and clock jumps, over the real catalog.

A worker that only says that it kept something, a clock that is moved. An oracle that knows the true time and every
snapshot holds what was told against what was so.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from covenant.catalog.catalog import Catalog, open_catalog
from covenant.catalog.records import State
from covenant.kernel.policy import Policy
from covenant.kernel.schedule import Schedule
from covenant.kernel.standing import Verdict
from covenant.loop.promised import promised_since
from covenant.loop.reconcile import Loop, Terms
from covenant.loop.standing import standing
from tests.clocks import FrozenClock
from tests.loop.worlds import DAILY, HOURLY, NOON, Pretender, a_policy, a_source, a_vault, broken

STEP = timedelta(minutes=20)
EVERY_SIX_HOURS, MONTHLY = Schedule(every=timedelta(hours=6)), Schedule(cron="0 4 1 * *")
PROMISES = a_policy(
    a_source("metadata", rpo=timedelta(hours=3), schedules={"full": DAILY, "log": HOURLY}),
    a_source("media", rpo=timedelta(hours=9), priority=2, schedules={"incremental": EVERY_SIX_HOURS}),
    a_source("audit", rpo=timedelta(hours=26), priority=3, schedules={"archive": MONTHLY, "full": DAILY}),
    vault=a_vault(forget=DAILY, check=DAILY),
)


def held_against_truth(catalog: Catalog, worker: Pretender, policy: Policy, now: datetime) -> int:
    """Compare every verdict with what is so, by the snapshots themselves; how many promises are broken now."""
    told = standing(policy, catalog.history(), now, promised_since(catalog))
    for found in told.sources:
        times = [kept.time for kept in worker.snapshots.values() if kept.source == found.source]
        newest = max(times, default=None)
        truly_broken = newest is not None and now - newest > found.rpo
        if newest is not None:
            assert truly_broken == (found.verdict is Verdict.BROKEN), (found, newest)
    return sum(found.verdict is Verdict.BROKEN for found in told.sources)


@pytest.mark.parametrize("days", [4, pytest.param(365, marks=pytest.mark.soak)])
@pytest.mark.parametrize("seed", [1, 2])
def test_every_promise_is_kept_or_its_breach_is_told(tmp_path: Path, days: int, seed: int) -> None:
    """Whatever fails and whenever the daemon is away: at every look, what is called kept is kept and what is called
    broken is broken; nothing is done twice for one moment; and while nothing fails, nothing is ever broken."""
    random, clock = Random(seed), FrozenClock(NOON)
    with open_catalog(tmp_path / "catalog.db") as catalog:
        worker = Pretender(catalog, clock)
        ill_until = away_until = NOON
        trouble_until = NOON
        breaches = 0
        while clock.now() < NOON + timedelta(days=days):
            now = clock.now()
            if random.random() < 0.03:
                ill_until = now + timedelta(hours=random.uniform(0.2, 12))
            if random.random() < 0.02:
                away_until = now + timedelta(hours=random.uniform(1, 40))
            trouble_until = max(trouble_until, ill_until + timedelta(hours=2), away_until + STEP)
            ill = now < ill_until
            worker.breaks = lambda due, ill=ill: broken() if ill and random.random() < 0.8 else None  # type: ignore[misc]
            if now >= away_until:
                Loop(lambda: PROMISES, catalog, worker, clock, Terms(holder=f"{now}")).once()
            broken_now = held_against_truth(catalog, worker, PROMISES, now)
            breaches += broken_now
            if now > trouble_until:
                assert 0 == broken_now, now
            clock.sleep(STEP.total_seconds())

        good = [(run.subject, run.kind, run.due_at) for run in catalog.runs(states=(State.DONE,), most=1_000_000)]
        assert len(set(good)) == len(good)
        assert breaches, "no outage was long enough to break a promise: the simulation proves nothing"
        assert {"metadata", "media", "audit"} == {due.subject for due in worker.done if not due.chore}


@pytest.mark.parametrize(
    "jump", [timedelta(hours=-5), timedelta(minutes=-30), timedelta(days=400), timedelta(days=-400)]
)
def test_a_clock_that_jumps_makes_no_run_twice_and_none_too_few(tmp_path: Path, jump: timedelta) -> None:
    """A clock is set wrong for a while and then right again: no moment is answered twice, and the sources go on being
    kept at their moments, both while it is wrong and afterwards."""
    clock = FrozenClock(NOON)
    with open_catalog(tmp_path / "catalog.db") as catalog:
        worker = Pretender(catalog, clock)

        def pass_hours(hours: int) -> int:
            before = len(worker.done)
            for _ in range(hours * 3):
                Loop(lambda: PROMISES, catalog, worker, clock, Terms(holder="one")).once()
                clock.sleep(STEP.total_seconds())
            return sum(not due.chore and due.subject == "metadata" for due in worker.done[before:])

        before = pass_hours(6)
        clock.set(clock.now() + jump)
        wrong = pass_hours(6)
        clock.set(clock.now() - jump)
        after = pass_hours(6)

        good = [(run.subject, run.kind, run.due_at) for run in catalog.runs(states=(State.DONE,), most=1_000_000)]
        assert len(set(good)) == len(good)
        assert 6 <= before <= 7
        assert (0 if -timedelta(days=1) < jump < timedelta() else 5) <= wrong <= 8
        assert 5 <= after <= 8
