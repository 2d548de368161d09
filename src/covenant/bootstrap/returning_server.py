"""A PostgreSQL server that comes back in a recovery from nothing: its base backup, and its log as far as it leads.

A snapshot of one says itself what it is, so that no policy is needed to know it. The server is started where nobody
reaches it, asked whether it is whole, and stopped in order.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from covenant.bootstrap import to_moment
from covenant.kernel.errors import TargetError
from covenant.kernel.spans import parse_span
from covenant.prove.record import Step
from covenant.recover.goal import Goal

if TYPE_CHECKING:
    from covenant.bootstrap.returning import Returning
    from covenant.bootstrap.to_moment import Plan
    from covenant.prove.record import SourceDrill
    from covenant.vault.snapshot import Snapshot


def is_server(snapshot: Snapshot) -> bool:
    """Whether a snapshot is a base backup, which only replaying its log makes whole."""
    return parse_span(snapshot.position) is not None


def server_back(this: Returning, drill: SourceDrill, folder: Path) -> SourceDrill:
    """Bring a server back, as late as its log leads or to the moment that was asked for; without its promises.

    Raises ``SnapshotMissing`` where nothing leads there, ``DamageError``, and ``TargetError``.
    """
    from covenant.adapters.sources.postgres.programs import find_programs
    from covenant.adapters.sources.postgres.recovering import recover_server

    bare = this.bare
    planned = to_moment.plan(this.opened, drill.source, Goal(moment=bare.at))
    source = this.described(drill.source)
    job = to_moment.recovery(this.opened, planned, folder, source, bare.variables, bare.lanes)
    try:
        find_programs(planned.about.major, job.said, job.search_path)
    except TargetError as error:  # one source's affair: the others need no such programs
        return replace(drill, why_not=f"{error.message}. {error.hint}")
    job.overwrite = True
    with bare.progress(drill.source) as progress:
        job.progress, job.stop = progress, this.bare.stop
        done = recover_server(job)
    return replace(
        drill,
        snapshot_id=planned.route.base.snapshot.id,
        moment=_moment(this, planned),
        files=done.tally.files,
        bytes=done.tally.bytes_written + done.tally.bytes_kept,
        steps=tuple(Step(name, took) for name, took in done.steps.items()),
        answers=done.answers,
    )


def _moment(this: Returning, planned: Plan) -> datetime:
    until = planned.route.until
    return until if this.bare.at is None else min(until, this.bare.at)
