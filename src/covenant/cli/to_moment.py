"""Bringing a PostgreSQL server back to a moment: the plan, the work, and what is said about it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from covenant.bootstrap import to_moment
from covenant.cli import exits, formats, from_dump
from covenant.cli.output import as_dicts
from covenant.cli.session import Session
from covenant.cli.signals import Stop, until_stopped
from covenant.cli.witnessing import note
from covenant.kernel.answers import Result
from covenant.kernel.errors import UsageError
from covenant.kernel.findings import Finding
from covenant.kernel.spans import place_text

if TYPE_CHECKING:
    from covenant.adapters.sources.postgres.address import Address
    from covenant.adapters.sources.postgres.carrying import Carried
    from covenant.adapters.sources.postgres.parts import Part
    from covenant.adapters.sources.postgres.recovering import Recovered, RecoveryJob
    from covenant.bootstrap.to_moment import Plan
    from covenant.recover.goal import Goal
    from covenant.settings.values import Source


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for: where to stop, and where to put what comes back."""

    source: str
    goal: Goal
    target: Path | None = None
    into: str = ""
    only: tuple[str, ...] = ()
    tablespaces: tuple[tuple[str, str], ...] = ()
    pause: bool = False
    overwrite: bool = False
    dry_run: bool = False


def restore(session: Session, wish: Wish) -> int:
    """Plan, and unless it is only to be shown, carry it out; returns the exit code."""
    _refuse_nonsense(wish)
    source = session.settings.sources.get(wish.source) if session.settings else None

    def work(stop: Stop) -> int:
        place = session.place_named(source.vault) if source else session.place()
        with session.opened("none" if session.said.no_lock else "shared", place) as opened:
            if (dump := from_dump.meant(opened, wish)) is not None:
                return from_dump.restore(session, opened, wish, dump, stop)
            planned = to_moment.plan(opened, wish.source, wish.goal, session.environment.variables)
            _show_plan(session, planned, wish)
            if wish.dry_run:
                session.output.document({"plan": _plan_document(planned, wish), "dry_run": True})
                return exits.DONE
            variables = session.environment.variables
            with _folder(wish) as folder:
                job = to_moment.recovery(opened, planned, folder, source, variables, session.lanes)
                job.tablespaces = {**job.tablespaces, **dict(wish.tablespaces)}
                job.pause, job.overwrite = wish.pause, wish.overwrite and not wish.into
                return _carry_out(session, wish, planned, job, source, stop)

    return until_stopped(session.output, work)


def _refuse_nonsense(wish: Wish) -> None:
    if wish.only and not wish.into:
        raise UsageError("a part is wanted and no server to put it into", "Give '--into URL' with '--only'.")
    if not wish.into and wish.target is None and not wish.dry_run:
        raise UsageError("it is not said where to restore to", "Give '--target DIR', or '--into URL' with '--only'.")
    if wish.into and wish.pause:
        raise UsageError("what goes into another server cannot be paused", "Leave out '--pause'.")


@contextmanager
def _folder(wish: Wish) -> Iterator[Path]:
    """Where the server comes back to: as was said, or a folder that is removed when a part of it was carried over."""
    if wish.target is not None:
        yield wish.target
        return
    folder = Path(tempfile.mkdtemp(prefix="covenant-restore-"))
    folder.chmod(0o711)  # whom the server runs as must get to its data directory, and sees nothing else
    try:
        yield folder / "server"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _carry_out(session: Session, wish: Wish, planned: Plan, job: RecoveryJob, source: Source | None, stop: Stop) -> int:
    facts = {"snapshot": planned.route.base.snapshot.id, "to": str(wish.goal), "target": str(wish.target or "")}
    note(session, "restore", planned.source, **facts)
    with session.progress("restore") as progress:
        job.stop, job.progress = stop.event, progress
        progress.expect(files=planned.files, bytes=planned.bytes + planned.log_bytes)
        if wish.into:
            done, carried = _parts(session, wish, job, source)
        else:
            done, carried = _whole(job), []
    return _report(session, wish, planned, done, carried, source)


