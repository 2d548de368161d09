"""How a copy of a restored SQLite database is spoilt, to see whether it is noticed."""

from __future__ import annotations

import contextlib
import sqlite3
from dataclasses import dataclass

from covenant.adapters.sources.sqlite.probing import quoted
from covenant.kernel.errors import TargetError
from covenant.prove.ports import Restored


@dataclass(frozen=True, slots=True)
class RowChanged:
    """Spoils a copy: one value of one row is another. The database stays as sound as it was."""

    path: str
    kind: str = "row-changed"

    def spoil(self, restored: Restored) -> str:
        """Raises ``TargetError`` where no table has a row that can be changed."""
        try:
            with contextlib.closing(sqlite3.connect(restored.place(self.path), isolation_level=None)) as database:
                database.execute("PRAGMA synchronous=OFF")  # the copy is thrown away
                database.execute("PRAGMA journal_mode=DELETE")  # so that it is written into the file itself
                return _change_a_row(database)
        except sqlite3.Error as error:
            raise TargetError(f"no row could be changed: {error}") from error


def _change_a_row(database: sqlite3.Connection) -> str:
    tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
    database.execute("PRAGMA foreign_keys=OFF")
    for (table,) in database.execute(tables).fetchall():
        for column in reversed(database.execute(f"PRAGMA table_info({quoted(table)})").fetchall()):
            with contextlib.suppress(sqlite3.Error):
                if _changed(database, quoted(table), quoted(column[1])):
                    return f"'{column[1]}' of a row of '{table}'"
    raise TargetError("it has no row that could be changed")


def _changed(database: sqlite3.Connection, table: str, column: str) -> bool:
    """Change one value into another of the same kind; a value that no column may have is refused by the database."""
    other = f"CASE typeof({column}) WHEN 'text' THEN {column} || '.' WHEN 'blob' THEN x'00' || {column} "
    other += f"WHEN 'null' THEN 1 ELSE {column} + 1 END"
    where = f"rowid = (SELECT min(rowid) FROM {table})"
    return database.execute(f"UPDATE {table} SET {column} = {other} WHERE {where}").rowcount == 1
