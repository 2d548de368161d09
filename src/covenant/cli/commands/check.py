"""``covenant check``."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from covenant.cli import exits, formats
from covenant.cli.command import OPENING, command
from covenant.cli.output import as_dicts
from covenant.cli.session import Session
from covenant.kernel.errors import UsageError

if TYPE_CHECKING:
    from covenant.vault.check.report import CheckReport
    from covenant.vault.check.subset import Subset


@command(
    "check",
    "covenant check",
    "covenant check --read-data",
    "covenant check --read-data-subset 3/7",
    exits=(*OPENING, 1),
)
@click.option("--read-data", is_flag=True, help="Read every byte back, and prove it.")
@click.option(
    "--read-data-subset", metavar="PART", help="Read a part: '1/7' (all seven are everything), '2.5%', or '5G'."
)
def check(session: Session, read_data: bool, read_data_subset: str | None) -> int:
    """Find all damage in the vault, and name the files that each piece of it costs.

    Without '--read-data' the structure is checked: every index, snapshot and tree is read, every pack is there with
    its right size. Nothing is changed.
    """
    from covenant.vault.check.inspection import check as inspect
    from covenant.vault.check.reading import Settings

    subset = _subset(read_data, read_data_subset)
    with session.read() as opened, session.progress("check") as progress:
        settings = Settings(lanes=session.lanes, open_store=opened.opener.reading, progress=progress)
        report = inspect(opened.vault, session.clock, read_data=subset, settings=settings)
    output = session.output
    ours = f"{opened.owner.username}@{opened.owner.hostname}, process {opened.owner.pid},"
    notes = [note for note in report.notes if not (note.kind == "lock" and ours in note.message)]
    output.say(_counted(report))
    for note in notes:
        output.say(f"note: {note}")
    output.findings(report.findings)
    found = formats.counted(len(report.findings), "finding") if report.findings else "no damage found"
    read = f", {formats.size(report.bytes_read)} read" if report.bytes_read else ""
    output.say(f"{found} in {formats.seconds(report.seconds)}{read}")
    output.document(
        {
            "findings": as_dicts(report.findings),
            "notes": as_dicts(notes),
            "counts": asdict(report.counts),
            "bytes_read": report.bytes_read,
            "seconds": report.seconds,
            "damaged_packs": list(report.damaged_packs),
        }
    )
    return exits.FINDINGS if report.findings else exits.DONE


def _subset(read_data: bool, part: str | None) -> Subset | None:
    from covenant.vault.check.subset import ALL, parse_subset

    if part is not None and read_data:
        raise UsageError("both '--read-data' and '--read-data-subset' are given", "Give one of them.")
    if part is not None:
        return parse_subset(part)
    return ALL if read_data else None


def _counted(report: CheckReport) -> str:
    counts = report.counts
    looked_at = (
        formats.counted(counts.snapshots, "snapshot"),
        formats.counted(counts.trees, "tree"),
        formats.counted(counts.blobs, "blob"),
        formats.counted(counts.packs, "pack") + f" ({counts.packs_read:,} read)",
        formats.counted(counts.index_files, "index", "indexes"),
        formats.counted(counts.keys, "key"),
    )
    return "looked at " + ", ".join(looked_at)
