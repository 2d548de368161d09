"""``covenant unlock``."""

from __future__ import annotations

import click

from covenant.cli import formats
from covenant.cli.command import OPENING, command
from covenant.cli.session import Session


@command("unlock", "covenant unlock", "covenant unlock --remove-all", exits=(*OPENING,))
@click.option("--remove-all", is_flag=True, help="Remove the locks of running processes too.")
def unlock(session: Session, remove_all: bool) -> None:
    """Remove locks that dead processes left behind.

    A lock is left behind when its process on this machine is gone, or when it was not refreshed for 30 minutes.
    '--remove-all' is for when you know that nobody is at work: who is, works on unprotected.
    """
    with session.opened() as opened:
        removed = opened.locks.remove(all_of_them=remove_all)
        left = opened.locks.list()
    output = session.output
    output.say(f"removed {formats.counted(removed, 'lock')}")
    for lock in left:
        output.say(f"still there: lock {lock.id[:8]}, {lock}")
    output.document({"removed": removed, "left": [{"id": lock.id, "holder": str(lock)} for lock in left]})
