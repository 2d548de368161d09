"""Both specifications as policies, a worker that keeps real snapshots in memory, and a slow oracle of retention."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from covenant.bootstrap.chores import Task, forget_plans
from covenant.catalog.catalog import Catalog
from covenant.catalog.records import Copies, Kept, Outcome
from covenant.kernel.errors import CovenantError
from covenant.kernel.keep import Keep
from covenant.kernel.policy import Policy
from covenant.kernel.progress import Progress
from covenant.loop.due import Due, unpruned
from covenant.loop.ports import Say
from covenant.settings.file import load
from covenant.settings.policy import policy_of
from covenant.vault.snapshot import KIND_TAG, SOURCE_TAG, Snapshot
from tests.clocks import FrozenClock

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
NAMES = ("studiovault", "music-platform")


def as_written(name: str) -> Policy:
    """The policy of an example, for who follows no change log, so that backups stand in for it."""
    policy = policy_of(load(EXAMPLES / f"{name}.toml"))
    return replace(policy, sources={name: replace(each, continuous=False) for name, each in policy.sources.items()})


def as_if_all_covered(policy: Policy) -> Policy:
    """The same promises, for a version that could keep every kind of source: so that every schedule is exercised."""
    return replace(policy, sources={name: replace(each, covered=True) for name, each in policy.sources.items()})


def must_stay(snapshots: Iterable[Snapshot], keep: Keep, now: datetime) -> set[str]:
    """What the rules of the examples keep of one source, each taken by its definition, snapshot by snapshot."""
    everything = list(snapshots)
    present = [each for each in everything if each.time <= now]
    stay = {each.id for each in everything if each.time > now}  # misdated, so not judged
    if not present:
        return stay
    newest = max(each.time for each in present)
    stay |= {each.id for each in present if each.time == newest}
    whole = [each for each in present if each.kind in ("full", "archive")]
    stay |= {each.id for each in whole if each.time == max(other.time for other in whole)}
    if keep.within is not None:
        span = keep.within
        assert not span.months
        since = newest.replace(year=newest.year - span.years) - timedelta(days=span.days, hours=span.hours)
        stay |= {each.id for each in present if each.time > since}
    periods: list[tuple[int, Callable[[datetime], Any]]] = [
        (keep.weekly, lambda time: time.isocalendar()[:2]),
        (keep.monthly, lambda time: (time.year, time.month)),
        (keep.yearly, lambda time: time.year),
    ]
    for count, period in periods:
        last_of = {period(each.time): each.time for each in sorted(present, key=lambda each: each.time)}
        kept = {last_of[found] for found in sorted(last_of, reverse=True)[:count]}
        stay |= {each.id for each in present if each.time in kept}
    unknown = (keep.last, keep.hourly, keep.daily, *keep.tags)
    assert not any(unknown), "the examples say more than the oracle knows"
    return stay


@dataclass(slots=True)
class Keeper:
    """A worker in no time. ``breaks`` says when it fails; ``away`` names the regions that do not answer.

    Each forget is held against the oracle at its own moment.
    """

    catalog: Catalog
    clock: FrozenClock
    policy: Policy
    breaks: Callable[[Due], CovenantError | None] = lambda due: None
    away: set[str] = field(default_factory=set)
    lacking: dict[str, datetime] = field(default_factory=dict)
    done: dict[tuple[str, str], int] = field(default_factory=dict)
    snapshots: dict[str, Snapshot] = field(default_factory=dict)
    forgotten: int = 0
    wrong: list[str] = field(default_factory=list)
    taken: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def look(self, vault: str) -> None:
        with self.lock:
            known = self.catalog.known(vault)
            new = [self._kept(each, vault) for each in self.snapshots.values() if each.id not in known]
            self.catalog.take_up(vault, new, set(self.snapshots), now=self.clock.now())

    def carry_out(self, due: Due, progress: Progress, stop: threading.Event, confirm: Callable[[], None]) -> Outcome:
        error = self.breaks(due)
        if error is not None:
            raise error
        confirm()
        with self.lock:
            self.done[due.subject, due.kind] = self.done.get((due.subject, due.kind), 0) + 1
        if due.kind == "forget":
            return self._forget(due)
        if due.kind == "sync":
            self._count(due)
        return Outcome(tally={"unpruned": 0}) if due.chore else self._keep(due)

    def follow(
        self, source: str, stop: threading.Event, say: Say, confirm: Callable[[], None], noticed: Callable[[], None]
    ) -> None:
        raise AssertionError("nothing that is done once follows a log")

    def log_failed(self, source: str, error: CovenantError, failures: int) -> None:
        raise AssertionError(str(error))

    def _keep(self, due: Due) -> Outcome:
        with self.lock:
            self.taken += 1
            now = self.clock.now()
            tags = [SOURCE_TAG + due.subject, KIND_TAG + due.kind]
            one = Snapshot(time_=now.isoformat(), tree="", tags_=tags, id=f"{self.taken:064x}")
            self.snapshots[one.id] = one
            for region in self.away:
                self.lacking.setdefault(region, now)
        self.look(due.vault)
        return Outcome(snapshot_id=one.id, tally={"files": 10, "bytes": 1000})

    def _forget(self, due: Due) -> Outcome:
        opened: Any = SimpleNamespace(clock=self.clock)
        nothing: Any = None
        task = Task(due, opened, nothing, self.policy, self.catalog, nothing, lambda: None, nothing, nothing)
        plans = forget_plans(task, list(self.snapshots.values()))
        gone = {judged.snapshot.id for plan in plans for judged in plan.forget}
        self._compare(gone)
        self.snapshots = {each.id: each for each in self.snapshots.values() if each.id not in gone}
        self.forgotten += len(gone)
        before = unpruned(self.catalog.history().vault(due.vault))
        self.look(due.vault)
        return Outcome(tally={"forgotten": len(gone), "unpruned": before + len(gone)})

    def _compare(self, gone: set[str]) -> None:
        now = self.clock.now()
        for name, promised in self.policy.sources.items():
            own = [each for each in self.snapshots.values() if each.source == name]
            stay = must_stay(own, promised.keep, now) if promised.keep else {each.id for each in own}
            if stay != {each.id for each in own} - gone:
                self.wrong.append(f"{now}: {name}")

    def _count(self, due: Due) -> None:
        now = self.clock.now()
        self.lacking = {region: since for region, since in self.lacking.items() if region in self.away}
        self.catalog.count(
            Copies(
                vault=due.vault,
                region=region,
                at=now,
                reachable=region not in self.away,
                missing=int(region in self.lacking),
                missing_since=self.lacking.get(region),
            )
            for region in self.policy.vaults[due.vault].regions
        )

    def _kept(self, one: Snapshot, vault: str) -> Kept:
        return Kept(id=one.id, vault=vault, source=one.source, kind=one.kind, time=one.time, files=10, bytes=1000)
