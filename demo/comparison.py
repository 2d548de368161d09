"""Whether what came back is what was there."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from demo.bookings import row_hash


@dataclass(frozen=True, slots=True)
class Catalog:
    """What the restored catalog holds, held against the journal."""

    bookings: int
    last_commit: float
    problems: tuple[str, ...]


def fingerprints(folder: Path) -> dict[str, str]:
    """The hash of every file below a folder, by its path."""
    return {
        str(path.relative_to(folder)): sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def compare_files(expected: dict[str, str], folder: Path) -> list[str]:
    """What differs between the files that were there and those that are."""
    found = fingerprints(folder)
    problems = [f"missing: {path}" for path in expected.keys() - found.keys()]
    problems += [f"not there before: {path}" for path in found.keys() - expected.keys()]
    return problems + [f"differs: {path}" for path in expected.keys() & found.keys() if expected[path] != found[path]]


def compare_catalog(path: Path, journal: Path, backup_began: float) -> Catalog:
    """The restored catalog must hold the first k bookings of the journal, row for row, and no other.

    k is at least every booking that was committed before the backup began.
    """
    witnessed = [line.split() for line in journal.read_text().splitlines()]
    hashes = {int(number): (float(at), hashed) for number, at, hashed in witnessed}
    owed = sum(1 for at, _ in hashes.values() if at < backup_began)
    database = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
    rows = database.execute("SELECT id, at, client, euros, note FROM bookings ORDER BY id").fetchall()
    projects = database.execute("SELECT count(*) FROM projects").fetchone()[0]
    database.close()
    problems = [] if projects == 3 else [f"{projects} projects instead of 3"]
    if [row[0] for row in rows] != list(range(1, len(rows) + 1)):
        problems.append("the bookings have a gap")
    problems += [f"booking {row[0]} differs" for row in rows if row_hash(row) != hashes.get(row[0], (0, ""))[1]]
    if len(rows) < owed:
        problems.append(f"{owed - len(rows)} bookings from before the backup are missing")
    return Catalog(len(rows), hashes[len(rows)][0] if rows and len(rows) in hashes else 0.0, tuple(problems))
