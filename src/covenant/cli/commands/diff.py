"""``covenant diff``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from covenant.cli import exits, formats
from covenant.cli.command import OPENING, command
from covenant.cli.output import as_dicts, clean
from covenant.cli.session import Session
from covenant.kernel.errors import UsageError
from covenant.kernel.findings import Finding

if TYPE_CHECKING:
    from covenant.recover.difference import Change


@command(
    "diff",
    "covenant diff 8da63f54 latest",
    "covenant diff 8da63f54:/srv/photos latest --metadata",
    exits=(*OPENING, 1, 13),
)
@click.argument("old")
@click.argument("new")
@click.option("--metadata", is_flag=True, help="Show entries of which only mode, owner or time changed, too.")
def diff(session: Session, old: str, new: str, metadata: bool) -> int:
    """Show what changed from one snapshot to another.

    '+' is new, '-' is gone, 'M' has other content, 'U' only other metadata, 'T' is of another type. OLD may name a
    path ('8da63f54:/srv'), to compare that part. With --json, one line for each change, and the sums last.
    """
    from covenant.cli.choosing import one_snapshot, reference
    from covenant.recover.difference import difference, total

    (old_name, path), (new_name, new_path) = reference(old), reference(new)
    if new_path not in ("/", path):
        raise UsageError("two different paths are given", "Name the path once; it is compared in both snapshots.")
    findings: list[Finding] = []
    with session.read(then=("covenant.recover.difference",)) as opened:
        before, after = one_snapshot(opened.vault, old_name), one_snapshot(opened.vault, new_name)
        changes = difference(opened.vault, before, after, path, findings=findings)
        found = total(_shown(session, changes, metadata))
    output = session.output
    output.say(
        f"{found.added:,} new, {found.removed:,} gone, {found.modified:,} changed, {found.metadata:,} with other "
        f"metadata; {formats.size(found.bytes_added)} came, {formats.size(found.bytes_removed)} went"
    )
    output.findings(findings)
    output.document({"old": before.id, "new": after.id, **asdict(found), "findings": as_dicts(findings)})
    return exits.FINDINGS if findings else exits.DONE


def _shown(session: Session, changes: Iterable[Change], metadata: bool) -> Iterator[Change]:
    """The same changes, each shown as it passes."""
    for change in changes:
        if change.mark != "U" or metadata:
            session.output.result(f"{change.mark} {clean(change.path)}{'/' if change.kind == 'dir' else ''}")
            session.output.document(change._asdict())
        yield change
