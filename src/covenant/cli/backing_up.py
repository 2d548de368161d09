"""Backups of one or several sources, one after another, and what is said about each.

Neither a source that cannot be read nor a vault that cannot be reached keeps the others from being protected: it is
reported, and decides the exit code.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Any

from covenant.bootstrap.sources import build_source, files_source, source_paths
from covenant.cli import exits, formats
from covenant.cli.output import as_dicts
from covenant.cli.session import Place, Session
from covenant.cli.signals import Stop, until_stopped
from covenant.cli.snapshot_list import readable
from covenant.kernel.errors import CovenantError, Interrupted, SourceError, UsageError
from covenant.kernel.findings import Finding

if TYPE_CHECKING:
    from covenant.bootstrap import OpenVault
    from covenant.cli.commands.backup import Asked, Left
    from covenant.protect.arriving import Arriving
    from covenant.protect.backup import Job, Outcome
    from covenant.protect.ports import Source
    from covenant.vault.snapshot import Snapshot


_THEN = ("covenant.protect.backup", "covenant.adapters.sources.files.source")


@dataclass(frozen=True, slots=True)
class Task:
    """One source to be kept: where to, and under which name and tags."""

    build: Callable[[], Source | Arriving]
    """Makes the source's reader, which is loaded only then."""
    name: str
    title: str
    paths: tuple[str, ...]
    place: Place
    tags: tuple[str, ...] = field(default=())


def paths_to_keep(session: Session, paths: Sequence[str], left: Left) -> Task:
    """Paths of the command line as one source without a name."""
    absolute = tuple(dict.fromkeys(os.path.abspath(path) for path in paths))
    build = partial(
        files_source,
        "",
        absolute,
        exclude=left.exclude,
        exclude_if_present=left.if_present,
        exclude_caches=left.caches,
        one_file_system=left.one_file_system,
    )
    return Task(build, "", " ".join(absolute), absolute, session.place())


def sources_to_keep(session: Session, names: Sequence[str]) -> list[Task]:
    """Sources of ``covenant.toml``: those named, or all. Raises ``UsageError`` for a name that is not there."""
    sources = session.required_settings().sources
    unknown = [name for name in names if name not in sources]
    if unknown:
        known = ", ".join(sources) or "none"
        raise UsageError(f"there is no source '{unknown[0]}'", f"In {session.config_path} there are: {known}.")
    if not sources:
        raise UsageError(f"{session.config_path} names no source", "Write one, or give '--path'.")
    chosen = [sources[name] for name in dict.fromkeys(names or sources)]
    return [
        Task(
            partial(build_source, source, session.environment.variables),
            source.name,
            source.name,
            source_paths(source),
            session.place_named(source.vault),
            source.tags,
        )
        for source in chosen
    ]


def keep(session: Session, asked: Asked, tasks: Sequence[Task]) -> int:
    """Carry out all tasks, vault by vault; returns the exit code: the first error's, or whether there are findings."""
    codes: list[int] = []

    def work(stop: Stop) -> int:
        for _, group in groupby(sorted(tasks, key=lambda task: task.place.url), lambda task: task.place.url):
            try:
                _keep_in_one_vault(session, asked, list(group), stop, codes)
            except Interrupted:
                raise
            except CovenantError as error:
                codes.append(exits.code_of(error))
                session.output.failure(error, codes[-1])
        return max(codes, key=lambda code: (code > exits.FINDINGS, code == exits.FINDINGS), default=exits.DONE)

    return until_stopped(session.output, work)


def _keep_in_one_vault(session: Session, asked: Asked, tasks: list[Task], stop: Stop, codes: list[int]) -> None:
    with session.opened("shared", tasks[0].place, then=_THEN) as opened:
        if any(task.name for task in tasks) and not asked.dry_run:
            session.keep_promises(opened)
        snapshots, damaged = readable(opened.vault)
        told = False
        for task in tasks:
            try:
                job = _job(session, asked, task, opened, snapshots, stop)
                codes.append(_report(session, task, _run(session, job, task), damaged))
                told |= bool(task.name) and not asked.dry_run
            except SourceError as error:
                codes.append(exits.code_of(error))
                _report_failure(session, task, error)
        if told:
            session.remember(opened, tasks[0].place)


def _job(
    session: Session, asked: Asked, task: Task, opened: OpenVault, snapshots: Sequence[Snapshot], stop: Stop
) -> Job:
    from covenant.bootstrap import jobs
    from covenant.protect.parenthood import choose_parent

    hostname = asked.host or opened.owner.hostname
    return jobs.backup_job(
        opened,
        task.build(),
        kind=asked.kind,
        parent=choose_parent(asked.kind, snapshots, source=task.name, hostname=hostname, paths=task.paths),
        tags=(*task.tags, *asked.tags),
        settings=jobs.manner(opened, session.known_limits(), session.environment, dry_run=asked.dry_run),
        stop=stop.event,
        host=asked.host or "",
        dry_run=asked.dry_run,
    )


def _run(session: Session, job: Job, task: Task) -> Outcome:
    from covenant.bootstrap.jobs import expected
    from covenant.protect.backup import backup

    with session.progress(task.title if len(task.title) < 40 else "…" + task.title[-39:]) as progress:
        progress.expect(**expected(job.parent))
        job.progress = progress
        return backup(job)


# -- what is said -----------------------------------------------------------------------------------------------------


def _report(session: Session, task: Task, outcome: Outcome, damaged: list[Finding]) -> int:
    findings = [*damaged, *outcome.findings]
    output = session.output
    for line in _lines(task, outcome):
        output.say(line)
    output.findings(findings)
    output.document(_document(task, outcome, findings))
    return exits.FINDINGS if findings else exits.DONE


def _lines(task: Task, outcome: Outcome) -> list[str]:
    snapshot, tally, added = outcome.snapshot, outcome.tally, outcome.added
    since = f" since {snapshot.parent[:8]}" if snapshot.parent else ""
    kept = f"snapshot {snapshot.short_id}" if snapshot.id else "dry run, no snapshot"
    changes = f"{tally.files_new:,} new, {tally.files_changed:,} changed, {tally.files_unmodified:,} unmodified"
    plain = formats.size(added.data_bytes + added.tree_bytes)
    return [
        f"{kept} of {task.title}, {snapshot.kind}{since}",
        f"  looked at {formats.counted(tally.files, 'file')} ({changes}), {formats.size(tally.bytes)}",
        f"  added {formats.size(added.stored_bytes)} to the vault ({plain} before compression)",
        f"  took {formats.seconds(outcome.seconds)}",
        *(f"  {note}" for note in outcome.notes),
    ]


def _document(task: Task, outcome: Outcome, findings: list[Finding]) -> dict[str, Any]:
    snapshot = outcome.snapshot
    return {
        "source": task.name,
        "paths": list(snapshot.paths or ()),
        "snapshot_id": snapshot.id or None,
        "kind": snapshot.kind,
        "parent": snapshot.parent,
        "time": snapshot.time_,
        **asdict(outcome.tally),
        "files": outcome.tally.files,
        **asdict(outcome.added),
        "seconds": outcome.seconds,
        "notes": list(outcome.notes),
        "findings": as_dicts(findings),
    }


def _report_failure(session: Session, task: Task, error: CovenantError) -> None:
    code = exits.code_of(error)
    session.output.document({"source": task.name, "paths": list(task.paths), "snapshot_id": None})
    session.output.failure(error, code)
