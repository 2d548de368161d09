"""A consistent copy of a live database, made through SQLite's own backup interface.

The copying connection first opens a read transaction. In WAL mode that pins one state of the database and blocks
nobody: writers go on, and the copy, however many steps it takes, sees none of what they commit meanwhile.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator

from covenant.kernel.errors import SourceError

_PAGES_PER_STEP = 4096
_BUSY_SECONDS = 30.0


def copy_database(
    path: str,
    copy: str,
    progress: Callable[[int, int], None] = lambda left, total: None,
    busy_seconds: float = _BUSY_SECONDS,
) -> None:
    """Copy the database at ``path`` into the new file ``copy``.

    ``progress(pages left, pages in all)`` is called after every step. Outside WAL mode a program may keep readers
    out: it is waited for up to ``busy_seconds``. Raises ``SourceError``.
    """
    _refuse_without_room(path, copy)
    try:
        with _reading(path, busy_seconds) as live, contextlib.closing(sqlite3.connect(copy)) as out:
            out.execute("PRAGMA synchronous=OFF")  # the copy is thrown away; what counts is the vault
            live.backup(out, pages=_PAGES_PER_STEP, progress=lambda _, left, total: progress(left, total), sleep=0)
    except sqlite3.Error as error:
        raise SourceError(f"database {path} cannot be copied: {error}", _hint(error)) from error


def _hint(error: sqlite3.Error) -> str:
    """What to do about it. The lower byte of an error's code says what kind it is. (sqlite.org/rescode.html)"""
    kind = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if kind in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return "A program keeps it locked. Try again, or let that program use WAL mode, which locks no reader out."
    if kind == sqlite3.SQLITE_FULL:
        return "Free some space where the copy lies, or name another folder with TMPDIR."
    if kind == sqlite3.SQLITE_READONLY:
        return "A program left it in the middle of a transaction. Open it once with that program, which puts it right."
    return "Check that it is a SQLite database, is not damaged, and that we may read it and its folder."


@contextlib.contextmanager
def _reading(path: str, busy_seconds: float) -> Iterator[sqlite3.Connection]:
    """A connection that holds one state of the database. Read-only, so that it never checkpoints the live log."""
    uri = f"file:{_quoted(path)}?mode=ro"
    with contextlib.closing(sqlite3.connect(uri, uri=True, timeout=busy_seconds, isolation_level=None)) as live:
        live.execute("BEGIN")
        live.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        yield live
        live.execute("ROLLBACK")


def _quoted(path: str) -> str:
    from urllib.parse import quote

    return quote(os.fsencode(path))


def _refuse_without_room(path: str, copy: str) -> None:
    try:
        needed = os.path.getsize(path) + (os.path.getsize(path + "-wal") if os.path.exists(path + "-wal") else 0)
        free = shutil.disk_usage(os.path.dirname(copy)).free
    except OSError as error:
        raise SourceError(f"database {path} cannot be read: {error.strerror}", "Check the path.") from error
    if needed > free:
        raise SourceError(
            f"no room to copy database {path}: {needed} bytes needed, {free} free in {os.path.dirname(copy)}",
            "Free some space there, or name another folder with TMPDIR.",
        )
