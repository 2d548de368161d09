"""``covenant restore``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from covenant.cli.command import OPENING, command
from covenant.cli.goals import GoalWish, to_a_goal
from covenant.cli.session import Session
from covenant.cli.snapshot_list import filtering
from covenant.kernel.errors import UsageError

if TYPE_CHECKING:
    from covenant.recover.choose import Filter
    from covenant.recover.ports import Speed


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for, apart from where to."""

    snapshot: str
    path: str
    wanted: Filter
    include: tuple[str, ...]
    exclude: tuple[str, ...]
    dry_run: bool
    verify: bool
    overwrite: bool
    strip: bool
    thaw: Speed | None = None
    thaw_days: int = 7
    wait: bool = False


@command(
    "restore",
    "covenant restore latest --target /srv/restored",
    "covenant restore media /srv/photos/shoot-17 --target /srv/restored --verify",
    "covenant restore metadata --in-place",
    "covenant restore accounts --to '2026-11-23 14:05:00+00' --target /srv/accounts",
    "covenant restore accounts --latest --only billing.invoices --into postgresql://admin@db.example/accounts",
    "covenant restore media --target /srv/restored --thaw bulk",
    exits=(*OPENING, 1, 13, 22, 24, 37),
)
@click.argument("snapshot")
@click.argument("path", default="/")
@filtering
@click.option("--target", type=click.Path(), metavar="DIR", help="Restore into this folder; it is made if need be.")
@click.option("--in-place", is_flag=True, help="Restore to where it came from, over what is there.")
@click.option("--include", multiple=True, metavar="PATTERN", help="Only what fits, in gitignore's syntax.")
@click.option("--exclude", multiple=True, metavar="PATTERN", help="Not what fits, in gitignore's syntax.")
@click.option("--overwrite", is_flag=True, help="The target may hold files; those that differ are replaced.")
@click.option("--strip", is_flag=True, help="Put what is in PATH into the target itself, without the folders above.")
@click.option("--verify", is_flag=True, help="Read every restored file back and compare it.")
@click.option(
    "--thaw",
    type=click.Choice(("expedited", "standard", "bulk")),
    help="Have thawed what lies in an archival class: minutes, hours, or half a day and cheapest.",
)
@click.option("--thaw-days", type=click.IntRange(1), default=7, help="How long thawed copies stay; 7 unless said.")
@click.option("--wait", is_flag=True, help="With '--thaw': wait until it is thawed, then restore.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@to_a_goal
def restore(
    session: Session,
    snapshot: str,
    path: str,
    wanted: Filter,
    target: str | None,
    in_place: bool,
    include: tuple[str, ...],
    exclude: tuple[str, ...],
    overwrite: bool,
    strip: bool,
    verify: bool,
    thaw: Speed | None,
    thaw_days: int,
    wait: bool,
    dry_run: bool,
    wish: GoalWish,
) -> int:
    """Bring a snapshot back, whole or in part.

    SNAPSHOT is the beginning of an id, the name of a source (its latest), or 'latest'. PATH is a folder or file in
    it. Stopped or killed, the same restore run again goes on where it was. What could not be restored is a finding.

    What lies in an archival class must be thawed first. '--dry-run' says how much, how long that takes and roughly what
    it costs; '--thaw' asks for it and says when to come back, with the same command.

    '--in-place' brings a database back beside the live one, proves it sound, and swaps it in at once; the old one is
    set aside. Stop the programs that use it first.

    A PostgreSQL server is brought back to a moment: '--to', '--to-lsn', '--to-xid', '--to-name' or '--latest', from
    the newest backup that the log leads on from. It comes back beside everything else, alone, and is proved.
    """
    from covenant.cli import bringing_back
    from covenant.cli.choosing import reference

    if wish.wanted or _is_server(session, snapshot):
        from covenant.cli import to_moment

        if in_place or path != "/" or include or exclude or strip:
            raise UsageError(
                "a server is brought back whole, beside the live one",
                "Leave out PATH, '--in-place', '--include', '--exclude' and '--strip'; '--only' takes a part of it.",
            )
        if wanted != type(wanted)():
            raise UsageError(
                "a server is brought back to a moment, not from a snapshot that fits",
                "Say '--to' instead of '--at', and '--from' for the backup to begin with.",
            )
        return to_moment.restore(session, wish.of(snapshot, target, overwrite=overwrite, dry_run=dry_run))
    if bool(target) == in_place:
        raise UsageError("it is not said where to restore to", "Give either '--target DIR' or '--in-place'.")
    snapshot, path = reference(snapshot, path)
    if wait and thaw is None:
        raise UsageError("'--wait' waits for what is thawed", "Give '--thaw standard' with it.")
    asked = Asked(snapshot, path, wanted, include, exclude, dry_run, verify, overwrite, strip, thaw, thaw_days, wait)
    if target:
        return bringing_back.into(session, asked, target)
    return bringing_back.in_place(session, asked)


def _is_server(session: Session, name: str) -> bool:
    """Whether a server is meant: brought back as files alone it would be of no use."""
    known = session.settings.sources if session.settings is not None else {}
    return name in known and known[name].kind == "postgres"
