"""Simulated weeks and years of both specifications: failures, crashes, outages of regions, clock jumps, restarts.

The clock goes from event to event. At every step an oracle that knows every snapshot holds what is told against what is
so; and right before and right after each breach it looks once more.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from covenant.catalog.catalog import Catalog, open_catalog
from covenant.catalog.history import History
from covenant.catalog.records import State
from covenant.kernel.policy import Policy, Stated
from covenant.kernel.schedule import Schedule
from covenant.kernel.standing import SourceStanding, Verdict
from covenant.loop.due import upcoming
from covenant.loop.promised import promised_since
from covenant.loop.reconcile import LEASE, Loop, Terms
from covenant.loop.standing import standing
from tests.clocks import FrozenClock
from tests.loop.specified import NAMES, Keeper, as_if_all_covered, as_written
from tests.loop.worlds import NOON, broken

TICK = timedelta(microseconds=1)
JUMPS = [timedelta(hours=-5), timedelta(minutes=-20), timedelta(hours=3), timedelta(days=2)]


@dataclass(slots=True)
class World:
    """A policy, a daemon that comes and goes, and all that goes wrong."""

    policy: Policy
    catalog: Catalog
    clock: FrozenClock
    random: Random
    keeper: Keeper = field(init=False)
    ill_until: datetime = NOON
    away_until: datetime = NOON
    wrong_until: datetime | None = None
    jump: timedelta = timedelta()
    trouble_until: datetime = NOON
    step: timedelta = timedelta()
    seen: Counter[str] = field(default_factory=Counter)
    taken_at: dict[str, list[datetime]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.keeper = Keeper(self.catalog, self.clock, self.policy)
        self.keeper.breaks = lambda due: broken() if self._ill() and self.random.random() < 0.8 else None

    def _ill(self) -> bool:
        return self.clock.now() < self.ill_until

    def live(self, length: timedelta) -> None:
        """Let so much time pass."""
        end = NOON + length
        while self.clock.now() < end:
            self._trouble()
            if self.clock.now() >= self.away_until:
                Loop(lambda: self.policy, self.catalog, self.keeper, self.clock, Terms(holder="one")).once()
            self.seen["looks"] += 1
            self._pass_on()

    def _trouble(self) -> None:
        """Now and then something goes wrong; about as often whatever the steps are."""
        now, random = self.clock.now(), self.random
        day = self.step / timedelta(days=1)
        if random.random() < day / 2:
            self.ill_until = now + timedelta(hours=random.uniform(0.2, 12))
            self.seen["failing"] += 1
        if random.random() < day / 8:
            self.away_until = now + timedelta(hours=random.uniform(1, 40))
            self.seen["away"] += 1
            if random.random() < 0.5:
                self._die_at_work()
        if random.random() < day / 5:
            regions = self.policy.vaults["default"].regions
            self.keeper.away = set(random.sample(regions, random.randrange(len(regions))))
            self.seen["regions"] += 1
        if self.jump and now >= (self.wrong_until or now):
            self.clock.set(now - self.jump)
            self.jump, self.wrong_until = timedelta(), None
            self.trouble_until = max(self.trouble_until, self.clock.now() + timedelta(days=3))
        elif not self.jump and random.random() < day / 10:
            self.jump = random.choice(JUMPS)
            self.clock.set(now + self.jump)
            self.wrong_until = self.clock.now() + timedelta(hours=random.uniform(1, 9))
            self.seen["jumps"] += 1
        over = max(self.ill_until, self.away_until, self.wrong_until or NOON) + timedelta(hours=2)
        self.trouble_until = max(self.trouble_until, over)

    def _die_at_work(self) -> None:
        """The daemon is killed in the middle of a backup: its run is never ended, its lease never given back."""
        now = self.clock.now()
        lease = self.catalog.lease(LEASE, "dying", timedelta(minutes=1), now)
        source = next(each for each in self.policy.sources.values() if each.covered)
        if lease is not None and self.catalog.history().source(source.source).running is None:
            self.catalog.begin(source.source, "incremental", "", now, lease, now, vault=source.vault)
            self.seen["killed"] += 1
            self.away_until = max(self.away_until, now + timedelta(minutes=2))

    def _next(self, history: History) -> datetime:
        now = self.clock.now()
        coming = [*upcoming(self.policy, history, now), self.away_until, self.wrong_until]
        return min(moment for moment in coming if moment is not None and moment > now)

    def _pass_on(self) -> None:
        """Hold what is told against what is so: now, and around each breach until the next event; then go there."""
        now = self.clock.now()
        history, since = self.catalog.history(now), promised_since(self.catalog)
        coming = self._next(history)
        self.taken_at = {}
        for each in self.keeper.snapshots.values():
            self.taken_at.setdefault(each.source, []).append(each.time)
        moments = {now, coming - TICK}
        for name, promised in self.policy.sources.items():
            breach = self._newest(name, now)
            if promised.covered and breach is not None and now <= breach + promised.rpo.value < coming:
                moments |= {breach + promised.rpo.value, breach + promised.rpo.value + TICK}
                self.seen["breaches"] += 1
        for moment in sorted(moments):
            for told in standing(self.policy, history, moment, since).sources:
                self._hold(told, moment)
        self.step = coming - now
        self.clock.set(coming)

    def _newest(self, source: str, now: datetime) -> datetime | None:
        return max((time for time in self.taken_at.get(source, ()) if time <= now), default=None)

    def _hold(self, told: SourceStanding, now: datetime) -> None:
        self.seen["verdicts"] += 1
        if not self.policy.sources[told.source].covered:
            assert told.verdict is Verdict.NOT_COVERED
            return
        newest = self._newest(told.source, now)
        said = any(why.promise == "rpo" and why.verdict is Verdict.BROKEN for why in told.because)
        if newest is not None:
            truly = now - newest > told.rpo
            assert truly == said, (now, told, newest)
            assert not (truly and now > self.trouble_until), (now, told, newest)
        assert newest is not None or told.verdict is not Verdict.KEPT
        vault = self.policy.vaults["default"]
        if told.verdict is Verdict.KEPT and told.copies > len(vault.regions) - len(self.keeper.lacking):
            self.seen["kept until the next sync"] += 1
            unseen_for = now - min(self.keeper.lacking.values())
            assert unseen_for <= vault.chores["sync"].value.longest_gap() or now < self.trouble_until


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory, where there is one: a year writes a hundred thousand times, and would wait for the disk."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else tmp_path) as made:
        yield Path(made)


def with_rarer_steps(policy: Policy) -> Policy:
    """The same policy, its regions caught up with and read back every six hours: so a year has few enough events."""
    rarer = Stated(Schedule(every=timedelta(hours=6)), "test")
    vaults = {
        name: replace(each, chores={**each.chores, "sync": rarer, "verify": rarer})
        for name, each in policy.vaults.items()
    }
    return replace(policy, vaults=vaults)


def lived(folder: Path, policy: Policy, length: timedelta, seed: int = 1) -> World:
    """A world in which so much time passed, and all that must hold in each."""
    with open_catalog(folder / "catalog.db") as catalog:
        world = World(policy, catalog, FrozenClock(NOON), Random(seed))
        world.live(length)

        good = [(run.subject, run.kind, run.due_at) for run in catalog.runs(states=(State.DONE,), most=10_000_000)]
        assert len(set(good)) == len(good)
        assert [] == world.keeper.wrong
        assert set(world.keeper.snapshots) == catalog.known("default")
        world.seen.update(taken=world.keeper.taken, forgotten=world.keeper.forgotten, runs=len(good))
        print(dict(world.seen))
    return world


@pytest.mark.parametrize("name", NAMES)
def test_what_a_specification_promises_is_kept_as_far_as_it_is_covered(folder: Path, name: str) -> None:
    """Through trouble, what this version can keep is kept or its breach told at its moment; every other source is
    called not covered at every look, and nothing is ever done to it."""
    policy = as_written(name)
    covered = {each.source for each in policy.sources.values() if each.covered}

    world = lived(folder, policy, timedelta(days=1))

    assert covered < set(policy.sources)
    assert covered == {subject for subject, _ in world.keeper.done} - {"default"}


@pytest.mark.parametrize(("name", "hours"), [("studiovault", 24), ("music-platform", 5)])
def test_every_schedule_of_a_specification_is_kept(folder: Path, name: str, hours: int) -> None:
    """The same as if all kinds of sources were covered: no breach is told early, late, or not at all."""
    policy = as_if_all_covered(as_written(name))

    world = lived(folder, policy, timedelta(hours=hours))

    assert set(policy.sources) == {subject for subject, _ in world.keeper.done} - {"default"}


@pytest.mark.parametrize(
    ("name", "days"),
    [
        ("studiovault", 40),
        pytest.param("studiovault", 365, marks=pytest.mark.soak),
        pytest.param("music-platform", 365, marks=pytest.mark.soak),
    ],
)
def test_retention_lets_go_exactly_what_the_rules_say(folder: Path, name: str, days: int) -> None:
    """Weeks and a year of what is covered of a specification, with every kind of trouble: promises are broken and told
    at their moments, and each forget lets go what the oracle says and nothing else."""
    policy = with_rarer_steps(as_written(name))

    seen = lived(folder, policy, timedelta(days=days), seed=2).seen

    assert seen["breaches"], "no outage was long enough to break a promise: the simulation proves nothing"
    assert seen["jumps"]
    assert seen["failing"]
    assert seen["forgotten"]
