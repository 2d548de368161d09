"""A backup: one source, once, into the vault.

One thread, the coordinator, lists the source depth first. Entries that are as they were in the parent snapshot are
settled at once; files that must be read go to the crew. A directory becomes a tree when its last entry is settled,
which may settle the one above. What is in flight is bounded, so memory does not grow with the source.

Order of writes: packs (I1), indexes (I2), and the snapshot last (I3): a backup that dies leaves no snapshot, only
blobs that the next one finds and need not store again.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from covenant.kernel.clock import Clock
from covenant.kernel.errors import Interrupted, SourceError
from covenant.kernel.findings import Finding
from covenant.kernel.progress import Progress, Silent
from covenant.protect.arriving import Arriving
from covenant.protect.content import SMALL, LargeFile, Stored, Wanted, file_finding
from covenant.protect.crew import Crew, Report
from covenant.protect.directory import Awaited, Directory
from covenant.protect.parent import OldDirectory, settled_before
from covenant.protect.ports import Capture, Entry, Source
from covenant.protect.stream import Received, receive
from covenant.protect.tally import Tally, gone_since, summary
from covenant.vault.compression import DEFAULT_LEVEL
from covenant.vault.lock import Owner
from covenant.vault.pack import DEFAULT_PACK_SIZE, BlobType
from covenant.vault.ports import AppendStore
from covenant.vault.reader import read_tree_text
from covenant.vault.snapshot import KIND_TAG, POSITION_TAG, SOURCE_TAG, Snapshot, snapshot_time
from covenant.vault.tree import node_text
from covenant.vault.vault import Vault
from covenant.vault.writer import Added, Writer

_BATCH_FILES = 512
_BATCH_BYTES = 8 << 20
_IN_FLIGHT_PER_LANE = 4
_DATA = int(BlobType.DATA)  # an enum's member takes longer to reach, and this is asked for every file


@dataclass(frozen=True, slots=True)
class Settings:
    """How a backup works, apart from what it takes."""

    lanes: int = 2
    pack_size: int = DEFAULT_PACK_SIZE
    level: int = DEFAULT_LEVEL
    open_store: Callable[[], AppendStore] | None = None
    """Opens the vault's store in a worker process; without it there are only threads."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a backup came to. ``snapshot.id`` is empty after a dry run."""

    snapshot: Snapshot
    tally: Tally
    added: Added
    seconds: float
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    """In what way it was done, where a source has several; no reason to worry."""


@dataclass(slots=True)
class Job:
    """One backup to be made: the source, where to, whose, and in what way."""

    source: Source | Arriving
    vault: Vault
    store: AppendStore
    owner: Owner
    clock: Clock
    kind: str = "full"
    parent: Snapshot | None = None
    tags: tuple[str, ...] = ()
    program: str = "covenant"
    settings: Settings = field(default_factory=Settings)
    progress: Progress = field(default_factory=Silent)
    stop: threading.Event = field(default_factory=threading.Event)
    dry_run: bool = False
    confirm: Callable[[], None] = lambda: None
    """Makes sure that we may add to the vault: called before the snapshot is stored, raises if we may not."""


def backup(job: Job) -> Outcome:
    """Make the backup. Raises ``Interrupted`` when told to stop, after making durable what was read."""
    began, begin = job.clock.now(), job.clock.monotonic()
    excludes: tuple[str, ...] = ()
    if isinstance(job.source, Arriving):
        came = receive(job, job.source)
    else:
        came, excludes = _read(job, job.source, began)
    snapshot = Snapshot(
        time_=snapshot_time(came.moment),
        parent=job.parent.id if job.parent else None,
        tree=came.tree,
        paths=list(came.paths),
        hostname=job.owner.hostname,
        username=job.owner.username,
        uid=job.owner.uid,
        gid=job.owner.gid,
        excludes=list(excludes) or None,
        tags_=_tags(job, came.position),
        program_version=job.program,
        summary=summary(came.tally, came.added, snapshot_time(began), snapshot_time(job.clock.now())),
    )
    if not job.dry_run:
        job.confirm()  # I4: no snapshot before our lock has stood unchallenged
        job.vault.save_snapshot(job.store, snapshot)  # I3: the snapshot is written last
    return Outcome(snapshot, came.tally, came.added, job.clock.monotonic() - begin, came.findings, came.notes)


def _read(job: Job, source: Source, began: datetime) -> tuple[Received, tuple[str, ...]]:
    """Bring in a source that can be listed; what it holds, and what it leaves out."""
    with source.capture(job.parent) as capture:
        reading = _Reading(job, capture)
        tree = reading.run()
        tally = reading.tally
        tally.files_gone = gone_since(job.parent, tally)
        findings = (*capture.findings, *reading.findings)
        came = Received(tree, capture.paths, capture.position, began, tally, reading.added, findings, ())
        return came, capture.excludes


