"""Gathering the history: a handful of queries, none of which reads more than it gives.

They are put together once, when this module is loaded: a daemon asks them at every turn, and putting a statement
together takes longer than the database takes to answer it.

The runs of years lie in one table. For each subject and kind that there is (``duties``) the index is asked for the
newest run in each state; so the cost follows the number of sources and not the length of their past.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, func, select, text, true

from covenant.catalog.history import DrillHistory, Habit, History, Past, SourceHistory, VaultHistory
from covenant.catalog.keeping import KEPT_COLUMNS, kept_of
from covenant.catalog.records import DRILL, RESTORE, Copies, Kept, Proof, Run, State
from covenant.catalog.running import RUN_COLUMNS, run_of
from covenant.catalog.tables import copies, duties, proofs, runs, snapshots
from covenant.catalog.telling import PROOF_COLUMNS

HABITS = 20
"""How many good backups of a source are looked back upon."""

MEASURED = 20
"""How many restores of a source, and how many drills."""

_CHUNK = 500
_NAMELESS = ""
"""Whose snapshots were taken by hand, or by another program; nothing was promised for them."""
_Duty = tuple[str, str, str]
_Subject = tuple[str, str]


def recall(tx: Connection, now: datetime | None = None) -> History:
    """Everything that has happened, as far as deciding needs it.

    Where a snapshot is dated after ``now``, the ``kinds`` have the newest that are not: one that was taken while a
    clock ran ahead must not hide, until its date comes, what is really there.
    """
    pasts, running = _pasts(tx)
    proofs_of = _proofs(tx)
    return History(
        _sources(tx, pasts, running, proofs_of, now),
        _vaults(tx, pasts, running, proofs_of),
        _drills(pasts, running, proofs_of),
        _rehearsals(tx) if any(scope == DRILL for scope, _ in proofs_of) else (),
    )


def _sources(
    tx: Connection,
    pasts: dict[_Subject, dict[str, Past]],
    running: dict[_Subject, Run],
    proofs_of: dict[_Subject, dict[str, Proof]],
    now: datetime | None,
) -> dict[str, SourceHistory]:
    newest, habits = _snapshots(tx), _habits(tx)
    ahead = now is not None and any(each.time > now for kinds in newest.values() for each in kinds.values())
    kept = _snapshots(tx, now) if ahead else newest
    counts = {row.source: row for row in tx.execute(_EXTENT)}
    names = {*newest, *(name for scope, name in (*pasts, *proofs_of) if scope == "source")} - {_NAMELESS}
    return {
        name: SourceHistory(
            source=name,
            newest=max(newest.get(name, {}).values(), key=lambda each: each.time, default=None),
            oldest=counts[name].oldest if name in counts else None,
            snapshots=counts[name].number if name in counts else 0,
            kinds=kept.get(name, {}),
            running=running.get(("source", name)),
            past=pasts.get(("source", name), {}),
            habits=tuple(habits.get(name, ())),
            restores=_restores(tx, name) if RESTORE in proofs_of.get(("source", name), ()) else (),
            proofs=proofs_of.get(("source", name), {}),
        )
        for name in sorted(names)
    }


_COPIES = select(copies)


def _vaults(
    tx: Connection,
    pasts: dict[_Subject, dict[str, Past]],
    running: dict[_Subject, Run],
    proofs_of: dict[_Subject, dict[str, Proof]],
) -> dict[str, VaultHistory]:
    regions: dict[str, dict[str, Copies]] = defaultdict(dict)
    for row in tx.execute(_COPIES).mappings():
        regions[row["vault"]][row["region"]] = Copies(**row)
    names = {*regions, *(name for scope, name in (*pasts, *proofs_of) if scope == "vault")}
    return {
        name: VaultHistory(
            vault=name,
            running=running.get(("vault", name)),
            past=pasts.get(("vault", name), {}),
            copies=dict(regions.get(name, {})),
            proofs=proofs_of.get(("vault", name), {}),
        )
        for name in sorted(names)
    }


def _drills(
    pasts: dict[_Subject, dict[str, Past]],
    running: dict[_Subject, Run],
    proofs_of: dict[_Subject, dict[str, Proof]],
) -> dict[str, DrillHistory]:
    levels = {level for scope, level in (*pasts, *proofs_of) if scope == "drill"}
    return {
        level: DrillHistory(
            level=level,
            running=running.get(("drill", level)),
            past=pasts.get(("drill", level), {}).get(DRILL, Past()),
            proof=proofs_of.get(("drill", level), {}).get(DRILL),
        )
        for level in sorted(levels)
    }


# -- runs -------------------------------------------------------------------------------------------------------------


def _newest(state: State) -> Any:
    """The newest run of a duty that is in a state: one look into ``ix_runs_past``."""
    return (
        select(func.max(runs.c.id))
        .where(
            runs.c.scope == duties.c.scope,
            runs.c.subject == duties.c.subject,
            runs.c.kind == duties.c.kind,
            runs.c.state == state.value,
        )
        .scalar_subquery()
        .label(state.value)
    )


_PASTS = select(duties, *(_newest(state) for state in State))


def _pasts(tx: Connection) -> tuple[dict[_Subject, dict[str, Past]], dict[_Subject, Run]]:
    """What became of every kind of run of every subject, and what runs now."""
    found = tx.execute(_PASTS).all()
    wanted = {run_id for row in found for run_id in row[3:] if run_id}
    by_id = {run.id: run for run in _runs(tx, wanted)}
    rows = _failures(tx)
    pasts: dict[_Subject, dict[str, Past]] = defaultdict(dict)
    running = {}
    for row in found:
        good, bad = max(row.done or 0, row.findings or 0), max(row.failed or 0, row.lost or 0)
        last = max(good, bad, row.interrupted or 0)
        pasts[row.scope, row.subject][row.kind] = Past(
            last=by_id.get(last),
            good=by_id.get(good),
            failed=by_id.get(bad) if bad > good else None,
            failures=rows.get((row.scope, row.subject, row.kind), 0),
        )
        if row.running:
            running[row.scope, row.subject] = by_id[row.running]
    return pasts, running


_RUNS = select(*RUN_COLUMNS).where(runs.c.id.in_(bindparam("ids", expanding=True)))


def _runs(tx: Connection, wanted: Iterable[int]) -> Iterator[Run]:
    ids = sorted(wanted)
    for start in range(0, len(ids), _CHUNK):
        yield from map(run_of, tx.execute(_RUNS, {"ids": ids[start : start + _CHUNK]}))


def _failing() -> Any:
    good = (_newest(State.DONE), _newest(State.FINDINGS))
    since = select(duties, *(func.coalesce(each, 0).label(each.name) for each in good)).subquery()
    bad = (
        (runs.c.scope == since.c.scope)
        & (runs.c.subject == since.c.subject)
        & (runs.c.kind == since.c.kind)
        & runs.c.state.in_((State.FAILED.value, State.LOST.value))
        & (runs.c.id > since.c.done)
        & (runs.c.id > since.c.findings)
    )
    duty = (since.c.scope, since.c.subject, since.c.kind)
    return select(*duty, func.count()).select_from(since).join(runs, bad).group_by(*duty)


_FAILING = _failing()


def _failures(tx: Connection) -> dict[_Duty, int]:
    """How many runs failed or were lost since the last good one, for each duty that fails."""
    return {(scope, subject, kind): number for scope, subject, kind, number in tx.execute(_FAILING)}


_HABITS = text("""
    SELECT r.subject, r.kind, r.started_at, r.tally, r.ended_at
    FROM (SELECT DISTINCT subject FROM duties WHERE scope = 'source') AS s
    JOIN runs AS r ON r.id IN (
        SELECT n.id FROM runs AS n
        WHERE n.scope = 'source' AND n.subject = s.subject AND n.state IN ('done', 'findings')
        ORDER BY n.id DESC LIMIT :most
    )
    ORDER BY r.id DESC
