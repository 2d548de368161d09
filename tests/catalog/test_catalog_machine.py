"""The catalog against a model of a page: whatever daemons do, in whatever order, nobody who lost its lease writes."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from covenant.catalog.catalog import open_catalog
from covenant.catalog.records import Lease, Run, State
from covenant.kernel.errors import AlreadyDone, AlreadyRunning, LeaseLost

BEGIN = datetime(2026, 11, 25, tzinfo=UTC)
LENGTH = timedelta(seconds=60)
daemons = st.sampled_from(("north", "south", "east"))
subjects = st.sampled_from(("photos", "letters"))
states = st.sampled_from((State.DONE, State.FAILED, State.INTERRUPTED))


@dataclass
class Model:
    """What the catalog should hold. ``holder`` is who may write: nobody, or the one of the greatest fence."""

    holder: str = ""
    fence: int = 0
    until: datetime = BEGIN
    runs: dict[int, Run] = field(default_factory=dict)

    def running(self, subject: str) -> bool:
        return any(run.subject == subject and run.state is State.RUNNING for run in self.runs.values())

    def answered(self, subject: str, due_at: datetime) -> bool:
        return any(run.subject == subject and run.due_at == due_at and run.state.good for run in self.runs.values())


class CatalogMachine(RuleBasedStateMachine):
    """Three daemons that take, renew, lose and give back one lease, and begin and end runs with whatever they hold."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="covenant-"))
        self.catalog = open_catalog(self.folder / "catalog.db")
        self.model = Model()
        self.held: dict[str, Lease] = {}
        self.now = BEGIN

    def teardown(self) -> None:
        self.catalog.close()
        shutil.rmtree(self.folder)

    def may(self, lease: Lease) -> bool:
        return (self.model.holder, self.model.fence) == (lease.holder, lease.fence)

    @rule(seconds=st.sampled_from((1, 30, 61)))
    def pass_time(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @rule(who=daemons)
    def take(self, who: str) -> None:
        lease = self.catalog.lease("loop", who, LENGTH, self.now)
        free = self.model.holder in ("", who) or self.model.until <= self.now

        assert free == (lease is not None)
        if lease is not None:
            assert lease.fence > self.model.fence
            self.model.holder, self.model.fence, self.model.until = who, lease.fence, lease.until
            self.held[who] = lease

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def renew(self, data: st.DataObject) -> None:
        lease = data.draw(st.sampled_from(sorted(self.held.values(), key=lambda lease: lease.fence)))
        try:
            self.held[lease.holder] = self.catalog.renew(lease, LENGTH, self.now)
        except LeaseLost:
            assert not self.may(lease)
        else:
            assert self.may(lease)
            self.model.until = self.now + LENGTH

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def give_back(self, data: st.DataObject) -> None:
        lease = data.draw(st.sampled_from(sorted(self.held.values(), key=lambda lease: lease.fence)))
        self.catalog.release(lease, self.now)
        if self.may(lease):
            self.model.holder, self.model.until = "", self.now

    @precondition(lambda self: self.held)
    @rule(data=st.data(), subject=subjects, minute=st.integers(0, 2))
    def begin(self, data: st.DataObject, subject: str, minute: int) -> None:
        lease = data.draw(st.sampled_from(sorted(self.held.values(), key=lambda lease: lease.fence)))
        due_at = BEGIN + timedelta(minutes=minute)
        try:
            run = self.catalog.begin(subject, "full", "due", due_at, lease, self.now)
        except LeaseLost:
            assert not self.may(lease)
        except AlreadyRunning:
            assert self.may(lease)
            assert self.model.running(subject)
        except AlreadyDone:
            assert self.may(lease)
            assert self.model.answered(subject, due_at)
        else:
            assert self.may(lease)
            assert not self.model.running(subject)
            assert not self.model.answered(subject, due_at)
            self.model.runs[run.id] = run

    @precondition(lambda self: self.model.runs and self.held)
    @rule(data=st.data(), state=states)
    def finish(self, data: st.DataObject, state: State) -> None:
        run = self.model.runs[data.draw(st.sampled_from(sorted(self.model.runs)))]
        lease = data.draw(st.sampled_from(sorted(self.held.values(), key=lambda lease: lease.fence)))
        theirs = run.state is State.RUNNING and run.fence == lease.fence and self.may(lease)
        try:
            ended = self.catalog.finish(run, lease, state, self.now)
        except LeaseLost:
            assert not theirs
        else:
            assert theirs
            self.model.runs[run.id] = ended

    @rule()
    def settle(self) -> None:
        if self.model.until <= self.now:
            self.model.holder = ""
        expected = {
            run.id
            for run in self.model.runs.values()
            if run.state is State.RUNNING and (run.holder, run.fence) != (self.model.holder, self.model.fence)
        }
        lost = self.catalog.settle_lost(self.now)

        assert expected == {run.id for run in lost}
        self.model.runs |= {run.id: run for run in lost}

    @invariant()
    def the_catalog_holds_what_it_should(self) -> None:
        assert self.model.runs == {run.id: run for run in self.catalog.runs(most=10_000)}


CatalogMachine.TestCase.settings = settings(max_examples=15, stateful_step_count=30, deadline=None)
TestCatalogMachine = CatalogMachine.TestCase
TestCatalogMachine.__doc__ = "Whatever daemons do, the catalog holds what the model says, and refuses what it must."
