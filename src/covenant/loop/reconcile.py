"""The loop: again and again, compare what was promised with what was done, and begin what is due.

It keeps no timers. Between two looks it sleeps until the next moment at which something can fall due, or until
something happens: a run ends, the policy changes, it is told to stop. Only who holds the lease begins anything; every
write to the catalog names the lease and is refused when another holds it, so a daemon that was frozen and wakes finds
out before it acknowledges anything.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from covenant.catalog.catalog import Catalog
from covenant.catalog.records import Lease
from covenant.kernel.clock import Clock
from covenant.kernel.errors import CatalogError, CovenantError, LeaseLost
from covenant.kernel.policy import Policy
from covenant.loop.at_work import Crew
from covenant.loop.choosing import choose, in_the_way
from covenant.loop.due import due, upcoming
from covenant.loop.events import Event, Tell
from covenant.loop.ports import Worker
from covenant.loop.promised import note_promises, promised_since
from covenant.loop.streams import Streams
from covenant.prove.evidence.watching import note_policy

LEASE = "loop"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How the loop works. ``look_every`` bounds how long a change of the policy goes unseen."""

    holder: str
    concurrent: int = 2
    lease: timedelta = timedelta(seconds=60)
    look_every: timedelta = timedelta(seconds=15)
    drain: timedelta = timedelta(minutes=5)