""").columns(runs.c.subject, runs.c.kind, runs.c.started_at, runs.c.tally, runs.c.ended_at)


def _habits(tx: Connection) -> dict[str, list[Habit]]:
    """What each source's last good backups counted, the newest first."""
    found: dict[str, list[Habit]] = defaultdict(list)
    for subject, kind, started_at, tally, ended_at in tx.execute(_HABITS, {"most": HABITS}):
        found[subject].append(Habit(kind, started_at, tally, ended_at))
    return found


# -- snapshots and proofs ---------------------------------------------------------------------------------------------


_EXTENT = select(snapshots.c.source, func.count().label("number"), func.min(snapshots.c.time).label("oldest")).group_by(
    snapshots.c.source
)


def _newest_kept(until: Any) -> Any:
    newest = (
        select(snapshots.c.source, snapshots.c.kind, func.max(snapshots.c.time).label("time"))
        .where(until)
        .group_by(snapshots.c.source, snapshots.c.kind)
        .subquery()
    )
    query = select(*KEPT_COLUMNS).join(
        newest,
        (snapshots.c.source == newest.c.source)
        & (snapshots.c.kind == newest.c.kind)
        & (snapshots.c.time == newest.c.time),
    )
    return query.order_by(snapshots.c.id)


_NEWEST_KEPT = _newest_kept(true())
_NEWEST_KEPT_UNTIL = _newest_kept(snapshots.c.time <= bindparam("until"))


