"""``covenant wal``: what a PostgreSQL server itself calls, as its ``archive_command`` and ``restore_command``."""

from __future__ import annotations

from pathlib import Path

import click

from covenant.cli.command import command, family
from covenant.cli.session import Session

wal = family("wal", "Give and take the log's files, for a PostgreSQL server's own settings.")


@command(
    "fetch",
    "restore_command = 'covenant -c /etc/covenant.toml wal fetch --source accounts %f %p'",
    exits=(0, 1, 200),
    group=wal,
)
@click.argument("name", metavar="%f")
@click.argument("target", metavar="%p", type=click.Path(path_type=Path))
@click.option("--source", metavar="NAME", help="Whose log it is; needed where several sources have one.")
@click.option("--to-gap", is_flag=True, help="Let the log end at its first gap: for a restore to a moment before it.")
def fetch(session: Session, name: str, target: Path, source: str | None, to_gap: bool) -> int:
    """Write the file %f of the log to %p. For a server that is being restored.

    Exit code 1 says that the log ends before this file, and the server opens for work. Whatever else is the matter, a
    gap, damage, a vault that does not answer, ends with 200: the server stops, and its recovery can be tried again.
    """
    from covenant.cli import wal_fetching

    return wal_fetching.fetch(session, name, target, source, to_gap=to_gap)
