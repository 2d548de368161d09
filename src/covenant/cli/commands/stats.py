"""``covenant stats``."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from covenant.cli import exits, formats
from covenant.cli.choosing import chosen
from covenant.cli.command import OPENING, command
from covenant.cli.session import Session
from covenant.cli.snapshot_list import filtering

if TYPE_CHECKING:
    from covenant.recover.choose import Filter
    from covenant.vault.stats import BlobStats, RawStats

MODES = ("restore-size", "files-by-contents", "raw-data")


@command(
    "stats",
    "covenant stats",
    "covenant stats --mode raw-data",
    "covenant stats latest --json",
    exits=(*OPENING, 13, 28),
)
@click.argument("names", metavar="[SNAPSHOT]...", nargs=-1)
@filtering
@click.option("--mode", type=click.Choice(MODES), default=MODES[0], show_default=True, help="What is counted.")
def stats(session: Session, names: tuple[str, ...], wanted: Filter, mode: str) -> int:
    """Count how much the snapshots hold: those that are named, or all that fit the filter.

    'restore-size' is what restoring them all would write, 'files-by-contents' counts equal files once, and 'raw-data'
    is what their blobs take in the vault.
    """
    from covenant.vault import stats as counting

    with session.read(then=("covenant.vault.stats",)) as opened:
        snapshots = chosen(opened.vault, names, wanted)
        if mode == "raw-data":
            _show_raw(session, counting.raw_data(opened.vault, snapshots))
            return exits.DONE
        count = counting.restore_size if mode == MODES[0] else counting.files_by_contents
        found = count(opened.vault, snapshots)
    output = session.output
    what = ("entry", "entries") if mode == MODES[0] else ("different file", "different files")
    output.result(formats.counted(found.snapshots, "snapshot"))
    output.result(f"  {formats.counted(found.files, *what)}, {formats.size(found.bytes)}")
    output.document({"mode": mode, **asdict(found)})
    return exits.DONE


def _show_raw(session: Session, found: RawStats) -> None:
    output = session.output
    output.result(formats.counted(found.snapshots, "snapshot"))
    output.table(
        ("Type", "Blobs", "Plain", "Stored", "Ratio"),
        [_row("data", found.data), _row("trees", found.trees), _row("together", found.total)],
        right=(1, 2, 3, 4),
    )
    output.result(f"the vault has {formats.counted(found.packs, 'pack')}, {formats.size(found.pack_bytes)}")
    output.document({"mode": "raw-data", **asdict(found), "total": asdict(found.total), "ratio": found.total.ratio})


def _row(kind: str, found: BlobStats) -> tuple[str, ...]:
    sizes = formats.size(found.plain), formats.size(found.stored)
    return (kind, formats.number(found.blobs), *sizes, f"{found.ratio:.2f}")
