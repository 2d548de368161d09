"""``covenant recover --bare``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from covenant.recover.ports import Speed

from covenant.cli.command import OPENING, command
from covenant.cli.parameters import moment
from covenant.cli.session import Session
from covenant.kernel.errors import UsageError


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for."""

    target: Path
    kits: tuple[Path, ...]
    sources: tuple[str, ...]
    at: datetime | None
    overwrite: bool
    thaw: Speed | None
    thaw_days: int


@command(
    "recover",
    "covenant --vault /mnt/attic/vault --password-file key recover --bare --target /srv/recovered",
    "covenant recover --bare --kit share-1.txt --kit share-3.txt --target /srv/recovered",
    "covenant --vault s3:https://far.example.net/backups/covenant recover --bare --source metadata --target /srv/back",
    exits=(*OPENING, 1, 3, 22, 24),
)
@click.option("--bare", is_flag=True, help="From nothing: one region of the vault tells everything else.")
@click.option("--target", required=True, type=click.Path(path_type=Path), metavar="DIR", help="Where it comes to lie.")
@click.option(
    "--kit",
    "kits",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The recovery kit, or one share of it; may be said again.",
)
@click.option("--source", "sources", multiple=True, metavar="NAME", help="Only this source; may be said again.")
@click.option("--at", type=moment, metavar="TIME", help="As it was by then, instead of the newest.")
@click.option("--overwrite", is_flag=True, help="The target may hold files; those that differ are replaced.")
@click.option(
    "--thaw",
    type=click.Choice(("expedited", "standard", "bulk")),
    help="Have thawed what lies in an archival class; run it again when it is.",
)
@click.option("--thaw-days", type=click.IntRange(1), default=7, help="How long thawed copies stay; 7 unless said.")
def recover(
    session: Session,
    bare: bool,
    target: Path,
    kits: tuple[Path, ...],
    sources: tuple[str, ...],
    at: datetime | None,
    overwrite: bool,
    thaw: Speed | None,
    thaw_days: int,
) -> int:
    """Bring everything back onto an empty machine, from any one region of a vault.

    A recovery kit says where the vault lies and opens it; so does '--vault' with a password. No covenant.toml is
    needed, nor a catalog: the vault keeps both. Sources come back in the order of their priority,
    each below DIR/sources, each read back and asked whether it is whole, and each timed against its RTO. Killed or
    stopped, the same command goes on where it was, with the same snapshots.
    """
    from covenant.cli import recovering

    if not bare:
        raise UsageError(
            "it is not said what to recover from",
            "Say '--bare' to recover everything from a vault alone; 'covenant restore' brings single sources back.",
        )
    return recovering.from_nothing(session, Asked(target, kits, sources, at, overwrite, thaw, thaw_days))
