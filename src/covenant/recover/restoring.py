"""The coordinator's work on one restore.

One thread lists the snapshot's trees in the order in which backup kept them, so that what is wanted together lies
together. Small files go to the crew in batches, large ones in pieces, and the rest is made at once. A directory gets
its own mode and times when everything in it is done. What is in flight is bounded, so memory does not grow with the
snapshot.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures.process import BrokenProcessPool

from covenant.kernel.errors import DamageError, Interrupted, TargetError
from covenant.kernel.findings import Finding
from covenant.recover.attributes import Setter
from covenant.recover.awaited import Awaited
from covenant.recover.directory import Directory
from covenant.recover.entries import DEEPEST
from covenant.recover.folders import Folders
from covenant.recover.job import RestoreJob, Tally
from covenant.recover.listing import entries_of, join, resolve, too_deep
from covenant.recover.selection import Selection
from covenant.recover.special import SPECIAL, place_special
from covenant.recover.target import MARKER, Target
from covenant.recover.troubles import raise_if_fatal, told
from covenant.recover.writing import SMALL, Writing
from covenant.vault.tree import Node

_MANY_FILES = 4096


class Restoring:
    """One restore into an open target."""

    def __init__(self, job: RestoreJob, target: Target) -> None:
        self._job = job
        self._target = target
        self._folders = Folders(target.descriptor)
        self._setter = Setter()
        self._writing = Writing(job, target, self._folders, self._setter, self._done)
        self._selection = Selection(job.include, job.exclude)
        self._stack: list[Directory] = []
        self._visiting: Iterator[None] | None = None
        self._files = self._bytes = 0
        self._told_in_advance = False
        self._top = "/"
        self._tally = self._writing.tally
        self._findings = self._writing.findings

    def run(self) -> tuple[Tally, list[Finding]]:
        """Restore everything that can be restored. Raises ``Interrupted``, ``TargetError``, ``StoreError``."""
        try:
            self._begin()
            self._work()
        except BrokenProcessPool as error:
            raise TargetError(
                "a worker process ended before its time", "Run the same restore again: it goes on where it stopped."
            ) from error
        except OSError as error:
            raise_if_fatal(error, self._target.path)
            raise TargetError(f"{self._target.path} cannot be written: {told(error)}") from error
        finally:
            self._writing.close()
            self._folders.close()
        return self._tally, self._findings + self._setter.shortfalls.findings()

    def _work(self) -> None:
        while self._step() or self._writing.wait():
            if self._job.stop.is_set():
                raise Interrupted(
                    "the restore was stopped", "Run it again: files that are complete are not written twice."
                )

    def _step(self) -> bool:
        """Begin one more thing; returns whether there was one, and room for it."""
        if self._writing.saturated:
            return False
        if self._writing.step(flush=not self._visiting and not self._stack):
            return True
        if self._visiting is None and self._stack:
            self._visiting = self._visit(self._stack.pop())
        if self._visiting is None:
            return False
        if next(self._visiting, self) is self:
            self._visiting = None
        return True

    def _begin(self) -> None:
        """Find what is wanted, and lay the way to it."""
        job = self._job
        chain = resolve(job.vault, job.snapshot, job.path)
        directory = Directory("/", b"", job.snapshot.tree)
        if job.strip:
            self._top = "/" + "/".join(name for name, _ in chain)
            if chain and chain[-1][1].type != "dir":
                self._top = "/" + "/".join(name for name, _ in chain[:-1])
                directory = Directory(self._top, b"", chain[-2][1].subtree if len(chain) > 1 else job.snapshot.tree)
                directory.only = chain[-1][0]
            elif chain:
                directory = Directory(self._top, b"", chain[-1][1].subtree)
        else:
            for name, node in chain:
                if node.type != "dir":
                    directory.only = name
                    break
                directory = directory.below(name, node)
                assert directory.up is not None
                directory.up.pending -= 1  # the way is not listed: each waits only for the next
        self._stack.append(directory)
        self._announce()

    def _announce(self) -> None:
        """Say how much there is to do, where the snapshot tells."""
        summary = self._job.snapshot.summary or {}
        files, size = summary.get("total_files_processed"), summary.get("total_bytes_processed")
        if self._job.path != "/" or not self._selection.everything:
            return
        if isinstance(files, int) and isinstance(size, int):
            self._job.progress.expect(files=files, bytes=size)
            self._told_in_advance = True
            if files > _MANY_FILES and size < files * SMALL:
                self._writing.expect_many()

    # -- listing --------------------------------------------------------------------------------------------------

    def _visit(self, directory: Directory) -> Iterator[None]:
        """Go through a directory; pauses whenever something was given to the crew."""
        job, below, everything = self._job, [], self._selection.everything
        if directory.up is not None and self._wants(directory.shown, directory=True):
            self._make(directory)
        entries = () if directory.broken else entries_of(job.vault, directory.shown, directory.tree, self._findings)
        for name, node, problem in entries:
            if directory.only is not None and name != directory.only:
                continue
            if problem:
                self._find("name-refused", join(directory.shown, name), problem)
            elif node.type == "dir":
                below += self._below(directory, name, node)
            elif everything or self._wants(join(directory.shown, name)):
                self._entry(directory, name, node)
                if self._writing.pressing:
                    yield
        self._stack += reversed(below)
        if not self._told_in_advance:
            job.progress.expect(files=self._files, bytes=self._bytes)
        self._done(directory)

    def _wants(self, shown: str, *, directory: bool = False) -> bool:
        if self._selection.everything:
            return True
        return self._selection.takes(self._relative(shown), directory=directory)

    def _relative(self, shown: str) -> str:
        return shown[len(self._top) :].lstrip("/")

    def _below(self, directory: Directory, name: str, node: Node) -> list[Directory]:
        """The directory in this one, if it shall be gone into."""
        shown = join(directory.shown, name)
        if not self._selection.everything and self._selection.leaves_out(self._relative(shown), directory=True):
            return []
        inner = directory.below(name, node)
        if inner.depth > DEEPEST:
            self._findings.append(too_deep(shown))
        elif inner.contains_itself():
            self._find("tree-damaged", shown, "is said to contain itself")
        else:
            return [inner]
        directory.pending -= 1
        return []

    def _entry(self, directory: Directory, name: str, node: Node) -> None:
        """Anything but a directory."""
        if directory.up is None and os.fsencode(name) == MARKER:
            self._find("name-refused", join(directory.shown, name), "has the name of this restore's own mark")
        elif node.type == "file":
            self._file(directory, name, node)
        elif node.type in SPECIAL:
            self._special(directory, name, node)
        else:
            self._find("type-unknown", join(directory.shown, name), f"is of a type that we do not know: {node.type!r}")

    def _file(self, directory: Directory, name: str, node: Node) -> None:
        self._files += 1
        self._bytes += node.size
        if not directory.broken if directory.made else self._make(directory):
            directory.pending += 1
            self._writing.add(Awaited(directory, os.fsencode(name), node))
        else:
            self._tally.count("failed", 0)

    def _special(self, directory: Directory, name: str, node: Node) -> None:
        if not self._make(directory):
            return
        try:
            folder, raw = self._folders.open(directory.path), os.fsencode(name)
            place_special(folder, raw, node, self._setter, directory.place(raw))
            self._tally.others += 1
        except (OSError, DamageError, ValueError, OverflowError) as error:
            self._failed(join(directory.shown, name), error)

    # -- directories ----------------------------------------------------------------------------------------------

    def _make(self, directory: Directory) -> bool:
        """Have the directory there, with all above it; returns whether it is."""
        for unmade in directory.unmade():
            unmade.made = True
            unmade.broken = unmade.up is not None and unmade.up.broken
            if unmade.broken:
                continue
            try:
                unmade.fresh = self._folders.make(unmade.path)
                self._tally.directories += 1
            except OSError as error:
                raise_if_fatal(error, self._target.path)
                unmade.broken = True
                hint = "Move what is in its place away, and run the same restore again."
                self._find("in-the-way", unmade.shown, f"cannot be made: {told(error)}", hint)
        return not directory.broken

    def _done(self, directory: Directory | None, count: int = 1) -> None:
        """What a directory waited for is done, or ``count`` of it; after the last, it gets its own attributes."""
        while directory is not None:
            directory.pending -= count
            count = 1
            if directory.pending:
                return
            if directory.attributes is not None and directory.made and not directory.broken:
                try:
                    descriptor = self._folders.open(directory.path)
                    self._setter.on_descriptor(descriptor, directory.attributes, directory.path)
                except (OSError, DamageError, OverflowError) as error:
                    self._failed(directory.shown, error)
            directory = directory.up

    def _failed(self, shown: str, error: Exception) -> None:
        """One entry could not be restored, and the others can. Raises ``TargetError`` if they cannot either."""
        if isinstance(error, OSError):
            raise_if_fatal(error, self._target.path)
        self._find("not-restored", shown, f"is not restored: {told(error)}")

    def _find(self, kind: str, subject: str, message: str, hint: str = "") -> None:
        self._findings.append(Finding(kind, subject, message, hint))