@dataclass(slots=True)
class Loop:
    """One daemon. ``policy`` is asked at every look, and may answer differently from then on."""

    policy: Callable[[], Policy]
    catalog: Catalog
    worker: Worker
    clock: Clock
    terms: Terms
    tell: Tell = lambda event: None
    stop: threading.Event = field(default_factory=threading.Event)
    bad: int = 0
    """How many runs failed, or ended with findings."""
    _wake: threading.Event = field(default_factory=threading.Event)
    _lease: Lease | None = None
    _crew: Crew = field(init=False)
    _looked_at: datetime | None = None
    _next: datetime | None = None
    _known: Policy | None = None
    _since: Mapping[str, datetime] = field(default_factory=dict)
    _streams: Streams = field(init=False)
    _follows: bool = False

    def __post_init__(self) -> None:
        self._crew = Crew(self.catalog, self.worker, self.clock, self.tell, self._wake.set)
        self._streams = Streams(self.catalog, self.worker, self.clock, self.tell, self._noticed, self._wake.set)

    def run(self) -> None:
        """Keep the promises until told to stop, change logs among them, which have no end."""
        self._follows = True
        try:
            while not self.stop.is_set():
                self._turn()
                self._wait()
        finally:
            self._end()

    @property
    def leading(self) -> bool:
        """Whether the lease was ours when we last looked."""
        return self._lease is not None

    @property
    def lingers(self) -> bool:
        """Whether something still goes on that was given up: whoever ends the process need not wait for it."""
        return self._crew.lingers or bool(self._streams.following())

    def once(self, then: Callable[[], object] = lambda: None) -> bool:
        """Do everything that is due now, and ``then`` while we still lead; whether the lease was ours."""
        try:
            self._turn()
            while self._lease is not None and not self.stop.is_set() and self._crew.at_work():
                self._wake.wait(1.0)
                self._wake.clear()
                self._turn(always=True)
            if self._lease is not None:
                then()
            return self._lease is not None
        finally:
            self._end()

    # -- one turn -------------------------------------------------------------------------------------------------

    def _turn(self, always: bool = False) -> None:
        """Hold the lease, and begin what is due if anything can have changed."""
        try:
            if not self._held():
                return
            policy, now = self.policy(), self.clock.now()
            if self._follows and self._lease is not None:
                self._streams.agree(policy, self._lease, self.terms.lease)
            ended = self._crew.collect()
            self.bad += sum(not fine for fine in ended)
            passed = self._next is None or now >= self._next or (self._looked_at is not None and now < self._looked_at)
            if always or ended or passed or policy is not self._known:
                self._begin_due(policy, now)
        except LeaseLost as error:
            self._lose(error)
        except CatalogError as error:
            self._say("catalog", text=error.message, hint=error.hint)
            self._next = None

    def _held(self) -> bool:
        """Whether the lease is ours, which is renewed here or taken."""
        terms = self.terms
        if self._lease is not None:
            self._lease = self.catalog.renew(self._lease, terms.lease, self.clock.now())
            return True
        self._lease = self.catalog.lease(LEASE, terms.holder, terms.lease, self.clock.now())
        if self._lease is None:
            return False
        self._say("leading", text=f"under fence {self._lease.fence}")
        for run in self.catalog.settle_lost(self.clock.now()):
            self._say("lost", subject=run.subject, text=f"{run.kind} of {run.holder} was never ended", run=run.id)
        for vault in self.policy().vaults:
            self._look(vault)
        return True

    def _look(self, vault: str) -> None:
        """What a vault holds may be more than the catalog knows: it was lost, or others keep things there too."""
        try:
            self.worker.look(vault)
        except CovenantError as error:
            self._say("unseen", subject=vault, text=error.message, hint=error.hint)
        assert self._lease is not None
        self._lease = self.catalog.renew(self._lease, self.terms.lease, self.clock.now())

    def _begin_due(self, policy: Policy, now: datetime) -> None:
        assert self._lease is not None
        terms = self.terms
        if policy is not self._known:
            note_promises(self.catalog, policy, terms.holder, now)
            note_policy(self.catalog, policy, terms.holder, now)
            self._since = promised_since(self.catalog)
        history = self.catalog.history(now)
        found = due(policy, history, now, self._since)
        chosen = choose(found, self._crew.at_work(), terms.concurrent, now)
        for each in chosen:
            self._crew.begin(each, self._lease, terms.lease)
        self._crew.make_way(in_the_way(found, self._crew.at_work(), terms.concurrent))
        self._known, self._looked_at = policy, now
        soon = now + timedelta(minutes=1) if len(found) > len(chosen) else None  # a vault is busy, or there is no room
        self._next = min((m for m in (*upcoming(policy, history, now), soon) if m is not None), default=None)
        self._next = self._next or now + timedelta(hours=1)

    # -- between two ----------------------------------------------------------------------------------------------

    def _wait(self) -> None:
        left = self.terms.look_every.total_seconds()
        if self._next is not None and self._lease is not None:
            left = min(left, max(0.05, (self._next - self.clock.now()).total_seconds()))
        self._wake.wait(min(left, self.terms.lease.total_seconds() / 3))
        self._wake.clear()

    def _noticed(self) -> None:
        """Something may be due that was not a moment ago."""
        self._next = None
        self._wake.set()

    def wake(self) -> None:
        """Look at once: something changed."""
        self._wake.set()

    # -- the end --------------------------------------------------------------------------------------------------

    def _lose(self, error: LeaseLost) -> None:
        """Another leads: what is at work here must acknowledge nothing, and is broken off."""
        self._say("deposed", text=error.message, hint=error.hint)
        self._crew.abandon()
        self._streams.abandon()
        self._lease = self._next = None

    def _end(self) -> None:
        """Let what is at work finish or break off cleanly, within bounds; then give the lease back."""
        if self.stop.is_set() and self._under_way():
            self._say("draining", text=f"{self._under_way()} at work")
            self._crew.interrupt()
        self._streams.interrupt()
        deadline = self.clock.monotonic() + self.terms.drain.total_seconds()
        while self._under_way() and self.clock.monotonic() < deadline:
            self._wake.wait(min(1.0, self.terms.lease.total_seconds() / 3))
            self._wake.clear()
            self.bad += sum(not fine for fine in self._crew.collect())
            try:
                if self._lease is not None:
                    self._lease = self.catalog.renew(self._lease, self.terms.lease, self.clock.now())
            except CovenantError:
                self._crew.abandon()
                self._streams.abandon()
                self._lease = None
        if self._lease is not None:
            try:
                self._crew.give_up(self._lease, f"it was still at work {self.terms.drain} after it was told to stop")
                self.catalog.release(self._lease, self.clock.now())
            except CatalogError as error:
                self._say("catalog", text=error.message, hint=error.hint)

    def _under_way(self) -> int:
        """How many runs and streams have not ended."""
        return len(self._crew.at_work()) + len(self._streams.following())

    def _say(self, kind: str, *, subject: str = "", text: str = "", hint: str = "", run: int | None = None) -> None:
        self.tell(Event(at=self.clock.now(), kind=kind, subject=subject, text=text, hint=hint, run=run))
