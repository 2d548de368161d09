"""The log that a server writes while its base backup is taken, streamed beside it.

A backup is of use only with the log from its beginning to its end. The server would send that with the backup, at the
end, if it still had it: a busy server that keeps little has not, and a slot that merely holds it is dropped by
``max_slot_wal_keep_size``, with whoever owns it. So it is fetched as it is written, by a second connection, whose
temporary slot moves on with what has arrived and is gone when the connection is.

Finished files wait on disk until the backup takes them in, which it does between two files of the data directory.
"""

from __future__ import annotations

import queue
import shutil
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from covenant.adapters.sources.postgres import commands, messages
from covenant.adapters.sources.postgres.address import Address
from covenant.adapters.sources.postgres.lsn import format_lsn
from covenant.adapters.sources.postgres.wal import Segment, segment_at
from covenant.adapters.sources.postgres.wire import Wire
from covenant.kernel.clock import Clock
from covenant.kernel.errors import CovenantError, SourceError, SourceUnavailable
from covenant.vault.ports import Buffer

_STATUS_SECONDS = 5.0
_LISTEN_SECONDS = 0.2
_SILENCE_SECONDS = 60.0
_READ = 1 << 20


class LogBeside:
    """A connection that keeps the server's log from now on, and fetches it once it is told from where.

    Raises ``SourceError`` where the server has no slot or no sender left for it.
    """

    def __init__(self, address: Address, clock: Clock, stop: threading.Event) -> None:
        self._source = address.source
        self._clock = clock
        self._wire = Wire.connect(address, stop)
        self._wire.silence_seconds = _SILENCE_SECONDS
        self._slot = f"covenant_base_{self._wire.process}"
        self._files: _Files | None = None
        self._wanted: int | None = None
        self._given_up = False
        self._error: CovenantError | None = None
        self._thread = threading.Thread(target=self._follow, name="log beside", daemon=True)
        try:
            commands.create_slot(self._wire, self._slot, temporary=True)
        except CovenantError:
            self._wire.close()
            raise

    def begin(self, timeline: int, start: int, size: int) -> None:
        """Fetch the log from the file in which ``start`` lies; files have ``size`` bytes."""
        self._files = _Files(segment_at(timeline, start, size))
        self._thread.start()

    def so_far(self) -> Iterator[Segment]:
        """The files that are finished and were not taken yet. Raises what went wrong."""
        if self._error:
            raise self._error
        while self._files and not self._files.finished.empty():
            yield self._files.finished.get()

    def up_to(self, end: int) -> Iterator[Segment]:
        """Wait until everything before ``end`` is here, and give what was not taken yet; zeros fill the last file."""
        self._wanted = end
        self._thread.join()
        yield from self.so_far()

    def content(self, segment: Segment) -> Iterator[Buffer]:
        """A finished file's bytes, once: it is removed afterwards."""
        assert self._files is not None
        return self._files.content(segment)

    def close(self) -> None:
        """Hang up; the slot is gone with that."""
        self._given_up = True
        if self._thread.is_alive():
            self._thread.join()
        self._wire.close()
        if self._files:
            self._files.remove()

    # -- in its thread ---------------------------------------------------------------------------------------------

    def _follow(self) -> None:
        files = self._files
        assert files is not None
        try:
            place = f"{format_lsn(files.at)} TIMELINE {files.segment.timeline}"
            self._wire.begin(f'START_REPLICATION SLOT "{self._slot}" PHYSICAL {place}')
            self._wire.copy_both()
            self._wire.send(messages.status(files.at, files.at, self._clock.now()))  # nothing before it is needed
            self._receive(files)
            files.end()
        except CovenantError as error:
            self._error = error
        except OSError as error:
            self._error = SourceError(
                f"the log of source '{self._source}' cannot be put aside: {(error.strerror or str(error)).lower()}",
                "Make room in the folder for temporary files, or name another one with TMPDIR.",
            )

    def _receive(self, files: _Files) -> None:
        told = self._clock.monotonic()
        while not self._given_up and (self._wanted is None or files.at < self._wanted):
            message = self._wire.receive(_LISTEN_SECONDS)
            answer = self._clock.monotonic() - told > _STATUS_SECONDS
            if message is None and self._wire.ended:
                raise SourceUnavailable(
                    f"the log of source '{self._source}' went into another timeline during the backup",
                    "Run the backup again.",
                )
            if message is not None and message[0] == messages.LOG:
                answer |= files.add(memoryview(message)[messages.BYTES_AT :])
            elif message is not None:
                answer |= messages.wants_answer(message)
            if answer:
                self._wire.send(messages.status(files.at, files.segment.begin, self._clock.now()))
                told = self._clock.monotonic()


class _Files:
    """The files of the log as they fill: written by one thread, taken by another when they are finished."""

    def __init__(self, first: Segment) -> None:
        self.segment = first
        self.at = first.begin
        self.finished: queue.SimpleQueue[Segment] = queue.SimpleQueue()
        self._folder = Path(tempfile.mkdtemp(prefix="covenant-log-"))
        self._file = self._opened()

    def add(self, data: memoryview) -> bool:
        """The next bytes; whether they finished a file."""
        finished = False
        while data:
            piece = data[: self.segment.end - self.at]
            self._file.write(piece)
            self.at += len(piece)
            data = data[len(piece) :]
            if self.at == self.segment.end:
                self._finish()
                self.segment, finished = self.segment.next, True
                self._file = self._opened()
        return finished

    def end(self) -> None:
        """Nothing follows: what there is of the last file is finished with zeros."""
        if self.at > self.segment.begin:
            self._file.truncate(self.segment.size)
            self._finish()

    def content(self, segment: Segment) -> Iterator[Buffer]:
        """The bytes of a finished file, which is removed then."""
        path = self._folder / segment.name
        with path.open("rb") as file:
            while piece := file.read(_READ):
                yield piece
        path.unlink()

    def remove(self) -> None:
        """Remove whatever is left."""
        self._file.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _opened(self) -> BinaryIO:
        return (self._folder / self.segment.name).open("wb")

    def _finish(self) -> None:
        self._file.close()
        self.finished.put(self.segment)
