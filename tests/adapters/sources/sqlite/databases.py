"""Databases for tests: one with a rule that every honest copy of it keeps, and a writer that never rests."""

from __future__ import annotations

import contextlib
import random
import sqlite3
import threading
import time
from pathlib import Path
from types import TracebackType

ACCOUNTS = 100
TOTAL = ACCOUNTS * 1000


def a_bank(path: Path, *, mode: str = "wal", padding: int = 0) -> Path:
    """Two tables whose sums are always ``TOTAL`` together, and some bytes to make it large."""
    with contextlib.closing(sqlite3.connect(path)) as bank:
        bank.execute(f"PRAGMA journal_mode={mode}")
        bank.execute("CREATE TABLE paid (id INTEGER PRIMARY KEY, amount INTEGER)")
        bank.execute("CREATE TABLE owed (id INTEGER PRIMARY KEY, amount INTEGER)")
        bank.execute("CREATE TABLE padding (bytes BLOB)")
        bank.executemany("INSERT INTO paid VALUES (?, 1000)", [(number,) for number in range(ACCOUNTS)])
        bank.executemany("INSERT INTO owed VALUES (?, 0)", [(number,) for number in range(ACCOUNTS)])
        noise = random.Random(3)
        bank.executemany("INSERT INTO padding VALUES (?)", [(noise.randbytes(1 << 20),) for _ in range(padding)])
        bank.commit()
    return path


def transfer(bank: sqlite3.Connection, amount: int = 7) -> None:
    """Move some money in one transaction, with many rows touched."""
    with bank:
        bank.execute("BEGIN IMMEDIATE")
        bank.execute("UPDATE paid SET amount = amount - ?", (amount,))
        bank.execute("UPDATE owed SET amount = amount + ?", (amount,))


def balance(path: Path) -> int:
    """The two sums together, read without touching the file."""
    with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as bank:
        return int(bank.execute("SELECT (SELECT sum(amount) FROM paid) + (SELECT sum(amount) FROM owed)").fetchone()[0])


def moved(path: Path) -> int:
    """How much has been moved from every account."""
    with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as bank:
        return int(bank.execute("SELECT max(amount) FROM owed").fetchone()[0])


class Writer:
    """Commits without pause in a thread of its own, and remembers how long the longest commit took."""

    def __init__(self, path: Path) -> None:
        self.commits = 0
        self.worst_seconds = 0.0
        self._path = path
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Writer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        with contextlib.closing(sqlite3.connect(self._path, isolation_level=None, timeout=30)) as bank:
            while not self._stop.is_set():
                begin = time.perf_counter()
                transfer(bank, 1)
                self.worst_seconds = max(self.worst_seconds, time.perf_counter() - begin)
                self.commits += 1
