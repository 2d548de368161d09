"""A small studio: shoots of photos and films, and a catalog that knows them.

Photos and films are random bytes of realistic sizes behind a true beginning: like real ones, they neither compress
nor repeat. The same seed makes the same studio.
"""

from __future__ import annotations

import os
import random
import sqlite3
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

MIB = 1 << 20
SHOOTS = ("2026-05-16 Wedding Amelie & Jonas", "2026-06-03 Harbour Hotel, spring menu", "2026-07-11 Newborn Ida")
PHOTOS_PER_SHOOT = 16
FILMS_PER_SHOOT = 1

_JPEG = bytes.fromhex("ffd8ffe000104a46494600010100000100010000")
_MP4 = bytes.fromhex("0000001866747970") + b"mp42" + bytes(4) + b"mp42isom"

SCHEMA = """
CREATE TABLE projects (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE media (id INTEGER PRIMARY KEY, project INTEGER REFERENCES projects, path TEXT, bytes INTEGER, sha256 TEXT);
CREATE TABLE bookings (id INTEGER PRIMARY KEY, at REAL NOT NULL, client TEXT NOT NULL, euros INTEGER NOT NULL,
                       note TEXT NOT NULL);
"""


def sizes(chance: random.Random) -> list[tuple[str, int]]:
    """The files of one shoot: (name, bytes)."""
    photos = [(f"DSC_{number:04}.jpg", chance.randint(3 * MIB, 9 * MIB)) for number in range(1, PHOTOS_PER_SHOOT + 1)]
    films = [(f"film-{number}.mp4", chance.randint(25 * MIB, 60 * MIB)) for number in range(1, FILMS_PER_SHOOT + 1)]
    return photos + films


def make(folder: Path, wrote: Callable[[int], None]) -> None:
    """Make the studio in ``folder``: ``media/`` and ``catalog.db``. ``wrote(bytes)`` is called after each file."""
    chance = random.Random(20261123)
    catalog = sqlite3.connect(folder / "catalog.db")
    catalog.execute("PRAGMA journal_mode=WAL")
    catalog.executescript(SCHEMA)
    for number, shoot in enumerate(SHOOTS, start=1):
        catalog.execute("INSERT INTO projects VALUES (?, ?)", (number, shoot))
        place = folder / "media" / shoot
        place.mkdir(parents=True)
        for name, size in sizes(chance):
            data = (_JPEG if name.endswith("jpg") else _MP4) + chance.randbytes(size)
            path = place / name
            path.write_bytes(data)
            catalog.execute(
                "INSERT INTO media (project, path, bytes, sha256) VALUES (?, ?, ?, ?)",
                (number, str(path.relative_to(folder)), len(data), sha256(data).hexdigest()),
            )
            wrote(len(data))
    catalog.commit()
    catalog.close()


def total_bytes() -> int:
    """How much ``make`` will write, about."""
    chance = random.Random(20261123)
    return len(SHOOTS) * sum(size for _, size in sizes(chance))


def ruin_database(path: Path) -> int:
    """Overwrite a quarter of the database with nonsense, as a dying disk might; returns how many bytes."""
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(size // 4)
        file.write(os.urandom(size // 4))
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    return size // 4
