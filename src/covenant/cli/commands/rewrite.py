"""``covenant rewrite``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from covenant.cli import exits, formats
from covenant.cli.choosing import chosen
from covenant.cli.command import OPENING, command
from covenant.cli.output import clean
from covenant.cli.session import Session
from covenant.cli.snapshot_list import filtering
from covenant.kernel.errors import UsageError

if TYPE_CHECKING:
    from covenant.recover.choose import Filter


@command(
    "rewrite",
    "covenant rewrite --exclude /srv/photos/private --dry-run 8da63f54",
    "covenant rewrite --exclude '*.key' --forget --source config",
    exits=(*OPENING, 13, 22),
)
@click.argument("names", metavar="[SNAPSHOT]...", nargs=-1)
@click.option("--exclude", "patterns", multiple=True, metavar="PATTERN", help="Drop what fits, in gitignore's syntax.")
@filtering
@click.option("--forget", is_flag=True, help="Let the old snapshots go.")
@click.option("--dry-run", is_flag=True, help="Say what would be dropped; do nothing.")
def rewrite(
    session: Session,
    names: tuple[str, ...],
    patterns: tuple[str, ...],
    wanted: Filter,
    forget: bool,
    dry_run: bool,
) -> int:
    """Drop paths from past snapshots: those that are named, or all that fit the filter.

    Each changed snapshot is stored anew and remembers its original. The bytes themselves go when the old snapshots
    are forgotten ('--forget') and the vault is pruned.
    """
    from covenant.recover.choose import Filter
    from covenant.safeguard import rewrite as rewriting

    if not names and wanted == Filter():
        raise UsageError("no snapshot is named", "Name snapshots, or choose them with '--source', '--path' or '--tag'.")
    with session.opened("exclusive") as opened:
        plan = rewriting.plan(opened.vault, chosen(opened.vault, names, wanted), patterns, forget=forget)
        changed = [] if dry_run else rewriting.apply(plan, opened.vault, opened.whole)
    for place, change in enumerate(plan.changes):
        now = f" becomes {changed[place].short_id}" if changed else ""
        files, size = formats.counted(change.files, "file"), formats.size(change.bytes)
        session.output.say(f"snapshot {change.snapshot.short_id}{now}: {files} ({size}) dropped")
        for dropped in change.dropped:
            session.output.say(f"  {clean(dropped.path)}")
    would = "would rewrite" if dry_run else "rewrote"
    session.output.say(f"{would} {formats.counted(len(plan.changes), 'snapshot')}, {len(plan.untouched):,} untouched")
    session.output.document({"dry_run": dry_run, **plan.as_json(), "new_ids": [each.id for each in changed]})
    return exits.DONE
