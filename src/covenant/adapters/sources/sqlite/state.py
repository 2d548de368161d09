"""Whether a SQLite database has changed, without opening it.

A database in WAL mode is two files: the database proper and ``-wal``, where commits arrive. Every commit writes to
one of the two, so their sizes, inodes and times together tell whether anything was committed. The text of a state is
recorded with the snapshot as its position.
"""

from __future__ import annotations

import os
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class State:
    """What the files of a database look like from outside. Times are nanoseconds since 1970."""

    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int
    wal_inode: int = 0
    wal_size: int = 0
    wal_mtime_ns: int = 0

    @property
    def touched_ns(self) -> int:
        """When either file was last written."""
        return max(self.mtime_ns, self.wal_mtime_ns)

    @property
    def changed_ns(self) -> int:
        """When anything about the database last changed. The log's own ctime moves whenever someone opens it."""
        return max(self.ctime_ns, self.wal_mtime_ns)

    def position(self, copy_size: int) -> str:
        """The state as text, with the size of the copy that was made of it."""
        numbers = (
            self.inode,
            self.size,
            self.mtime_ns,
            self.ctime_ns,
            self.wal_inode,
            self.wal_size,
            self.wal_mtime_ns,
            copy_size,
        )
        return "sqlite-" + "-".join([f"{number:x}" for number in numbers])


def read_state(path: str) -> State:
    """The state of the database at ``path``. Raises ``OSError``."""
    main = os.stat(path)
    try:
        wal = os.stat(path + "-wal")
    except FileNotFoundError:
        return State(main.st_ino, main.st_size, main.st_mtime_ns, main.st_ctime_ns)
    if not wal.st_size:
        return State(main.st_ino, main.st_size, main.st_mtime_ns, main.st_ctime_ns)
    return State(
        main.st_ino,
        main.st_size,
        main.st_mtime_ns,
        main.st_ctime_ns,
        wal.st_ino,
        wal.st_size,
        wal.st_mtime_ns,
    )


def parse_position(position: str) -> tuple[State, int] | None:
    """The state and the copy's size from a recorded position, or ``None`` for anything else."""
    kind, _, rest = position.partition("-")
    try:
        numbers = [int(number, 16) for number in rest.split("-")]
    except ValueError:
        return None
    if kind != "sqlite" or len(numbers) != 8:
        return None
    return State(*numbers[:7]), numbers[7]
