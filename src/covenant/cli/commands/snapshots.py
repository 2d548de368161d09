"""``covenant snapshots``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from covenant.cli import exits, formats
from covenant.cli.command import OPENING, command
from covenant.cli.output import as_dicts
from covenant.cli.session import Session
from covenant.cli.snapshot_list import described, filtering, latest_of_each, own_tags, readable

if TYPE_CHECKING:
    from covenant.recover.choose import Filter
    from covenant.vault.snapshot import Snapshot


@command("snapshots", "covenant snapshots", "covenant snapshots --source media --latest 3", exits=(*OPENING, 1))
@filtering
@click.option("--latest", type=click.IntRange(min=1), metavar="N", help="Only the last N of each source.")
@click.option("--log", is_flag=True, help="The pieces of change logs too, which are many.")
def snapshots(session: Session, wanted: Filter, latest: int | None, log: bool) -> int:
    """List the snapshots in the vault, oldest first.

    Pieces of change logs are counted only; 'covenant log status' says what they are good for. A snapshot that cannot
    be read is a finding, and does not hide the others.
    """
    with session.opened() as opened:
        found, findings = readable(opened.vault)
    found = [snapshot for snapshot in found if wanted.fits(snapshot)]
    pieces = 0 if log else sum(snapshot.kind == "log" for snapshot in found)
    found = found if log else [snapshot for snapshot in found if snapshot.kind != "log"]
    if latest is not None:
        found = latest_of_each(found, latest)
    output = session.output
    output.table(("ID", "Time", "Host", "Source", "Kind", "Tags", "Paths", "Size"), map(_row, found), right=(7,))
    beside = f", and {formats.counted(pieces, 'piece')} of change logs" if pieces else ""
    output.say(formats.counted(len(found), "snapshot") + beside)
    output.findings(findings)
    output.document(
        {"snapshots": [described(snapshot) for snapshot in found], "pieces": pieces, "findings": as_dicts(findings)}
    )
    return exits.FINDINGS if findings else exits.DONE


def _row(snapshot: Snapshot) -> tuple[str, ...]:
    size = (snapshot.summary or {}).get("total_bytes_processed")
    return (
        snapshot.short_id,
        formats.local(snapshot.time),
        snapshot.hostname,
        snapshot.source,
        snapshot.kind,
        ",".join(own_tags(snapshot)),
        " ".join(snapshot.paths or ()),
        formats.size(size) if isinstance(size, int) else "",
    )
