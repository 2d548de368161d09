"""Putting a SQLite database back: beside the live one, proved sound, then swapped in.

The danger is the live database's log, ``-wal`` or ``-journal``: left behind, SQLite would replay it into the restored
database and ruin it. Order of steps, each of which can be followed by a crash without losing either database:

1. the restored file lies beside the live one under another name, synced, and has passed ``PRAGMA integrity_check``;
2. the live file gets a second name, ``<name>.before-restore-<moment>``, its log is moved to that name too, and the
   folder is synced;
3. the restored file is renamed over the live name, and the folder is synced.

Programs that have the old database open go on writing to the old file. They must be stopped, or opened anew.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from covenant.kernel.errors import DamageError, TargetError

_MAX_PROBLEMS = 20
_LOGS = ("-wal", "-journal")


@dataclass(frozen=True, slots=True)
class Placed:
    """Where the restored database is, and where what was there before has gone (``None`` if nothing was)."""

    path: Path
    set_aside: Path | None


def integrity_problems(path: Path) -> tuple[str, ...]:
    """What SQLite itself finds wrong with a database; nothing if it is sound."""
    try:
        with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as database:
            rows = [str(row[0]) for row in database.execute(f"PRAGMA integrity_check({_MAX_PROBLEMS})")]
    except sqlite3.Error as error:
        return (str(error),)
    return tuple(row for row in rows if row != "ok")


def beside(live: Path) -> Path:
    """Where a restored database waits until it is swapped in: same folder, so that a rename is atomic.

    A live database that is named by a link is replaced where it really lies.
    """
    live = live.resolve()
    return live.with_name(f".{live.name}.covenant-restored")


def swap_in(restored: Path, live: Path, now: datetime) -> Placed:
    """Prove ``restored`` sound and put it in the place of ``live``.

    Raises ``DamageError`` if it is not sound (nothing has been touched then), ``TargetError`` if the swap fails.
    """
    live = live.resolve()
    drop_logs(restored)  # what an earlier attempt left is not replayed into this one
    problems = integrity_problems(restored)
    if problems:
        raise DamageError(
            f"the restored database is not sound: {problems[0]}",
            f"The live database was left as it is. Restore an earlier snapshot; the unsound one lies at {restored}.",
        )
    try:
        _settle(restored)
        aside = _set_aside(live, now)
        _sync(live.parent)  # else a power failure could keep the rename, and not that the log is gone
        restored.replace(live)
        _sync(live.parent)
    except OSError as error:
        raise TargetError(
            f"the restored database could not be swapped in for {live}: {error.strerror}",
            f"It is whole and lies at {restored}; the old one is in place or beside it.",
        ) from error
    return Placed(live, aside)


def drop_logs(restored: Path) -> None:
    """Remove what SQLite keeps beside a database. A restored one is whole by itself; such files are not its own."""
    for suffix in (*_LOGS, "-shm"):
        restored.with_name(restored.name + suffix).unlink(missing_ok=True)


def _settle(restored: Path) -> None:
    """Make the file durable, and leave no log of its own behind from being checked."""
    drop_logs(restored)
    _sync(restored)


def _set_aside(live: Path, now: datetime) -> Path | None:
    if not live.exists():
        return None
    aside = _free(live.with_name(f"{live.name}.before-restore-{now:%Y%m%dT%H%M%S}"))
    os.link(live, aside)
    for suffix in _LOGS:
        log = live.with_name(live.name + suffix)
        if log.exists():
            log.replace(aside.with_name(aside.name + suffix))
    live.with_name(live.name + "-shm").unlink(missing_ok=True)
    return aside


def _free(wanted: Path) -> Path:
    """This name, or one like it that nothing has yet."""
    names = (wanted.with_name(f"{wanted.name}.{number}") if number else wanted for number in range(1000))
    return next(name for name in names if not name.exists())


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
