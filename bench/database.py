"""The set ``database``: a 1 GiB SQLite file of 4,096-byte pages, of which a share changes in random places."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from functools import cache
from pathlib import Path

from bench.entropy import Noise, dice, phrases

TOTAL = 1 << 30
NAME = "studio.sqlite"
PAGE = 4096
ROWS_PER_PAGE = 4
CAPTION, EXIF = 480, 440
"""Bytes of text and of noise in a row; four rows fill a page, so that one row changed is one page changed."""
BATCH = 20_000

Row = tuple[int, int, str, bytes]


def make(folder: Path, scale: float) -> None:
    """Write the whole set into the empty ``folder``."""
    with closing(_open(folder / NAME)) as database:
        database.execute("CREATE TABLE asset (id INTEGER PRIMARY KEY, project INTEGER, caption TEXT, exif BLOB)")
        last = int(TOTAL * scale) // PAGE * ROWS_PER_PAGE
        for first in range(1, last + 1, BATCH):
            rows = _rows(first, min(BATCH, last + 1 - first))
            database.executemany("INSERT INTO asset VALUES (?, ?, ?, ?)", rows)
            database.commit()


def change(folder: Path, turn: int, share: float) -> None:
    """Update one row in each of ``share`` of the pages, chosen at random, in place and without changing its length."""
    rng = dice(f"database/change/{turn}")
    with closing(_open(folder / NAME)) as database:
        last: int = database.execute("SELECT max(id) FROM asset").fetchone()[0]
        pages = rng.sample(range(last // ROWS_PER_PAGE), max(1, round(last // ROWS_PER_PAGE * share)))
        noise = Noise(f"database/change/{turn}")
        database.executemany(
            "UPDATE asset SET exif = ? WHERE id = ?",
            ((noise.take(EXIF), page * ROWS_PER_PAGE + 1) for page in sorted(pages)),
        )
        database.commit()


def _open(path: Path) -> sqlite3.Connection:
    """The database without a journal: it is made to be measured, and made anew if that fails."""
    database = sqlite3.connect(path)
    database.executescript(f"PRAGMA page_size = {PAGE}; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;")
    return database


def _rows(first: int, count: int) -> Iterator[Row]:
    rng = dice(f"database/{first}")
    noise = Noise(f"database/{first}")
    text = _text()
    for number in range(first, first + count):
        yield number, rng.randrange(5000), _caption(rng, text), noise.take(EXIF)


def _caption(rng: random.Random, text: str) -> str:
    at = int(rng.random() * (len(text) - CAPTION))
    return text[at : at + CAPTION]


@cache
def _text() -> str:
    """Captions are cut from this."""
    return ". ".join(phrases("database/text", 20_000, 12))
