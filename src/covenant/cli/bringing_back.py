"""Restores, and what is said about them: what came back, how long it took, and how old it is, against the promises."""

from __future__ import annotations

import os
from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from covenant import bootstrap
from covenant.bootstrap.sources import of_a_server, source_paths
from covenant.cli import exits, formats, thawing
from covenant.cli.choosing import one_snapshot
from covenant.cli.output import as_dicts
from covenant.cli.session import Session
from covenant.cli.signals import Stop, until_stopped
from covenant.cli.witnessing import note
from covenant.kernel.errors import UsageError
from covenant.kernel.findings import Finding

if TYPE_CHECKING:
    from covenant.bootstrap import OpenVault
    from covenant.cli.commands.restore import Asked
    from covenant.recover.job import RestoreJob, RestoreOutcome
    from covenant.settings.values import Source
    from covenant.vault.snapshot import Snapshot

_THEN = ("covenant.recover.restore",)


def into(session: Session, asked: Asked, target: str) -> int:
    """Restore into a folder; returns the exit code."""

    def work(stop: Stop) -> int:
        with session.read(then=_THEN) as opened:
            snapshot = one_snapshot(opened.vault, asked.snapshot, asked.wanted)
            job = _job(session, asked, opened, snapshot, target, stop)
            archived = thawing.see_to_it(session, asked, opened, job)
            _note(session, asked, snapshot, target)
            outcome = _carry_out(session, job)
        source = _source_of(session, snapshot)
        if source is not None and not asked.dry_run:
            outcome = replace(outcome, findings=(*outcome.findings, *bootstrap.unsound(source, target)))
        return _report(session, [outcome], source, archived)

    return until_stopped(session.output, work)


def in_place(session: Session, asked: Asked) -> int:
    """Restore to where it came from: a database is swapped in, files are put over what is there."""

    def work(stop: Stop) -> int:
        with session.read(then=_THEN) as opened:
            snapshot = one_snapshot(opened.vault, asked.snapshot, asked.wanted)
            _note(session, asked, snapshot, "where it came from")
            source = _source_of(session, snapshot)
            _refuse_servers(snapshot)
            everything = _job(session, asked, opened, snapshot, "", stop)
            archived = thawing.see_to_it(session, asked, opened, everything)
            if source is not None and source.kind == "sqlite":
                outcomes = [_swap(session, asked, opened, snapshot, source, stop)]
            else:
                outcomes = _over(session, asked, opened, snapshot, stop)
        return _report(session, outcomes, source, archived)

    return until_stopped(session.output, work)


def _refuse_servers(snapshot: Snapshot) -> None:
    """A server's files have no place of their own on this machine: what a snapshot calls them is a name, not a path."""
    if of_a_server(snapshot):
        (path,) = snapshot.paths or [""]
        raise UsageError(
            f"snapshot {snapshot.short_id} is of a server, which is not put over what is there",
            f"Give '--target DIR', and start PostgreSQL on DIR{path}/data.",
        )


def _over(session: Session, asked: Asked, opened: OpenVault, snapshot: Snapshot, stop: Stop) -> list[RestoreOutcome]:
    """Put every path of the snapshot, or the one that was asked for, back to where it lay."""
    from covenant.recover.listing import resolve

    outcomes = []
    paths = snapshot.paths or [] if asked.path == "/" else [asked.path]
    for path in paths:
        chain = resolve(opened.vault, snapshot, path)
        folder = path if not chain or chain[-1][1].type == "dir" else os.path.dirname(path)
        part = replace(asked, path=path, strip=True, overwrite=True)
        outcomes.append(_carry_out(session, _job(session, part, opened, snapshot, folder, stop)))
    return outcomes


def _swap(
    session: Session, asked: Asked, opened: OpenVault, snapshot: Snapshot, source: Source, stop: Stop
) -> RestoreOutcome:
    """Bring a database back beside the live one, and swap it in once it has proved sound."""
    from covenant.recover.job import RestoreOutcome, Tally

    (live,) = (Path(path) for path in source_paths(source))
    if asked.path != "/" or asked.include or asked.exclude:
        raise UsageError("a database is restored as a whole", "Leave out PATH, '--include' and '--exclude'.")
    if asked.dry_run:
        part = replace(asked, path=(snapshot.paths or [str(live)])[0], strip=True, overwrite=True)
        return _carry_out(session, _job(session, part, opened, snapshot, str(live.parent), stop))
    with session.progress("restore") as progress:
        done = bootstrap.restore_database(opened, snapshot, live, session.lanes, progress)
    if done.set_aside:
        session.output.say(f"the database that was there is {done.set_aside}")
    fate = "files_replaced" if done.set_aside else "files_created"
    return RestoreOutcome(snapshot, str(done.path), Tally(**{fate: 1}, bytes_written=done.bytes), done.seconds)


def _job(session: Session, asked: Asked, opened: OpenVault, snapshot: Snapshot, target: str, stop: Stop) -> RestoreJob:
    from covenant.recover.job import RestoreJob, Settings

    return RestoreJob(
        vault=opened.vault,
        snapshot=snapshot,
        target=target,
        clock=session.clock,
        path=asked.path,
        strip=asked.strip,
        include=asked.include,
        exclude=asked.exclude,
        into_non_empty=asked.overwrite,
        verify=asked.verify,
        dry_run=asked.dry_run,
        settings=Settings(lanes=session.lanes, open_store=opened.opener.reading),
        stop=stop.event,
    )


def _carry_out(session: Session, job: RestoreJob) -> RestoreOutcome:
    from covenant.recover.restore import restore

    with session.progress("restore") as progress:
        summary = job.snapshot.summary or {}
        if job.path == "/" and not (job.include or job.exclude):
            progress.expect(
                files=summary.get("total_files_processed", 0), bytes=summary.get("total_bytes_processed", 0)
            )
        job.progress = progress
        return restore(job)


