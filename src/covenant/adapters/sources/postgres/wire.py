"""A replication connection: ordinary SQL and replication commands, copies in either direction, and an end in time.

libpq does the talking, through psycopg's ``pq`` layer, and never blocks: every wait is for the socket, ends when
``stop`` is set, and ends with an error when the server has been silent for too long.

What a copy brings is a view of libpq's own memory, valid for as long as it is held.
"""

from __future__ import annotations

import contextlib
import select
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Self

from covenant.adapters.sources.postgres.address import CONNECT_SECONDS, Address, library
from covenant.adapters.sources.postgres.refusals import lost, refusal, unreachable
from covenant.kernel.errors import Interrupted, SourceUnavailable
from covenant.vault.ports import Buffer

if TYPE_CHECKING:
    from psycopg.pq.abc import PGconn, PGresult

_LOOK_UP_SECONDS = 0.25
_SILENCE_SECONDS = 600.0
_CANCEL_SECONDS = 3.0

Row = tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A result set: the names of its columns, and its rows as text."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]

    @property
    def only(self) -> dict[str, str]:
        """The single row, by column; ``""`` for what is null, nothing at all where there is no row."""
        row = self.rows[0] if self.rows else ()
        return {column: value or "" for column, value in zip(self.columns, row, strict=False)}