def _whole(job: RecoveryJob) -> Recovered:
    from covenant.adapters.sources.postgres.recovering import recover_server

    return recover_server(job)


def _parts(session: Session, wish: Wish, job: RecoveryJob, source: Source | None) -> tuple[Recovered, list[Carried]]:
    """Bring the server back aside, and carry the parts that are wanted over into another."""
    from covenant.adapters.sources.postgres.carrying import carry_over, refuse_existing
    from covenant.adapters.sources.postgres.parts import parse_part
    from covenant.adapters.sources.postgres.recovering import recovered

    variables = session.environment.variables
    own = to_moment.database_of(source, variables)
    parts: list[Part] = [parse_part(text, own) for text in wish.only or (f"{own}/",)]
    sources = session.settings.sources if session.settings else {}
    goal: Address = to_moment.address_into(sources, wish.into, variables)
    refuse_existing(goal, parts, overwrite=wish.overwrite)
    with recovered(job) as (server, done):
        return done, [carry_over(server, part, goal, job.roles, overwrite=wish.overwrite) for part in parts]


# -- what is said ------------------------------------------------------------------------------------------------------


def _show_plan(session: Session, planned: Plan, wish: Wish) -> None:
    route, say = planned.route, session.output.say
    base = route.base
    size = f"{formats.size(planned.bytes)} in {formats.counted(planned.files, 'file')}"
    say(f"plan: {planned.source} to {route.goal}, timeline {route.timeline}, PostgreSQL {planned.about.major}")
    say(f"  base  {base.snapshot.short_id}, {base.snapshot.kind}, of {formats.local(base.taken)}; {size}")
    if route.parts:
        stretch = f"{place_text(route.parts[0].begin)} to {place_text(route.parts[-1].end)}"
        pieces = formats.counted(len(route.pieces), "piece")
        say(f"  log   {stretch}; at most {formats.size(planned.log_bytes)} in {pieces}")
    say(f"  about {formats.seconds(planned.seconds)}")
    session.output.findings(_left_behind(planned))


def _left_behind(planned: Plan) -> list[Finding]:
    """What another branch of the history has, and this one has not."""
    return [
        Finding(
            "branch-left",
            f"timeline {span.timeline}",
            f"what was logged from {place_text(span.begin)} to {place_text(span.end)} is not part of "
            f"timeline {planned.route.timeline}",
            f"If that is what you want back: '--timeline {span.timeline}'.",
        )
        for span in planned.route.left_behind
    ]


def _report(
    session: Session, wish: Wish, planned: Plan, done: Recovered, carried: list[Carried], source: Source | None
) -> int:
    output, reached = session.output, done.reached
    verb = "brought back" if not done.resumed else "brought back, going on where an earlier run stopped,"
    output.say(f"{planned.source} {verb} as of {wish.goal}" + ("" if wish.into else f" in {done.data}"))
    last = formats.local(reached.last_commit) if reached.last_commit else "none in the log"
    kept = f", {formats.counted(done.tally.files_kept, 'file')} kept" if done.tally.files_kept else ""
    written = done.tally.bytes_written + done.tally.bytes_kept
    output.say(
        f"  {formats.counted(done.counted.relations, 'relation')}, {formats.counted(done.counted.rows, 'row')}, "
        f"{formats.size(written)}{kept}"
    )
    output.say(f"  replayed to {place_text(reached.place)}, last commit {last}")
    for each in carried:
        rows = formats.counted(sum(each.rows.values()), "row")
        output.say(f"  {each.part}: {formats.counted(len(each.rows), 'table')}, {rows} carried over")
    steps = ", ".join(f"{name} {formats.seconds(length)}" for name, length in done.steps.items())
    output.say(f"  {steps}")
    for line in _promises(session, wish, planned, done, source):
        output.say(line)
    findings = _findings(done)
    if source is not None and done.result is Result.PASSED:
        _measured(session, planned, done, source)
    output.say(f"  validated: {done.result} ({formats.counted(len(done.answers), 'answer')})")
    output.findings(findings)
    output.document(_document(session, wish, planned, done, carried, source, findings))
    return exits.FINDINGS if findings else exits.DONE


