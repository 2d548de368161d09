"""Giving a recovering server the file that it asks for."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from covenant.cli import exits
from covenant.cli.log_following import named
from covenant.cli.session import Session
from covenant.cli.wal_spool import Spool, leave_behind
from covenant.kernel.errors import SourceError, TargetError

if TYPE_CHECKING:
    from covenant.adapters.sources.postgres.shelf import Shelf


def fetch(session: Session, name: str, target: Path, source: str | None, *, to_gap: bool) -> int:
    """Write one file of the log; ``LOG_ENDS`` where the log ends before it. Raises whatever else is the matter."""
    system = server_here()
    spool = Spool.of(session, source, system)
    if spool is not None and spool.take(name, target):
        leave_behind(session, spool, _last(spool) or name, source)
        return exits.DONE
    meant = named(session, source)
    with session.opened("none", session.place_named(meant.vault)) as opened:
        from covenant.adapters.sources.postgres.shelf import read_shelf

        shelf = read_shelf(opened.vault, meant.name, system)
        if shelf.foreign:
            raise SourceError(
                f"the log of '{meant.name}' is another server's: this one's number is {system}",
                "Name the source whose server this is with '--source'.",
            )
        code = write(shelf, name, target, to_gap=to_gap)
    if spool is not None and code == exits.DONE:
        leave_behind(session, spool, name, source)
    return code


def _last(spool: Spool) -> str:
    """The file that lies farthest ahead."""
    return max((path.name for path in spool.waiting()), default="")


def write(shelf: Shelf, name: str, target: Path, *, to_gap: bool) -> int:
    """Put a file in its place, whole or not at all."""
    found = shelf.find(name, to_gap=to_gap)
    if found is None:
        return exits.LOG_ENDS
    content = shelf.read(found)
    beside = target.with_name(f"{target.name}.covenant-{os.getpid()}")
    try:
        with beside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(target)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise TargetError(f"{target} cannot be written: {error.strerror}", "See who owns the folder.") from error
    return exits.DONE


def server_here() -> int | None:
    """Which server asks: it runs us in its data directory. Elsewhere nobody asks, and the newest is meant."""
    from covenant.adapters.sources.postgres.wal import system_of

    try:
        return system_of(Path())
    except SourceError:
        return None