class Wire:
    """One connection. Not thread-safe; to be closed by whoever opened it."""

    def __init__(self, pg: PGconn, address: Address, stop: threading.Event) -> None:
        from psycopg import pq

        self._pg = pg
        self._address = address
        self._stop = stop
        self._status = pq.ExecStatus
        self._ended = False
        self.warnings: list[str] = []
        """What the server warned of so far; its notices are passed over."""
        self.silence_seconds = _SILENCE_SECONDS
        """How long the server may say nothing while we wait for it."""

    @classmethod
    def connect(cls, address: Address, stop: threading.Event | None = None, *, replication: bool = True) -> Self:
        """Connect. Raises ``SourceError``, and ``SourceUnavailable`` where trying again may help."""
        pq = library().pq
        pg = pq.PGconn.connect_start(address.conninfo(replication=replication))
        wire = cls(pg, address, stop or threading.Event())
        until = time.monotonic() + CONNECT_SECONDS
        while True:
            said = "" if pg.status != pq.ConnStatus.BAD else pg.get_error_message()
            state = pq.PollingStatus.FAILED if said else pg.connect_poll()
            if state == pq.PollingStatus.OK:
                break
            if state == pq.PollingStatus.FAILED:
                said = said or pg.get_error_message()
                pg.finish()
                raise unreachable(address, said)
            wire._wait(select.POLLOUT if state == pq.PollingStatus.WRITING else select.POLLIN, until)
        pg.nonblocking = 1
        pg.notice_handler = wire._noticed
        wire.ask("SET statement_timeout = 0")  # a backup takes as long as it takes, whatever the role's default
        return wire

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Hang up. What the server is still busy with is cancelled first; what the connection held is freed there."""
        from psycopg import pq

        if self._pg.status == pq.ConnStatus.OK and self._pg.transaction_status == pq.TransactionStatus.ACTIVE:
            with contextlib.suppress(Exception):
                self._cancel()
        self._pg.finish()

    @property
    def server_version(self) -> int:
        """As the server numbers itself: 150018 is 15.18."""
        return self._pg.server_version

    @property
    def process(self) -> int:
        """The server's process that serves this connection."""
        return self._pg.backend_pid

    @property
    def major(self) -> int:
        """The server's major version."""
        return self.server_version // 10000

    # -- questions ------------------------------------------------------------------------------------------------

    def ask(self, command: str) -> Table:
        """One command, and its (last) result set. Raises ``SourceError``."""
        self.begin(command)
        return self.rest()

    def begin(self, command: str) -> None:
        """Send a command whose results are taken one by one."""
        self._ended = False
        try:
            self._pg.send_query(command.encode())
        except library().Error as error:
            raise lost(self._address, str(error)) from error
        self._flush()

    def table(self) -> Table:
        """The next result set. Raises ``SourceError`` where there is none."""
        result = self._result()
        if result is None or result.status != self._status.TUPLES_OK:
            raise self._unexpected("a result set", result)
        return _table(result)

    def rest(self) -> Table:
        """Take everything that the command still brings; the last result set of it."""
        last = Table((), ())
        while (result := self._result()) is not None:
            if result.status == self._status.TUPLES_OK:
                last = _table(result)
        return last

    # -- copies ---------------------------------------------------------------------------------------------------

    def copy_out(self) -> Iterator[Buffer]:
        """The messages of a copy from the server, to its end. Take the ``rest`` afterwards: it may be an error."""
        self._expect(self._status.COPY_OUT, "a copy from the server")
        while (message := self._message(None)) is not None:
            yield message

    def copy_in(self, pieces: Iterable[Buffer]) -> None:
        """Give the server what it asks for; the ``rest`` is taken."""
        self._expect(self._status.COPY_IN, "to be given a copy")
        for piece in pieces:
            self.send(piece)
        self._end_copy()
        self.rest()

    def copy_both(self) -> None:
        """Begin a copy in both directions: ``receive`` and ``send`` until ``ended``, then the ``rest``."""
        self._expect(self._status.COPY_BOTH, "a copy in both directions")

    @property
    def ended(self) -> bool:
        """Whether the server has ended the copy."""
        return self._ended

    def receive(self, seconds: float) -> Buffer | None:
        """The next message of a copy, or ``None`` if none came within ``seconds`` or the copy has ended."""
        return None if self._ended else self._message(time.monotonic() + seconds)

    def send(self, message: Buffer) -> None:
        """Give the server a message of a copy."""
        try:
            while not self._pg.put_copy_data(message):
                self._wait(select.POLLOUT | select.POLLIN)
                self._pg.consume_input()
        except library().Error as error:
            raise lost(self._address, str(error)) from error
        self._flush()

    def end_copy_both(self) -> Table:
        """Say that nothing more comes from us, and pass over what the server still sends; the ``rest``.

        Raises what the server says, where it was an error that ended the copy.
        """
        if self._ended:
            result = self._result()
            if result is None or result.status != self._status.COPY_IN:
                return self.rest()
        self._end_copy()
        while not self._ended:
            self._message(None)
        return self.rest()

    def _end_copy(self) -> None:
        try:
            while not self._pg.put_copy_end():
                self._wait(select.POLLOUT | select.POLLIN)
                self._pg.consume_input()
        except library().Error as error:
            raise lost(self._address, str(error)) from error
        self._flush()

    def _message(self, until: float | None) -> Buffer | None:
        try:
            while True:
                size, data = self._pg.get_copy_data(1)
                if size > 0:
                    return data
                if size < 0:
                    self._ended = True
                    return None
                if until is not None and time.monotonic() >= until:
                    return None
                self._wait(select.POLLIN, until, silent_is_late=until is None)
                self._pg.consume_input()
        except library().Error as error:
            raise self._failed(str(error)) from error

    # -- results and waiting --------------------------------------------------------------------------------------

    def _expect(self, status: int, what: str) -> None:
        result = self._result()
        if result is None or result.status != status:
            raise self._unexpected(what, result)

    def _unexpected(self, what: str, result: PGresult | None) -> SourceUnavailable:
        brought = "nothing" if result is None else self._status(result.status).name.lower()
        return SourceUnavailable(
            f"the server of source '{self._address.source}' was to begin {what} and brought {brought}",
            "A pooler cannot replicate: give the server's own address.",
        )

    def _result(self) -> PGresult | None:
        """The next result. An error that the server reports is raised as ours."""
        try:
            result = self._next()
            if result is None or result.status != self._status.FATAL_ERROR:
                return result
            while self._next() is not None:  # an error is the last that a command brings, but for its end
                pass
        except library().Error as error:
            raise lost(self._address, str(error)) from error
        raise self._refused(result)

    def _next(self) -> PGresult | None:
        while self._pg.is_busy():
            self._wait(select.POLLIN)
            self._pg.consume_input()
        return self._pg.get_result()

    def _refused(self, result: PGresult) -> Exception:
        from psycopg import pq

        state = result.error_field(pq.DiagnosticField.SQLSTATE) or b""
        said = result.error_field(pq.DiagnosticField.MESSAGE_PRIMARY)
        detail = result.error_field(pq.DiagnosticField.MESSAGE_DETAIL)
        if said is None:
            return lost(self._address, result.get_error_message())
        words = [part.decode(errors="replace") for part in (said, detail) if part]
        return refusal(self._address, state.decode(), ": ".join([*words, *self.warnings[:1]]))

    def _noticed(self, notice: PGresult) -> None:
        from psycopg import pq

        said = notice.error_field(pq.DiagnosticField.MESSAGE_PRIMARY) or b""
        if notice.error_field(pq.DiagnosticField.SEVERITY_NONLOCALIZED) == b"WARNING":
            self.warnings.append(said.decode(errors="replace"))

    def _failed(self, said: str) -> Exception:
        """Why a copy broke off: what the server says, where it still says something."""
        with contextlib.suppress(library().Error):
            while (result := self._pg.get_result()) is not None:
                if result.status == self._status.FATAL_ERROR:
                    return self._refused(result)
                if result.status != self._status.TUPLES_OK:
                    break
        return lost(self._address, said)

    def _flush(self) -> None:
        try:
            while self._pg.flush():
                self._wait(select.POLLOUT | select.POLLIN)
                self._pg.consume_input()
        except library().Error as error:
            raise lost(self._address, str(error)) from error

    def _wait(self, events: int, until: float | None = None, *, silent_is_late: bool = True) -> None:
        """Until the socket is ready, or ``until``. Raises ``Interrupted`` once ``stop`` is set."""
        late = until if until is not None else time.monotonic() + self.silence_seconds
        poll = select.poll()
        poll.register(self._pg.socket, events)
        while True:
            if self._stop.is_set():
                raise Interrupted("the connection to the server was given up", "Run it again.")
            left = late - time.monotonic()
            if poll.poll(max(0.0, min(left, _LOOK_UP_SECONDS)) * 1000):
                return
            if left <= 0:
                if silent_is_late:
                    raise SourceUnavailable(
                        f"the server of source '{self._address.source}' does not answer",
                        "Check the address, the network in between, and that the server is up.",
                    )
                return

    def _cancel(self) -> None:
        """Ask the server to end what it does on this connection."""
        from psycopg import pq

        asking = self._pg.cancel_conn()
        asking.start()
        until = time.monotonic() + _CANCEL_SECONDS
        while (state := asking.poll()) not in (pq.PollingStatus.OK, pq.PollingStatus.FAILED):
            poll = select.poll()
            poll.register(asking.socket, select.POLLOUT if state == pq.PollingStatus.WRITING else select.POLLIN)
            if not poll.poll(max(0.0, until - time.monotonic()) * 1000):
                break
        asking.finish()


def _table(result: PGresult) -> Table:
    columns = tuple((result.fname(column) or b"").decode() for column in range(result.nfields))
    return Table(
        columns,
        tuple(
            tuple(
                None if (value := result.get_value(row, column)) is None else value.decode(errors="replace")
                for column in range(result.nfields)
            )
            for row in range(result.ntuples)
        ),
    )