def _measured(session: Session, planned: Plan, done: Recovered, source: Source) -> None:
    """Remember how long it took, unless files were there already, or an earlier run had begun."""
    from covenant.bootstrap.measuring import note_restore
    from covenant.prove.restores import Restored

    if done.resumed or done.tally.bytes_kept:
        return
    size = done.tally.bytes_written + planned.log_bytes
    restored = Restored(seconds=done.seconds, bytes=size, files=done.tally.files)
    snapshot, now = planned.route.base.snapshot.id, session.clock.now()
    session.tell_catalog(lambda catalog: note_restore(catalog, source, snapshot, restored, now))


def _findings(done: Recovered) -> list[Finding]:
    """Every answer that is not a good one."""
    kinds = {Result.FAILED: "probe-failed", Result.COULD_NOT_VERIFY: "probe-unanswered"}
    hint = "Look at it before it is used; an earlier moment may be sound."
    return [
        Finding(kinds[answer.result], answer.question, answer.detail, hint if answer.result is Result.FAILED else "")
        for answer in done.answers
        if answer.result is not Result.PASSED
    ]


def _promises(session: Session, wish: Wish, planned: Plan, done: Recovered, source: Source | None) -> Iterator[str]:
    beside = _beside(source)
    yield f"  took {formats.seconds(done.seconds)}" + beside("rto", timedelta(seconds=done.seconds))
    if wish.goal.latest:
        age = session.clock.now() - planned.route.until
        yield f"  the data is {formats.age(age)} old" + beside("rpo", age)
    else:
        yield "  nothing that was committed by then is missing"


def _beside(source: Source | None) -> Callable[[str, timedelta], str]:
    """How a measured length of time stands beside what was promised."""

    def text(name: str, measured: timedelta) -> str:
        if source is None:
            return ""
        promised: timedelta = getattr(source.objectives, name)
        verdict = "kept" if measured <= promised else "MISSED"
        return f"; promised at most {formats.age(promised)} ({name.upper()} {verdict})"

    return text


def _plan_document(planned: Plan, wish: Wish) -> dict[str, Any]:
    route = planned.route
    return {
        "source": planned.source,
        "goal": str(wish.goal),
        "base": route.base.snapshot.id,
        "timeline": route.timeline,
        "until": route.until,
        "log": [{"timeline": p.timeline, "begin": place_text(p.begin), "end": place_text(p.end)} for p in route.parts],
        "pieces": len(route.pieces),
        "files": planned.files,
        "bytes": planned.bytes,
        "log_bytes": planned.log_bytes,
        "seconds": planned.seconds,
        "findings": as_dicts(_left_behind(planned)),
    }


def _document(
    session: Session,
    wish: Wish,
    planned: Plan,
    done: Recovered,
    carried: list[Carried],
    source: Source | None,
    findings: list[Finding],
) -> dict[str, Any]:
    content: dict[str, Any] = {
        "plan": _plan_document(planned, wish),
        "data": None if wish.into else str(done.data),
        "resumed": done.resumed,
        "reached": {**asdict(done.reached), "place": place_text(done.reached.place)},
        "relations": done.counted.relations,
        "rows": done.counted.rows,
        "restore": asdict(done.tally),
        "steps": dict(done.steps),
        "seconds": done.seconds,
        "result": str(done.result),
        "answers": [asdict(answer) for answer in done.answers],
        "carried": [{"part": str(each.part), "rows": each.rows} for each in carried],
        "findings": as_dicts(findings),
    }
    if source is not None:
        rto = source.objectives.rto.total_seconds()
        content["objectives"] = {"rto_seconds": rto, "rto_kept": done.seconds <= rto}
        if wish.goal.latest:
            age = (session.clock.now() - planned.route.until).total_seconds()
            rpo = source.objectives.rpo.total_seconds()
            content["objectives"] |= {"data_age_seconds": age, "rpo_seconds": rpo, "rpo_kept": age <= rpo}
    return content
