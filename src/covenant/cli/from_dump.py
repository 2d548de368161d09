"""Bringing a dump of a PostgreSQL server back: its files into a folder, or all of it into an empty database."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from covenant.bootstrap import from_dump
from covenant.cli import exits, formats
from covenant.cli.output import as_dicts
from covenant.cli.session import Session
from covenant.cli.signals import Stop
from covenant.cli.witnessing import note
from covenant.kernel.errors import UsageError
from covenant.kernel.findings import Finding

if TYPE_CHECKING:
    from covenant.bootstrap import OpenVault
    from covenant.cli.to_moment import Wish
    from covenant.vault.snapshot import Snapshot


def meant(opened: OpenVault, wish: Wish) -> Snapshot | None:
    """The dump that a wish means; ``None`` where the source is kept in another way. Raises ``UsageError``."""
    found = from_dump.dump_of(opened.vault, wish.source, wish.goal.base)
    if found is None:
        return None
    goal = wish.goal
    if goal.moment or goal.place or goal.transaction or goal.name or goal.before or goal.timeline:
        if not goal.base and from_dump.kept_physically(opened.vault, wish.source):
            return None
        raise UsageError(
            f"source '{wish.source}' is kept by dumps: no moment between two of them can be had",
            "Leave the moment out for the newest, or name a dump with '--from SNAPSHOT'.",
        )
    if wish.only or wish.pause or wish.tablespaces:
        raise UsageError("a dump comes back whole", "Leave out '--only', '--pause' and '--tablespace'.")
    return found


def restore(session: Session, opened: OpenVault, wish: Wish, snapshot: Snapshot, stop: Stop) -> int:
    """Carry it out; returns the exit code."""
    session.output.say(f"{snapshot.source} from dump {snapshot.short_id}, of {formats.local(snapshot.time)}")
    if wish.dry_run:
        session.output.document({"snapshot_id": snapshot.id, "dry_run": True})
        return exits.DONE
    facts = {"snapshot": snapshot.id, "target": str(wish.target or "")}
    note(session, "restore", snapshot.source, **facts)
    return _into(session, opened, wish, snapshot, stop) if wish.into else _files(session, opened, wish, snapshot, stop)


def _into(session: Session, opened: OpenVault, wish: Wish, snapshot: Snapshot, stop: Stop) -> int:
    from covenant.adapters.sources.postgres.loading import load

    sources = session.settings.sources if session.settings else {}
    job = from_dump.loading(opened, snapshot, wish.into, sources, session.environment.variables)
    began = session.clock.monotonic()
    with session.progress("restore") as progress:
        summary = snapshot.summary or {}
        progress.expect(bytes=int(summary.get("total_bytes_processed", 0)))
        job.progress, job.stop, job.overwrite = progress, stop.event, wish.overwrite
        rows = load(job)
    seconds = session.clock.monotonic() - began
    counted = formats.counted(sum(rows.values()), "row")
    session.output.say(f"  {formats.counted(len(rows), 'table')}, {counted}, as many as when it was dumped")
    for text in job.dump.left_out:
        session.output.say(f"  not in it: {text}")
    return _said(session, wish, snapshot, seconds, {"rows": rows, "left_out": job.dump.left_out}, findings=[])


def _files(session: Session, opened: OpenVault, wish: Wish, snapshot: Snapshot, stop: Stop) -> int:
    from covenant.adapters.sources.postgres.dumped import CONSTRAINTS, DATA, ROLES, SCHEMA
    from covenant.recover.job import RestoreJob, Settings
    from covenant.recover.restore import restore as restore_files

    with session.progress("restore") as progress:
        outcome = restore_files(
            RestoreJob(
                vault=opened.vault,
                snapshot=snapshot,
                target=str(wish.target),
                clock=session.clock,
                into_non_empty=wish.overwrite,
                settings=Settings(lanes=session.lanes, open_store=opened.opener.reading),
                progress=progress,
                stop=stop.event,
            )
        )
    session.output.say(
        f"  {formats.counted(outcome.tally.files, 'file')} in {wish.target}{(snapshot.paths or ['/'])[0]}"
    )
    session.output.say(f"  load them with psql, in this order: {ROLES}, {SCHEMA}, {DATA}, {CONSTRAINTS}")
    return _said(session, wish, snapshot, outcome.seconds, {}, findings=list(outcome.findings))


def _said(
    session: Session, wish: Wish, snapshot: Snapshot, seconds: float, more: dict[str, object], findings: list[Finding]
) -> int:
    source = session.settings.sources.get(snapshot.source) if session.settings else None
    age = session.clock.now() - snapshot.time
    took, old = f"  took {formats.seconds(seconds)}", f"  the data is {formats.age(age)} old"
    if source is not None:
        took += _beside(timedelta(seconds=seconds), source.objectives.rto, "RTO")
        old += _beside(age, source.objectives.rpo, "RPO")
    session.output.say(took)
    session.output.say(old)
    session.output.findings(findings)
    facts = {"snapshot": snapshot.id, "findings": len(findings), "seconds": seconds}
    note(session, "restored", snapshot.source, **facts)
    document = {"snapshot_id": snapshot.id, "target": str(wish.target or ""), "seconds": seconds, **more}
    session.output.document({**document, "data_age_seconds": age.total_seconds(), "findings": as_dicts(findings)})
    return exits.FINDINGS if findings else exits.DONE


def _beside(measured: timedelta, promised: timedelta, name: str) -> str:
    verdict = "kept" if measured <= promised else "MISSED"
    return f"; promised at most {formats.age(promised)} ({name} {verdict})"
