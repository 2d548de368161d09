"""``covenant find``."""

from __future__ import annotations

import re
from collections.abc import Callable
from fnmatch import translate
from typing import TYPE_CHECKING

import click

from covenant.cli import exits, formats
from covenant.cli.command import OPENING, command
from covenant.cli.output import clean
from covenant.cli.session import Session
from covenant.cli.snapshot_list import Filter, filtering, readable

if TYPE_CHECKING:
    from covenant.vault.snapshot import Snapshot


@command("find", "covenant find 'IMG_4711.*'", "covenant find --source media '*.raw' '*.dng'", exits=(*OPENING, 1, 13))
@click.argument("patterns", metavar="PATTERN...", nargs=-1, required=True)
@filtering
@click.option("--snapshot", "names", multiple=True, metavar="ID", help="Look only in this snapshot.")
@click.option("-i", "--ignore-case", is_flag=True, help="Do not tell upper case from lower.")
@click.option("-l", "--long", is_flag=True, help="Show mode, owner, size and time too.")
def find(
    session: Session,
    patterns: tuple[str, ...],
    wanted: Filter,
    names: tuple[str, ...],
    ignore_case: bool,
    long: bool,
) -> int:
    """Find files and folders in snapshots, the newest snapshot first.

    A PATTERN ('*.raw') fits names; one with a slash ('/srv/photos/*/cover.jpg') fits whole paths. With --json, one
    line for each entry.
    """
    from covenant.cli.choosing import one_snapshot
    from covenant.cli.commands.ls import entry_document, long_line
    from covenant.recover.listing import walk

    fits = _matcher(patterns, ignore_case)
    with session.read(then=("covenant.recover.listing",)) as opened:
        all_readable, findings = readable(opened.vault)
        chosen: list[Snapshot] = [one_snapshot(opened.vault, name, wanted) for name in names] or [
            snapshot for snapshot in reversed(all_readable) if wanted.fits(snapshot)
        ]
        for snapshot in chosen:
            shown = False
            for found in walk(opened.vault, snapshot, findings=findings):
                if not fits(found.path):
                    continue
                if not shown:
                    session.output.say(f"snapshot {snapshot.short_id} of {formats.local(snapshot.time)}")
                    shown = True
                session.output.result("  " + (long_line(found) if long else clean(found.path)))
                session.output.document({"snapshot_id": snapshot.id, **entry_document(found)})
    session.output.findings(findings)
    return exits.FINDINGS if findings else exits.DONE


def _matcher(patterns: tuple[str, ...], ignore_case: bool) -> Callable[[str], bool]:
    """Whether a path fits any of the patterns."""
    flags = re.IGNORECASE if ignore_case else 0
    by_path = [re.compile(translate(pattern), flags).match for pattern in patterns if "/" in pattern]
    by_name = [re.compile(translate(pattern), flags).match for pattern in patterns if "/" not in pattern]

    def fits(path: str) -> bool:
        name = path.rpartition("/")[2]
        return any(match(name) for match in by_name) or any(match(path) for match in by_path)

    return fits
