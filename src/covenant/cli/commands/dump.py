"""``covenant dump``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from covenant.cli import exits
from covenant.cli.command import OPENING, command
from covenant.cli.session import Session
from covenant.cli.snapshot_list import filtering
from covenant.kernel.errors import UsageError
from covenant.kernel.findings import Finding

if TYPE_CHECKING:
    from covenant.recover.choose import Filter


@command(
    "dump",
    "covenant dump latest /srv/db.sql | psql",
    "covenant dump --archive zip media /srv/photos/shoot-17 > shoot-17.zip",
    exits=(*OPENING, 1, 13, 28),
)
@click.argument("snapshot")
@click.argument("path", default="/")
@filtering
@click.option("--archive", type=click.Choice(["tar", "zip"]), help="Give out a folder, as such an archive.")
def dump(session: Session, snapshot: str, path: str, wanted: Filter, archive: str | None) -> int:
    """Give out a file of a snapshot on stdout, or a folder as an archive.

    What is damaged is left out of an archive, and is a finding on stderr. stdout carries the content and nothing else,
    with --json too.
    """
    from covenant.cli.choosing import one_snapshot, reference
    from covenant.recover.dump import dump_file, dump_tar, dump_zip

    name, inside = reference(snapshot, path)
    stream = session.output.binary()
    if archive and session.output.out.isatty():
        raise UsageError("an archive is nothing to look at", "Redirect it to a file, or into a program.")
    findings: list[Finding] = []
    with session.read(then=("covenant.recover.dump",)) as opened:
        meant = one_snapshot(opened.vault, name, wanted)
        if archive == "tar":
            findings = dump_tar(opened.vault, meant, inside, stream)
        elif archive == "zip":
            findings = dump_zip(opened.vault, meant, inside, stream)
        else:
            dump_file(opened.vault, meant, inside, stream)
    stream.flush()
    session.output.findings(findings)
    return exits.FINDINGS if findings else exits.DONE
