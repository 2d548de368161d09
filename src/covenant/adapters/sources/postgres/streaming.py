"""The change log of a server, followed over a replication connection.

A physical slot makes the server keep its log until we have acknowledged it, and we acknowledge what the vault has
durably. When a timeline ends, because the server was promoted, its history file is fetched and the log followed in the
next one, from the beginning of the file in which it branches off: that file begins with a copy of the old one's bytes.

A slot that was lost is made anew. What lies in between is a gap, which the first batch that follows shows.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from covenant.adapters.sources.postgres import commands, messages
from covenant.adapters.sources.postgres.address import Address
from covenant.adapters.sources.postgres.beginning import Beginning, begin_after, begin_anew
from covenant.adapters.sources.postgres.growing import Growing, Run
from covenant.adapters.sources.postgres.marks import Marks
from covenant.adapters.sources.postgres.proving import Tail
from covenant.adapters.sources.postgres.wal import history_name, parse_history, segment_at
from covenant.adapters.sources.postgres.watching import Health, Watch, ask
from covenant.adapters.sources.postgres.wire import Wire
from covenant.kernel.clock import Clock
from covenant.kernel.errors import SourceError, SourceUnavailable
from covenant.kernel.findings import Finding
from covenant.kernel.spans import Lineage, Span, parse_place, place_text
from covenant.protect.ports import Batch
from covenant.vault.pieces import Piece
from covenant.vault.ports import Buffer

MOST_WAITING = 16 << 20
"""So many bytes are held and not taken; beyond that the server has to wait."""
_STATUS_SECONDS = 5.0
_FIRST_WORD_SECONDS = 10.0


@dataclass(slots=True)
class PostgresLog:
    """The log of one server, kept by the slot ``slot``. ``told`` hears of what a person should know."""

    name: str
    address: Address
    slot: str
    clock: Clock
    told: Callable[[Finding], None] = lambda finding: None
    watched: Callable[[Health], None] = lambda health: None
    kept: Callable[[Piece, str], bytes] = lambda piece, name: b""
    """What the vault has of the file in which a piece ends; nothing, where it is not to be compared."""
    stop: threading.Event = field(default_factory=threading.Event)
    """Ends every wait for the server at once; who wants what came to be sealed does not set it."""

    @contextlib.contextmanager
    def stream(self, last: Sequence[Piece]) -> Iterator[PostgresStream]:
        """Follow the log. Raises ``SourceError``, ``SourceUnavailable``."""
        with contextlib.ExitStack() as open_:
            stream = self._begun(last, open_)
            watch = Watch(self.address, self.slot, lambda health: self._heard(stream, health))
            open_.callback(watch.close)
            yield stream
            stream.end()

    def _heard(self, stream: PostgresStream, health: Health) -> None:
        stream.heard(health)
        self.watched(health)

    def _begun(self, last: Sequence[Piece], open_: contextlib.ExitStack) -> PostgresStream:
        wire = open_.enter_context(Wire.connect(self.address, self.stop))
        server = _Server.asked(wire)
        health = self._slot(wire)
        oldest = begin_anew(server.lineage, health.restart or health.end, server.segment_size)
        beginning = begin_after(last, server.system, server.lineage, server.segment_size)
        if beginning is None:
            self._say_if_another(last, server)
            beginning = oldest
        stream = PostgresStream(wire, self.slot, server, beginning, self.clock, health, self._tail(beginning, server))
        if beginning.place >= (health.restart or 0) or stream.speaks():
            return stream
        # What follows the vault's last piece is gone: begin with the oldest that there is. The gap shows in the vault.
        wire.close()
        wire = open_.enter_context(Wire.connect(self.address, self.stop))
        self._say_lost(server, beginning, oldest)
        return PostgresStream(wire, self.slot, server, oldest, self.clock, health)

    def _tail(self, beginning: Beginning, server: _Server) -> Tail:
        """What the vault has of the file that it goes on in."""
        segment = segment_at(beginning.timeline, beginning.place, server.segment_size)
        begun = beginning.after is not None and beginning.place > segment.begin
        content = self.kept(beginning.after, segment.name) if begun and beginning.after is not None else b""
        return Tail(self.name, beginning.place - len(content), content)

    def _slot(self, wire: Wire) -> Health:
        """The slot, made where it is not there, and made anew where it was lost."""
        health = ask(wire, self.slot)
        if health.lost:
            commands.drop_slot(wire, self.slot)
        if health.lost or health.status == "missing":
            commands.create_slot(wire, self.slot)
            return ask(wire, self.slot)
        return health

    def _say_lost(self, server: _Server, wanted: Beginning, oldest: Beginning) -> None:
        lost = Span(server.system, wanted.timeline, wanted.place, oldest.place)
        self.told(
            Finding(
                "log-lost",
                f"source '{self.name}'",
                f"the log from {place_text(lost.begin)} to {place_text(lost.end)} is lost: the server has it no longer",
                f"Run 'covenant backup {self.name} --full' to begin a new chain.",
            )
        )

    def _say_if_another(self, last: Sequence[Piece], server: _Server) -> None:
        if last:
            said = f"this is not the server whose log the vault has: its number is {server.system}"
            hint = f"Run 'covenant backup {self.name} --full' to begin a new chain."
            self.told(Finding("another-server", f"source '{self.name}'", said, hint))


@dataclass(frozen=True, slots=True)
class _Server:
    """What a server is, asked once for each connection."""

    system: int
    timeline: int
    lineage: Lineage
    segment_size: int
    now: datetime
    answer_within: float

    @classmethod
    def asked(cls, wire: Wire) -> _Server:
        identity = commands.identify(wire)
        timeline, lineage = identity.timeline, Lineage(identity.timeline)
        if timeline > 1:
            lineage = parse_history(timeline, commands.timeline_history(wire, timeline)[1])
        return cls(
            int(identity.system), timeline, lineage, commands.segment_size(wire), ask(wire, "").at, _patience(wire)
        )


def _patience(wire: Wire) -> float:
    """How often the server must hear from us: well within the time after which it hangs up."""
    said = wire.ask("SELECT setting FROM pg_settings WHERE name = 'wal_sender_timeout'").rows
    seconds = int(said[0][0] or 0) / 1000 if said else 0.0
    return min(_STATUS_SECONDS, seconds / 4) if seconds else _STATUS_SECONDS


class PostgresStream:
    """A log that is being followed. Used by one thread, but for ``heard``."""

    def __init__(
        self,
        wire: Wire,
        slot: str,
        server: _Server,
        beginning: Beginning,
        clock: Clock,
        health: Health,
        tail: Tail | None = None,
    ) -> None:
        self._wire = wire
        self._slot = slot
        self._server = server
        self._clock = clock
        self._begun_at = server.now
        self.after = beginning.after
        self._growing = Growing(beginning.timeline, beginning.place, server.segment_size)
        self._durable = beginning.after.span.end if beginning.after else 0
        self._marks = Marks(beginning.after.until if beginning.after else None)
        self._histories: dict[int, bytes] = {}
        self._heard: list[tuple[Health, datetime]] = []
        self._answered_at = clock.monotonic()
        self._last: Span | None = beginning.after.span if beginning.after else None
        self._first: Buffer | None = None
        self._tail = tail or Tail("", beginning.place, b"")
        self._at = self._tail.place
        self._marks.add(health.end, health.at, clock.now())
        self._start()

    @property
    def waiting(self) -> int:
        """How many bytes are here and not taken yet."""
        return self._growing.waiting

    def heard(self, health: Health) -> None:
        """Take in how far the log had come at a moment; from any thread."""
        self._heard.append((health, self._clock.now()))

    def speaks(self) -> bool:
        """Whether the server gives what we asked for; ``False`` where it has let go of it."""
        try:
            self._first = self._wire.receive(_FIRST_WORD_SECONDS)
            if self._first is None and self._wire.ended:
                self._next_timeline()
        except SourceUnavailable:
            raise
        except SourceError:
            return False
        return True

    def receive(self, seconds: float) -> None:
        """Take in what comes, for at most so long or until enough is here; and answer in time."""
        until = self._clock.monotonic() + seconds
        self._take_marks()
        if self._first is not None:
            first, self._first = self._first, None
            self._message(first)
        while True:
            now = self._clock.monotonic()
            if now - self._answered_at >= self._server.answer_within:
                self._answer()
            if self.waiting >= MOST_WAITING:
                self._clock.sleep(max(0.0, min(until - now, 0.02)))
                return
            message = self._wire.receive(max(0.0, until - now))
            if message is not None:
                self._message(message)
            elif self._wire.ended:
                self._next_timeline()
            elif self._clock.monotonic() >= until:
                return

    def take(self) -> list[Batch]:
        """What is here, one batch for each timeline; where nothing is, one without growth that says up to when."""
        self._take_marks()
        runs = list(self._growing.take())
        until = self._marks.until or self._begun_at
        taken = min(self._marks.ours(until), self._clock.now())
        if runs:
            return [self._batch(run, until, taken) for run in runs]
        return [Batch(self._last, (), (), until, taken)] if self._last is not None else []

    def acknowledge(self, span: Span) -> None:
        """The stretch is durable."""
        self._durable = max(self._durable, span.end)
        self._answer()

    def end(self) -> None:
        """Part from the server in good order, as far as it still listens."""
        with contextlib.suppress(SourceError):
            self._answer()
            self._wire.end_copy_both()

    # -- what comes -----------------------------------------------------------------------------------------------

    def _message(self, message: Buffer) -> None:
        kind = message[0]
        if kind == messages.LOG:
            begin, end, at = messages.parse_log(message)
            if begin != self._at:
                raise SourceError(
                    f"the server sent its log from {place_text(begin)} instead of {place_text(self._at)}",
                    "Run it again: it begins where the vault ends.",
                )
            data = memoryview(message)[messages.BYTES_AT :]
            self._at += len(data)
            self._growing.add(data if begin >= self._tail.end else self._tail.compared(begin, data))
            self._marks.add(end, at, self._clock.now())
            self._marks.reached(self._growing.at)
        elif kind == messages.SIGN_OF_LIFE and messages.wants_answer(message):
            self._answer()

    def _take_marks(self) -> None:
        heard, self._heard = self._heard, []
        for health, received_at in heard:
            self._marks.add(health.end, health.at, received_at)
        self._marks.reached(self._growing.at)

    def _batch(self, run: Run, until: datetime, taken: datetime) -> Batch:
        self._last = Span(self._server.system, run.timeline, run.begin, run.end)
        return Batch(self._covered(run), tuple(run.growths), self._beside(run.timeline), until, taken)

    def _covered(self, run: Run) -> Span:
        """What the piece holds: its first file from the beginning, for the blobs before are in its node as well."""
        begin = run.begin - run.growths[0].offset
        return Span(self._server.system, run.timeline, begin, run.end)

    def _beside(self, timeline: int) -> tuple[tuple[str, bytes], ...]:
        """The timeline's history file, which lies beside every piece of it."""
        if timeline == 1:
            return ()
        if timeline not in self._histories:
            raise SourceError(f"the history of timeline {timeline} was not fetched")
        return ((history_name(timeline), self._histories[timeline]),)

    # -- what we say ----------------------------------------------------------------------------------------------

    def _start(self) -> None:
        timeline, at = self._growing.timeline, self._at
        if timeline > 1 and timeline not in self._histories:
            self._histories[timeline] = commands.timeline_history(self._wire, timeline)[1].encode()
        self._wire.begin(f'START_REPLICATION SLOT "{self._slot}" PHYSICAL {place_text(at)} TIMELINE {timeline}')
        self._wire.copy_both()

    def _next_timeline(self) -> None:
        """The timeline is over: follow the next one, from the file in which it branches off."""
        said = self._wire.end_copy_both().only
        if "next_tli" not in said:
            raise SourceUnavailable("the server ended its log: it is being shut down", "It is followed when it is up.")
        timeline, left = int(said["next_tli"]), parse_place(said["next_tli_startpos"])
        self._at = left - left % self._server.segment_size
        self._growing.turn(timeline, self._at)
        self._tail = Tail("", self._at, b"")
        self._start()

    def _answer(self) -> None:
        self._answered_at = self._clock.monotonic()
        self._wire.send(messages.status(self._growing.at, self._durable, self._clock.now()))
