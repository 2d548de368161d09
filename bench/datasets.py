"""The four data sets, by name, and the door through which a process of its own makes them.

They are made in a process of their own because Linux hands the peak memory of a process down to the program that it
starts: data made in the benchmark itself would show in the figures of the peers.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench import database, disk, media, small, sql
from bench.errors import BenchError

STARTS = 20
"""Seconds in one repetition for starting three peers' programs and opening their repositories."""
SETTLE = 0.05
"""Seconds; longer than the step of a file system's clock."""


@dataclass(frozen=True, slots=True)
class DataSet:
    """Data of one kind: made once, changed as often as wanted, the same on every machine."""

    name: str
    make: Callable[[Path, float], None]
    """(empty folder, scale): write it."""
    change: Callable[[Path, int, float], None]
    """(folder, turn, share): the same turn changes the same things."""
    total: int
    """Bytes at scale 1, about."""
    compressible: bool
    kept: float
    """What a repository comes to after all work, in units of ``total``, generously."""
    seconds: float
    """How long one repetition of all work with three peers takes at scale 1, on two cores: for ``estimate`` alone."""

    def estimate(self, scale: float, peers: int) -> float:
        """Seconds for one repetition, about. However small the data, starting the programs takes its time."""
        return (STARTS + self.seconds * scale) * peers / 3


SETS = {
    each.name: each
    for each in (
        DataSet("media", media.make, media.change, media.TOTAL, compressible=False, kept=1.7, seconds=90),
        DataSet("sql", sql.make, sql.change, sql.TOTAL, compressible=True, kept=0.7, seconds=90),
        DataSet("small", small.make, small.change, small.FILES * 6144, compressible=True, kept=1.7, seconds=230),
        DataSet("database", database.make, database.change, database.TOTAL, compressible=True, kept=2.5, seconds=105),
    )
}


def make(data: DataSet, folder: Path, scale: float) -> None:
    """Make ``data`` in ``folder``, in a process of its own."""
    _apart("make", data.name, str(folder), str(scale))


def change(data: DataSet, folder: Path, turn: int, share: float) -> None:
    """Change ``share`` of ``data`` in ``folder``, in a process of its own."""
    _apart("change", data.name, str(folder), str(turn), str(share))


def renew(pristine: Path, folder: Path) -> None:
    """Make ``folder`` a copy of the data as they were made."""
    shutil.rmtree(folder, ignore_errors=True)
    disk.copy(pristine, folder)
    _mark(folder)


def _apart(*words: str) -> None:
    argv = [sys.executable, "-m", "bench.datasets", *words]
    root = Path(__file__).resolve().parents[1]
    done = subprocess.run(argv, cwd=root, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchError(f"data set: {' '.join(words)} failed:\n{done.stderr}")


def _mark(folder: Path) -> None:
    """Write one small file later than all others.

    borg always reads the newest file of a backup again, since it may have changed within one tick of the clock. A set
    of one file would be read whole; with this file the newest is small, and an unchanged backup is one that reads none.
    """
    time.sleep(SETTLE)
    (folder / "zz-newest.txt").write_text("the newest file of the set\n")


def main() -> None:
    """``make NAME FOLDER SCALE`` or ``change NAME FOLDER TURN SHARE``."""
    parser = argparse.ArgumentParser(prog="python -m bench.datasets")
    verbs = parser.add_subparsers(dest="verb", required=True)
    making = verbs.add_parser("make")
    changing = verbs.add_parser("change")
    for verb in (making, changing):
        verb.add_argument("name", choices=SETS)
        verb.add_argument("folder", type=Path)
    making.add_argument("scale", type=float)
    changing.add_argument("turn", type=int)
    changing.add_argument("share", type=float)
    told = parser.parse_args()
    told.folder.mkdir(parents=True, exist_ok=True)
    if told.verb == "make":
        SETS[told.name].make(told.folder, told.scale)
    else:
        SETS[told.name].change(told.folder, told.turn, told.share)
    _mark(told.folder)


if __name__ == "__main__":
    main()
