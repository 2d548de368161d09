"""``covenant tag``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from covenant.cli import exits, formats
from covenant.cli.choosing import chosen
from covenant.cli.command import OPENING, command
from covenant.cli.session import Session
from covenant.cli.snapshot_list import filtering
from covenant.kernel.errors import UsageError

if TYPE_CHECKING:
    from covenant.recover.choose import Filter


@command(
    "tag",
    "covenant tag --add wedding 8da63f54",
    "covenant tag --set archive --source media",
    exits=(*OPENING, 13, 22),
)
@click.argument("names", metavar="[SNAPSHOT]...", nargs=-1)
@click.option("--add", multiple=True, metavar="TAG", help="Give this tag.")
@click.option("--remove", multiple=True, metavar="TAG", help="Take this tag away.")
@click.option("--set", "set_to", multiple=True, metavar="TAG", help="Have this tag, and no others than those set.")
@filtering
@click.option("--dry-run", is_flag=True, help="Say what would change; do nothing.")
def tag(
    session: Session,
    names: tuple[str, ...],
    add: tuple[str, ...],
    remove: tuple[str, ...],
    set_to: tuple[str, ...],
    wanted: Filter,
    dry_run: bool,
) -> int:
    """Change the tags of snapshots: those that are named, or all that fit the filter.

    A snapshot with new tags has a new id; '--set ""' takes all tags away.
    """
    from covenant.safeguard import tag as tagging

    if not (add or remove or set_to):
        raise UsageError("it is not said which tags to change", "Give '--add', '--remove' or '--set'.")
    with session.opened("exclusive") as opened:
        set_tags = [text for text in set_to if text] if set_to else None
        plan = tagging.plan(chosen(opened.vault, names, wanted), add=add, remove=remove, set_to=set_tags)
        changed = [] if dry_run else tagging.apply(plan, opened.vault, opened.whole)
    for place, change in enumerate(plan.changes):
        now = f", now {changed[place].short_id}" if changed else ""
        session.output.say(f"snapshot {change.snapshot.short_id}{now}: {', '.join(change.tags) or 'no tags'}")
    would = "would change" if dry_run else "changed"
    session.output.say(f"{would} {formats.counted(len(plan.changes), 'snapshot')}")
    session.output.document({"dry_run": dry_run, **plan.as_json(), "new_ids": [each.id for each in changed]})
    return exits.DONE
