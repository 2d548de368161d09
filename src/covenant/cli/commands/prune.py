"""``covenant prune``."""

from __future__ import annotations

import click

from covenant.cli import exits
from covenant.cli.command import OPENING, command
from covenant.cli.parameters import share_or_size, size
from covenant.cli.session import Session


@command(
    "prune", "covenant prune", "covenant prune --dry-run", "covenant prune --max-unused 10%", exits=(*OPENING, 1, 22)
)
@click.option("--dry-run", is_flag=True, help="Say what would be done, and why, and do nothing.")
@click.option(
    "--max-unused",
    type=share_or_size,
    metavar="SHARE|SIZE",
    help="This much may stay unused: '5%' (default), '1G', 'unlimited'.",
)
@click.option("--max-repack-size", type=size, metavar="SIZE", help="Rewrite at most this much.")
@click.option("--repack-uncompressed", is_flag=True, help="Compress what was never compressed.")
@click.option("--repack-small", is_flag=True, help="Put small packs together.")
def prune(
    session: Session,
    dry_run: bool,
    max_unused: float | int | None,
    max_repack_size: int | None,
    repack_uncompressed: bool,
    repack_small: bool,
) -> int:
    """Remove what no snapshot needs any more.

    Needs the vault alone. Killed at any point, it loses nothing, and is simply run again. What the store lets nobody
    delete yet is left, and named with the moment until when.
    """
    from covenant.cli import letting_go

    thorough = letting_go.Thorough(max_unused, max_repack_size, repack_uncompressed, repack_small)
    with session.opened("exclusive", then=("covenant.safeguard.prune",)) as opened:
        pruned = letting_go.prune(session, opened, thorough, dry_run=dry_run)
    session.output.document(pruned)
    return exits.FINDINGS if pruned.get("findings") else exits.DONE
