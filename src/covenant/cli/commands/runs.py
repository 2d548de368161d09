"""``covenant runs``."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from covenant.cli import formats
from covenant.cli.command import command
from covenant.cli.session import Session

if TYPE_CHECKING:
    from covenant.catalog.records import Run


@command("runs", "covenant runs", "covenant runs --failed", "covenant runs --source media", exits=(0, 2, 30, 31))
@click.option("--source", "subject", metavar="NAME", help="Only those of this source or vault.")
@click.option("--failed", is_flag=True, help="Only those that failed or were lost.")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="At most so many.")
def runs(session: Session, subject: str | None, failed: bool, limit: int) -> None:
    """List what the loop did, the newest first."""
    from covenant.catalog.records import State

    states = (State.FAILED, State.LOST) if failed else ()
    with session.catalog() as catalog:
        found = catalog.runs(subject=subject, states=states, most=limit)
    session.output.table(
        ("Run", "Subject", "Kind", "State", "Began", "Took", "Came to"), (_row(run) for run in found), right=(0,)
    )
    session.output.document({"runs": [asdict(run) for run in found]})


def _row(run: Run) -> tuple[str, ...]:
    took = formats.seconds((run.ended_at - run.started_at).total_seconds()) if run.ended_at else ""
    came_to = run.message or (f"snapshot {run.snapshot_id[:8]}" if run.snapshot_id else "")
    return (str(run.id), run.subject, run.kind, str(run.state), formats.local(run.started_at), took, came_to)
