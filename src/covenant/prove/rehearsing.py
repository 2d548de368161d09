"""One source brought back into a sandbox, and questioned: the code by which drills judge, and which they test too.

What is done to the real snapshot and what is done to the copy in which damage was planted is the same: ``bring_back``,
then ``judged``. So a drill whose planted damage was caught was judged by code that catches.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from covenant.kernel.answers import Answer, Result
from covenant.kernel.clock import Clock
from covenant.kernel.errors import DamageError, Interrupted, ObjectMissing, TargetError
from covenant.kernel.progress import Progress, Silent
from covenant.prove.asking import ask
from covenant.prove.onward import Onward
from covenant.prove.ports import Access, Probe, Restored, counted
from covenant.prove.sandbox import Sandbox
from covenant.recover.flushing import flush_file_system
from covenant.recover.job import RestoreJob, RestoreOutcome, Settings, Tally
from covenant.recover.listing import walk
from covenant.recover.restore import restore
from covenant.vault.snapshot import Snapshot

CAME_BACK = "Did all of it come back?"
_MERE_SHORTFALLS = frozenset({"owner-not-restored", "xattr-not-restored"})
"""What a restore by someone who may not do everything lacks, and no byte of content."""


@dataclass(frozen=True, slots=True)
class Bench:
    """What every rehearsal works with. ``stop`` is set when it shall end, ``onward`` tells how far it is."""

    clock: Clock
    lanes: int = 2
    stop: threading.Event = field(default_factory=threading.Event)
    onward: Onward = field(default_factory=Onward)


@dataclass(slots=True)
class _Watch:
    """Sees how much is written: stops the restore where it outgrows its sandbox, or the drill was told to end."""

    sandbox: Sandbox
    outer: threading.Event
    stop: threading.Event
    progress: Progress
    outgrown: TargetError | None = None

    def expect(self, *, files: int = 0, bytes: int = 0) -> None:
        self.progress.expect(files=files, bytes=bytes)

    def advance(self, *, files: int = 0, bytes: int = 0) -> None:
        self.progress.advance(files=files, bytes=bytes)
        try:
            self.sandbox.take(bytes)
        except TargetError as error:
            self.outgrown = error
            self.stop.set()
        if self.outer.is_set():
            self.stop.set()


@dataclass(frozen=True, slots=True)
class BroughtBack:
    """What lies in the sandbox now, and how it came there."""

    restored: Restored
    tally: Tally
    answer: Answer


def bring_back(
    bench: Bench,
    access: Access,
    snapshot: Snapshot,
    sandbox: Sandbox,
    source: str,
    path: str = "/",
    *,
    durable: bool = True,
) -> BroughtBack:
    """Restore a snapshot, or a part of it. What the vault cannot give back is an answer that failed.

    What is measured is ``durable``, as in earnest; a copy in which damage is planted need not outlive a power cut.
    Raises ``TargetError`` where the sandbox has no room, ``Interrupted``, and the store's own errors.
    """
    progress = bench.onward.one() if durable else Silent()
    watch = _Watch(sandbox, bench.stop, threading.Event(), progress)
    flush = flush_file_system if durable else _leave_to_the_system
    settings = Settings(lanes=bench.lanes, open_store=access.open_store, flush=flush)
    job = RestoreJob(access.vault, snapshot, str(sandbox.folder), bench.clock, path)
    job.settings, job.progress, job.stop = settings, watch, watch.stop
    began = bench.clock.monotonic()
    try:
        outcome = restore(job)
        tally, answer = outcome.tally, came_back(outcome)
    except Interrupted:
        raise watch.outgrown or Interrupted("the drill was stopped", "Hold it again.") from None
    except (DamageError, ObjectMissing) as error:
        tally = Tally()
        answer = Answer(CAME_BACK, Result.FAILED, f"nothing came back: {error}", bench.clock.monotonic() - began)
    return BroughtBack(Restored(source, sandbox.folder, access.vault, snapshot, path), tally, answer)


def came_back(outcome: RestoreOutcome) -> Answer:
    """Whether a restore brought everything back, by what it says itself."""
    lost = [finding for finding in outcome.findings if finding.kind not in _MERE_SHORTFALLS]
    tally = outcome.tally
    if lost or tally.files_failed:
        first = f", the first {lost[0]}" if lost else ""
        told = f"{counted(tally.files_failed, 'file')} and {counted(len(lost), 'finding')}{first}"
        return Answer(CAME_BACK, Result.FAILED, told, outcome.seconds)
    told = f"{counted(tally.files, 'file')}, {counted(tally.directories, 'folder')}, {tally.bytes_written:,} bytes"
    return Answer(CAME_BACK, Result.PASSED, told, outcome.seconds)


def judged(bench: Bench, brought: BroughtBack, probes: Iterable[Probe]) -> Iterator[Answer]:
    """How the restore itself went, and then each probe's answer, one after another."""
    yield brought.answer
    for probe in probes:
        yield ask(probe, brought.restored, bench.clock, bench.stop)


def size_of(access: Access, snapshot: Snapshot, path: str = "/") -> int:
    """How many bytes of files a snapshot, or a part of it, restores to."""
    said = (snapshot.summary or {}).get("total_bytes_processed")
    if path == "/" and isinstance(said, int):
        return said
    return sum(found.node.size for found in walk(access.vault, snapshot, path) if found.node.type == "file")


def _leave_to_the_system(folder: int) -> None:
    """Nothing here shall outlive a power cut."""
