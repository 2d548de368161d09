"""A ledger: one row for each commit, with the place and the moment right behind it, while others work on the server.

What a recovery to one of those places or moments must bring back is then known exactly: the rows up to there, not one
more and not one fewer.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, NamedTuple

import psycopg

from covenant.kernel.spans import parse_place
from tests.servers.postgres import PostgresServer

_BEHIND = "SELECT pg_current_wal_insert_lsn()::text, clock_timestamp()"


class Line(NamedTuple):
    """A commit: its number, its transaction, and the log's end and the server's clock before the next one began."""

    number: int
    transaction: int
    place: int
    moment: datetime


class Ledger:
    """A table in a database of its own, and what was committed to it."""

    def __init__(self, server: PostgresServer) -> None:
        self.server = server
        self.database = server.new_database().rpartition("/")[2]
        self.lines: list[Line] = []
        server.run("CREATE TABLE ledger (number int PRIMARY KEY, entry text)", self.database)

    def connect(self, server: PostgresServer) -> None:
        """Go on at another server, the old one having been left."""
        self.server = server

    def commit(self, count: int) -> None:
        """So many commits, one after another."""
        with psycopg.connect(self.server.url(self.database), autocommit=True) as link:
            for _ in range(count):
                self._one(link)

    @contextmanager
    def growing(self) -> Iterator[None]:
        """Commits without a pause for as long as the work lasts."""
        stop = threading.Event()

        def grow() -> None:
            with psycopg.connect(self.server.url(self.database), autocommit=True) as link:
                while not stop.is_set():
                    self._one(link)
                    stop.wait(0.002)

        thread = threading.Thread(target=grow)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def restore_point(self, name: str) -> Line:
        """Give the present place in the log a name."""
        self.server.run(f"SELECT pg_create_restore_point('{name}')", self.database)
        return self.lines[-1]

    def _one(self, link: psycopg.Connection[tuple[Any, ...]]) -> None:
        number = len(self.lines) + 1
        entry = f"entry {number}"
        statement = "INSERT INTO ledger VALUES (%s, %s) RETURNING pg_current_xact_id()::text::bigint"
        found = link.execute(statement, (number, entry)).fetchone()
        behind = link.execute(_BEHIND).fetchone()
        assert found is not None
        assert behind is not None
        self.lines.append(Line(number, found[0], parse_place(behind[0]), behind[1]))


READ = "SELECT coalesce(array_agg(number ORDER BY number), '{}'), count(*) FROM public.ledger"
"""What a ledger has, in a restored server."""


def up_to(line: Line) -> list[int]:
    """The numbers that must be there after a recovery to a line, and no other."""
    return list(range(1, line.number + 1))
