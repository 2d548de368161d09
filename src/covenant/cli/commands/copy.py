"""``covenant copy``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from covenant.cli import exits, formats
from covenant.cli.choosing import chosen
from covenant.cli.command import OPENING, command
from covenant.cli.parameters import pair
from covenant.cli.session import Session
from covenant.cli.snapshot_list import filtering

if TYPE_CHECKING:
    from covenant.recover.choose import Filter


@command(
    "copy",
    "covenant copy --to-vault /mnt/second/vault --to-password-file ~/.second-password",
    "covenant copy --to-vault offsite --source media latest",
    exits=(*OPENING, 13, 22, 28),
)
@click.argument("names", metavar="[SNAPSHOT]...", nargs=-1)
@click.option("--to-vault", required=True, metavar="URL", help="The other vault, or its name in covenant.toml.")
@click.option(
    "--to-password-file", type=click.Path(path_type=Path), metavar="FILE", help="Its password is in this file."
)
@click.option("--to-password-command", metavar="COMMAND", help="This program prints its password.")
@click.option("--to-option", type=pair, multiple=True, metavar="KEY=VALUE", help="An option of its store.")
@filtering
def copy(
    session: Session,
    names: tuple[str, ...],
    to_vault: str,
    to_password_file: Path | None,
    to_password_command: str | None,
    to_option: tuple[tuple[str, str], ...],
    wanted: Filter,
) -> int:
    """Copy snapshots into another vault, which has another key: those that are named, or all that fit the filter.

    What is there already is not copied again, so a copy that was stopped is simply run again.
    """
    from covenant.vault.copy import copy as copy_snapshots

    place = session.other_place(to_vault, dict(to_option), to_password_file, to_password_command)
    with session.read(then=("covenant.vault.copy",)) as source, session.opened("shared", place) as target:
        snapshots = chosen(source.vault, names, wanted)
        target.confirm()
        with session.progress("copy") as progress:
            done = copy_snapshots(
                source.vault, target.vault, target.appending, snapshots, progress=progress, lanes=session.lanes
            )
    output = session.output
    for snapshot in done.copied:
        output.say(f"snapshot {(snapshot.original or '')[:8]} is {snapshot.short_id} there")
    output.say(
        f"copied {formats.counted(len(done.copied), 'snapshot')} ({formats.size(done.added.stored_bytes)} added), "
        f"{len(done.present):,} there already"
    )
    output.document(
        {
            "copied": [{"id": each.id, "original": each.original} for each in done.copied],
            "present": [each.id for each in done.present],
            "added": asdict(done.added),
        }
    )
    return exits.DONE
