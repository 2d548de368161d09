"""Who is at work: one thread for each run, whose every step into the catalog is made under the lease."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import timedelta

from covenant.catalog.catalog import Catalog
from covenant.catalog.records import Advance, Lease, Outcome, Run, State
from covenant.kernel.clock import Clock
from covenant.kernel.errors import AlreadyDone, AlreadyRunning, CatalogError, CovenantError, Interrupted, LeaseLost
from covenant.loop.due import Due
from covenant.loop.events import Event, Tell
from covenant.loop.ports import Worker

_SECONDS_BETWEEN_ADVANCES = 1.0


class Recorder:
    """Progress that others can see: written to the catalog about once a second, and never in the way of the work."""

    def __init__(self, run: Run, lease: Lease, catalog: Catalog, clock: Clock) -> None:
        self._run = run
        self._lease = lease
        self._catalog = catalog
        self._clock = clock
        self._lock = threading.Lock()
        self._files = self._bytes = self._all_files = self._all_bytes = 0
        self._written = clock.monotonic()

    def expect(self, *, files: int = 0, bytes: int = 0) -> None:
        self._all_files, self._all_bytes = files, bytes

    def advance(self, *, files: int = 0, bytes: int = 0) -> None:
        with self._lock:
            self._files += files
            self._bytes += bytes
            now = self._clock.monotonic()
            if now - self._written < _SECONDS_BETWEEN_ADVANCES:
                return
            self._written = now
        try:
            self._catalog.advance(self._now(), self._lease)
        except CovenantError:
            return  # whoever watches sees nothing for a while; whether we may go on is asked by ``confirm``

    def _now(self) -> Advance:
        return Advance(
            run_id=self._run.id,
            at=self._clock.now(),
            files=self._files,
            bytes=self._bytes,
            expected_files=self._all_files,
            expected_bytes=self._all_bytes,
        )


@dataclass(slots=True)
class AtWork:
    """One run under way."""

    due: Due
    run: Run
    thread: threading.Thread | None = None
    stop: threading.Event = field(default_factory=threading.Event)
    making_way: bool = False
    """Whether it was asked to stop so that something more urgent can begin."""
    fine: bool | None = None
    """Whether it ended well; ``None`` while it lasts."""


class Crew:
    """The runs of this daemon."""

    def __init__(self, catalog: Catalog, worker: Worker, clock: Clock, tell: Tell, ended: Callable[[], None]) -> None:
        self._catalog = catalog
        self._worker = worker
        self._clock = clock
        self._tell = tell
        self._ended = ended
        self._all: list[AtWork] = []
        self._left: list[AtWork] = []

    def at_work(self) -> list[Due]:
        """What is being done."""
        return [each.due for each in self._all]

    def begin(self, due: Due, lease: Lease, length: timedelta) -> None:
        """Begin a run. What someone else does already, or has done, is passed over. Raises ``LeaseLost``."""
        try:
            run = self._catalog.begin(
                due.subject, due.kind, due.reason, due.due_at, lease, self._clock.now(), vault=due.vault
            )
        except (AlreadyRunning, AlreadyDone) as error:
            self._say("passed-over", due, error.message)
            return
        each = AtWork(due, run)
        each.thread = threading.Thread(target=self._work, args=(each, lease, length), name=f"run-{run.id}", daemon=True)
        self._all.append(each)
        self._say("begun", due, f"{due.kind}: {due.reason}", run=run.id)
        each.thread.start()

    def collect(self) -> list[bool]:
        """Take leave of the runs that ended; whether each ended well."""
        over = [each for each in self._all if each.fine is not None]
        self._all = [each for each in self._all if each.fine is None]
        return [bool(each.fine) for each in over]

    def interrupt(self) -> None:
        """Ask every run to save what it has and stop."""
        for each in self._all:
            each.stop.set()

    def make_way(self, dues: Collection[Due]) -> None:
        """Ask these to save what they have and stop; they are begun anew when there is room."""
        for each in self._all:
            if each.due in dues and not each.making_way:
                each.making_way = True
                each.stop.set()
                self._say("making-way", each.due, f"{each.due.kind} waits for something more urgent", run=each.run.id)

    def abandon(self) -> None:
        """Forget about every run: it is somebody else's now, and finds that out by itself."""
        self.interrupt()
        self._left += self._all
        self._all = []

    def give_up(self, lease: Lease, why: str) -> None:
        """End every run as interrupted, whatever it is waiting for: it acknowledges nothing from now on."""
        for each in self._all:
            with contextlib.suppress(LeaseLost):  # it ended, or was ended, this moment
                outcome = Outcome(message=why, hint="What it had stored is not stored again.")
                self._catalog.finish(each.run, lease, State.INTERRUPTED, self._clock.now(), outcome)
                self._say("given-up", each.due, why, outcome.hint, each.run.id)
        self.abandon()

    @property
    def lingers(self) -> bool:
        """Whether a run that was abandoned has not noticed yet: it waits for a line or a store."""
        return any(each.thread is not None and each.thread.is_alive() for each in self._left)

    # -- in a run's own thread ------------------------------------------------------------------------------------

    def _work(self, each: AtWork, lease: Lease, length: timedelta) -> None:
        fine = False
        try:
            state, outcome = self._carried_out(each, lease, length)
            self._catalog.finish(each.run, lease, state, self._clock.now(), outcome)
            fine = state is State.DONE or (state is State.INTERRUPTED and each.making_way)
            self._say(str(state), each.due, _summary(each.due, outcome), outcome.hint, each.run.id)
        except LeaseLost as error:
            self._say("deposed", each.due, error.message, error.hint, each.run.id)
        except CatalogError as error:
            self._say("unrecorded", each.due, error.message, error.hint, each.run.id)
        finally:
            each.fine = fine
            self._ended()

    def _carried_out(self, each: AtWork, lease: Lease, length: timedelta) -> tuple[State, Outcome]:
        recorder = Recorder(each.run, lease, self._catalog, self._clock)

        def confirm() -> None:
            self._catalog.renew(lease, length, self._clock.now())  # refused, where another has it

        try:
            outcome = self._worker.carry_out(each.due, recorder, each.stop, confirm)
            return (State.FINDINGS if outcome.findings else State.DONE), outcome
        except LeaseLost:
            raise
        except Interrupted as error:
            return State.INTERRUPTED, Outcome(message=error.message, hint=error.hint)
        except CovenantError as error:
            return State.FAILED, Outcome(message=error.message, hint=error.hint)
        except Exception as error:  # noqa: BLE001 - a defect in one run is that run's failure, and is told as one
            said = f"unexpected {type(error).__name__}: {error}"
            return State.FAILED, Outcome(message=said, hint="This is a defect of Covenant; please report it.")

    def _say(self, kind: str, due: Due, text: str, hint: str = "", run: int | None = None) -> None:
        self._tell(Event(at=self._clock.now(), kind=kind, subject=due.subject, text=text, hint=hint, run=run))


def _summary(due: Due, outcome: Outcome) -> str:
    kept = f" as snapshot {outcome.snapshot_id[:8]}" if outcome.snapshot_id else ""
    return f"{due.kind}{kept}" + (f": {outcome.message}" if outcome.message else "")
