"""A small world for the loop: promises, a catalog, and a worker that keeps nothing but says that it did."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from covenant.catalog.catalog import Catalog
from covenant.catalog.history import History, Past, SourceHistory
from covenant.catalog.records import Kept, Outcome, Run, State
from covenant.kernel.errors import CovenantError, SourceError
from covenant.kernel.keep import Keep
from covenant.kernel.policy import Policy, SourcePolicy, Stated, VaultPolicy
from covenant.kernel.progress import Progress
from covenant.kernel.schedule import Schedule
from covenant.loop.due import Due
from covenant.loop.ports import Say
from tests.clocks import FrozenClock

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
HOURLY = Schedule(every=timedelta(hours=1))
DAILY = Schedule(every=timedelta(days=1))


def said(value: Any) -> Stated[Any]:
    """A value that somebody stated."""
    return Stated(value, "test")


def a_source(name: str = "media", **more: Any) -> SourcePolicy:
    """A source that is backed up every hour, and may lose two."""
    rpo, priority, copies = more.pop("rpo", timedelta(hours=2)), more.pop("priority", 1), more.pop("copies", 1)
    schedules = more.pop("schedules", {"full": DAILY, "incremental": HOURLY})
    return SourcePolicy(
        source=name,
        system=more.pop("system", "files"),
        vault=more.pop("vault", "default"),
        data_class="important",
        rpo=said(rpo),
        rto=said(timedelta(hours=4)),
        window=said(timedelta(days=7)),
        priority=said(priority),
        copies=said(copies),
        schedules={kind: said(schedule) for kind, schedule in schedules.items()},
        keep=more.pop("keep", Keep(last=3)),
        **more,
    )


def a_vault(name: str = "default", regions: tuple[str, ...] = ("default",), **chores: Schedule) -> VaultPolicy:
    """A vault with these chores."""
    stated = {kind: said(schedule) for kind, schedule in chores.items()}
    return VaultPolicy(vault=name, regions=regions, acknowledge=said(1), chores=stated)  # type: ignore[arg-type]


def a_policy(*sources: SourcePolicy, vault: VaultPolicy | None = None) -> Policy:
    """A policy of these sources in one vault."""
    vault = vault or a_vault()
    return Policy(sources={each.source: each for each in sources}, vaults={vault.vault: vault})


def a_run(kind: str = "incremental", due_at: datetime = NOON, state: State = State.DONE, **more: Any) -> Run:
    """A run that began when it was due and took a minute."""
    started = more.pop("started_at", due_at)
    return Run(
        id=more.pop("id", 1),
        subject=more.pop("subject", "media"),
        kind=kind,
        reason="",
        state=state,
        due_at=due_at,
        started_at=started,
        ended_at=started + timedelta(minutes=1),
        **more,
    )


def kept(kind: str = "full", time: datetime = NOON, source: str = "media") -> Kept:
    """A snapshot of that moment."""
    return Kept(id=f"{int(time.timestamp()):064x}", vault="default", source=source, kind=kind, time=time)


def a_past(**more: Any) -> History:
    """A history of one source, ``media``."""
    return History(sources={"media": SourceHistory(source="media", **more)})


def good(run: Run) -> Past:
    """The past of a kind whose last run was good."""
    return Past(last=run, good=run)


def failed(run: Run, failures: int = 1, before: Run | None = None) -> Past:
    """The past of a kind whose last runs failed."""
    return Past(last=run, good=before, failed=run, failures=failures)


@dataclass(slots=True)
class Pretender:
    """A worker that takes no time, or as long as ``pause`` takes; ``breaks`` says when it fails."""

    catalog: Catalog
    clock: FrozenClock
    breaks: Callable[[Due], CovenantError | None] = lambda due: None
    pause: Callable[[Due, threading.Event], None] = lambda due, stop: None
    done: list[Due] = field(default_factory=list)
    snapshots: dict[str, Kept] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)
    stream: Callable[[str, threading.Event, Callable[[], None]], object] = lambda source, stop, noticed: stop.wait(20)
    """What following a log is, which by default lasts until it is told to stop."""
    followed: list[str] = field(default_factory=list)
    log_failures: list[tuple[str, int]] = field(default_factory=list)

    def look(self, vault: str) -> None:
        with self.lock:
            known = self.catalog.known(vault)
            new = [each for each in self.snapshots.values() if each.id not in known]
            self.catalog.take_up(vault, new, known, now=self.clock.now())

    def carry_out(self, due: Due, progress: Progress, stop: threading.Event, confirm: Callable[[], None]) -> Outcome:
        self.pause(due, stop)
        error = self.breaks(due)
        if error is not None:
            raise error
        confirm()
        with self.lock:
            self.done.append(due)
        if due.chore:
            return Outcome()
        taken = Kept(
            id=f"{len(self.snapshots):064x}",
            vault=due.vault,
            source=due.subject,
            kind=due.kind,
            time=self.clock.now(),
            files=10,
            bytes=1000,
        )
        self.snapshots[taken.id] = taken
        self.look(due.vault)
        return Outcome(snapshot_id=taken.id, tally={"files": 10, "bytes": 1000})

    def follow(
        self, source: str, stop: threading.Event, say: Say, confirm: Callable[[], None], noticed: Callable[[], None]
    ) -> None:
        confirm()
        self.followed.append(source)
        self.stream(source, stop, noticed)

    def log_failed(self, source: str, error: CovenantError, failures: int) -> None:
        self.log_failures.append((source, failures))


def broken() -> CovenantError:
    """What a source that cannot be read raises."""
    return SourceError("the folder is gone", "Mount it.")
