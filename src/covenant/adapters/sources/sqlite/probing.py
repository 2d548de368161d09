"""What a restored SQLite database is asked.

Databases are opened for reading, and a restored one as something that nobody else has open: nothing that is asked
changes a byte of it.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from covenant.kernel.answers import Result
from covenant.prove.ports import Aspect, OutOfTime, Restored, Said, counted

_STEPS_BETWEEN_LOOKS = 20_000
_MOST_PROBLEMS = 20
_MOST_NAMED = 5
_LIVE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Structure:
    """Asked of every restored SQLite database. Foreign keys are those that its own schema declares."""

    path: str
    foreign_keys: bool = True
    within: float = 3600.0
    question: str = "Does SQLite find the database sound?"
    aspect: Aspect = Aspect.INTEGRITY
    needs: tuple[str, ...] = ()

    def ask(self, restored: Restored, hurry: Callable[[], None]) -> Said:
        """``PRAGMA integrity_check`` and ``PRAGMA foreign_key_check``."""
        try:
            with _opened(restored.place(self.path), hurry, immutable=True) as database:
                rows = [str(row[0]) for row in database.execute(f"PRAGMA integrity_check({_MOST_PROBLEMS})")]
                dangling = database.execute("PRAGMA foreign_key_check").fetchall() if self.foreign_keys else []
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError) and "unable to open" in str(error):
                raise
            return Said(Result.FAILED, f"SQLite cannot read it: {error}")
        if rows != ["ok"]:
            return Said(Result.FAILED, f"integrity_check: {'; '.join(rows[:_MOST_NAMED])}")
        if dangling:
            first = f"a row of '{dangling[0][0]}' refers to one of '{dangling[0][2]}'"
            return Said(Result.FAILED, f"{counted(len(dangling), 'foreign key')} leading nowhere, the first: {first}")
        return Said(Result.PASSED, "integrity_check: ok" + (", foreign_key_check: ok" if self.foreign_keys else ""))


@dataclass(frozen=True, slots=True)
class Query:
    """A question of the user's own, in SQL, and the answer that it must have: one value, or rows of values."""

    path: str
    sql: str
    expect: Any
    name: str = ""
    within: float = 60.0
    aspect: Aspect = Aspect.FUNCTION
    needs: tuple[str, ...] = ()

    @property
    def question(self) -> str:
        """As the user names it, or the SQL itself."""
        return self.name or self.sql

    def ask(self, restored: Restored, hurry: Callable[[], None]) -> Said:
        """Run it, and compare."""
        with _opened(restored.place(self.path), hurry, immutable=True) as database:
            rows = [tuple(row) for row in database.execute(self.sql).fetchmany(1000)]
        expected = _rows(self.expect)
        if _as_text(rows) == _as_text(expected):
            return Said(Result.PASSED, f"the answer is {_shown(rows)}, as expected")
        return Said(Result.FAILED, f"the answer is {_shown(rows)}, and not {_shown(expected)}")


@dataclass(frozen=True, slots=True)
class Rows:
    """Whether tables hold about as many rows as the live database.

    With ``column`` (when a row came to be, as text of ISO 8601 or seconds since 1970) only those count that the live
    database had when the snapshot was taken; without it whatever came since makes a difference.
    """

    path: str
    tables: tuple[str, ...]
    tolerance: float
    column: str = ""
    within: float = 300.0
    question: str = "Does it have as many rows as the live database?"
    aspect: Aspect = Aspect.FUNCTION
    needs: tuple[str, ...] = ()

    def ask(self, restored: Restored, hurry: Callable[[], None]) -> Said:
        """Count on both sides. A live database that cannot be read tells nothing."""
        taken = restored.snapshot.time
        counts = []
        with (
            _opened(Path(self.path), hurry) as live,
            _opened(restored.place(self.path), hurry, immutable=True) as copy,
        ):
            for table in self.tables:
                counts.append((table, _count(copy, table), self._count_live(live, table, taken)))
        told = ", ".join(f"{table} {have:,} of {there:,}" for table, have, there in counts)
        wrong = [table for table, have, there in counts if abs(there - have) > self.tolerance * max(there, have)]
        if not wrong:
            return Said(Result.PASSED, f"{told}, within {self.tolerance:.3g} of each other")
        return Said(Result.FAILED, f"{told}: '{wrong[0]}' differs by more than {self.tolerance:.1%}")

    def _count_live(self, live: sqlite3.Connection, table: str, taken: datetime) -> int:
        if not self.column:
            return _count(live, table)
        column = quoted(self.column)
        kind = live.execute(f"SELECT typeof({column}) FROM {quoted(table)} LIMIT 1").fetchone()
        moment: Any = taken.timestamp() if kind and kind[0] in ("integer", "real") else taken.isoformat(" ")
        how = column if not isinstance(moment, str) else f"julianday({column})"
        limit = "?" if not isinstance(moment, str) else "julianday(?)"
        query = f"SELECT count(*) FROM {quoted(table)} WHERE {how} <= {limit}"
        return int(live.execute(query, (moment,)).fetchone()[0])


