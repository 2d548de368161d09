"""Giving a recovering server the file that it asks for."""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import TYPE_CHECKING

from covenant.cli import exits
from covenant.cli.log_following import named
from covenant.cli.session import Session
from covenant.kernel.errors import TargetError

if TYPE_CHECKING:
    from covenant.adapters.sources.postgres.shelf import Shelf


def fetch(session: Session, name: str, target: Path, source: str | None, *, to_gap: bool) -> int:
    """Write one file of the log; ``LOG_ENDS`` where the log ends before it. Raises whatever else is the matter."""
    meant = named(session, source)
    with session.opened("none", session.place_named(meant.vault)) as opened:
        from covenant.adapters.sources.postgres.shelf import read_shelf

        shelf = read_shelf(opened.vault, meant.name, _system())
        return write(shelf, name, target, to_gap=to_gap)


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


def _system() -> int | None:
    """Which server asks: it runs us in its data directory, where ``pg_control`` begins with its number."""
    try:
        with Path("global/pg_control").open("rb") as control:
            return int(struct.unpack("<Q", control.read(8))[0])
    except (OSError, struct.error):
        return None
