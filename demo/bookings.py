"""The studio's life goes on: bookings are written to the catalog all the time, each in a transaction of its own.

    python -m demo.bookings CATALOG JOURNAL

After every commit one line is appended to the journal: the booking's number, the time of its commit, and the hash of
its row. The journal is not protected; it is the independent witness of what the catalog held at any moment. The
program stops at SIGTERM.
"""

from __future__ import annotations

import random
import signal
import sqlite3
import sys
import time
from hashlib import sha256
from pathlib import Path

_CLIENTS = ("Amelie", "Jonas", "Harbour Hotel", "Ida's parents", "Dr. Weiss", "Kiosk Nord")


def row_hash(row: tuple[int, float, str, int, str]) -> str:
    """What the journal remembers of a booking."""
    return sha256(repr(row).encode()).hexdigest()


def main(catalog: Path, journal: Path) -> None:
    """Write until told to stop."""
    going = True

    def stop(*_: object) -> None:
        nonlocal going
        going = False

    signal.signal(signal.SIGTERM, stop)
    chance = random.Random()
    database = sqlite3.connect(catalog, timeout=30, isolation_level=None)
    with journal.open("a", buffering=1) as witness:
        while going:
            note = f"{chance.getrandbits(2000):x}"
            values = (time.time(), chance.choice(_CLIENTS), chance.randint(90, 4000), note)
            number = database.execute(
                "INSERT INTO bookings (at, client, euros, note) VALUES (?, ?, ?, ?)", values
            ).lastrowid
            assert number is not None
            witness.write(f"{number} {time.time()} {row_hash((number, *values))}\n")
            time.sleep(0.002)
    database.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
