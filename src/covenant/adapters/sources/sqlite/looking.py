"""A look at a SQLite database, before it is kept: whether it is one, and how its writers and readers meet."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from urllib.parse import quote

from covenant.kernel.errors import SourceError

_BUSY_SECONDS = 5.0


def look(path: str) -> tuple[str, int]:
    """Its journal mode, and how many bytes its copy will take. Raises ``SourceError`` where it is no database."""
    uri = f"file:{quote(os.fsencode(path))}?mode=ro"
    try:
        with contextlib.closing(sqlite3.connect(uri, uri=True, timeout=_BUSY_SECONDS)) as database:
            database.execute("SELECT count(*) FROM sqlite_schema").fetchone()
            mode = str(database.execute("PRAGMA journal_mode").fetchone()[0])
            pages, size = (
                int(database.execute(f"PRAGMA {what}").fetchone()[0]) for what in ("page_count", "page_size")
            )
    except sqlite3.Error as error:
        raise SourceError(
            f"{path} cannot be opened as a SQLite database: {error}",
            "Check that it is one, is not damaged, and that we may read it and its folder.",
        ) from error
    return mode, pages * size