def _tags(job: Job, position: str) -> list[str]:
    tags = list(job.tags)
    if job.source.name:
        tags.append(SOURCE_TAG + job.source.name)
    if position:
        tags.append(POSITION_TAG + position)
    return [*tags, KIND_TAG + (job.kind if job.parent or job.kind == "archive" else "full")]


class _Reading:
    """The coordinator's work on one capture."""

    def __init__(self, job: Job, capture: Capture) -> None:
        self._job = job
        self._capture = capture
        settings = job.settings
        self._writer = Writer(job.vault, job.store, pack_size=settings.pack_size, level=settings.level)
        self._crew = Crew(self._writer, settings.lanes, settings.open_store)
        self._most_in_flight = settings.lanes * _IN_FLIGHT_PER_LANE
        self._stack: list[Directory] = []
        self._batch: list[Awaited] = []
        self._batch_bytes = 0
        self._in_flight: dict[Future[Any], Callable[[], None]] = {}
        self._large: list[LargeFile] = []
        self._links: dict[tuple[int, int], Stored | list[Awaited]] = {}
        self._elsewhere = Added()
        self._known = job.vault.index.has
        self._tree = ""
        self._settled_ns = settled_before(job.parent) if job.parent else 0
        self.tally = Tally()
        self.findings: list[Finding] = []

    @property
    def added(self) -> Added:
        """What was new, in this process and in the workers'."""
        total = self._writer.added
        total += self._elsewhere
        return total

    def run(self) -> str:
        """Read everything; returns the tree's id when all of it is durable and indexed."""
        try:
            self._read()
            for packs, added in self._crew.finish():
                self._writer.register(packs)
                self._elsewhere += added
            self._writer.flush()
        except BrokenProcessPool as error:
            self._keep_what_is_whole()
            raise SourceError(
                "a worker process ended before its time, and the backup with it",
                "Often memory ran out. Run it again: what was read already is in the vault and is not stored twice.",
            ) from error
        finally:
            self._dismiss()
        return self._tree

    def _dismiss(self) -> None:
        for file in self._large:
            file.abandon()
        self._crew.dismiss()
        for file in self._large:
            file.close()

    def _read(self) -> None:
        parent = self._job.parent
        self._stack.append(Directory("/", old_id=parent.tree if parent else None))
        while self._stack or self._batch or self._in_flight:
            if self._job.stop.is_set():
                self._save_and_stop()
            if self._stack and len(self._in_flight) < self._most_in_flight:
                self._visit(self._stack.pop())
            else:
                if not self._stack:
                    self._send_batch()
                self._await_some()

    def _save_and_stop(self) -> None:
        self._keep_what_is_whole()
        raise Interrupted(
            "the backup was stopped", "Run it again: what was read already is in the vault and is not stored twice."
        )

    def _keep_what_is_whole(self) -> None:
        """Make durable what was read, so that the next backup need not store it again."""
        for file in self._large:
            file.abandon()
        with contextlib.suppress(BrokenProcessPool):
            for packs, _ in self._crew.finish():
                self._writer.register(packs)
        for future in self._in_flight:
            if future.done() and not future.exception() and isinstance(report := future.result(), Report):
                self._writer.register(report.packs)
        self._writer.flush()

    # -- listing --------------------------------------------------------------------------------------------------

    def _old(self, tree_id: str | None) -> OldDirectory | None:
        text = read_tree_text(self._job.vault, tree_id) if tree_id else None
        return OldDirectory(text, self._present, self._settled_ns) if text else None

    def _present(self, blob: str) -> bool:
        try:
            return self._known(bytes.fromhex(blob), _DATA)
        except ValueError:  # a tree by another hand may say anything
            return False

    def _visit(self, directory: Directory) -> None:
        """List a directory, settle what is settled already, and have the rest read."""
        self.tally.directories += 1
        old = directory.old = self._old(directory.old_id)
        subdirectories = []
        unmodified = unmodified_bytes = 0
        for entry in self._capture.list(directory.path):
            if entry.kind == "file":
                text = old.unchanged(entry) if old else None
                if text is not None:
                    directory.keep(text)
                    unmodified += 1
                    unmodified_bytes += entry.size
                else:
                    directory.pending += 1
                    self._read_file(Awaited(directory, directory.reserve(), self._capture.ready(entry)))
            elif entry.kind in ("dir", "mountpoint"):
                directory.pending += 1
                subdirectories.append(self._below(directory, directory.reserve(), entry))
            else:
                text = node_text(entry.metadata, None)
                directory.keep(text)
                if old:
                    old.passed(text)
        self._count_unmodified(unmodified, unmodified_bytes)
        self._stack += reversed([below for below in subdirectories if below is not None])
        self._done(directory)

    def _below(self, directory: Directory, slot: int, entry: Entry) -> Directory | None:
        if entry.kind == "mountpoint":  # kept as an empty directory
            empty = Directory(entry.path, entry.metadata, directory, slot)
            self._done(empty)
            return None
        old_id = directory.old.subtree(entry) if directory.old else None
        return Directory(entry.path, entry.metadata, directory, slot, old_id)

    def _done(self, directory: Directory | None) -> None:
        """One of the things that a directory waited for is settled; if it was the last, so is the directory."""
        while directory is not None:
            directory.pending -= 1
            if directory.pending:
                return
            tree_id = self._writer.tree(directory.tree()).hex()
            up = directory.up
            if up is None:
                self._tree = tree_id
            else:
                up.settle(directory.slot, node_text(directory.metadata, None, tree_id))
            directory = up

    # -- reading --------------------------------------------------------------------------------------------------

    def _read_file(self, awaited: Awaited) -> None:
        entry = awaited.entry
        if entry.link is not None:
            known = self._links.get(entry.link)
            if isinstance(known, Stored):
                self._settle(awaited, known)
                return
            if known is not None:
                known.append(awaited)
                return
            self._links[entry.link] = []
        if entry.size > SMALL:
            self._send_large(awaited)
            return
        self._batch.append(awaited)
        self._batch_bytes += entry.size
        if len(self._batch) >= _BATCH_FILES or self._batch_bytes >= _BATCH_BYTES:
            self._send_batch()

    def _send_batch(self) -> None:
        if not self._batch:
            return
        batch, self._batch, self._batch_bytes = self._batch, [], 0
        wanted = [Wanted(item.entry.path, item.entry.size, item.entry.mtime_ns, item.entry.inode) for item in batch]
        future = self._crew.store_small(wanted)
        self._in_flight[future] = lambda: self._batch_stored(batch, future.result())

    def _batch_stored(self, batch: list[Awaited], report: Report) -> None:
        self._writer.register(report.packs)
        for awaited, stored in zip(batch, report.stored, strict=True):
            self._settle(awaited, stored)

    def _send_large(self, awaited: Awaited) -> None:
        entry = awaited.entry
        file = LargeFile(entry.path, entry.size, entry.mtime_ns, entry.inode, self._job.progress)
        self._large.append(file)
        futures = self._crew.store_large(file, entry.size)
        working = len(futures)

        def one_finished() -> None:
            nonlocal working
            working -= 1
            if not working:
                self._large.remove(file)
                self._settle(awaited, file.result(), told=file.told)

        for future in futures:
            self._in_flight[future] = one_finished

    def _await_some(self) -> None:
        """Take in what is finished, or wait until something is. An error of a worker is raised here."""
        finished, _ = wait(self._in_flight, timeout=1.0, return_when=FIRST_COMPLETED)
        for future in finished:
            then = self._in_flight.pop(future)
            future.result()
            then()

    def _settle(self, awaited: Awaited, stored: Stored, told: int = 0) -> None:
        """A file's content is known: its node is, and so are those of its other names.

        ``told`` is how many of its bytes progress knows of.
        """
        waiting = self._links.get(awaited.entry.link) if awaited.entry.link else None
        if awaited.entry.link:
            self._links[awaited.entry.link] = stored
        for item in [awaited, *(waiting if isinstance(waiting, list) else [])]:
            self._settle_one(item, stored, told)
            told = 0

    def _settle_one(self, awaited: Awaited, stored: Stored, told: int) -> None:
        entry, directory = awaited.entry, awaited.directory
        if stored.problem in ("", "changed"):
            directory.settle(awaited.slot, awaited.text(stored.content, stored.size))
            self._count(stored.size, told, known=directory.old is not None and directory.old.had(entry))
        if stored.problem:
            self.findings.append(file_finding(entry.path, stored.problem))
        self._done(directory)

    def _count_unmodified(self, files: int, size: int) -> None:
        self.tally.files_unmodified += files
        self.tally.bytes += size
        self._job.progress.advance(files=files, bytes=size)

    def _count(self, size: int, told: int, *, known: bool) -> None:
        self.tally.bytes += size
        if known:
            self.tally.files_changed += 1
        else:
            self.tally.files_new += 1
        self._job.progress.advance(files=1, bytes=size - told)
