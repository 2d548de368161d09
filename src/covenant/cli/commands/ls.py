"""``covenant ls``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from covenant.cli import exits
from covenant.cli.command import OPENING, command
from covenant.cli.output import clean
from covenant.cli.session import Session
from covenant.cli.snapshot_list import filtering
from covenant.kernel.findings import Finding

if TYPE_CHECKING:
    from covenant.recover.choose import Filter
    from covenant.recover.listing import Found


@command("ls", "covenant ls latest /srv/photos", "covenant ls media --recursive -l", exits=(*OPENING, 1, 13))
@click.argument("snapshot")
@click.argument("path", default="/")
@filtering
@click.option("-l", "--long", is_flag=True, help="Show mode, owner, size and time too.")
@click.option("-r", "--recursive", is_flag=True, help="Show what is in the folders below, too.")
def ls(session: Session, snapshot: str, path: str, wanted: Filter, long: bool, recursive: bool) -> int:
    """List what is in a snapshot. With --json, one line for each entry."""
    from covenant.cli.choosing import one_snapshot, reference
    from covenant.recover.listing import walk

    findings: list[Finding] = []
    snapshot, path = reference(snapshot, path)
    with session.read(then=("covenant.recover.listing",)) as opened:
        meant = one_snapshot(opened.vault, snapshot, wanted)
        for found in walk(opened.vault, meant, path, deep=recursive, findings=findings):
            session.output.result(long_line(found) if long else clean(found.path))
            session.output.document(entry_document(found))
    session.output.findings(findings)
    return exits.FINDINGS if findings else exits.DONE


def long_line(found: Found) -> str:
    """An entry as ``ls -l`` shows it."""
    from covenant.cli.entries import mode_text

    node = found.node
    owner = f"{node.user or node.uid} {node.group or node.gid}"
    time = node.mtime[:19].replace("T", " ")
    pointing = f" -> {clean(node.target)}" if node.type == "symlink" else ""
    return f"{mode_text(node)} {owner:<15} {node.size:>12} {time} {clean(found.path)}{pointing}"


def entry_document(found: Found) -> dict[str, Any]:
    """An entry, ready for a document."""
    node = found.node
    content: dict[str, Any] = {
        "path": found.path,
        "type": node.type,
        "size": node.size,
        "mode": f"{node.permissions:04o}",
        "uid": node.uid,
        "gid": node.gid,
        "user": node.user,
        "group": node.group,
        "mtime": node.mtime,
    }
    return content | ({"target": node.target} if node.type == "symlink" else {})
