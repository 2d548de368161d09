"""The files of one restore, from the moment they are found in a tree to the moment they are complete.

Small ones are gathered into batches; large ones are cut into pieces, each written by whichever thread is free; and
the further names of a file wait for its first. Everything here runs in the coordinator's thread but the crew's work.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import Any

from covenant.kernel.errors import DamageError, ObjectMissing
from covenant.kernel.findings import Finding
from covenant.recover.attributes import Attributes, Setter
from covenant.recover.awaited import Awaited, Gathering, Links, Sent
from covenant.recover.crew import Crew
from covenant.recover.directory import Directory
from covenant.recover.folders import Folders
from covenant.recover.job import RestoreJob, Tally
from covenant.recover.large import LargeFile, Piece
from covenant.recover.listing import join
from covenant.recover.small import Blob, Report, SmallFile
from covenant.recover.special import place_link
from covenant.recover.target import Target
from covenant.recover.troubles import raise_if_fatal, told
from covenant.vault.pack import BlobType

SMALL = 1 << 20
"""A file up to this size is written as one of a batch."""

_FEW_BLOBS = 8
_DATA = int(BlobType.DATA)
_IN_FLIGHT_PER_LANE = 4
_LOST = "Run 'covenant check --read-data' to see what else is damaged; an older snapshot may have it whole."


class Writing:
    """Takes files and has them written. ``done`` is told for how many files a directory need not wait any more."""

    def __init__(
        self,
        job: RestoreJob,
        target: Target,
        folders: Folders,
        setter: Setter,
        done: Callable[[Directory, int], None],
    ) -> None:
        settings = job.settings
        self._job = job
        self._target = target.path
        self._folders = folders
        self._setter = setter
        self._done = done
        self._crew = Crew(job.vault, target.path, target.descriptor, settings.lanes, settings.open_store)
        self._most_in_flight = settings.lanes * _IN_FLIGHT_PER_LANE
        self._gathering = Gathering(verify=job.verify, sparse=settings.sparse)
        self._large: deque[Awaited] = deque()
        self._pieces: tuple[Awaited, LargeFile, Iterator[Piece]] | None = None
        self._begun: set[LargeFile] = set()
        self._in_flight: dict[Future[Any], Callable[[], None]] = {}
        self._links = Links()
        self.tally = Tally()
        self.findings: list[Finding] = []

    def add(self, awaited: Awaited) -> None:
        """Have a file written, whose directory is there and counts it as pending."""
        if awaited.node.links > 1 and not self._links.join(awaited):
            self._wait_for_first(awaited)
        elif len(awaited.node.content or ()) > _FEW_BLOBS:
            self._large.append(awaited)
        else:
            self._add_small(awaited)

    @property
    def saturated(self) -> bool:
        """Whether it is time to wait for something rather than to begin more."""
        return len(self._in_flight) >= self._most_in_flight

    @property
    def pressing(self) -> bool:
        """Whether there is something to give to the crew before more is listed."""
        return self._gathering.full or bool(self._large) or self._pieces is not None

    def step(self, *, flush: bool) -> bool:
        """Give one more thing to the crew, with ``flush`` also a batch not yet full; returns whether there was one."""
        if self._pieces:
            self._next_piece(*self._pieces)
        elif self._large:
            self._begin_large(self._large.popleft())
        elif self._gathering.full or (flush and len(self._gathering)):
            self._send_batch()
        else:
            return False
        return True

    def wait(self) -> bool:
        """Take in what is finished, or wait until something is; returns whether there was anything to wait for."""
        if not self._in_flight:
            return False
        finished, _ = wait(self._in_flight, timeout=1.0, return_when=FIRST_COMPLETED)
        for future in finished:
            then = self._in_flight.pop(future)
            future.result()
            then()
        return True

    def expect_many(self) -> None:
        """There will be very many small files."""
        self._crew.expect_many()

    def close(self) -> None:
        """Let the crew go, and remove what is not complete."""
        self._crew.dismiss()
        for file in self._begun:
            file.abandon()

    # -- small files ----------------------------------------------------------------------------------------------

    def _add_small(self, awaited: Awaited) -> None:
        """A file of few blobs: into the batch, unless they are long ones."""
        try:
            blobs = self._blobs(awaited.node.content or ())
        except (ObjectMissing, ValueError) as error:
            self._lost(awaited, str(error))
            return
        awaited.size = sum([blob.place.size for blob in blobs])
        if awaited.size > SMALL:
            self._large.append(awaited)
        else:
            self._gathering.add(awaited, SmallFile(0, awaited.name, Attributes.of(awaited.node), blobs))

    def _blobs(self, content: list[str] | tuple[()]) -> list[Blob]:
        blobs, find = [], self._job.vault.index.find
        for blob in content:
            blob_id = bytes.fromhex(blob)
            place = find(blob_id, _DATA)
            if place is None:
                raise ObjectMissing(f"data blob {blob[:8]} is in no index")
            blobs.append(Blob(blob_id, place))
        return blobs

    def _send_batch(self) -> None:
        sent, batch = self._gathering.take()
        future = self._crew.write_small(batch)
        self._in_flight[future] = lambda: self._batch_written(sent, future.result())

    def _batch_written(self, sent: Sent, report: Report) -> None:
        """Settle a batch: what is as usual in one step, for there may be millions, and the rest one by one."""
        self._setter.shortfalls.merge(report.shortfalls)
        unusual = dict.fromkeys(sent.linked, "created")
        unusual |= dict.fromkeys(report.kept, "kept") | dict.fromkeys(report.replaced, "replaced")
        unusual |= dict.fromkeys(report.problems, "failed")
        usual, size = len(sent.files) - len(unusual), sent.bytes
        for number, what in unusual.items():
            awaited = sent.files[number]
            awaited.directory.pending += 1  # as it is counted with all others below, and when it is settled
            size -= awaited.size
            if what == "failed":
                self._not_written(awaited, *report.problems[number])
            else:
                self._settle(awaited, what)
        self.tally.files_created += usual
        self.tally.bytes_written += size
        self._job.progress.advance(files=usual, bytes=size)
        for directory, count in sent.directories:
            self._done(directory, count)

    def _not_written(self, awaited: Awaited, kind: str, message: str) -> None:
        if kind == "damaged":
            self._large.append(awaited)  # there, every copy of a blob is tried
        else:
            self._fail(awaited, message)

    # -- further names of a file ----------------------------------------------------------------------------------

    def _wait_for_first(self, awaited: Awaited) -> None:
        assert awaited.group is not None
        if awaited.group.there is None:
            awaited.group.waiting.append(awaited)
        else:
            self._link(awaited)

    def _link(self, awaited: Awaited) -> None:
        assert awaited.group is not None
        first = awaited.group.first
        if not awaited.group.there:
            self._lost(awaited, f"is another name of '{_shown(first)}', which could not be restored")
            return
        try:
            source = os.dup(self._folders.open(first.directory.path))
            try:
                what = place_link(self._folders.open(awaited.directory.path), awaited.name, source, first.name)
            finally:
                os.close(source)
        except OSError as error:
            self._fail(awaited, error)
        else:
            self._settle(awaited, what)

    # -- large files ----------------------------------------------------------------------------------------------

    def _begin_large(self, awaited: Awaited) -> None:
        """Make the file and begin to write it, unless it is there already."""
        directory, node = awaited.directory, awaited.node
        sparse = self._job.settings.sparse
        file = LargeFile(self._job.vault, directory.path, awaited.name, Attributes.of(node), node.content or (), sparse)
        try:
            folder = self._folders.open(directory.path)
            if not directory.fresh and not awaited.differs and file.stands(folder, self._setter):
                awaited.size = file.size
                self._check(awaited, file, folder, "kept")
            else:
                file.begin(folder)
                self._begun.add(file)
                self._pieces = awaited, file, file.pieces()
        except (OSError, DamageError, ObjectMissing, ValueError) as error:
            self._fail(awaited, error)

    def _next_piece(self, awaited: Awaited, file: LargeFile, pieces: Iterator[Piece]) -> None:
        piece = next(pieces, None)
        if piece is None:
            self._pieces = None
            self._piece_written(awaited, file, 0)
        else:
            future = self._crew.write_piece(file, piece)
            self._in_flight[future] = lambda: self._piece_written(awaited, file, future.result())

    def _piece_written(self, awaited: Awaited, file: LargeFile, written: int) -> None:
        """After the last piece, the file is complete, or it is lost."""
        self._job.progress.advance(bytes=written)
        file.missing_pieces -= 1
        if file.missing_pieces:
            return
        self._begun.discard(file)
        awaited.size = file.size
        if file.problem:
            file.abandon()
            self._lost(awaited, file.problem)
            return
        try:
            what = "replaced" if file.finish(self._setter) else "created"
            self._check(awaited, file, self._folders.open(awaited.directory.path), what)
        except (OSError, DamageError, OverflowError, ValueError) as error:
            file.abandon()
            self._fail(awaited, error)

    def _check(self, awaited: Awaited, file: LargeFile, folder: int, what: str) -> None:
        """Read back a file that should be complete, if that is asked for, and settle it."""
        if not self._job.verify:
            file.close()
            self._settle(awaited, what, told_already=what != "kept")
            return
        future = self._crew.read_back(file, os.dup(folder))

        def checked() -> None:
            if future.result():
                file.close()
                self._settle(awaited, what, told_already=what != "kept")
            elif what == "kept":  # the right size and time, but other bytes
                awaited.differs = True
                self._large.append(awaited)
            else:
                file.abandon()
                self._fail(awaited, "what was read back is not what was written")

        self._in_flight[future] = checked

    # -- what became of them --------------------------------------------------------------------------------------

    def _settle(self, awaited: Awaited, what: str, *, told_already: bool = False) -> None:
        """A file is there or it is lost; the same holds, then, for its other names."""
        self.tally.count(what, awaited.size)
        self._job.progress.advance(files=1, bytes=0 if told_already else awaited.size)
        group = awaited.group
        if group is not None and group.first is awaited:
            group.there = what != "failed"
            waiting, group.waiting = group.waiting, []
            for other in waiting:
                self._link(other)
        self._done(awaited.directory, 1)

    def _lost(self, awaited: Awaited, message: str) -> None:
        """The vault does not have the file whole any more: it is left out, so that nobody takes it for whole."""
        self.findings.append(Finding("content-damaged", _shown(awaited), f"is not restored: {message}", _LOST))
        self._settle(awaited, "failed")

    def _fail(self, awaited: Awaited, error: Exception | str) -> None:
        """The target does not take the file. Raises ``TargetError`` if it will not take any other either."""
        if isinstance(error, OSError):
            raise_if_fatal(error, self._target)
        message = error if isinstance(error, str) else told(error)
        self.findings.append(Finding("not-restored", _shown(awaited), f"is not restored: {message}"))
        self._settle(awaited, "failed")


def _shown(awaited: Awaited) -> str:
    return join(awaited.directory.shown, os.fsdecode(awaited.name))