@dataclass(frozen=True, slots=True)
class References:
    """Whether the files that the database names were restored with another source."""

    path: str
    sql: str
    source: str
    folder: str
    name: str = ""
    within: float = 300.0
    aspect: Aspect = Aspect.FUNCTION

    @property
    def question(self) -> str:
        """Which source is referred to."""
        return self.name or f"Is every file that it names in '{self.source}'?"

    @property
    def needs(self) -> tuple[str, ...]:
        """The source that holds the files."""
        return (self.source,)

    def ask(self, restored: Restored, hurry: Callable[[], None]) -> Said:
        """Look for each file; a database that names none proves nothing."""
        other, named, missing = restored.beside[self.source], 0, list[str]()
        with _opened(restored.place(self.path), hurry, immutable=True) as database:
            for row in database.execute(self.sql):
                hurry()
                if row[0] is None:
                    continue
                named += 1
                wanted = os.path.join(self.folder, str(row[0]))
                if not other.place(wanted).is_file():
                    missing.append(wanted)
        if missing:
            listed = ", ".join(missing[:_MOST_NAMED]) + (", …" if len(missing) > _MOST_NAMED else "")
            return Said(Result.FAILED, f"{len(missing):,} of {counted(named, 'file')} not there: {listed}")
        if not named:
            return Said(Result.COULD_NOT_VERIFY, "the query names no file at all")
        return Said(Result.PASSED, f"{counted(named, 'file')}, and each is there")


# -- opening and counting ---------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _opened(path: Path, hurry: Callable[[], None], *, immutable: bool = False) -> Iterator[sqlite3.Connection]:
    """A database for reading, whose queries end when the time is over. A live one sees one state of itself."""
    uri = f"file:{quote(os.fsencode(path))}?mode=ro{'&immutable=1' if immutable else ''}"
    late = False

    def look() -> int:
        nonlocal late
        try:
            hurry()
        except OutOfTime:
            late = True
        return int(late)

    with contextlib.closing(sqlite3.connect(uri, uri=True, timeout=_LIVE_SECONDS, isolation_level=None)) as database:
        database.set_progress_handler(look, _STEPS_BETWEEN_LOOKS)
        try:
            if not immutable:
                database.execute("BEGIN")
            yield database
        except sqlite3.OperationalError:
            if late:
                raise OutOfTime from None
            raise


def _count(database: sqlite3.Connection, table: str) -> int:
    return int(database.execute(f"SELECT count(*) FROM {quoted(table)}").fetchone()[0])


def quoted(name: str) -> str:
    """A name as SQL takes it, whatever is in it."""
    return '"' + name.replace('"', '""') + '"'


def _rows(expected: Any) -> list[tuple[Any, ...]]:
    """What covenant.toml expects, as rows: one value is one row of one column."""
    if not isinstance(expected, list | tuple):
        return [(expected,)]
    return [tuple(row) if isinstance(row, list | tuple) else (row,) for row in expected]


def _as_text(rows: Sequence[tuple[Any, ...]]) -> list[tuple[str, ...]]:
    """TOML and SQLite spell the same value alike."""
    return [tuple(str(int(value)) if isinstance(value, bool) else str(value) for value in row) for row in rows]


def _shown(rows: Sequence[tuple[Any, ...]]) -> str:
    if len(rows) == 1 and len(rows[0]) == 1:
        return repr(rows[0][0])
    shown = ", ".join(str(row) for row in rows[:_MOST_NAMED])
    return f"{len(rows):,} rows: {shown}{', …' if len(rows) > _MOST_NAMED else ''}"