def _note(session: Session, asked: Asked, snapshot: Snapshot, target: str) -> None:
    """Have it in the evidence that a restore was begun, whatever becomes of it."""
    if not asked.dry_run:
        facts = {"snapshot": snapshot.id, "path": asked.path, "target": target}
        note(session, "restore", snapshot.source, **facts)


def _source_of(session: Session, snapshot: Snapshot) -> Source | None:
    """The source that a snapshot was taken of, where a ``covenant.toml`` knows it."""
    if not snapshot.source or session.settings is None:
        return None
    return session.settings.sources.get(snapshot.source)


def _note_end(session: Session, outcomes: list[RestoreOutcome]) -> None:
    for outcome in outcomes:
        if not outcome.dry_run:
            facts = {"snapshot": outcome.snapshot.id, "findings": len(outcome.findings), "seconds": outcome.seconds}
            note(session, "restored", outcome.snapshot.source, **facts, **asdict(outcome.tally))


# -- what is said ------------------------------------------------------------------------------------------------------


def _report(
    session: Session, outcomes: list[RestoreOutcome], source: Source | None, archived: dict[str, Any] | None
) -> int:
    output = session.output
    findings: list[Finding] = []
    _note_end(session, outcomes)
    for outcome in outcomes:
        findings += outcome.findings
        for line in _lines(outcome):
            output.say(line)
    if outcomes:
        for line in _promises(session, outcomes, source):
            output.say(line)
    if source is not None and outcomes and not findings:
        _measured(session, outcomes, source)
    output.findings(findings)
    output.document(_document(session, outcomes, source, findings) | ({"archived": archived} if archived else {}))
    return exits.FINDINGS if findings else exits.DONE


def _measured(session: Session, outcomes: list[RestoreOutcome], source: Source) -> None:
    """Remember how long it took; a restore that went on where another stopped tells nothing of the whole."""
    from covenant.bootstrap.measuring import note_restore
    from covenant.prove.restores import Restored

    kept = sum(outcome.tally.bytes_kept for outcome in outcomes)
    written = sum(outcome.tally.bytes_written for outcome in outcomes)
    if not written or any(outcome.resumed or outcome.dry_run for outcome in outcomes):
        return
    files = sum(outcome.tally.files for outcome in outcomes)
    whole = (outcomes[0].snapshot.summary or {}).get("total_files_processed", files)
    restored = Restored(
        seconds=sum(outcome.seconds for outcome in outcomes),
        bytes=written,
        files=files,
        whole=not kept and files >= whole,
    )
    snapshot, now = outcomes[0].snapshot.id, session.clock.now()
    session.tell_catalog(lambda catalog: note_restore(catalog, source, snapshot, restored, now))


def _lines(outcome: RestoreOutcome) -> list[str]:
    tally, verb = outcome.tally, "would restore" if outcome.dry_run else "restored"
    went_on = ", going on where an earlier run stopped" if outcome.resumed else ""
    created, replaced, kept = tally.files_created, tally.files_replaced, tally.files_kept
    failed = f", {tally.files_failed:,} not restored" if tally.files_failed else ""
    fates = f"{created:,} new, {replaced:,} replaced, {kept:,} as they were{failed}"
    folders = formats.counted(tally.directories, "folder")
    return [
        f"{verb} snapshot {outcome.snapshot.short_id} to {outcome.target}{went_on}",
        f"  {formats.counted(tally.files, 'file')} ({fates}) in {folders}",
        f"  {formats.size(tally.bytes_written)} written",
    ]


def _promises(session: Session, outcomes: list[RestoreOutcome], source: Source | None) -> list[str]:
    """How long it took and how old the data is, beside what was promised for it."""
    took = sum(outcome.seconds for outcome in outcomes)
    rate = sum(outcome.tally.bytes_written for outcome in outcomes) / took if took else 0
    age = session.clock.now() - outcomes[0].snapshot.time
    lines = [f"  took {formats.seconds(took)} ({formats.size(rate)}/s)", f"  the data is {formats.age(age)} old"]
    if source is not None:
        promised = source.objectives
        lines[0] += _beside(timedelta(seconds=took), promised.rto, "RTO")
        lines[1] += _beside(age, promised.rpo, "RPO")
    return lines


def _beside(measured: timedelta, promised: timedelta, name: str) -> str:
    verdict = "kept" if measured <= promised else "MISSED"
    return f"; promised at most {formats.age(promised)} ({name} {verdict})"


def _document(
    session: Session, outcomes: list[RestoreOutcome], source: Source | None, findings: list[Finding]
) -> dict[str, Any]:
    seconds = sum(outcome.seconds for outcome in outcomes)
    age = (session.clock.now() - outcomes[0].snapshot.time).total_seconds() if outcomes else None
    content: dict[str, Any] = {
        "snapshot_id": outcomes[0].snapshot.id if outcomes else None,
        "restores": [
            {"target": each.target, "resumed": each.resumed, "dry_run": each.dry_run, **asdict(each.tally)}
            for each in outcomes
        ],
        "seconds": seconds,
        "data_age_seconds": age,
        "findings": as_dicts(findings),
    }
    if source is not None and age is not None:
        rpo, rto = source.objectives.rpo.total_seconds(), source.objectives.rto.total_seconds()
        content["objectives"] = {
            "source": source.name,
            "class": source.data_class,
            "rto_seconds": rto,
            "rto_kept": seconds <= rto,
            "rpo_seconds": rpo,
            "rpo_kept": age <= rpo,
        }
    return content
