"""``covenant wal``: what a PostgreSQL server itself calls, as its ``archive_command`` and ``restore_command``."""

from __future__ import annotations

from pathlib import Path

import click

from covenant.cli.command import OPENING, command, family
from covenant.cli.session import Session

wal = family("wal", "Give and take the log's files, for a PostgreSQL server's own settings.")


@command(
    "push",
    "archive_command = 'covenant -c /etc/covenant.toml wal push --source accounts %p'",
    exits=(*OPENING, 22, 23),
    group=wal,
)
@click.argument("path", metavar="%p", type=click.Path(path_type=Path))
@click.option("--source", metavar="NAME", help="Whose log it is; needed where several sources have one.")
@click.option("--ahead", type=click.IntRange(min=1), default=16, show_default=True, help="Keep so many at once.")
def push(session: Session, path: Path, source: str | None, ahead: int) -> int:
    """Keep the file %p of the log. For a server whose settings are yours.

    Ends with 0 only when the file is durable in the vault, in as many regions as the vault acknowledges by. Pushing it
    again is done already; another file of the same name is refused. Files that are ready behind it are kept along with
    it.
    """
    from covenant.cli import wal_pushing

    return wal_pushing.push(session, path, source, ahead)


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


@command("prefetch", exits=(0, 200), group=wal)
@click.argument("name", metavar="FILE")
@click.option("--source", metavar="NAME", help="Whose log it is.")
def prefetch(session: Session, name: str, source: str | None) -> None:
    """Fetch what follows a file before it is asked for. 'wal fetch' starts this by itself."""
    from covenant.cli.wal_fetching import server_here
    from covenant.cli.wal_spool import fill

    fill(session, name, source, server_here())


prefetch.hidden = True
