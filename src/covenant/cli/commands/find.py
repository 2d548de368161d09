"""``covenant find``."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import click

from covenant.cli import exits, formats
from covenant.cli.command import OPENING, command
from covenant.cli.output import clean
from covenant.cli.parameters import moment, size
from covenant.cli.session import Session
from covenant.cli.snapshot_list import filtering, readable
from covenant.kernel.errors import UsageError

if TYPE_CHECKING:
    from covenant.recover.choose import Filter


@command(
    "find", "covenant find 'IMG_4711.*'", "covenant find --source media --larger 1G '*.mov'", exits=(*OPENING, 1, 13)
)
@click.argument("patterns", metavar="[PATTERN]...", nargs=-1)
@filtering
@click.option("--snapshot", "names", multiple=True, metavar="ID", help="Look only in this snapshot.")
@click.option("-i", "--ignore-case", is_flag=True, help="Do not tell upper case from lower.")
@click.option(
    "--type", "kinds", multiple=True, type=click.Choice(["file", "dir", "symlink"]), help="Only such entries."
)
@click.option("--larger", type=size, metavar="SIZE", help="Only files of at least this size.")
@click.option("--smaller", type=size, metavar="SIZE", help="Only files of at most this size.")
@click.option("--newer", type=moment, metavar="TIME", help="Only what changed since then.")
@click.option("--older", type=moment, metavar="TIME", help="Only what did not change since then.")
@click.option("--blob", "blobs", multiple=True, metavar="ID", help="Only what holds this blob.")
@click.option("-l", "--long", is_flag=True, help="Show mode, owner, size and time too.")
def find(
    session: Session,
    patterns: tuple[str, ...],
    wanted: Filter,
    names: tuple[str, ...],
    ignore_case: bool,
    kinds: tuple[str, ...],
    larger: int | None,
    smaller: int | None,
    newer: datetime | None,
    older: datetime | None,
    blobs: tuple[str, ...],
    long: bool,
) -> int:
    """Find files and folders in snapshots, the newest snapshot first.

    A PATTERN ('*.raw') fits names; one with a slash ('/srv/photos/*/cover.jpg') fits whole paths. With --json, one
    line for each entry.
    """
    from covenant.cli.choosing import one_snapshot
    from covenant.cli.commands.ls import entry_document, long_line
    from covenant.recover.find import Sought
    from covenant.recover.find import find as search

    sought = Sought(patterns, ignore_case, kinds, larger, smaller, newer, older, blobs)
    if sought == Sought(ignore_case=ignore_case):
        raise UsageError("it is not said what to find", "Give a pattern, a size, a time or a blob.")
    with session.read(then=("covenant.recover.find",)) as opened:
        snapshots, findings = readable(opened.vault)
        chosen = [one_snapshot(opened.vault, name, wanted) for name in names] or [
            snapshot for snapshot in reversed(snapshots) if wanted.fits(snapshot)
        ]
        for snapshot in chosen:
            shown = False
            for found in search(opened.vault, snapshot, sought, findings=findings):
                if not shown:
                    session.output.say(f"snapshot {snapshot.short_id} of {formats.local(snapshot.time)}")
                    shown = True
                session.output.result("  " + (long_line(found) if long else clean(found.path)))
                session.output.document({"snapshot_id": snapshot.id, **entry_document(found)})
    session.output.findings(findings)
    return exits.FINDINGS if findings else exits.DONE