def _snapshots(tx: Connection, until: datetime | None = None) -> dict[str, dict[str, Kept]]:
    """The newest snapshot of each kind of each source, of those that are dated ``until`` then."""
    rows = tx.execute(_NEWEST_KEPT) if until is None else tx.execute(_NEWEST_KEPT_UNTIL, {"until": until})
    found: dict[str, dict[str, Kept]] = defaultdict(dict)
    for kept in map(kept_of, rows):
        found[kept.source][kept.kind] = kept
    for kinds in found.values():
        _count_archive_as_full(kinds)
    return found


def _count_archive_as_full(kinds: dict[str, Kept]) -> None:
    archive, full = kinds.get("archive"), kinds.get("full")
    if archive is not None and (full is None or archive.time > full.time):
        kinds["full"] = archive


_PROOFS = select(proofs.c.scope, *PROOF_COLUMNS).where(
    proofs.c.id.in_(select(func.max(proofs.c.id)).group_by(proofs.c.scope, proofs.c.subject, proofs.c.kind))
)


def _proofs(tx: Connection) -> dict[_Subject, dict[str, Proof]]:
    """The last proof of each kind of each subject."""
    found: dict[_Subject, dict[str, Proof]] = defaultdict(dict)
    for scope, *row in tx.execute(_PROOFS):
        proof = Proof(**dict(zip(Proof.__dataclass_fields__, row, strict=True)))
        found[scope, proof.subject][proof.kind] = proof
    return found


_LAST = (
    select(*PROOF_COLUMNS)
    .where(proofs.c.scope == bindparam("of_scope"), proofs.c.kind == bindparam("of_kind"))
    .order_by(proofs.c.id.desc())
    .limit(MEASURED)
)
_RESTORES = _LAST.where(proofs.c.subject == bindparam("of_subject"))


def _restores(tx: Connection, source: str) -> tuple[Proof, ...]:
    """The last restores of a source, the newest first."""
    return _made(tx.execute(_RESTORES, {"of_scope": "source", "of_kind": RESTORE, "of_subject": source}))


def _rehearsals(tx: Connection) -> tuple[Proof, ...]:
    """The last drills of all levels, the newest first."""
    return _made(tx.execute(_LAST, {"of_scope": DRILL, "of_kind": DRILL}))


def _made(rows: Iterable[Iterable[Any]]) -> tuple[Proof, ...]:
    return tuple(Proof(**dict(zip(Proof.__dataclass_fields__, row, strict=True))) for row in rows)
