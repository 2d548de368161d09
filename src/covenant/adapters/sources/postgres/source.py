"""The PostgreSQL source: a whole server, as a base backup over one ordinary connection.

Where the server can tell which blocks changed (17 and later, with ``summarize_wal``), an incremental backup lets only
those cross the wire, and is put together with its parent when it is taken: every snapshot is whole. Where it cannot,
everything crosses the wire, and only what is new is stored.

The log of the backup is fetched beside it (``log_beside``). Where the server has no slot or no sender left for that, it
is asked to send the log with the backup.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from covenant.adapters.sources.postgres import commands
from covenant.adapters.sources.postgres.address import Address
from covenant.adapters.sources.postgres.archives import Messages
from covenant.adapters.sources.postgres.log_beside import LogBeside
from covenant.adapters.sources.postgres.lsn import format_lsn, parse_lsn
from covenant.adapters.sources.postgres.manifest import NAME
from covenant.adapters.sources.postgres.receiving import Receiving
from covenant.adapters.sources.postgres.wal import Segment
from covenant.adapters.sources.postgres.wire import Table, Wire
from covenant.kernel.clock import Clock
from covenant.kernel.errors import SourceError, SourceUnavailable
from covenant.kernel.findings import Finding
from covenant.kernel.progress import Progress
from covenant.kernel.spans import Span, parse_span
from covenant.protect.arriving import Arrival
from covenant.protect.before import Before

_OLDEST = 15
_INCREMENTAL_FROM = 17
_UPLOAD = 256 << 10
_KIB = 1 << 10
_PIECES = ((64 << 30, 64 << 10), (1 << 40, 256 << 10))
_LARGEST_PIECE = 1 << 20


def paths_of(source: str) -> tuple[str, ...]:
    """What the snapshots of a source hold."""
    return (f"/{source}",)


@dataclass(frozen=True, slots=True)
class PostgresSource:
    """A server. ``max_rate`` is in bytes a second, ``None`` for as fast as it goes."""

    name: str
    address: Address
    clock: Clock = field(repr=False)
    max_rate: int | None = None

    @contextlib.contextmanager
    def receive(self, before: Before | None, stop: threading.Event, progress: Progress) -> Iterator[BaseBackup]:
        """Begin a base backup. Raises ``SourceError``."""
        with Wire.connect(self.address, stop) as wire:
            if wire.major < _OLDEST:
                raise SourceError(
                    f"the server of source '{self.name}' is PostgreSQL {wire.major}",
                    f"Covenant keeps {_OLDEST} and later: upgrade the server, or dump it meanwhile.",
                )
            backup = BaseBackup(self, wire, before, progress, stop)
            try:
                yield backup
            finally:
                backup.close()


class BaseBackup:
    """One base backup of a server, as it arrives."""

    def __init__(
        self,
        source: PostgresSource,
        wire: Wire,
        before: Before | None,
        progress: Progress,
        stop: threading.Event,
    ) -> None:
        self.paths = paths_of(source.name)
        self.findings: list[Finding] = []
        self.notes: list[str] = []
        self.position = ""
        self._source = source
        self._wire = wire
        self._progress = progress
        self._system = commands.identify(wire).system
        self._server_block = int(commands.shown(wire, "block_size"))
        self._segment = commands.segment_size(wire)
        self._log = self._log_beside(stop)
        begun, self._tablespaces, self._before = self._begin(before)
        self._began = source.clock.now()
        self.moment: datetime = self._began
        self._timeline, self._start = int(begun["tli"]), parse_lsn(begun["recptr"])
        self._size = sum(int(row[2] or 0) for row in self._tablespaces.rows) * _KIB
        self.block = next((piece for limit, piece in _PIECES if self._size <= limit), _LARGEST_PIECE)

    def arrivals(self) -> Iterator[Arrival]:
        """Every file, and at the end what they are of. Raises ``SourceError``, ``DamageError``."""
        self._progress.expect(bytes=self._size)
        messages = Messages(self._wire.copy_out(), self._progress)
        top = self.paths[0]
        receiving = Receiving(top, messages, self._before, self._server_block, self.block)
        if self._log:
            self._log.begin(self._timeline, self._start, self._segment)
        for arrival in receiving.arrivals():
            self._progress.advance(files=1)
            yield arrival
            if self._log:
                yield from self._of_the_log(receiving, self._log.so_far())
        end = parse_lsn(self._wire.rest().only["recptr"])
        self.moment = self._source.clock.now()
        if self._log:
            yield from self._of_the_log(receiving, self._log.up_to(end))
        position = Span(int(self._system), self._timeline, self._start, end)
        yield from receiving.closing(position, self._segment, self._said(position))
        self.position = str(position)
        self.findings += [Finding("server-warning", self._source.name, said) for said in self._wire.warnings]
        if self._before:
            since = self._before.snapshot.short_id
            self.notes.append(f"only blocks that changed since {since} crossed the wire: {receiving.block_bytes} bytes")

    # -- how it begins --------------------------------------------------------------------------------------------

    def _log_beside(self, stop: threading.Event) -> LogBeside | None:
        """Have the log kept from here on, to be fetched beside the backup."""
        try:
            return LogBeside(self._source.address, self._source.clock, stop)
        except SourceError as error:
            self.notes.append(f"no slot keeps the log of this backup, so it fails if it takes too long: {error}")
            return None

    def _of_the_log(self, receiving: Receiving, segments: Iterator[Segment]) -> Iterator[Arrival]:
        """Files of the log that have come."""
        moment_ns = int(self._source.clock.now().timestamp()) * 1_000_000_000
        for segment in segments:
            assert self._log is not None
            yield receiving.log(segment, self._log.content(segment), moment_ns)

    def close(self) -> None:
        """Let go of what the server holds for this backup."""
        if self._log:
            self._log.close()

    def _begin(self, before: Before | None) -> tuple[dict[str, str], Table, Before | None]:
        """Have the server begin: where its log stands, its tablespaces, and the parent, if it sends blocks alone."""
        if before is not None:
            why = self._why_all(before)
            if not why:
                try:
                    self._upload(before)
                    return *self._command("INCREMENTAL"), before
                except SourceUnavailable:
                    raise
                except SourceError as error:
                    why = error.message
            self.notes.append(f"everything crossed the wire, and only what is new was stored: {why}")
        return *self._command(), None

    def _why_all(self, before: Before) -> str:
        """Why everything has to cross the wire; ``""`` where it need not."""
        position = parse_span(before.snapshot.position)
        if position is None or position.system != int(self._system):
            return f"snapshot {before.snapshot.short_id} is no base backup of this server"
        if self._wire.major < _INCREMENTAL_FROM:
            return f"PostgreSQL {self._wire.major} cannot tell which blocks changed, {_INCREMENTAL_FROM} and later can"
        if commands.shown(self._wire, "summarize_wal") != "on":
            return "the server does not note which blocks changed (summarize_wal is off)"
        return "" if before.whole else f"the vault no longer has all of snapshot {before.snapshot.short_id}"

    def _upload(self, before: Before) -> None:
        manifest = memoryview(before.read(f"{self.paths[0]}/data/{NAME}"))
        self._wire.begin("UPLOAD_MANIFEST")
        self._wire.copy_in(manifest[at : at + _UPLOAD] for at in range(0, len(manifest), _UPLOAD))

    def _command(self, *more: str) -> tuple[dict[str, str], Table]:
        rate = self._source.max_rate
        options = [
            "LABEL 'covenant'",
            "CHECKPOINT 'fast'",
            "PROGRESS",
            *([] if self._log else ["WAL"]),
            "WAIT 0",
            "MANIFEST 'yes'",
            "MANIFEST_CHECKSUMS 'SHA256'",
            *([f"MAX_RATE {rate // _KIB}"] if rate else []),
            *more,
        ]
        self._wire.begin(f"BASE_BACKUP ({', '.join(options)})")
        return self._wire.table().only, self._wire.table()

    def _said(self, position: Span) -> dict[str, object]:
        """What a restore may want to know."""
        return {
            "format": 1,
            "source": self._source.name,
            "system": self._system,
            "server_version": self._wire.server_version,
            "timeline": position.timeline,
            "start": format_lsn(position.begin),
            "end": format_lsn(position.end),
            "began": self._began.isoformat(),
            "ended": self.moment.isoformat(),
            "segment_size": self._segment,
            "tablespaces": {row[0]: row[1] for row in self._tablespaces.rows if row[0]},
        }
